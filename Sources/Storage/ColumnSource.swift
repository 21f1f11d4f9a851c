// A column of somebody's dataframe: which of AnnData's elements it is, and access to its cells. What they mean for a field of a schema is
// in TableReader.swift.

import Basics

/// An AnnData column (on-disk format 0.2.0), or a plain data set with one dimension.
struct ColumnSource {
    enum Cells {
        case numbers(DataSetReader, NumberType)
        case booleans(DataSetReader)
        case texts(DataSetReader)
        /// Numbers of entries in `categories`, -1 missing.
        case categories(codes: DataSetReader, TextList)
    }
    let cells: Cells
    let rows: Int
    /// Booleans, true where the cell is missing.
    let mask: DataSetReader?
    /// What numbers count, for times.
    let unit: TimeUnit?

    init(_ frame: GroupReader, _ field: FieldText) throws {
        let name = field.name
        guard frame.has(name) else { throw frame.failure(name, "there is no such column (or it is a link, which is not followed)") }
        guard try frame.isGroup(name) else {
            let data = try frame.data(name)
            (rows, mask, unit) = (try Self.rows(data), nil, try Self.unit(frame.allAttributes(of: name, only: "units")))
            cells = try Self.plain(data)
            return
        }
        let group = try frame.group(name)
        let encoding = group.hasAttribute("encoding-type") ? try group.attribute("encoding-type", maxBytes: 256) : ""
        unit = try Self.unit(group.allAttributes(only: "units"))
        switch encoding {
        case "categorical":
            let codes = try group.data("codes")
            guard case .number(let type) = codes.type, !type.isFloat else { throw codes.failure("must hold integers") }
            (rows, mask) = (try Self.rows(codes), nil)
            cells = .categories(codes: codes, try Self.categories(group, field))
        case "nullable-integer", "nullable-boolean", "nullable-string-array":
            let values = try group.data("values")
            rows = try Self.rows(values)
            let mask = try group.data("mask")
            guard mask.type == .boolean, mask.shape == [rows] else { throw mask.failure("must hold \(rows) booleans") }
            self.mask = mask
            cells = try Self.plain(values)
        default:
            throw frame.failure(name, "must be a column: an array, categorical or nullable element of AnnData's format 0.2.0")
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

    private static func plain(_ data: DataSetReader) throws -> Cells {
        switch data.type {
        case .number(let type): .numbers(data, type)
        case .boolean: .booleans(data)
        case .fixedText, .variableText: .texts(data)
        }
    }

    private static func unit(_ attribute: [AttributeReader]) throws -> TimeUnit? {
        try attribute.first.flatMap { TimeUnit(try $0.text(maxBytes: 256)) }
    }

    /// The categories as texts that a cell of the field may have.
    private static func categories(_ group: GroupReader, _ field: FieldText) throws -> TextList {
        let data = try group.data("categories"), count = try rows(data)
        guard count <= 1 << 20 else { throw data.failure("has more than \(1 << 20) categories") }
        let list = try TextList()
        switch data.type {
        case .fixedText, .variableText: try data.readTexts(0, count, maxBytes: 1 << 20) { try list.append($0) }
        case .boolean:
            let values = try booleans(data, 0, count)
            for i in 0..<count { try list.append(field.text(values[i] == 1)) }
        case .number(let type) where type.isFloat:
            let values = try Buffer<Double>(count: count, for: "categories")
            try data.readRows(0, count, as: values.base)
            for i in 0..<count { try list.append(field.text(values[i])) }
        case .number:
            let values = try Buffer<Int64>(count: count, for: "categories")
            try data.readRows(0, count, as: values.base)
            for i in 0..<count { try list.append(String(values[i])) }
        }
        return list
    }
}
