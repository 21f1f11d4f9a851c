// Reads the text of a cell as an offset, for one field: CSV cells, texts of a host, levels of a host's dictionary.
// Text is compared byte by byte; around numbers and dates spaces are allowed.

import Basics

/// Reads cells of one field. With `coerce` a value outside the domain becomes the nearest one inside and a moment finer
/// than a microsecond the nearest microsecond; text that is no value becomes missing. A required column has no missing
/// cells, so such text is refused in it. What replaces a cell is a function of that cell alone, and replaced cells are
/// counted.
package final class CellParser {
    package let field: Field
    /// Cells that were refused and replaced.
    private(set) var replaced = 0
    private let domain: Domain
    let coerce: Bool
    /// Whether a cell that nothing near replaces becomes the column's first value: where rows are counted, none may
    /// stop the count.
    let refusesNothing: Bool
    private let texts: TextTable
    /// Some text that means missing could also be read as a value (-999): then it must be looked up before reading.
    private let missingFirst: Bool
    private let lookupOnly: Bool
    private let isPlain: Bool

    /// - Parameter missingValues: of the schema; a field's own replace them.
    package init(_ field: Field, missingValues: [String], coerce: Bool = false, refusesNothing: Bool = false) throws {
        self.field = field
        self.coerce = coerce || refusesNothing
        self.refusesNothing = refusesNothing
        domain = try Domain(field)
        let missing = field.missingValues(missingValues) + field.reasons, base = domain.reasonBase
        var list = field.missingValues(missingValues).map { (text: $0, code: missingOffset) }
            + field.reasons.enumerated().map { (text: $0.element, code: base + Int64($0.offset)) }
        switch field.kind {
        case .categorical(let levels): list += levels.enumerated().map { (text: $0.element, code: Int64($0.offset)) }
        case .boolean:
            list += field.trueValues.map { (text: $0, code: 1) } + field.falseValues.map { (text: $0, code: 0) }
        default: break
        }
        texts = try TextTable(list)
        lookupOnly = domain.tag == .levels || domain.tag == .boolean
        isPlain = field.form.isPlain
        missingFirst = !field.form.isPlain || missing.contains { withText($0) { p, n in
            parseDecimal(p, n) != nil || parseDate(p, n) != nil || parseMoment(p, n) != .not
        } }
    }

    /// The offset of a cell, -1 for missing, a `BadCell` code when it is refused. Of a number without a step the offset
    /// is 0 and `value` is the number, NaN when missing.
    @inline(__always) func parse(_ p: UnsafePointer<UInt8>, _ count: Int, _ value: inout Double) -> Int64 {
        let k = read(p, count, &value, nearest: false)
        if k >= 0 { return k }
        if coerce, k < missingOffset {
            let near = read(p, count, &value, nearest: true)
            if near >= 0 {
                replaced += 1
                return near
            }
        }
        return settle(k, &value)
    }

    /// Reads one column of a block of records into rows `row...` of `column`: cell i is `cells[i * stride]`.
    /// - Returns: the cells stored, and the verdict of the first refused one when they are fewer than `count`.
    func parse(_ cells: UnsafeMutablePointer<CSVCell>, stride: Int, count: Int, _ base: UnsafeMutablePointer<UInt8>,
               into column: Column, row: Int) -> (stored: Int, verdict: Int64) {
        let target = column.base, storage = column.storage
        var i = 0
        while i < count {
            let cell = cells + i &* stride
            var value = Double.nan
            let verdict: Int64
            if cell.pointee.count < 0 {
                verdict = settle(missingOffset, &value)  // the record ends before this cell
                if verdict == missingOffset { replaced += 1 }
            } else if cell.pointee.flaws != 0 {
                verdict = settle(cell.pointee.bad.rawValue, &value)
            } else {
                if cell.pointee.isDoubled { CSVScanner.closeUp(&cell.pointee, base) }
                verdict = parse(base + cell.pointee.start, cell.pointee.count, &value)
            }
            if verdict < missingOffset { return (i, verdict) }
            Column.put(target, storage, row &+ i, verdict, value)
            i = i &+ 1
        }
        return (count, 0)
    }

    /// The verdict on a cell that is missing or has no value near it: missing, or refused.
    func settle(_ verdict: Int64, _ value: inout Double) -> Int64 {
        value = .nan
        if verdict == missingOffset, !field.required { return missingOffset }
        if field.required, refusesNothing {
            replaced += 1
            value = domain.known(domain.low)
            return domain.known(0)
        }
        if verdict == missingOffset { return BadCell.missing.rawValue }
        guard coerce, !field.required else { return verdict }
        replaced += 1
        return missingOffset
    }

    private func read(_ p: UnsafePointer<UInt8>, _ count: Int, _ value: inout Double, nearest: Bool) -> Int64 {
        if lookupOnly || domain.tag == .typedLevels || missingFirst {
            let code = texts.code(p, count)
            if code != TextTable.absent {
                if code >= domain.reasonBase { value = domain.stored(code, .nan) }
                return code
            }
            if lookupOnly, domain.clamps, domain.tag == .levels { return domain.count - 1 }          // all others
            if lookupOnly { return domain.tag == .boolean ? BadCell.notBoolean.rawValue : BadCell.notLevel.rawValue }
        }
        if isPlain { return readValue(p, count, &value, nearest: nearest) }
        if let pattern = field.form.pattern {
            let (start, end) = trimmed(p, count)
            guard let moment = pattern.parse(p + start, end - start) else {
                return domain.type == .date ? BadCell.notDate.rawValue : BadCell.notDatetime.rawValue
            }
            return domain.offset(ofInt: domain.type == .date ? floorDiv(moment, microsecondsPerDay) : moment,
                                 nearest: nearest)
        }
        return field.form.number.withPlain(p, count) { readValue($0, $1, &value, nearest: nearest) }
    }

    /// A number, a day or a moment in plain text.
    private func readValue(_ p: UnsafePointer<UInt8>, _ count: Int, _ value: inout Double, nearest: Bool) -> Int64 {
        if domain.tag == .typedLevels {
            if !domain.missing.isEmpty, let key = Domain.key(domain.type, p, count), domain.missing.contains(key) {
                return missingOffset
            }
            return domain.values?.offset(ofText: p, count) ?? BadCell.notLevel.rawValue
        }
        switch domain.type {
        case .integer:
            switch parseInteger(p, count) {
            case .value(let v): return domain.offset(ofInt: v, nearest: nearest)
            case .beyond(let negative):
                if nearest || domain.clamps { return negative ? 0 : domain.count - 1 }
                return negative ? BadCell.below.rawValue : BadCell.above.rawValue
            case .not:
                if nearest, let x = parseDecimal(p, count), x.isFinite {
                    return domain.offset(ofDouble: x, nearest: true)
                }
                return missingOr(.notInteger, p, count, &value)
            }
        case .number:
            guard let x = parseDecimal(p, count) else { return missingOr(.notNumber, p, count, &value) }
            let k = domain.offset(ofDouble: x, nearest: nearest)
            if k >= 0, domain.tag == .real { value = domain.stored(k, x) }
            return k
        case .date:
            guard let day = parseDate(p, count) ?? trimmedDate(p, count) else {
                return missingOr(.notDate, p, count, &value)
            }
            return domain.offset(ofInt: day, nearest: nearest)
        case .datetime:
            let (start, end) = trimmed(p, count)
            switch parseMoment(p + start, end - start) {
            case .value(let moment): return domain.offset(ofInt: moment, nearest: nearest)
            case .finer(let near):
                guard nearest || domain.clamps else { return BadCell.finerThanMicrosecond.rawValue }
                return domain.offset(ofInt: near, nearest: true)
            case .not: return missingOr(.notDatetime, p, count, &value)
            }
        case .string, .boolean:
            return BadCell.notLevel.rawValue
        }
    }

    private func trimmedDate(_ p: UnsafePointer<UInt8>, _ count: Int) -> Int64? {
        let (start, end) = trimmed(p, count)
        return parseDate(p + start, end - start)
    }

    private func missingOr(_ bad: BadCell, _ p: UnsafePointer<UInt8>, _ count: Int, _ value: inout Double) -> Int64 {
        let code = missingFirst ? TextTable.absent : texts.code(p, count)
        guard code != TextTable.absent else { return bad.rawValue }
        if code >= domain.reasonBase { value = domain.stored(code, .nan) }
        return code
    }
}
