// From the text of a cell to its offset, for one field. The same rules for CSV cells, for strings handed over by a host and for the
// levels of a host's dictionary. Text is compared byte by byte; around numbers and dates spaces are allowed.

import Basics

/// Reads cells of one field. With `coerce` no cell is refused: a value outside the domain becomes the nearest one inside; text that is
/// no value becomes missing, or in a required column the first value of the domain (first level, false, the minimum). Both are
/// functions of the cell alone.
package final class CellParser {
    package let field: Field
    private let domain: Domain
    private let coerce: Bool
    private let texts: TextTable
    /// Some text that means missing could also be read as a value (-999): then it must be looked up before reading.
    private let missingFirst: Bool
    private let lookupOnly: Bool

    package init(_ field: Field, missingValues: [String], coerce: Bool = false) throws {
        self.field = field
        self.coerce = coerce
        domain = try Domain(field)
        var list = missingValues.map { (text: $0, code: missingOffset) }
        switch field.kind {
        case .categorical(let levels): list += levels.enumerated().map { (text: $0.element, code: Int64($0.offset)) }
        case .boolean: list += field.trueValues.map { (text: $0, code: 1) } + field.falseValues.map { (text: $0, code: 0) }
        default: break
        }
        texts = try TextTable(list)
        lookupOnly = domain.tag == .levels || domain.tag == .boolean
        missingFirst = missingValues.contains { withText($0) { p, n in
            parseDecimal(p, n) != nil || parseDate(p, n) != nil || parseDatetime(p, n) != nil
        } }
    }

    /// The offset of a cell, -1 for missing, a `BadCell` code when it is refused. Of a number without a step the offset is 0 and `value`
    /// is the number, NaN when missing.
    @inline(__always) func parse(_ p: UnsafePointer<UInt8>, _ count: Int, _ value: inout Double) -> Int64 {
        let k = read(p, count, &value)
        if k >= 0 { return k }
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

    /// Missing, refused, or replaced.
    func settle(_ verdict: Int64, _ value: inout Double) -> Int64 {
        value = .nan
        if verdict == missingOffset, !field.required { return missingOffset }
        guard coerce else { return verdict == missingOffset ? BadCell.missing.rawValue : verdict }
        guard field.required else { return missingOffset }
        value = domain.low
        return 0
    }

    private func read(_ p: UnsafePointer<UInt8>, _ count: Int, _ value: inout Double) -> Int64 {
        if lookupOnly || domain.tag == .typedLevels || missingFirst {
            let code = texts.code(p, count)
            if code != TextTable.absent { return code }
            if lookupOnly, domain.clamps, domain.tag == .levels { return domain.count - 1 }          // all others
            if lookupOnly { return domain.tag == .boolean ? BadCell.notBoolean.rawValue : BadCell.notLevel.rawValue }
            if domain.tag == .typedLevels { return domain.values?.offset(ofText: p, count) ?? BadCell.notLevel.rawValue }
        }
        switch domain.type {
        case .integer:
            switch parseInteger(p, count) {
            case .value(let v): return domain.offset(ofInt: v, nearest: coerce)
            case .beyond(let negative):
                if coerce || domain.clamps { return negative ? 0 : domain.count - 1 }
                return negative ? BadCell.below.rawValue : BadCell.above.rawValue
            case .not:
                if coerce, let x = parseDecimal(p, count), x.isFinite { return domain.offset(ofDouble: x, nearest: true) }
                return missingOr(.notInteger, p, count)
            }
        case .number:
            guard let x = parseDecimal(p, count) else { return missingOr(.notNumber, p, count) }
            let k = domain.offset(ofDouble: x, nearest: coerce)
            if k >= 0, domain.tag == .real { value = domain.clamped(x) }
            return k
        case .date:
            guard let day = parseDate(p, count) ?? trimmedDate(p, count) else { return missingOr(.notDate, p, count) }
            return domain.offset(ofInt: day, nearest: coerce)
        case .datetime:
            let (start, end) = trimmed(p, count)
            guard let moment = parseDatetime(p + start, end - start) else { return missingOr(.notDatetime, p, count) }
            return domain.offset(ofInt: moment, nearest: coerce)
        case .string, .boolean:
            return BadCell.notLevel.rawValue
        }
    }

    private func trimmedDate(_ p: UnsafePointer<UInt8>, _ count: Int) -> Int64? {
        let (start, end) = trimmed(p, count)
        return parseDate(p + start, end - start)
    }

    private func missingOr(_ bad: BadCell, _ p: UnsafePointer<UInt8>, _ count: Int) -> Int64 {
        texts.code(p, count) == missingOffset ? missingOffset : bad.rawValue
    }
}
