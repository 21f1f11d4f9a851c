// From the cells of Arrow arrays to the cells of one column. The rules are those of a CSV file: text is read by the same parser, numbers and
// moments meet the same domain, a refused cell gives the same verdict.

import Basics
import CArrow

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
    /// Stores a cell: its place, its offset (-1 missing, below: refused), the number where there is no step.
    private typealias Give = (Int, Int64, Double) throws -> Void

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
        let base = column.base, storage = column.storage, field = field
        let store: Give = { i, verdict, value in
            guard verdict >= missingOffset else { throw badCell(verdict, field, row + i) }
            Column.put(base, storage, row &+ i, verdict, value)
        }
        guard let index else {
            guard array.pointee.dictionary == nil else { throw brokenArray(field.name, "has a dictionary and its schema none") }
            return try cells(ArrowView(array, type, first: first, count: count, column: field.name), store)
        }
        guard let dictionary = array.pointee.dictionary else { throw brokenArray(field.name, "has no dictionary") }
        let entries = try ArrowView(dictionary, type, column: field.name)
        let offsets = try Buffer<Int64>(count: entries.count, for: "the levels of a column")
        let values = try Buffer<Double>(count: entries.count, for: "the levels of a column")
        try cells(entries) { (offsets[$0], values[$0]) = ($1, $2) }       // an entry that is refused is refused where a row uses it
        let missing = settled(missingOffset)
        try wholes(ArrowView(array, index, first: first, count: count, column: field.name), index) { i, code in
            guard let code else { return try store(i, missing.verdict, missing.value) }
            guard let k = Int(exactly: code), k >= 0, k < entries.count else { throw badCell(BadCell.badCode.rawValue, field, row + i) }
            try store(i, offsets[k], values[k])
        }
    }

    // MARK: by type

    private func cells(_ view: ArrowView, _ give: Give) throws {
        let texts = domain.tag == .levels                // numbers and moments are looked up as the text a CSV file would hold
        switch type {
        case .null:
            for i in 0..<view.count { try settle(i, missingOffset, give) }
        case .text, .largeText, .textView:
            for i in 0..<view.count {
                guard view.isValid(i) else { try settle(i, missingOffset, give); continue }
                var value = Double.nan
                let verdict = try parser.parse(view.text(i), &value)
                try give(i, verdict, value)
            }
        case .bool:
            for i in 0..<view.count {
                if !view.isValid(i) { try settle(i, missingOffset, give) }
                else if texts { try self.give(i, text: view.bit(i) ? "true" : "false", give) }
                else { try whole(i, view.bit(i) ? 1 : 0, give) }
            }
        case .int:
            try wholes(view, type) { i, v in
                guard let v else { return try settle(i, missingOffset, give) }
                if texts { return try self.give(i, text: String(v), give) }
                if let v = Int64(exactly: v) { return try whole(i, v, give) }
                try real(i, Double(v), give)                                   // above every Int64
            }
        case .half:
            try reals(view, { doubleOfHalf(view.load($0, as: UInt16.self)) }, give)
        case .float:
            try singles(view, give)
        case .double:
            try reals(view, { view.load($0, as: Double.self) }, give)
        case .decimal(let scale):
            for i in 0..<view.count {
                guard view.isValid(i) else { try settle(i, missingOffset, give); continue }
                try self.give(i, text: decimalText(view.load(i, as: UInt64.self, word: 0), view.load(i, as: Int64.self, word: 1), scale), give)
            }
        case .days:
            for i in 0..<view.count {
                guard view.isValid(i) else { try settle(i, missingOffset, give); continue }
                try moment(i, Int64(view.load(i, as: Int32.self)), .days, give)
            }
        case .moment(let perSecond):
            for i in 0..<view.count {
                guard view.isValid(i) else { try settle(i, missingOffset, give); continue }
                try moment(i, view.load(i, as: Int64.self), .perSecond(perSecond), give)
            }
        }
    }

    /// The cells of a whole-number array; nil is missing.
    private func wholes(_ view: ArrowView, _ type: ArrowType, _ body: (Int, Int128?) throws -> Void) throws {
        @inline(__always) func all<T: FixedWidthInteger & BitwiseCopyable>(_: T.Type) throws {
            for i in 0..<view.count { try body(i, view.isValid(i) ? Int128(view.load(i, as: T.self)) : nil) }
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

    @inline(__always) private func reals(_ view: ArrowView, _ load: (Int) -> Double, _ give: Give) throws {
        for i in 0..<view.count {
            guard view.isValid(i) else { try settle(i, missingOffset, give); continue }
            try real(i, load(i), give)
        }
    }

    /// 0.1 as a 32-bit number is not the 0.1 of a schema: a value that is the nearest 32-bit number to a value of the domain is that value.
    private func singles(_ view: ArrowView, _ give: Give) throws {
        for i in 0..<view.count {
            guard view.isValid(i) else { try settle(i, missingOffset, give); continue }
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
            try real(i, x, give)
        }
    }

    // MARK: by value

    @inline(__always) private func whole(_ i: Int, _ v: Int64, _ give: Give) throws {
        let k = domain.offset(ofInt: v, nearest: coerce)
        guard k >= 0 else { return try settle(i, k, give) }
        try give(i, k, domain.tag == .real ? coerce ? domain.clamped(Double(v)) : Double(v) : .nan)
    }

    @inline(__always) private func real(_ i: Int, _ v: Double, _ give: Give) throws {
        if v.isNaN { return try settle(i, missingOffset, give) }
        if domain.tag == .levels { return try self.give(i, text: numberText(v), give) }
        let k = domain.offset(ofDouble: v, nearest: coerce)
        guard k >= 0 else { return try settle(i, k, give) }
        try give(i, k, domain.tag == .real ? domain.clamped(v) : .nan)
    }

    private enum Unit { case days, perSecond(Int64) }

    /// A day or a moment, for fields of dates, of moments and of their texts.
    private func moment(_ i: Int, _ v: Int64, _ unit: Unit, _ give: Give) throws {
        let isDate = field.type == .date
        var micros = v, beyond = false                   // since 1970; days where the field counts days and they were given
        switch unit {
        case .days where isDate:
            return try whole(i, v, give)
        case .days:
            (micros, beyond) = v.multipliedReportingOverflow(by: microsecondsPerDay)
            if domain.tag == .levels, dayRange.contains(v) { return try self.give(i, text: dateText(v), give) }
        case .perSecond(let n) where n > 1_000_000:
            micros = floorDiv(v, n / 1_000_000)
            if micros * (n / 1_000_000) != v { return try settle(i, BadCell.notDatetime.rawValue, give) }
        case .perSecond(let n):
            (micros, beyond) = v.multipliedReportingOverflow(by: 1_000_000 / n)
        }
        if beyond { micros = v < 0 ? .min : .max }
        if domain.tag == .levels {
            guard microsecondRange.contains(micros) else { return try settle(i, BadCell.notLevel.rawValue, give) }
            return try self.give(i, text: datetimeText(micros), give)
        }
        guard isDate else { return try whole(i, micros, give) }
        let day = floorDiv(micros, microsecondsPerDay)
        if !beyond, day * microsecondsPerDay != micros { return try settle(i, BadCell.notDate.rawValue, give) }
        try whole(i, day, give)
    }

    private func give(_ i: Int, text: String, _ give: Give) throws {
        var value = Double.nan
        let verdict = withText(text) { parser.parse($0, $1, &value) }
        try give(i, verdict, value)
    }

    private func settled(_ verdict: Int64) -> (verdict: Int64, value: Double) {
        var value = Double.nan
        return (parser.settle(verdict, &value), value)
    }

    @inline(__always) private func settle(_ i: Int, _ verdict: Int64, _ give: Give) throws {
        let settled = settled(verdict)
        try give(i, settled.verdict, settled.value)
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
