// Finds out what kind of column a dataframe holds under a name, and gives access to its cells.
// What the cells mean for a field of a schema is in ColumnReader.swift.

import Basics

/// An AnnData column, or a plain data set with one dimension.
struct ColumnSource {
    enum Cells {
        case numbers(DataSetReader, NumberType)
        case booleans(DataSetReader)
        case texts(DataSetReader)
        /// Numbers of entries in a list of texts, -1 missing.
        case categories(codes: DataSetReader, TextList)
        /// Values of an enumeration.
        case enumeration(DataSetReader, Levels)
    }

    /// The texts that the values of an enumeration stand for.
    struct Levels {
        let texts: TextList
        /// The place in `texts` of each value; -1 for a value that means missing.
        let places: [Int64: Int32]
    }

    let cells: Cells
    let rows: Int
    /// Booleans, true where the cell is missing.
    let mask: DataSetReader?
    let marks: ColumnMarks
    /// What numbers count, for times.
    var unit: TimeUnit? { marks.unit }

    /// The column `field.name` of `frame`.
    /// - Throws: `.format` for a column that is missing or of a kind that is not read; the message says which.
    init(_ frame: Frame, _ field: FieldText) throws {
        guard let (home, name) = try ColumnPlace.find(field.name, in: frame.group) else {
            throw frame.group.failure(field.name, "there is no such column (or it is a link, which is not followed)")
        }
        let attributes = try home.attributes(of: name)
        marks = try ColumnMarks(attributes)
        let encoding = try attributes.has("encoding-type") ? attributes.text("encoding-type") : ""
        let version = try attributes.has("encoding-version") ? attributes.text("encoding-version") : ""
        let versions = ["": "", "array": "0.2.0", "string-array": "0.2.0", "categorical": "0.2.0",
                        "nullable-integer": "0.1.0",
                        "nullable-boolean": "0.1.0", "nullable-string-array": "0.1.0"]
        let isGroup = try home.isGroup(name)
        guard let known = versions[encoding], isGroup != ["", "array", "string-array"].contains(encoding) else {
            throw attributes.failure("must be a column: an array, categorical or nullable element of AnnData's format")
        }
        guard version.isEmpty || version == known else {
            throw attributes.failure("an element \(quoted(encoding)) of an encoding-version other than \(known), "
                + "which is not read")
        }
        let old = try frame.oldCategories(field.name, attributes)
        if !isGroup {
            let data = try home.data(name)
            if !marks.missing.isEmpty, case .number = data.type {} else if !marks.missing.isEmpty {
                throw data.failure("has an attribute \"_FillValue\" or \"missing_value\", which is read for numbers "
                    + "only")
            }
            (rows, mask) = (try Self.rows(data), nil)
            if let old {
                guard data.type.isInteger else { throw data.failure("must hold integers") }
                cells = .categories(codes: data, try Self.texts(old, field))
            } else {
                cells = try Self.plain(data, marks, field)
            }
            return
        }
        let group = try home.group(name)
        if encoding == "categorical" {
            let codes = try group.data("codes")
            guard codes.type.isInteger else { throw codes.failure("must hold integers") }
            (rows, mask) = (try Self.rows(codes), nil)
            cells = .categories(codes: codes, try Self.texts(group.data("categories"), field))
        } else {
            let values = try group.data("values")
            rows = try Self.rows(values)
            let mask = try group.data("mask")
            guard mask.type == .boolean, mask.shape == [rows] else { throw mask.failure("must hold \(rows) booleans") }
            self.mask = mask
            cells = try Self.plain(values, marks, field)
        }
    }

    /// Rows `start ..< start + count` of a data set of booleans: one byte a row, 0 or 1.
    static func booleans(_ data: DataSetReader, _ start: Int, _ count: Int) throws -> Buffer<UInt8> {
        let bytes = try Buffer<UInt8>(count: count, for: "a column")
        try data.readRows(start, count, bytes.base)
        for i in 0..<count where bytes[i] > 1 { throw data.failure("holds a boolean that is neither FALSE nor TRUE") }
        return bytes
    }

    private static func rows(_ data: DataSetReader) throws -> Int {
        guard data.shape.count == 1 else { throw data.failure("must have one dimension") }
        return data.shape[0]
    }

    private static func plain(_ data: DataSetReader, _ marks: ColumnMarks, _ field: FieldText) throws -> Cells {
        switch data.type {
        case .number(.int8) where marks.isLogical:
            return .enumeration(data, try logical(field, no: 0, yes: 1, missing: -128))
        case .number(let type): return .numbers(data, type)
        case .boolean, .bits: return .booleans(data)
        case .fixedText, .variableText: return .texts(data)
        case .enumeration(let list):
            // hdf5r writes R's logicals so.
            if Set(list.members.map(\.name)) == ["FALSE", "TRUE", "NA"] {
                func value(_ name: String) -> Int64 { list.members.first { $0.name == name }?.value ?? 0 }
                return .enumeration(data,
                    try logical(field, no: value("FALSE"), yes: value("TRUE"), missing: value("NA")))
            }
            let texts = try TextList()
            var places: [Int64: Int32] = [:]
            for member in list.members {
                places[member.value] = Int32(texts.count)
                try texts.append(member.name)
            }
            return .enumeration(data, Levels(texts: texts, places: places))
        }
    }

    private static func logical(_ field: FieldText, no: Int64, yes: Int64, missing: Int64) throws -> Levels {
        let texts = try TextList()
        try texts.append(field.text(false))
        try texts.append(field.text(true))
        return Levels(texts: texts, places: [no: 0, yes: 1, missing: -1])
    }

    /// The categories as texts that a cell of the field may have.
    private static func texts(_ data: DataSetReader, _ field: FieldText) throws -> TextList {
        let count = try rows(data)
        guard count <= 1 << 20 else { throw data.failure("has more than \(1 << 20) categories") }
        let list = try TextList()
        switch data.type {
        case .fixedText, .variableText: try data.readTexts(0, count, maxBytes: 1 << 20) { try list.append($0) }
        case .boolean, .bits:
            let values = try booleans(data, 0, count)
            for i in 0..<count { try list.append(field.text(values[i] == 1)) }
        case .number(let type) where type.isFloat:
            let values = try Buffer<Double>(count: count, for: "categories")
            try data.readRows(0, count, as: values.base)
            for i in 0..<count {
                try list.append(field.text(type.narrow?.shortest(values[i]) ?? values[i]))
            }
        case .number(.uint64):
            let values = try Buffer<UInt64>(count: count, for: "categories")
            try data.readRows(0, count, as: values.base)
            for i in 0..<count { try list.append(String(values[i])) }
        case .number:
            let values = try Buffer<Int64>(count: count, for: "categories")
            try data.readRows(0, count, as: values.base)
            for i in 0..<count { try list.append(String(values[i])) }
        case .enumeration: throw data.failure("holds an enumeration where categories are expected")
        }
        return list
    }
}
