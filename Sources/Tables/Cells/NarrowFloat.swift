// Numbers of 16 and 32 bits: which value of a schema they were meant as. 0.1 in 32 bits is not the double 0.1.

import Basics

/// A floating-point type that is narrower than a double.
package enum NarrowFloat {
    case half, single

    /// Whether the number of this type that is nearest to `x` is `v`, which is such a number.
    package func isNearest(of x: Double, _ v: Double) -> Bool {
        guard v.isFinite else { return x == v }
        // A half's neighbours are 2^-10 of its binary order away.
        return self == .single ? Float(x) == Float(v)
            : (x - v).magnitude <= Double(sign: .plus, exponent: max(v.exponent, -14) - 11, significand: 1)
    }

    /// The decimal number with the fewest digits whose nearest number of this type is `v`.
    package func shortest(_ v: Double) -> Double {
        guard v.isFinite else { return v }
        if self == .single { return Double(Float(v).description) ?? v }
        for digits in 1...5 {
            let unit = 5 - digits - (v.magnitude >= 1 ? 0 : 5)
            let scale = powersOfTen[abs(unit)],
                x = unit < 0 ? (v * scale).rounded() / scale : (v / scale).rounded() * scale
            if isNearest(of: x, v) { return x }
        }
        return v
    }
}

extension Domain {
    /// The number that means "missing", or else the value of the domain, whose nearest number of the narrow type is
    /// `v`; `v` where there is none.
    func value(_ narrow: NarrowFloat, _ v: Double) -> Double {
        guard v.isFinite else { return v }
        if let code = missing.first(where: { narrow.isNearest(of: number(key: $0), v) }) { return number(key: code) }
        switch tag {
        case .grid:
            guard let grid else { return v }
            let near = grid.value(max(0, grid.offset(v, nearest: true)))
            return narrow.isNearest(of: near, v) ? near : v
        case .real: return narrow.isNearest(of: low, v) ? low : narrow.isNearest(of: high, v) ? high : v
        case .levels, .typedLevels: return narrow.shortest(v)
        case .whole, .boolean: return v
        }
    }

    private func number(key: UInt64) -> Double {
        type == .number ? Double(bitPattern: key) : Double(Int64(bitPattern: key))
    }
}

/// The double of an IEEE 754 half.
package func doubleOfHalf(_ bits: UInt16) -> Double {
    let sign: Double = bits >> 15 == 1 ? -1 : 1, exponent = Int(bits >> 10 & 31), fraction = Double(bits & 1023)
    switch exponent {
    case 0: return sign * fraction * 0x1p-24
    case 31: return fraction == 0 ? sign * .infinity : .nan
    default: return sign * (1 + fraction / 1024) * Double(sign: .plus, exponent: exponent - 15, significand: 1)
    }
}
