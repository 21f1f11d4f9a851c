// From the cells of Arrow arrays to the cells of one column. The rules are those of a CSV file: text is read by the same parser, numbers and
// moments meet the same domain, a refused cell gives the same verdict.

import Basics
import CArrow

/// Where cells go: the place, the offset (-1 missing, below: refused), the number where there is no step. A type rather than a closure, so that the
/// loops below are compiled for each.
private protocol CellSink {
    func give(_ i: Int, _ verdict: Int64, _ value: Double) throws
}

/// The rows of a column, from `row` on.
private struct ColumnSink: CellSink {
    let base: UnsafeMutableRawPointer
    let storage: CellStorage
    let field: Field
    let row: Int

    @inline(__always) func give(_ i: Int, _ verdict: Int64, _ value: Double) throws {
        guard verdict >= missingOffset else { throw badCell(verdict, field, row + i) }
        Column.put(base, storage, row &+ i, verdict, value)
    }
}

/// The entries of a dictionary; one that is refused is refused where a row uses it.
private struct EntrySink: CellSink {
    let offsets: Buffer<Int64>
    let values: Buffer<Double>

    func give(_ i: Int, _ verdict: Int64, _ value: Double) { (offsets[i], values[i]) = (verdict, value) }
}

/// Reads arrays of one type into columns of one field.
final class ArrowColumn {
    let field: Field
    private let parser: CellParser
    private let domain: Domain
    private let coerce: Bool
    /// Of the cells; with a dictionary, of its entries.
    private let type: ArrowType
    /// Of the cells of a dictionary-encoded column: indices into it.
    private let index: ArrowType?

    /// - Throws: `.schema` for a type that cannot fill the field, `.format` for a schema that is none.
    init(_ field: Field, _ schema: ArrowSchema, missingValues: [String], coerce: Bool) throws {
        self.field = field
        self.coerce = coerce
        parser = try CellParser(field, missingValues: missingValues, coerce: coerce)
        domain = try Domain(field)
        let column = "column \(quoted(field.name))"
        guard let format = schema.format else { throw Failure(.format, "\(column): its Arrow schema has no format") }
        let outer = ArrowType(format)
        var type = outer, index: ArrowType?
        if let dictionary = schema.dictionary {
            guard case .int? = outer else { throw Failure(.format, "\(column): the indices of its Arrow dictionary are no whole numbers") }
            guard dictionary.pointee.release != nil, let format = dictionary.pointee.format else {
                throw Failure(.format, "\(column): the schema of its Arrow dictionary was released or has no format")
            }
            (type, index) = (dictionary.pointee.dictionary == nil ? ArrowType(format) : nil, outer)
        }
        guard let type else {
            throw Failure(.schema, "\(column): its Arrow type is not supported; cast it to integer, float, boolean, text, date or timestamp")
        }
        guard type.fits(field.type) else {
            let needed = field.type == .date || field.type == .datetime ? "a date, a timestamp or text" : "numbers, booleans or text"
            throw Failure(.schema, "\(column): Arrow type \(type.name) cannot fill a field of type \(field.type.rawValue); give it \(needed)")
        }
        (self.type, self.index) = (type, index)
    }

    /// Cells `first ..< first + count` of an array into rows `row...` of a column that has room.
    /// - Throws: `.schema` naming column, row and rule; `.format` for a broken array.
    func read(_ array: UnsafePointer<ArrowArray>, first: Int, count: Int, into column: Column, row: Int) throws {
        let sink = ColumnSink(base: column.base, storage: column.storage, field: field, row: row)
        guard let index else {
            guard array.pointee.dictionary == nil else { throw brokenArray(field.name, "has a dictionary and its schema none") }
            return try cells(ArrowView(array, type, first: first, count: count, column: field.name), sink)
        }
        guard let dictionary = array.pointee.dictionary else { throw brokenArray(field.name, "has no dictionary") }
        let entries = try ArrowView(dictionary, type, column: field.name)
        let offsets = try Buffer<Int64>(count: entries.count, for: "the levels of a column")
        let values = try Buffer<Double>(count: entries.count, for: "the levels of a column")
        try cells(entries, EntrySink(offsets: offsets, values: values))
        let missing = settled(missingOffset), known = entries.count
        try wholes(ArrowView(array, index, first: first, count: count, column: field.name), index) { i, code, state in
            if state == .missing { return try sink.give(i, missing.verdict, missing.value) }
            guard state == .here, code >= 0, code < known else { throw badCell(BadCell.badCode.rawValue, field, row + i) }
            try sink.give(i, offsets.base[Int(code)], values.base[Int(code)])
        }
    }

    // MARK: by type

    private func cells<S: CellSink>(_ view: ArrowView, _ sink: S) throws {
        let texts = domain.tag == .levels                // numbers and moments are looked up as the text a CSV file would hold
        switch type {
        case .null:
            for i in 0..<view.count { try settle(i, missingOffset, sink) }
        case .text, .largeText, .textView:
            for i in 0..<view.count {
                guard view.isValid(i) else { try settle(i, missingOffset, sink); continue }
                var value = Double.nan
                let verdict = try parser.parse(view.text(i), &value)
                try sink.give(i, verdict, value)
            }
        case .bool:
            for i in 0..<view.count {
                if !view.isValid(i) { try settle(i, missingOffset, sink) }
                else if texts { try give(i, text: view.bit(i) ? "true" : "false", sink) }
                else { try whole(i, view.bit(i) ? 1 : 0, sink) }
            }
        case .int:
            try wholes(view, type) { i, v, state in
                switch state {
                case .missing: try settle(i, missingOffset, sink)
                case .here: try texts ? give(i, text: String(v), sink) : whole(i, v, sink)
                case .beyond:                            // above every Int64: of an unsigned one the bits
                    let v = UInt64(bitPattern: v)
                    try texts ? give(i, text: String(v), sink) : real(i, Double(v), sink)
                }
            }
        case .half:
            try reals(view, { doubleOfHalf(view.load($0, as: UInt16.self)) }, sink)
        case .float:
            try singles(view, sink)
        case .double:
            try reals(view, { view.load($0, as: Double.self) }, sink)
        case .decimal(let scale):
            for i in 0..<view.count {
                guard view.isValid(i) else { try settle(i, missingOffset, sink); continue }
                try give(i, text: decimalText(view.load(i, as: UInt64.self, word: 0), view.load(i, as: Int64.self, word: 1), scale), sink)
            }
        case .days:
            for i in 0..<view.count {
                guard view.isValid(i) else { try settle(i, missingOffset, sink); continue }
                try moment(i, Int64(view.load(i, as: Int32.self)), .days, sink)
            }
        case .moment(let perSecond):
            for i in 0..<view.count {
                guard view.isValid(i) else { try settle(i, missingOffset, sink); continue }
                try moment(i, view.load(i, as: Int64.self), .perSecond(perSecond), sink)
            }
        }
    }

    private enum Whole { case here, missing, beyond }

    /// The cells of a whole-number array.
    @inline(__always) private func wholes(_ view: ArrowView, _ type: ArrowType, _ body: (Int, Int64, Whole) throws -> Void) throws {
        @inline(__always) func all<T: FixedWidthInteger & BitwiseCopyable>(_: T.Type) throws {
            for i in 0..<view.count {
                guard view.isValid(i) else { try body(i, 0, .missing); continue }
                let v = Int64(truncatingIfNeeded: view.load(i, as: T.self))
                try body(i, v, !T.isSigned && v < 0 ? .beyond : .here)
            }
        }
        guard case .int(let bytes, let signed) = type else { return }
        switch (bytes, signed) {
        case (1, true): try all(Int8.self)
        case (1, false): try all(UInt8.self)
        case (2, true): try all(Int16.self)
        case (2, false): try all(UInt16.self)
        case (4, true): try all(Int32.self)
        case (4, false): try all(UInt32.self)
        case (_, true): try all(Int64.self)
        case (_, false): try all(UInt64.self)
        }
    }

    @inline(__always) private func reals(_ view: ArrowView, _ load: (Int) -> Double, _ sink: some CellSink) throws {
        for i in 0..<view.count {
            guard view.isValid(i) else { try settle(i, missingOffset, sink); continue }
            try real(i, load(i), sink)
        }
    }

    /// 0.1 as a 32-bit number is not the 0.1 of a schema: a value that is the nearest 32-bit number to a value of the domain is that value.
    private func singles(_ view: ArrowView, _ sink: some CellSink) throws {
        for i in 0..<view.count {
            guard view.isValid(i) else { try settle(i, missingOffset, sink); continue }
            let v = view.load(i, as: Float.self)
            var x = Double(v)
            switch domain.tag {
            case .grid:
                if let grid = domain.grid, v.isFinite {
                    let near = grid.value(max(0, grid.offset(x, nearest: true)))
                    if Float(near) == v { x = near }
                }
            case .real where v.isFinite:
                if Float(domain.low) == v { x = domain.low } else if Float(domain.high) == v { x = domain.high }
            case .levels, .typedLevels:
                if v.isFinite { x = Double(v.description) ?? x }
            case .real, .whole, .boolean: break
            }
            try real(i, x, sink)
        }
    }

    // MARK: by value

    @inline(__always) private func whole(_ i: Int, _ v: Int64, _ sink: some CellSink) throws {
        let k = domain.offset(ofInt: v, nearest: coerce)
        guard k >= 0 else { return try settle(i, k, sink) }
        try sink.give(i, k, domain.tag == .real ? domain.clamped(Double(v)) : .nan)
    }

    @inline(__always) private func real(_ i: Int, _ v: Double, _ sink: some CellSink) throws {
        if v.isNaN { return try settle(i, missingOffset, sink) }
        if domain.tag == .levels { return try give(i, text: numberText(v), sink) }
        let k = domain.offset(ofDouble: v, nearest: coerce)
        guard k >= 0 else { return try settle(i, k, sink) }
        try sink.give(i, k, domain.tag == .real ? domain.clamped(v) : .nan)
    }

    private enum Unit { case days, perSecond(Int64) }

    /// A day or a moment, for fields of dates, of moments and of their texts.
    @inline(__always) private func moment(_ i: Int, _ v: Int64, _ unit: Unit, _ sink: some CellSink) throws {
        let isDate = field.type == .date
        var micros = v, beyond = false                   // since 1970; days where the field counts days and they were given
        switch unit {
        case .days where isDate:
            return try whole(i, v, sink)
        case .days:
            (micros, beyond) = v.multipliedReportingOverflow(by: microsecondsPerDay)
            if domain.tag == .levels, dayRange.contains(v) { return try give(i, text: dateText(v), sink) }
        case .perSecond(let n) where n > 1_000_000:
            micros = floorDiv(v, n / 1_000_000)
            if micros &* (n / 1_000_000) != v { return try settle(i, BadCell.notDatetime.rawValue, sink) }
        case .perSecond(let n):
            (micros, beyond) = v.multipliedReportingOverflow(by: 1_000_000 / n)
        }
        if beyond { micros = v < 0 ? .min : .max }
        if domain.tag == .levels {
            guard microsecondRange.contains(micros) else { return try settle(i, BadCell.notLevel.rawValue, sink) }
            return try give(i, text: datetimeText(micros), sink)
        }
        guard isDate else { return try whole(i, micros, sink) }
        let day = floorDiv(micros, microsecondsPerDay)
        if !beyond, day &* microsecondsPerDay != micros { return try settle(i, BadCell.notDate.rawValue, sink) }
        try whole(i, day, sink)
    }

    private func give(_ i: Int, text: String, _ sink: some CellSink) throws {
        var value = Double.nan
        let verdict = withText(text) { parser.parse($0, $1, &value) }
        try sink.give(i, verdict, value)
    }

    private func settled(_ verdict: Int64) -> (verdict: Int64, value: Double) {
        var value = Double.nan
        return (parser.settle(verdict, &value), value)
    }

    @inline(__always) private func settle(_ i: Int, _ verdict: Int64, _ sink: some CellSink) throws {
        let settled = settled(verdict)
        try sink.give(i, settled.verdict, settled.value)
    }
}

/// The double of an IEEE 754 half.
func doubleOfHalf(_ bits: UInt16) -> Double {
    let sign: Double = bits >> 15 == 1 ? -1 : 1, exponent = Int(bits >> 10 & 31), fraction = Double(bits & 1023)
    switch exponent {
    case 0: return sign * fraction * 0x1p-24
    case 31: return fraction == 0 ? sign * .infinity : .nan
    default: return sign * (1 + fraction / 1024) * Double(sign: .plus, exponent: exponent - 15, significand: 1)
    }
}

/// A 128-bit whole number of units of 10^-scale as decimal text.
func decimalText(_ low: UInt64, _ high: Int64, _ scale: Int) -> String {
    let whole = Int128(high) << 64 | Int128(low)
    let digits = String(whole.magnitude), sign = whole < 0 ? "-" : ""
    if scale <= 0 { return sign + digits + (whole == 0 ? "" : String(repeating: "0", count: -scale)) }
    let padded = String(repeating: "0", count: max(0, scale + 1 - digits.utf8.count)) + digits
    return sign + padded.dropLast(scale) + "." + padded.suffix(scale)
}
