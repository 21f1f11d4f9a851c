// Fills a table column by column from a host's typed memory, checking every cell against the schema.
// An error names column, row and rule. A column whose setter failed counts as never set. A table that is only a check
// (`breaches`) notes all such cells instead; one that coerces replaces them and counts how many.

import Basics

extension Table {
    /// `x`: `rows` doubles; NaN, or `valid[i] == 0`, is missing. For numbers, integers (whole values), booleans (0 and
    /// 1), dates (days), datetimes (microseconds) and levels that are not text. `narrow`: the type that the numbers had
    /// where they come from; each is then the value of the schema that it was meant as.
    /// - Throws: `.argument` for an unknown column or one of text levels, `.schema` for a cell that breaks a rule.
    package func setFloat64(_ name: String, _ x: UnsafePointer<Double>, valid: UnsafePointer<UInt8>? = nil,
                            narrow: NarrowFloat? = nil) throws {
        try set(name, "codes or strings") { column, row, nearest in
            guard valid.map({ $0[row] != 0 }) ?? true else { return column.storeMissing(row) }
            return column.store(row, narrow.map { column.domain.value($0, x[row]) } ?? x[row], nearest: nearest)
        }
    }

    /// `x`: `rows` whole values of an integer, number, boolean (0 and 1), date (days), datetime (microseconds) or
    /// levels that are integers.
    package func setInt64(_ name: String, _ x: UnsafePointer<Int64>, valid: UnsafePointer<UInt8>? = nil) throws {
        try set(name, "codes or strings") { column, row, nearest in
            valid.map { $0[row] == 0 } ?? false ? column.storeMissing(row)
                : column.store(row, int: x[row], nearest: nearest)
        }
    }

    private func set(_ name: String, _ instead: String,
                     _ store: (_ column: Column, _ row: Int, _ nearest: Bool) -> Int64) throws {
        let place = try schema.place(of: name)
        guard columns[place].domain.tag != .levels else {
            throw Failure(.argument, "column \(quoted(name)) holds text levels: give it \(instead)")
        }
        try load(place) { column in
            for row in 0..<rows {
                let verdict = store(column, row, false)
                guard verdict < missingOffset else { continue }
                if coerces, store(column, row, true) >= 0 { column.replaced += 1 } else {
                    try refuse(verdict, column, row)
                }
            }
        }
    }

    /// Refuses a cell, notes it where the table is only a check, or makes it missing where cells are coerced and the
    /// field may be missing.
    private func refuse(_ verdict: Int64, _ column: Column, _ row: Int) throws {
        if coerces, !column.field.required {
            column.replaced += 1
            return column.put(row, missingOffset)
        }
        guard let breaches else { throw badCell(verdict, column.field, row) }
        breaches.note(verdict, row)
        column.put(row, missingOffset)
    }

    /// Offsets as `Column.offset` gives them, -1 missing; not for a number without a step. For samplers.
    package func setOffsets(_ place: Int, _ offset: (Int) -> Int64) throws {
        guard columns.indices.contains(place) else { throw Failure(.argument, "there is no column \(place)") }
        guard columns[place].storage != .float64 else {
            throw Failure(.argument, "column \(quoted(columns[place].field.name)) has no offsets")
        }
        try load(place) { column in
            let count = column.domain.count
            for row in 0..<rows {
                let k = offset(row)
                if k >= 0 && k < count {
                    column.put(row, k)
                } else {
                    let verdict = k == missingOffset ? column.storeMissing(row) : BadCell.badCode.rawValue
                    if verdict < missingOffset { try refuse(verdict, column, row) }
                }
            }
        }
    }

    /// Offsets as `Column.offset` gives them: `codes` is an index into the field's own levels (or 0 and 1), -1 is
    /// missing.
    package func setCodes(_ name: String, _ codes: UnsafePointer<Int32>) throws {
        let place = try schema.place(of: name)
        guard columns[place].field.levels != nil else {
            throw Failure(.argument, "column \(quoted(name)) has no levels: give it values")
        }
        try setOffsets(place) { Int64(codes[$0]) }
    }

    /// `codes`: `rows` indices into a dictionary of `levelCount` texts, -1 is missing. The dictionary may have any
    /// order and unused texts that the schema does not know; a row that uses one is an error. Any type: a text is read
    /// as a CSV cell would be.
    package func setCodes(_ name: String, _ codes: UnsafePointer<Int32>, levelCount: Int,
                          level: (Int) -> UnsafeBufferPointer<UInt8>) throws {
        let place = try schema.place(of: name)
        guard levelCount >= 0 else {
            throw Failure(.argument, "column \(quoted(name)): the number of levels is negative")
        }
        let parser = try CellParser(schema.fields[place], missingValues: schema.missingValues, coerce: coerces)
        let offsets = try Buffer<Int64>(count: levelCount, for: "the levels of a column")
        let values = try Buffer<Double>(count: levelCount, for: "the levels of a column")
        let replaces = try Buffer<Bool>(count: levelCount, for: "the levels of a column")
        for i in 0..<levelCount {
            let before = parser.replaced
            offsets[i] = parser.parse(level(i), &values[i])
            replaces[i] = parser.replaced > before
        }
        try load(place) { column in
            for row in 0..<rows {
                let code = Int(codes[row])
                var verdict = BadCell.badCode.rawValue
                if code == -1 {
                    verdict = column.storeMissing(row)
                } else if code >= 0, code < levelCount {
                    verdict = offsets[code]
                    if verdict >= missingOffset { column.put(row, verdict, values[code]) }
                    if replaces[code] { column.replaced += 1 }
                }
                if verdict < missingOffset { try refuse(verdict, column, row) }
            }
        }
    }

    /// Text cells, nil is missing; read as CSV cells would be, so a text that means missing is missing.
    package func setStrings(_ name: String, _ text: (Int) -> UnsafeBufferPointer<UInt8>?) throws {
        let place = try schema.place(of: name)
        let parser = try CellParser(schema.fields[place], missingValues: schema.missingValues, coerce: coerces)
        try load(place) { column in
            for row in 0..<rows {
                var value = Double.nan
                let verdict = text(row).map { parser.parse($0, &value) } ?? column.storeMissing(row)
                if verdict < missingOffset { try refuse(verdict, column, row) } else { column.put(row, verdict, value) }
            }
            column.replaced += parser.replaced
        }
    }

    /// Row i is `bytes[offsets[i] ..< offsets[i + 1]]`; `rows + 1` offsets. The offsets are checked to rise from 0 or
    /// more; that `bytes` is as long as the last one is the caller's word.
    package func setStrings(_ name: String, bytes: UnsafePointer<UInt8>?, offsets: UnsafePointer<Int64>,
                            valid: UnsafePointer<UInt8>? = nil) throws {
        guard offsets[0] >= 0, (0..<rows).allSatisfy({ offsets[$0] <= offsets[$0 + 1] }),
              bytes != nil || offsets[rows] == offsets[0] else {
            throw Failure(.argument, "column \(quoted(name)): the offsets of its texts do not rise")
        }
        try setStrings(name) { row in
            if let valid, valid[row] == 0 { return nil }
            return UnsafeBufferPointer(start: bytes.map { $0 + Int(offsets[row]) },
                                       count: Int(offsets[row + 1] - offsets[row]))
        }
    }
}

extension CellParser {
    func parse(_ text: UnsafeBufferPointer<UInt8>, _ value: inout Double) -> Int64 {
        if let base = text.baseAddress { return parse(base, text.count, &value) }
        var nothing: UInt8 = 0
        return parse(&nothing, 0, &value)
    }
}
