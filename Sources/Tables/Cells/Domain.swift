// The rule of one field, ready for many cells: from a value to its offset or to the reason why it has none.
// It knows values; CellParser reads texts.

import Basics

/// The values of a categorical field whose type is not string: "2" and "2.0" are the same level of an integer.
struct LevelValues {
    private var places: [UInt64: Int64] = [:]
    private let type: FieldType

    /// - Throws: `.schema` when a level is not a value of the field's type or two levels are the same value.
    init(_ field: Field) throws {
        type = field.type
        for (i, level) in (field.levels ?? []).enumerated() {
            guard let key = withText(level, { key($0, $1) }) else {
                throw field.failure("a level of \"enum\" is not of type \(type.rawValue)")
            }
            guard places.updateValue(Int64(i), forKey: key) == nil else {
                throw field.failure("two levels of \"enum\" are the same value")
            }
        }
    }

    func offset(ofInt v: Int64) -> Int64 {
        type == .number ? offset(ofDouble: Double(v)) : places[UInt64(bitPattern: v)] ?? BadCell.notLevel.rawValue
    }

    func offset(ofDouble v: Double) -> Int64 {
        if type == .number { return places[(v + 0.0).bitPattern] ?? BadCell.notLevel.rawValue }
        guard let i = Int64(exactly: v) else { return BadCell.notLevel.rawValue }
        return offset(ofInt: i)
    }

    func offset(ofText p: UnsafePointer<UInt8>, _ count: Int) -> Int64 {
        key(p, count).flatMap { places[$0] } ?? BadCell.notLevel.rawValue
    }

    /// The value of level texts as bits, so that one dictionary serves whole numbers and doubles.
    func key(_ p: UnsafePointer<UInt8>, _ count: Int) -> UInt64? {
        type == .boolean ? nil : Domain.key(type, p, count)
    }
}

extension Domain {
    /// The value that a text is of a type, as bits: of a double its own, of a whole value those of an Int64. Nil where
    /// it is none.
    static func key(_ type: FieldType, _ p: UnsafePointer<UInt8>, _ count: Int) -> UInt64? {
        switch type {
        case .integer, .boolean:
            guard case .value(let v) = parseInteger(p, count) else { return nil }
            return UInt64(bitPattern: v)
        case .number:
            guard let x = parseDecimal(p, count), x.isFinite else { return nil }
            return (x + 0.0).bitPattern
        case .date: return parseDate(p, count).map { UInt64(bitPattern: $0) }
        case .datetime: return parseDatetime(p, count).map { UInt64(bitPattern: $0) }
        case .string: return nil
        }
    }

    /// What a host's number stands for where it means "missing": `missingOffset` or a reason's place. Nil for a value.
    @inline(__always) private func code(_ v: Int64) -> Int64? {
        missing.isEmpty ? nil : code(key: type == .number ? Double(v).bitPattern : UInt64(bitPattern: v))
    }
    @inline(__always) private func code(_ v: Double) -> Int64? {
        guard !missing.isEmpty else { return nil }
        if type == .number { return code(key: (v + 0.0).bitPattern) }
        return Int64(exactly: v).flatMap { code(key: UInt64(bitPattern: $0)) }
    }
    func code(key: UInt64) -> Int64? {
        missing.firstIndex(of: key).map { $0 < plainMissing ? missingOffset : missingCodes[$0 - plainMissing] }
    }

    /// The place of a reason among offsets: behind the last value. Without a step the one value place is 0.
    func place(ofReason r: Int) -> Int64 { reasonBase + Int64(r) }

    /// What a column without a step stores of a number `v` whose offset is `k`.
    @inline(__always) func stored(_ k: Int64, _ v: Double) -> Double {
        k >= reasonBase ? MissingReason.number(Int(k - reasonBase)) : clamped(v)
    }
}

/// What values a field takes and which offset each has. `nearest`: the closest value of the domain counts instead of an
/// error.
struct Domain {
    enum Tag { case levels, typedLevels, boolean, whole, grid, real }
    let tag: Tag
    let type: FieldType
    /// Distinct values; 0 for a number without a step.
    let count: Int64
    /// value = origin + offset·step for whole kinds.
    let origin: Int64
    let step: Int64
    let grid: Grid?
    /// Bounds of a number without a step.
    let low, high: Double
    let values: LevelValues?
    /// Whether the nearest value counts in any case.
    let clamps: Bool
    /// Numbers that mean "missing", as `key` makes bits of them: `plainMissing` of them for no reason, then those of
    /// `missingCodes`, each a reason's place.
    let missing: [UInt64]
    private let plainMissing: Int
    private let missingCodes: [Int64]
    /// The place of the first reason among offsets.
    let reasonBase: Int64
    /// Offsets of those between the bounds.
    private(set) var missingOffsets: [Int64] = []

    init(_ field: Field) throws {
        clamps = field.isEstimated
        let plain = field.missingCodes.compactMap { code in withText(code) { Domain.key(field.type, $0, $1) } }
        let base = max(field.kind.count ?? 1, 1)
        let coded = field.reasonValues.enumerated().compactMap { r, key in key.map { ($0, base + Int64(r)) } }
        (missing, plainMissing, missingCodes) = (plain + coded.map { $0.0 }, plain.count, coded.map { $0.1 })
        reasonBase = base
        type = field.type
        count = field.kind.count ?? 0
        grid = field.kind.grid
        var (origin, step, low, high): (Int64, Int64, Double, Double) = (0, 1, 0, 0)
        var values: LevelValues?
        switch field.kind {
        case .categorical:
            if field.type != .string { values = try LevelValues(field) }
            tag = values == nil ? .levels : .typedLevels
        case .boolean: tag = .boolean
        case .integer(let a, _, let s), .datetime(let a, _, let s): (tag, origin, step) = (.whole, a, s)
        case .date(let a, _): (tag, origin) = (.whole, a)
        case .number(let a, let b, let s):
            tag = s == nil ? .real : .grid
            (low, high) = (a, b)
        }
        (self.origin, self.step, self.low, self.high, self.values) = (origin, step, low, high, values)
        guard tag == .whole || tag == .grid else { return }
        missingOffsets = missing.map(offset(ofKey:)).filter { $0 >= 0 }
    }

    /// The offset of a value given as bits, whether or not it means "missing".
    func offset(ofKey key: UInt64) -> Int64 {
        type == .number ? place(ofDouble: Double(bitPattern: key), nearest: false)
            : place(ofInt: Int64(bitPattern: key), nearest: false)
    }

    /// The offset next to `offset` whose value does not mean "missing", for values that are made and not read: upward
    /// as far as there is one, otherwise downward.
    func known(_ offset: Int64) -> Int64 {
        guard !missingOffsets.isEmpty, missingOffsets.contains(offset) else { return offset }
        var k = offset
        while k < count, missingOffsets.contains(k) { k += 1 }
        if k < count { return k }
        k = offset
        while k >= 0, missingOffsets.contains(k) { k -= 1 }
        return k
    }

    /// A number without a step that does not mean "missing", as near as possible.
    func known(_ v: Double) -> Double {
        guard code(v) != nil else { return v }
        return v < high ? v.nextUp : v.nextDown
    }

    /// The offset of a whole value, -1 for one that means "missing", a reason's place for one that says why, a
    /// `BadCell` code when there is none. For a number without a step 0 says that the value is fine.
    func offset(ofInt v: Int64, nearest asked: Bool) -> Int64 {
        code(v) ?? place(ofInt: v, nearest: asked)
    }

    private func place(ofInt v: Int64, nearest asked: Bool) -> Int64 {
        let nearest = asked || clamps
        switch tag {
        case .whole:
            let top = origin &+ (count &- 1) &* step             // the maximum: no overflow, by the schema's rules
            if v < origin { return nearest ? 0 : BadCell.below.rawValue }
            if v > top { return nearest ? count - 1 : BadCell.above.rawValue }
            let d = v &- origin                                  // below 2^62, by the schema's rules
            if step == 1 { return d }
            let q = d / step, r = d % step
            if r == 0 { return q }
            return nearest ? q + (r > step / 2 ? 1 : 0) : BadCell.offStep.rawValue
        case .boolean: return v == 0 || v == 1 ? v : BadCell.notBoolean.rawValue
        case .typedLevels: return values?.offset(ofInt: v) ?? BadCell.notLevel.rawValue
        case .levels: return BadCell.notLevel.rawValue
        case .grid, .real: return offset(ofDouble: Double(v), nearest: nearest)
        }
    }

    /// The offset of a double, as of a whole value; it must be whole for whole kinds. NaN is no value here: callers
    /// have taken it as missing.
    func offset(ofDouble v: Double, nearest asked: Bool) -> Int64 {
        code(v) ?? place(ofDouble: v, nearest: asked)
    }

    private func place(ofDouble v: Double, nearest asked: Bool) -> Int64 {
        let nearest = asked || clamps
        switch tag {
        case .grid:
            guard v.isFinite || nearest else { return BadCell.notFinite.rawValue }
            return grid?.offset(v, nearest: nearest) ?? BadCell.notNumber.rawValue
        case .real:
            guard !v.isNaN, nearest || v.isFinite else { return BadCell.notFinite.rawValue }
            if v < low { return nearest ? 0 : BadCell.below.rawValue }
            if v > high { return nearest ? 0 : BadCell.above.rawValue }
            return 0
        case .typedLevels: return values?.offset(ofDouble: v) ?? BadCell.notLevel.rawValue
        case .whole, .boolean, .levels:
            guard v.isFinite else { return BadCell.notFinite.rawValue }
            let r = v.rounded()
            guard r == v || nearest else {
                return type == .boolean ? BadCell.notBoolean.rawValue : BadCell.notInteger.rawValue
            }
            // A double of this size may stand for several whole numbers.
            if type == .integer, r.magnitude > 0x1p53, r.magnitude < 0x1p63, !nearest {
                let k = offset(ofInt: Int64(r), nearest: false)
                return k >= 0 ? BadCell.inexact.rawValue : k
            }
            if r >= 0x1p63 { return nearest && tag == .whole ? count - 1 : BadCell.above.rawValue }
            if r < -0x1p63 { return nearest && tag == .whole ? 0 : BadCell.below.rawValue }
            return offset(ofInt: Int64(r), nearest: nearest)
        }
    }

    /// A number without a step, moved into its bounds.
    func clamped(_ v: Double) -> Double { min(max(v, low), high) + 0.0 }
}
