// From what was seen of a column to the field that a schema may have, or to why it should have none.

import Basics

extension ColumnGuess {
    /// With no fewer cells than this a coarser step than the last digit is believed, and texts may be called too many.
    private static let enough = 100, few = 20

    enum Verdict {
        case field(Field)
        /// What is wrong, in words that need the column's name before them.
        case refused(String)
        /// What the cells look like, and how a field would be declared that reads them.
        case undeclared(String)
    }

    /// Whether the cells that are not missing are numbers or times that nobody declared to be levels: then "?" and the
    /// like are missing.
    var isMeasured: Bool { declared.isEmpty && values > 0 && (isDecimal || isMoment) }

    /// The texts that stand for missing in this column.
    var missingFound: [String] {
        let texts = ColumnGuess.missingTexts + ColumnGuess.missingBesideNumbers
        let count = isMeasured ? texts.count : ColumnGuess.missingTexts.count
        return (0..<count).filter { missing >> UInt32($0) & 1 == 1 }.map { texts[$0] }
    }

    /// - Parameter missingValues: of the schema that the field is for.
    func verdict(missingValues: [String]) -> Verdict {
        let texts = ColumnGuess.missingTexts + ColumnGuess.missingBesideNumbers
        let gaps = texts.indices.contains { missing >> UInt32($0) & 1 == 1 && missingValues.contains(texts[$0]) }
        let required = absent == 0 && !gaps
        // What somebody declared to be levels are levels, numbers and dates among them.
        guard declared.isEmpty else { return categorical(required, missingValues) }
        if values > 0, isBoolean { return .field(boolean(required)) }
        if values > 0, isDecimal, let kind = isWhole ? whole : real {
            var metadata = JSONObject()
            if case .number(_, _, let step?) = kind {
                metadata[Field.stepKey] = step == step.rounded() ? .int(Int64(step)) : .number(step)
            }
            if isWhole, isRising, values > ColumnGuess.few {
                metadata["description"] = "Grows from row to row: if it numbers the rows or the people, leave it out."
            }
            return .field(Field(name: name, kind: kind, required: required, metadata: metadata))
        }
        if values > 0, isDate {
            let (a, b) = PlainBounds.dates(first / microsecondsPerDay, last / microsecondsPerDay)
            return .field(Field(name: name, kind: .date(minimum: a, maximum: b), required: required))
        }
        if values > 0, isMoment {
            let step = ColumnGuess.units[unit], (a, b) = PlainBounds.moments(first, last, step: step)
            var metadata = JSONObject()
            if step != 1 {
                metadata[Field.stepKey] = step % 1_000_000 == 0 ? .int(step / 1_000_000) : .number(Double(step) / 1e6)
            }
            return .field(Field(name: name, kind: .datetime(minimum: a, maximum: b, step: step), required: required,
                                metadata: metadata))
        }
        return categorical(required, missingValues)
    }

    private func categorical(_ required: Bool, _ missingValues: [String]) -> Verdict {
        if declared.isEmpty, values > 0, !isDecimal, let look = numbers.words(sure: true) { return .undeclared(look) }
        if declared.isEmpty, values > 0, isForeignDate {
            return .undeclared("dates with the year at the end: declare a date with a \"format\" such as \"%d.%m.%Y\"")
        }
        let spelled = !isDecimal && declared.isEmpty && values > 0 ? numbers.words(sure: false) : nil
        guard !levels.isOver else {
            return spelled.map(Verdict.undeclared) ?? .refused("too many different texts, or long ones")
        }
        let found = (declared.isEmpty ? levels.sorted : declared).filter { !missingValues.contains($0) }
        guard !found.isEmpty else { return .refused("no value at all") }
        guard !declared.isEmpty || found.count <= ColumnGuess.few || found.count * 2 <= values else {
            return spelled.map(Verdict.undeclared) ?? .refused("hardly a text occurs twice")
        }
        return .field(Field(name: name, kind: .categorical(levels: found), required: required))
    }

    /// Texts as they were written, so that they are written that way again.
    private func boolean(_ required: Bool) -> Field {
        let usual = [("true", "false"), ("True", "False"), ("TRUE", "FALSE")].first {
            truths.isSubset(of: [$0.0]) && falsehoods.isSubset(of: [$0.1])
        }
        guard let usual, usual.0 != "true" else { return Field(name: name, kind: .boolean, required: required) }
        return Field(name: name, kind: .boolean, required: required, trueValues: [usual.0], falseValues: [usual.1])
    }

    private var whole: Kind? {
        let (a, b) = PlainBounds.whole(least, most), (range, over) = b.subtractingReportingOverflow(a)
        return over || range >= 1 << 62 ? nil : .integer(minimum: a, maximum: b, step: 1)
    }

    private var real: Kind? {
        let step = scale.isFree ? nil : step
        let (a, b) = PlainBounds.real(low, high, step: step ?? 0)
        guard a.isFinite, b.isFinite, (b - a).isFinite else { return nil }
        let fine = step.map { max(a.magnitude, b.magnitude) / $0 >= 0x1p50 } ?? true
        return .number(minimum: a, maximum: b, step: fine ? nil : step)
    }

    /// The unit of the last digit; of many numbers 5 or 25 of it where all are multiples of that.
    private var step: Double {
        let isFew = values < ColumnGuess.enough || scale.decimals == 0
        let coarse: UInt64 = isFew ? 1 : [25, 5].first { scale.divisor % $0 == 0 && scale.divisor > 0 } ?? 1
        return Double(coarse) / powersOfTen[scale.decimals]
    }
}
