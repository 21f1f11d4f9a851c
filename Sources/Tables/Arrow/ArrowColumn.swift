// Reads the cells of Arrow arrays into one column, by the rules of a CSV file's cells.
// Text is read by the same parser, numbers and moments meet the same domain, a refused cell gives the same verdict.

import Basics
import CArrow
import Glibc

/// Where cells go: the place, the offset (-1 missing, below: refused), the number where there is no step. A type rather
/// than a closure, so that the loops below are compiled for each.
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

/// The entries of a dictionary, or the values of runs; one that is refused is refused where a row uses it.
private struct EntrySink: CellSink {
    let offsets: Buffer<Int64>
    let values: Buffer<Double>
    /// Whether an entry was replaced.
    let replaced: Buffer<Bool>
    let column: ArrowColumn

    init(_ count: Int, _ column: ArrowColumn) throws {
        offsets = try Buffer(count: count, for: "the levels of a column")
        values = try Buffer(count: count, for: "the levels of a column")
        replaced = try Buffer(count: count, for: "the levels of a column")
        self.column = column
    }

    func give(_ i: Int, _ verdict: Int64, _ value: Double) {
        (offsets[i], values[i], replaced[i]) = (verdict, value, column.takeReplaced())
    }
}

/// Reads arrays of one type into columns of one field.
final class ArrowColumn {
    let field: Field
    private let parser: CellParser
    private let domain: Domain
    private let coerce: Bool
    /// Of the cells; with a dictionary, of its entries.
    private let type: ArrowType
    /// Of the cells of a dictionary-encoded column: indices into it. Of a run-end encoded one: its run ends.
    private let index: ArrowType?
    private let isRuns: Bool
    /// Numbers and moments that were replaced here and not by the parser.
    private var replacedHere = 0
    /// Replaced entries of dictionaries and runs, which are no rows, and the rows that used one.
    private var replacedEntries = 0, replacedByEntry = 0
    /// `replacedInAll` when it was last asked for.
    private var lastReplaced = 0

    /// - Throws: `.schema` for a type that cannot fill the field, `.format` for a schema that is none.
    init(_ field: Field, _ schema: ArrowSchema, missingValues: [String], _ options: ArrowOptions) throws {
        self.field = field
        parser = try CellParser(field, missingValues: missingValues, coerce: options.invalid == .coerce,
                                refusesNothing: options.refusesNothing)
        coerce = parser.coerce
        domain = try Domain(field)
        let form = try ArrowForm(schema, field.name), type = form.type
        guard type.fits(field.type) else {
            let isTime = field.type == .date || field.type == .datetime
            let needed = isTime ? "a date, a timestamp or text" : "numbers, booleans or text"
            let pair = "Arrow type \(type.name) cannot fill a field of type \(field.type.rawValue)"
            throw Failure(.schema, "column \(quoted(field.name)): \(pair); give it \(needed)")
        }
        (self.type, index, isRuns) = (type, form.index, form.isRuns)
    }

    /// Cells `first ..< first + count` of an array into rows `row...` of a column that has room.
    /// - Throws: `.schema` naming column, row and rule; `.format` for a broken array.
    func read(_ array: UnsafePointer<ArrowArray>, first: Int, count: Int, into column: Column, row: Int) throws {
        let sink = ColumnSink(base: column.base, storage: column.storage, field: field, row: row)
        defer { column.replaced = replaced }
        guard let index else {
            guard array.pointee.dictionary == nil else {
                throw brokenArray(field.name, "has a dictionary and its schema none")
            }
            let view = try ArrowView(array, type, first: first, count: count, column: field.name)
            if case .int(let bytes, true) = type, view.copyRange(bytes: bytes, domain, required: field.required,
                                                                 to: column.base, column.storage, row: row) { return }
            return try cells(view, sink)
        }
        if isRuns { return try runs(array, index, first: first, count: count, sink) }
        guard let dictionary = array.pointee.dictionary else { throw brokenArray(field.name, "has no dictionary") }
        let view = try ArrowView(dictionary, type, column: field.name)
        let entries = try read(view)
        let known = view.count
        try wholes(ArrowView(array, index, first: first, count: count, column: field.name), index) { i, code, state in
            if state == .missing { return try settle(i, missingOffset, sink) }
            guard state == .here, code >= 0, code < known else {
                guard parser.refusesNothing else { throw badCell(BadCell.badCode.rawValue, field, row + i) }
                return try settle(i, BadCell.badCode.rawValue, sink)
            }
            try give(i, entries, Int(code), sink)
        }
    }

    /// Cells of a run-end encoded array: run k has the value k, up to the row before its end. Ends count from the
    /// array's start, and so does its offset.
    private func runs(_ array: UnsafePointer<ArrowArray>, _ index: ArrowType, first: Int, count: Int,
                      _ sink: some CellSink) throws {
        try checkArray(array.pointee, field.name)
        let a = array.pointee
        guard a.n_children == 2, let ends = a.children?[0], let values = a.children?[1] else {
            throw brokenArray(field.name, "has no runs")
        }
        guard first + count <= a.length else { throw brokenArray(field.name, "is shorter than its batch") }
        let view = try ArrowView(values, type, column: field.name)
        let entries = try read(view)
        let start = Int64(a.offset) + Int64(first), known = view.count
        var done = 0, last: Int64 = 0
        try wholes(ArrowView(ends, index, column: field.name), index) { k, end, state in
            guard state == .here, end > last else { throw brokenArray(field.name, "has run ends that do not rise") }
            last = end
            guard done < count, end > start + Int64(done) else { return }
            guard k < known else { throw brokenArray(field.name, "has more runs than values") }
            for i in done..<Int(min(end - start, Int64(count))) { try give(i, entries, k, sink) }
            done = Int(min(end - start, Int64(count)))
        }
        guard done == count else { throw brokenArray(field.name, "has runs that end before its last row") }
    }

    @inline(__always) private func give(_ i: Int, _ entries: EntrySink, _ k: Int, _ sink: some CellSink) throws {
        if entries.replaced.base[k] { replacedByEntry += 1 }
        try sink.give(i, entries.offsets.base[k], entries.values.base[k])
    }

    // MARK: replaced cells

    private var replacedInAll: Int { parser.replaced + replacedHere }

    /// Rows whose cell was replaced so far.
    private var replaced: Int { replacedInAll - replacedEntries + replacedByEntry }

    /// Whether a cell was replaced since the last call.
    fileprivate func takeReplaced() -> Bool {
        defer { lastReplaced = replacedInAll }
        return replacedInAll > lastReplaced
    }

    /// The entries of a dictionary or of runs, each read once.
    private func read(_ view: ArrowView) throws -> EntrySink {
        let before = replacedInAll
        _ = takeReplaced()
        let entries = try EntrySink(view.count, self)
        try cells(view, entries)
        replacedEntries += replacedInAll - before
        return entries
    }

    // MARK: by type

    private func cells<S: CellSink>(_ view: ArrowView, _ sink: S) throws {
        // Numbers and moments are looked up as the text a CSV file would hold.
        let texts = domain.tag == .levels
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
            for i in 0..<view.count {
                guard view.isValid(i) else { try settle(i, missingOffset, sink); continue }
                try real(i, domain.value(.half, doubleOfHalf(view.load(i, as: UInt16.self))), sink)
            }
        case .float:
            for i in 0..<view.count {
                guard view.isValid(i) else { try settle(i, missingOffset, sink); continue }
                try real(i, domain.value(.single, Double(view.load(i, as: Float.self))), sink)
            }
        case .double:
            for i in 0..<view.count {
                guard view.isValid(i) else { try settle(i, missingOffset, sink); continue }
                try real(i, view.load(i, as: Double.self), sink)
            }
        case .byteBool:
            for i in 0..<view.count {
                guard view.isValid(i) else { try settle(i, missingOffset, sink); continue }
                let truth = view.load(i, as: Int8.self) != 0
                try texts ? give(i, text: truth ? "true" : "false", sink) : whole(i, truth ? 1 : 0, sink)
            }
        case .decimal(let scale, let bytes):
            for i in 0..<view.count {
                guard view.isValid(i) else { try settle(i, missingOffset, sink); continue }
                let text = decimalText(view.words(i, bytes: bytes), scale)
                try texts ? give(i, text: text, sink) : decimal(i, text, sink)
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
    @inline(__always) private func wholes(_ view: ArrowView, _ type: ArrowType,
                                          _ body: (Int, Int64, Whole) throws -> Void) throws {
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

    // MARK: by value

    @inline(__always) private func whole(_ i: Int, _ v: Int64, _ sink: some CellSink) throws {
        var k = domain.offset(ofInt: v, nearest: false)
        if coerce, k < missingOffset { k = counted(domain.offset(ofInt: v, nearest: true)) }
        guard k >= 0 else { return try settle(i, k, sink) }
        try sink.give(i, k, domain.tag == .real ? domain.stored(k, Double(v)) : .nan)
    }

    @inline(__always) private func real(_ i: Int, _ v: Double, _ sink: some CellSink) throws {
        if v.isNaN { return try settle(i, missingOffset, sink) }
        if domain.tag == .levels { return try give(i, text: numberText(v), sink) }
        var k = domain.offset(ofDouble: v, nearest: false)
        if coerce, k < missingOffset { k = counted(domain.offset(ofDouble: v, nearest: true)) }
        guard k >= 0 else { return try settle(i, k, sink) }
        try sink.give(i, k, domain.tag == .real ? domain.stored(k, v) : .nan)
    }

    /// A verdict that replaces a refused one.
    @inline(__always) private func counted(_ verdict: Int64) -> Int64 {
        if verdict >= 0 { replacedHere += 1 }
        return verdict
    }

    private enum Unit { case days, perSecond(Int64) }

    /// A day or a moment, for fields of dates, of moments and of their texts.
    @inline(__always) private func moment(_ i: Int, _ v: Int64, _ unit: Unit, _ sink: some CellSink) throws {
        let isDate = field.type == .date
        // Since 1970; days where the field counts days and they were given.
        var micros = v, beyond = false
        switch unit {
        case .days where isDate:
            return try whole(i, v, sink)
        case .days:
            (micros, beyond) = v.multipliedReportingOverflow(by: microsecondsPerDay)
            if domain.tag == .levels, dayRange.contains(v) { return try give(i, text: dateText(v), sink) }
        case .perSecond(let n) where n > 1_000_000:
            let parts = n / 1_000_000
            micros = floorDiv(v, parts)
            if micros &* parts != v {
                guard coerce || domain.clamps, domain.tag != .levels, !isDate else {
                    return try settle(i, BadCell.finerThanMicrosecond.rawValue, sink)
                }
                if (v &- micros &* parts) * 2 >= parts { micros += 1 }
                let k = domain.offset(ofInt: micros, nearest: true)
                guard k >= 0 else { return try settle(i, k, sink) }
                return try sink.give(i, counted(k), .nan)
            }
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
        if !beyond, day &* microsecondsPerDay != micros {
            return try settle(i, BadCell.timeOfDay.rawValue, sink)
        }
        try whole(i, day, sink)
    }

    /// A decimal number, as exactly as its digits say it.
    private func decimal(_ i: Int, _ text: String, _ sink: some CellSink) throws {
        try withText(text) { p, n in
            if domain.type == .integer || domain.type == .boolean {
                switch parseInteger(p, n) {
                case .value(let v): return try whole(i, v, sink)
                case .beyond(let negative): return try whole(i, negative ? .min : .max, sink)
                case .not: break
                }
            }
            try real(i, parseDecimal(p, n) ?? .nan, sink)
        }
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

/// A 256-bit whole number of units of 10^-scale as decimal text; the lowest word first.
func decimalText(_ words: (UInt64, UInt64, UInt64, UInt64), _ scale: Int) -> String {
    var limbs = [words.0, words.1, words.2, words.3]
    let isNegative = limbs[3] >> 63 == 1
    if isNegative {
        var carry = true
        for k in 0..<4 {
            limbs[k] = ~limbs[k]
            if carry { (limbs[k], carry) = limbs[k].addingReportingOverflow(1) }
        }
    }
    // Nineteen digits at a time, from the last.
    var digits = ""
    while limbs.contains(where: { $0 != 0 }) {
        var rest: UInt64 = 0
        for k in stride(from: 3, through: 0, by: -1) {
            (limbs[k], rest) = (10_000_000_000_000_000_000 as UInt64).dividingFullWidth((rest, limbs[k]))
        }
        let piece = String(rest)
        let isLast = !limbs.contains { $0 != 0 }
        digits = (isLast ? "" : String(repeating: "0", count: 19 - piece.utf8.count)) + piece + digits
    }
    let isZero = digits.isEmpty, sign = isNegative ? "-" : ""
    if isZero { digits = "0" }
    if scale <= 0 { return sign + digits + (isZero ? "" : String(repeating: "0", count: -scale)) }
    let padded = String(repeating: "0", count: max(0, scale + 1 - digits.utf8.count)) + digits
    return sign + padded.dropLast(scale) + "." + padded.suffix(scale)
}

/// The extension name in a schema's metadata ("ARROW:extension:name"); nil where there is none.
func arrowExtension(_ schema: ArrowSchema) -> String? {
    guard let metadata = schema.metadata else { return nil }
    // The interface's form: a count, then for each pair two lengths with their bytes; lengths are the host's 32-bit
    // numbers.
    let raw = UnsafeRawPointer(metadata), most: Int32 = 1 << 20
    var at = 0
    func number() -> Int32 {
        defer { at += 4 }
        return raw.loadUnaligned(fromByteOffset: at, as: Int32.self)
    }
    func text() -> String? {
        let length = number()
        guard length >= 0, length <= most else { return nil }
        defer { at += Int(length) }
        return String(decoding: UnsafeRawBufferPointer(start: raw + at, count: Int(length)), as: UTF8.self)
    }
    let pairs = number()
    guard pairs >= 0, pairs <= 1000 else { return nil }
    for _ in 0..<pairs {
        guard let key = text(), let value = text() else { return nil }
        if key == "ARROW:extension:name" { return value }
    }
    return nil
}
