// Masses of the normal distribution on cells and in tails, with bounds on their rounding.

import Glibc

/// u: half the distance from 1 to the next double.
let unitRoundoff = 0x1p-53

/// The smaller of Φ(z) and 1 − Φ(z).
@inline(__always)
func normalTail(_ z: Double) -> Double { 0.5 * erfc(abs(z) * 0.5.squareRoot()) }

/// log of `normalTail`, also where that is 0: beyond 35 by the asymptotic series of the Mills ratio.
func logNormalTail(_ z: Double) -> Double {
    let x = abs(z)
    if x < 35 { return log(normalTail(x)) }
    let y = 1 / (x * x)
    return -0.5 * x * x - log(x * (2 * Double.pi).squareRoot()) + log1p(y * (-1 + y * (3 - 15 * y)))
}

/// An end of a cell in standard deviations, with its tail.
struct NormalEdge {
    let z: Double, tail: Double
    @inline(__always)
    init(_ z: Double) { (self.z, tail) = (z, normalTail(z)) }
    /// What rounding of z (relative u) and of erfc can make the tail wrong by.
    @inline(__always)
    var error: Double { tail == 0 ? 0 : 4 * unitRoundoff * (1 + z * z) * tail }
    /// e^t · `error`, also where one factor overflows and the other is 0.
    func scaledError(log t: Double) -> Double {
        if abs(t) < 300, abs(z) < 35 { return exp(t) * error }
        return z.isFinite ? 4 * unitRoundoff * (1 + z * z + abs(t)) * exp(t + logNormalTail(z)) : 0
    }
}

/// Φ(b) − Φ(a) for a ≤ b, without cancellation of large tails.
@inline(__always)
func normalCell(_ a: NormalEdge, _ b: NormalEdge) -> Double {
    if b.z <= 0 { return max(0, b.tail - a.tail) }
    if a.z >= 0 { return max(0, a.tail - b.tail) }
    return 1 - a.tail - b.tail
}

/// e^t (Φ(b) − Φ(a)), also where one factor overflows and the other is 0.
func scaledNormalCell(_ a: NormalEdge, _ b: NormalEdge, log t: Double) -> Double {
    let near = min(abs(a.z), abs(b.z))
    if a.z.sign != b.z.sign || (near < 35 && abs(t) < 300) { return exp(t) * normalCell(a, b) }
    let far = max(abs(a.z), abs(b.z)), top = logNormalTail(near)
    return exp(t + top) * -expm1(logNormalTail(far) - top)
}
