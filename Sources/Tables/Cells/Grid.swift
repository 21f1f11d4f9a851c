// Numbers with a step: a value is k·step for a whole k, as exactly as its decimal text reads.
// A value is stored as k - first. 34 steps of 0.1 must be the double that "3.4" reads as and not 3.4000000000000004. So
// a decimal step is kept as numerator / 10^decimals, and the value is one correctly rounded division.

import Basics

/// The multiples of `step` inside [minimum, maximum]: `count` of them, from `first`·step on.
package struct Grid: Equatable, Sendable {
    /// The declared step, > 0.
    package let step: Double
    package let first: Int64
    package let count: Int64
    /// step = numerator / 10^decimals exactly in decimal, when every k·numerator is below 2^53; otherwise numerator is
    /// 0.
    let numerator: Int64
    /// Digits behind the point in the text of a value.
    let decimals: Int

    /// Nil when no multiple lies inside or k would leave the whole numbers that doubles hold exactly.
    init?(minimum: Double, maximum: Double, step: Double) {
        guard step > 0, step.isFinite, minimum <= maximum else { return nil }
        let low = minimum / step, high = maximum / step
        guard low.magnitude < 0x1p52, high.magnitude < 0x1p52 else { return nil }
        var first = (low - Grid.tolerance(low)).rounded(.up), last = (high + Grid.tolerance(high)).rounded(.down)
        guard first <= last else { return nil }
        let (n, d) = Grid.decimal(step)
        let largest = Double(n) * (max(first.magnitude, last.magnitude) + 1)
        let exact = n > 0 && d <= 22 && largest < 0x1p53
        // Beyond 10^14 steps the quotient is rounded by more than the tolerance. Bounds that are multiples stay what
        // they are, so that a schema read back from its own text is the same schema.
        func multiple(_ k: Double) -> Double { exact ? k * Double(n) / powersOfTen[d] : k * step }
        if multiple(first - 1) >= minimum { first -= 1 }
        if multiple(last + 1) <= maximum { last += 1 }
        (numerator, decimals) = exact ? (n, d) : (0, 0)
        (self.step, self.first, count) = (step, Int64(first), Int64(last) - Int64(first) + 1)
    }

    /// How far v/step may lie from a whole number: both were rounded, and a host may have computed v.
    static func tolerance(_ quotient: Double) -> Double { min(1e-9 * max(1, quotient.magnitude), 0.01) }

    package var minimum: Double { value(0) }
    package var maximum: Double { value(count - 1) }

    /// The value at `offset` in 0..<count.
    package func value(_ offset: Int64) -> Double {
        let k = first &+ offset
        guard numerator > 0 else { return Double(k) * step }
        return Double(k &* numerator) / powersOfTen[decimals]
    }

    /// The offset of a value, or a `BadCell` code. With `nearest` the closest value counts.
    func offset(_ v: Double, nearest: Bool) -> Int64 {
        let q = v / step
        // Far outside, before k is made an integer.
        if q < Double(first) - 1 { return nearest ? 0 : BadCell.below.rawValue }
        if q > Double(first + count) + 1 { return nearest ? count - 1 : BadCell.above.rawValue }
        let k = q.rounded()
        guard !k.isNaN else { return BadCell.notFinite.rawValue }
        let offset = Int64(k) - first
        if offset < 0 { return nearest ? 0 : BadCell.below.rawValue }
        if offset >= count { return nearest ? count - 1 : BadCell.above.rawValue }
        return nearest || (q - k).magnitude <= Grid.tolerance(q) ? offset : BadCell.offStep.rawValue
    }

    /// x = n / 10^d for the shortest text of x; n = 0 when that does not fit 64 bits.
    private static func decimal(_ x: Double) -> (n: Int64, d: Int) {
        var n: Int64 = 0, d = 0, behind = false, exponent = 0
        let parts = x.description.utf8.split(separator: UInt8(ascii: "e"))
        for b in parts[0] {
            if b == UInt8(ascii: ".") { behind = true; continue }
            let (m, over) = n.multipliedReportingOverflow(by: 10)
            guard !over, m < Int64.max - 9 else { return (0, 0) }
            n = m + Int64(b) - 0x30
            if behind { d += 1 }
        }
        if parts.count > 1 {
            exponent = Int(String(decoding: parts[1].drop { $0 == UInt8(ascii: "+") }, as: UTF8.self)) ?? 0
        }
        d -= exponent
        while d > 0, n % 10 == 0, n > 0 { (n, d) = (n / 10, d - 1) }
        while d < 0 {
            let (m, over) = n.multipliedReportingOverflow(by: 10)
            guard !over else { return (0, 0) }
            (n, d) = (m, d + 1)
        }
        return (n, d)
    }
}

/// 10^0 ... 10^22, all exact in a double.
let powersOfTen: [Double] = [1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
                             1e17, 1e18, 1e19,
                             1e20, 1e21, 1e22]
