// The rules that every field must keep before a row is looked at, and the tightening of bounds to the step.
// Each refusal names the field and the rule.

import Basics

extension Schema {
    static func checkMissingValues(_ texts: [String]) throws {
        guard texts.count <= 1000 else { throw Failure(.schema, "schema, \"missingValues\": more than 1000 texts") }
        guard Set(texts).count == texts.count else {
            throw Failure(.schema, "schema, \"missingValues\": a text is repeated")
        }
        guard !texts.contains(where: { $0.utf8.contains(0) }) else {
            throw Failure(.schema, "schema, \"missingValues\": a NUL character")
        }
    }
}

extension Field {
    func failure(_ rule: String, _ code: FailureCode = .schema) -> Failure {
        Failure(code, "schema, field \(quoted(name)): \(rule)")
    }

    /// This field with bounds tightened to its step and its missing codes noted, after every rule was checked.
    /// - Parameter schema: the texts that mean "missing" in the whole schema.
    func checked(missing schema: [String]) throws -> Field {
        let missing = missingValues(schema)
        try checkTextForm()
        guard reasons.count <= MissingReason.most else {
            throw failure("more than \(MissingReason.most) missing values with labels")
        }
        let codes = type == .string ? [] : missing.filter { withText($0) { Domain.key(type, $0, $1) } != nil }
        return try tightened(missing: missing + reasons).without(codes)
    }

    /// This field with bounds tightened to its step, after every rule but those of texts was checked.
    private func tightened(missing: [String]) throws -> Field {
        guard !name.isEmpty else { throw Failure(.schema, "schema: a field's name is empty") }
        guard !name.utf8.contains(0) else { throw failure("the name contains a NUL character") }
        guard name.utf8.count <= 1000 else { throw failure("the name is longer than 1000 bytes") }
        switch kind {
        case .categorical(let levels):
            try checkLevels(levels, missing)
            return self
        case .boolean:
            try checkBooleanTexts(missing)
            return self
        case .integer(let low, let high, let step):
            let (a, b) = try tighten(low, high, step, "whole number")
            return with(.integer(minimum: a, maximum: b, step: step))
        case .date(let low, let high):
            guard dayRange.contains(low), dayRange.contains(high) else {
                throw failure("dates lie in the years 0001 to 9999")
            }
            guard low <= high else { throw failure("empty bounds: the minimum is above the maximum") }
            return self
        case .datetime(let low, let high, let step):
            guard microsecondRange.contains(low), microsecondRange.contains(high) else {
                throw failure("dates lie in the years 0001 to 9999")
            }
            let (a, b) = try tighten(low, high, step, "moment")
            return with(.datetime(minimum: a, maximum: b, step: step))
        case .number(let low, let high, let step):
            guard low.isFinite, high.isFinite else { throw failure("bounds must be finite") }
            guard low <= high else { throw failure("empty bounds: the minimum is above the maximum") }
            guard (high - low).isFinite else { throw failure("the range is too wide") }
            // -0 becomes 0.
            guard let step else { return with(.number(minimum: low + 0.0, maximum: high + 0.0, step: nil)) }
            guard step.isFinite, step > 0 else { throw failure("multipleOf must be above 0") }
            guard max(low.magnitude, high.magnitude) / step < 0x1p52 else {
                throw failure("multipleOf is too small for these bounds")
            }
            guard let grid = Grid(minimum: low, maximum: high, step: step) else {
                throw failure("empty bounds: no multiple of \(numberText(step)) lies between them")
            }
            return with(.number(minimum: grid.minimum, maximum: grid.maximum, step: step))
        }
    }

    private func with(_ kind: Kind, missingCodes: [String]? = nil) -> Field {
        Field(name: name, kind: kind, required: required, type: type, trueValues: trueValues, falseValues: falseValues,
              metadata: metadata, form: form, missingCodes: missingCodes ?? self.missingCodes)
    }

    /// This field without the values that `codes`, texts that mean "missing", spell. Those at a bound move the bound.
    /// Those between the bounds are no values either: see `Domain.known`. Bounds that were released under a budget stay
    /// as they are.
    private func without(_ codes: [String]) throws -> Field {
        let missing = Set((codes + reasons).compactMap { withText($0) { Domain.key(type, $0, $1) } })
        guard !missing.isEmpty, !isEstimated else { return with(kind, missingCodes: codes) }
        let domain = try Domain(self), offsets = Set(missing.map(domain.offset(ofKey:)).filter { $0 >= 0 })
        let nothing = failure("every value between the bounds is a missing value")
        if case .number(var low, var high, nil) = kind {
            if missing.contains(low.bitPattern) { low = low.nextUp }
            if missing.contains(high.bitPattern) { high = high.nextDown }
            guard low <= high else { throw nothing }
            return with(.number(minimum: low, maximum: high, step: nil), missingCodes: codes)
        }
        guard domain.tag == .whole || domain.tag == .grid else { return with(kind, missingCodes: codes) }
        var first: Int64 = 0, last = domain.count - 1
        while first <= last, offsets.contains(first) { first += 1 }
        while first <= last, offsets.contains(last) { last -= 1 }
        guard first <= last else { throw nothing }
        let low = domain.origin &+ first &* domain.step, high = domain.origin &+ last &* domain.step
        let inside: Kind
        switch kind {
        case .integer(_, _, let step): inside = .integer(minimum: low, maximum: high, step: step)
        case .date: inside = .date(minimum: low, maximum: high)
        case .datetime(_, _, let step): inside = .datetime(minimum: low, maximum: high, step: step)
        case .number(let a, let b, let step):
            inside = .number(minimum: domain.grid?.value(first) ?? a, maximum: domain.grid?.value(last) ?? b,
                             step: step)
        case .categorical, .boolean: inside = kind
        }
        return with(inside, missingCodes: codes)
    }

    /// Decimal and group signs that cannot be mistaken for digits or for one another.
    private func checkTextForm() throws {
        if let own = form.missingValues { try Schema.checkMissingValues(own) }
        let number = form.number
        guard number != .standard else { return }
        for sign in [number.decimal, number.group] where !sign.isEmpty {
            guard sign.unicodeScalars.count == 1, !sign.utf8.contains(where: { $0 &- 0x30 < 10 || $0 < 0x20 }),
                  !"+-eE\"".contains(sign) else {
                throw failure("decimalChar and groupChar must be one character each, and neither a digit nor a sign")
            }
        }
        guard !number.decimal.isEmpty, number.decimal != number.group else {
            throw failure("decimalChar and groupChar must differ")
        }
    }

    private func checkLevels(_ levels: [String], _ missing: [String]) throws {
        guard !levels.isEmpty else { throw failure("\"enum\" must have at least one level") }
        guard levels.count <= Schema.maxLevels else {
            throw failure("\"enum\" has more than \(Schema.maxLevels) levels")
        }
        // Swift's equality of strings: levels that only differ in how accents are composed count as the same, and would
        // to a reader.
        guard Set(levels).count == levels.count else { throw failure("\"enum\" holds a level twice") }
        guard !levels.contains(where: { $0.utf8.contains(0) }) else { throw failure("\"enum\" holds a NUL character") }
        if let both = levels.first(where: missing.contains) {
            throw failure("\(quoted(both)) is both a level and a missing value")
        }
        if type != .string { _ = try LevelValues(self) }
    }

    private func checkBooleanTexts(_ missing: [String]) throws {
        let texts = trueValues + falseValues
        guard !trueValues.isEmpty, !falseValues.isEmpty else {
            throw failure("trueValues and falseValues must not be empty")
        }
        guard texts.count <= 1000, Set(texts).count == texts.count,
              !texts.contains(where: { $0.utf8.contains(0) }) else {
            throw failure("trueValues and falseValues must hold different texts")
        }
        if let both = texts.first(where: missing.contains) {
            throw failure("\(quoted(both)) is both a boolean's text and a missing value")
        }
    }

    /// The outermost multiples of `step` inside [low, high].
    private func tighten(_ low: Int64, _ high: Int64, _ step: Int64, _ what: String) throws -> (Int64, Int64) {
        guard step >= 1 else { throw failure("multipleOf must be above 0") }
        guard low <= high else { throw failure("empty bounds: the minimum is above the maximum") }
        let (range, over) = high.subtractingReportingOverflow(low)
        guard !over, range < 1 << 62 else { throw failure("the range is too wide") }
        let above = low % step == 0 ? 0 : (low > 0 ? step - low % step : -(low % step))
        guard above <= range else {
            throw failure("empty bounds: no \(what) that is a multiple of the step lies between them")
        }
        let a = low + above
        return (a, a + (high - a) / step * step)
    }
}
