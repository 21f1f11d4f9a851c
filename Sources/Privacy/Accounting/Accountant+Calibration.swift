// Solves noise from (ε, δ) by an accountant, for parameters that are constants.

import Basics
import Glibc

extension Accountant {
    /// The least factor on all noise, up to `Budget.maxNoise`, with which `events` meet (ε, δ); met from below, within
    /// 1e-9 (Rényi) or 1e-6.
    /// - Throws: `.argument` for parameters out of range, `.budget` when no factor can.
    package static func calibrate(_ kind: Kind, _ events: [(mechanism: Mechanism, count: Int)], rows: Int,
        epsilon: Double, delta: Double) throws -> Double {
        func cost(_ s: Double, _ kind: Kind) throws -> Double {
            var a = Accountant(kind, rows: rows)
            for e in events { try a.compose(e.mechanism.scaled(s), count: e.count) }
            return try a.epsilon(delta: delta)
        }
        let noises = events.filter { $0.count > 0 && !$0.mechanism.isNothing }.compactMap { $0.mechanism.noise }
        guard noises.allSatisfy({ $0 > 0 }) else { throw Failure(.argument, "calibration: a noise must be above 0") }
        var hi = Budget.maxNoise / (noises.min() ?? 1), lo = 1e-3 / (noises.max() ?? 1)
        // Nothing has noise: any factor will do, or none.
        if noises.isEmpty { (hi, lo) = (1, 1) }
        guard try cost(hi, .renyi) <= epsilon else {
            throw Failure(.budget, "no factor on the noise meets this epsilon at this delta")
        }
        if try noises.isEmpty || cost(lo, .renyi) <= epsilon { return lo }
        while hi / lo > 1 + 1e-10 {
            let mid = (lo * hi).squareRoot()
            if try cost(mid, .renyi) <= epsilon { hi = mid } else { lo = mid }
        }
        return kind == .pld ? try leastFactor(from: hi, epsilon: epsilon) { try cost($0, .pld) } : hi
    }

    /// The least factor s ≤ `hi` with cost(s) ≤ ε, from above within about 1e-7, for a cost that falls with s and is at
    /// most ε at `hi`.
    static func leastFactor(from hi: Double, epsilon: Double, cost: (Double) throws -> Double) rethrows -> Double {
        // Down from there, by chords in logarithms, which the curve nearly is.
        var high = (s: log(hi), e: log(try cost(hi)) - log(epsilon)), low = (s: high.s - 0.05, e: 0.0)
        for _ in 0..<60 {
            low.e = log(try cost(exp(low.s))) - log(epsilon)
            if low.e > 0 { break }
            high = low
            low.s -= 0.1
        }
        guard low.e > 0 else { return exp(high.s) }
        for turn in 0..<60 where high.s - low.s > 1e-7 {
            if high.e > -1e-7, high.e <= 0 { break }
            var t = high.e.isFinite && low.e.isFinite ? low.e / (low.e - high.e) : 0.5
            // Aims a little above the root, and halves now and then: the end that fits is the one that has to move.
            t = turn % 4 == 3 ? 0.5 : min(max(t + 0.02 * (1 - t), 0.02), 0.98)
            let s = low.s + t * (high.s - low.s), e = log(try cost(exp(s))) - log(epsilon)
            if e <= 0 { high = (s, e) } else { low = (s, e) }
        }
        return exp(high.s)
    }
}
