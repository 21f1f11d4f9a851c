// Reads the cells of one column of a file into one column of a table.
// Numbers stay numbers, texts are read as CSV cells are, times are converted from the unit that the file names.

import Basics
import Tables

struct ColumnReader {
    private let table: Table
    private let field: Field
    private let source: ColumnSource
    /// The row of the file that is the table's row 0.
    private let first: Int
    /// One byte a row, not 0 where the cell is missing.
    private let missing: Buffer<UInt8>?
    /// Cells that were replaced before the table saw them.
    private var replaced = 0
    private let rows: Int

    init(_ table: Table, _ field: Field, _ source: ColumnSource, first: Int = 0) throws {
        (self.table, self.field, self.source, self.first, rows) = (table, field, source, first, table.rows)
        if let mask = source.mask {
            missing = try ColumnSource.booleans(mask, first, table.rows)
        } else {
            let isNeeded = table.breaches != nil || table.coerces || !source.marks.missing.isEmpty
                || source.marks.leastIsMissing
            missing = isNeeded ? try Buffer(count: table.rows, for: "a column") : nil
        }
    }

    mutating func read() throws {
        try readCells()
        try table.column(field.name).replaced += replaced
    }

    private mutating func readCells() throws {
        switch source.cells {
        case .numbers(let data, let type):
            try type.isFloat ? readDoubles(data, type.narrow) : readIntegers(data, type)
        case .booleans(let data): try readBooleans(data)
        case .texts(let data): try readTexts(data)
        case .categories(let codes, let texts): try readCategories(codes, texts)
        case .enumeration(let data, let levels): try readEnumeration(data, levels)
        }
    }

    // MARK: one kind each

    private mutating func readIntegers(_ data: DataSetReader, _ type: NumberType) throws {
        let values = try Buffer<Int64>(count: rows, for: "a column")
        if type == .uint64 {
            try data.readRows(first, rows, values.base)
        } else {
            try data.readRows(first, rows, as: values.base)
        }
        let absent = source.marks.missingIntegers(type)
        if let missing, !absent.isEmpty { for i in 0..<rows where absent.contains(values[i]) { missing[i] = 1 } }
        if type == .uint64 {
            for i in 0..<rows where values[i] < 0 && !isMissing(i) { try refuse(i, "beyond 64 bits") }
        }
        if let target = timeUnit {
            let unit = try self.unit(data)
            for i in 0..<rows where !isMissing(i) {
                guard let converted = unit.convert(values[i], to: target) else {
                    let isFiner = unit.nanoseconds < target.nanoseconds
                    if table.coerces, isFiner, target == .microseconds {
                        values[i] = Int64(unit.nearestMicroseconds(Double(values[i])))
                        replaced += 1
                        continue
                    }
                    try refuse(i, !isFiner ? "a time beyond all dates" : target == .days ? "not a whole number of days"
                        : finer)
                    continue
                }
                values[i] = converted
            }
        }
        if isText { return try setTexts { String(values[$0]) } }
        try setIntegers(values)
    }

    private mutating func readDoubles(_ data: DataSetReader, _ narrow: NarrowFloat?) throws {
        let values = try Buffer<Double>(count: rows, for: "a column")
        try data.readRows(first, rows, as: values.base)
        for value in source.marks.missing { for i in 0..<rows where values[i] == value { values[i] = .nan } }
        if let target = timeUnit {
            let unit = try self.unit(data)
            // A date must be whole as it stands.
            for i in 0..<rows where !isMissing(i) {
                guard let value = target == .days ? unit.days(values[i])
                    : unit.microseconds(values[i], narrow) else {
                    if table.coerces {
                        (values[i], replaced) = (unit.nearestMicroseconds(values[i]), replaced + 1)
                    } else {
                        try refuse(i, finer)
                    }
                    continue
                }
                values[i] = value
            }
        }
        if isText {
            let words = FieldText(field)
            return try setTexts { values[$0].isNaN ? nil : words.text(narrow?.shortest(values[$0]) ?? values[$0]) }
        }
        let valid = try self.valid()
        try withExtendedLifetime((values, valid)) {
            try table.setFloat64(field.name, values.base, valid: valid?.base, narrow: timeUnit == nil ? narrow : nil)
        }
    }

    private mutating func readBooleans(_ data: DataSetReader) throws {
        guard timeUnit == nil else { throw data.failure("holds booleans where times are expected") }
        let bytes = try ColumnSource.booleans(data, first, rows)
        if isText {
            let words = FieldText(field)
            return try setTexts { words.text(bytes[$0] == 1) }
        }
        let values = try Buffer<Int64>(count: rows, for: "a column")
        for i in 0..<rows { values[i] = Int64(bytes[i]) }
        try setIntegers(values)
    }

    private func readTexts(_ data: DataSetReader) throws {
        let block = 8192
        let list = try TextList()
        var start = 0
        try setStrings { row in
            if row >= start + list.count {
                list.removeAll()
                start = row
                try data.readTexts(first + row, min(block, rows - row), maxBytes: 1 << 20) { try list.append($0) }
            }
            return isMissing(row) || source.marks.isMissing(list[row - start]) ? nil : list[row - start]
        }
    }

    private mutating func readEnumeration(_ data: DataSetReader, _ levels: ColumnSource.Levels) throws {
        guard timeUnit == nil else { throw data.failure("holds an enumeration where times are expected") }
        let values = try Buffer<Int64>(count: rows, for: "a column"),
            codes = try Buffer<Int32>(count: rows, for: "a column")
        try data.readRows(first, rows, as: values.base)
        for i in 0..<rows {
            let place = levels.places[values[i]]
            if place == nil { try refuse(i, "a value outside the enumeration of its data set") }
            codes[i] = isMissing(i) ? -1 : place ?? -1
        }
        try withExtendedLifetime(codes) {
            try table.setCodes(field.name, codes.base, levelCount: levels.texts.count) { levels.texts[$0] }
        }
    }

    private func readCategories(_ data: DataSetReader, _ texts: TextList) throws {
        let codes = try Buffer<Int32>(count: rows, for: "a column")
        try data.readRows(first, rows, as: codes.base)
        try withExtendedLifetime(codes) {
            try table.setCodes(field.name, codes.base, levelCount: texts.count) { texts[$0] }
        }
    }

    // MARK: parts

    private func setIntegers(_ values: Buffer<Int64>) throws {
        let valid = try self.valid()
        try withExtendedLifetime((values, valid)) { try table.setInt64(field.name, values.base, valid: valid?.base) }
    }

    /// Cells of a field with text levels from something else than text.
    private func setTexts(_ text: (Int) -> String?) throws {
        let list = try TextList()
        try setStrings { row in
            guard !isMissing(row), let cell = text(row) else { return nil }
            list.removeAll()
            try list.append(cell)
            return list[0]
        }
    }

    /// As `Table.setStrings`, with a closure that may throw.
    private func setStrings(_ text: (Int) throws -> UnsafeBufferPointer<UInt8>?) throws {
        var trouble: (any Error)?
        do {
            try table.setStrings(field.name) { row in
                guard trouble == nil else { return nil }
                do { return try text(row) } catch { trouble = error }
                return nil
            }
        } catch { throw trouble ?? error }
        if let trouble { throw trouble }
    }

    private var isText: Bool {
        if case .categorical = field.kind { return field.type == .string }
        return false
    }

    /// What the table counts in, for fields of times.
    private var timeUnit: TimeUnit? { field.type == .date ? .days : field.type == .datetime ? .microseconds : nil }

    private func unit(_ data: DataSetReader) throws -> TimeUnit {
        guard let unit = source.unit else {
            throw data.failure("holds numbers for a \(field.type.rawValue): its attribute \"units\" must say what they "
                + "count, such as "
                + "\"days since 1970-01-01\"")
        }
        return unit
    }

    private let finer = "finer than a microsecond"

    private func isMissing(_ row: Int) -> Bool { missing.map { $0[row] != 0 } ?? false }

    /// One byte a row, 0 where the cell is missing.
    private func valid() throws -> Buffer<UInt8>? {
        guard let missing else { return nil }
        let valid = try Buffer<UInt8>(count: rows, for: "a column")
        for i in 0..<rows { valid[i] = 1 - missing[i] }
        return valid
    }

    /// Refuses a cell, or notes it where the table is only a check, or counts it where the table coerces and the field
    /// may be missing; the cell is then missing.
    private mutating func refuse(_ row: Int, _ rule: String) throws {
        if table.coerces, !field.required, let missing {
            replaced += 1
            missing[row] = 1
            return
        }
        guard let breaches = table.breaches, let missing else {
            throw Failure(.schema, "column \(quoted(field.name)), row \(row + 1): \(rule)")
        }
        breaches.note(rule, row)
        missing[row] = 1
    }
}
