// The distribution of a sum of privacy losses on a grid, and the (ε, δ) curve that it bounds.

import Basics
import Glibc

/// Tilted masses of Σ L, with bounds on everything that is not in them.
struct ComposedLoss {
    private let count: Int, step: Double, theta: Double
    /// Grid point where the window begins.
    private let first: Int
    /// Tilted masses, in the order of the window, ≥ 0, each at least the true one − `error`.
    private let masses: Buffer<Double>
    private let error: Double
    /// log of what tilting divided by, rounded up.
    private let logTotal: Double
    private var drift = 0.0
    /// Mass at ∞ and above the window.
    private let lost: Double

    /// - Parameters:
    ///   - theta: tilt, ≥ 0.
    ///   - upper: a larger tilt, which bounds what lies above the window.
    ///   - bottom: least loss of the window.
    init(_ pairs: [(pair: any LossPair, count: Int)], _ transform: FourierTransform, step: Double, theta: Double,
        upper: Double, bottom: Double, reach: Double) throws {
        let n = transform.count, half = n / 2
        guard abs(bottom) / step < 0x1p51 else { throw LossTooFine() }
        (count, self.step, self.theta) = (n, step, theta)
        first = Int((bottom / step).rounded(.down)) - 16
        let re = try Buffer<Double>(count: n, for: "a transform"), im = try Buffer<Double>(count: n, for: "a transform")
        let magnitude = try Buffer<Double>(count: half + 1, for: "a transform"),
            phase = try Buffer<Double>(count: half + 1, for: "a transform")
        let bound = try Buffer<Double>(count: half + 1, for: "a transform"),
            relative = try Buffer<Double>(count: half + 1, for: "a transform")
        let noise = transform.error(sum: 1.001), mask = n - 1
        var total = 0.0, totalError = 0.0, aboveExponent = 0.0, infinite = 0.0, most = 0.0
        for (pair, times) in pairs {
            let d = try pair.distribution(step: step, reach: reach), c = Double(times), size = d.masses.count
            infinite += c * d.infinity
            drift += c * d.drift
            // Normalisers: of the tilt, and of the larger one for the bound on the tail. Shifted so that no exponential
            // overflows.
            var shift = -Double.infinity, shiftUp = -Double.infinity
            var last = 0
            for i in 0..<size where d.masses.base[i] > 0 {
                last = i
                let l = d.loss(d.lowest + i), p = log(d.masses.base[i])
                shift = max(shift, theta * l + p)
                shiftUp = max(shiftUp, upper * l + p)
            }
            var sum = 0.0, sumUp = 0.0
            for i in 0..<n { re.base[i] = 0; im.base[i] = 0 }
            for i in 0..<size where d.masses.base[i] > 0 {
                let point = d.lowest + i, l = d.loss(point), p = d.masses.base[i], t = p * exp(theta * l - shift)
                sum += t
                sumUp += p * exp(upper * l - shiftUp)
                re.base[point & mask] += t
            }
            most += c * d.loss(d.lowest + last)
            let scale = 1 / sum, size1 = theta * max(abs(d.loss(d.lowest)), abs(d.loss(d.highest)))
            for i in 0..<n { re.base[i] *= scale }
            total += c * (shift + log(sum))
            totalError += c * 16 * unitRoundoff * (2 + abs(shift) + size1)
            aboveExponent += c * ((shiftUp + log(sumUp))
                + 16 * unitRoundoff * (2 + abs(shiftUp) + upper / max(theta, 1e-300) * size1)
                    + Double(size) * 2 * unitRoundoff)
            transform.transform(re.base, im.base)
            for f in 0...half {
                let x = re.base[f], y = im.base[f], m = (x * x + y * y).squareRoot(), above = m + noise
                magnitude.base[f] += c * log(m)
                phase.base[f] = (phase.base[f] + c * atan2(y, x)).remainder(dividingBy: 2 * Double.pi)
                bound.base[f] += c * log(above)
                relative.base[f] += c * (noise / above + 8 * unitRoundoff)
            }
        }
        // |Π zⁿ − Π ẑⁿ| ≤ Π (|ẑ| + noise)ⁿ · Σ n noise/(|ẑ| + noise), and what powers and sums of phases lose.
        var wrong = 0.0, sum = 0.0
        for f in 0...half {
            let m = exp(magnitude.base[f]), twice = f == 0 || f == half ? 1.0 : 2.0
            (re.base[f], im.base[f]) = (m * cos(phase.base[f]), m * sin(phase.base[f]))
            if f > 0, f < half { (re.base[n - f], im.base[n - f]) = (re.base[f], -im.base[f]) }
            let e = min(exp(bound.base[f]), 1.001)
            wrong += twice * min(e * (relative.base[f] + 64 * unitRoundoff), 2)
            sum += twice * m
        }
        transform.transform(re.base, im.base, inverse: true)
        error = (wrong + transform.error(sum: sum)) / Double(n)
        masses = try Buffer(count: n, for: "a loss distribution")
        for i in 0..<n { masses.base[i] = max(0, re.base[(first + i) & mask] / Double(n)) }
        logTotal = total + totalError
        // Chernoff: above the window there is at most E[e^{θ′L}] e^{−θ′ top}.
        let end = Double(first + n) * step
        let above = most < end - step ? 0 : exp(aboveExponent - upper * end)
        lost = (infinite + (above.isNaN ? 1 : above)) * (1 + 1e-12)
    }

    private func loss(_ i: Int) -> Double { Double(first + i) * step }

    /// Goes down the window from its top. `visit` gets the place i, and δ without `lost` at losses i and i + 1, both
    /// times e^{θ ref − logTotal} and without the error bound, and the error bound at i in the same unit; it ends the
    /// walk with true.
    private func walk(reference: Double,
        _ visit: (_ i: Int, _ here: Double, _ above: Double, _ error: Double) -> Bool) {
        // With A the mass above i and D = Σ_{k>i} p_k (1 − e^{−(k−i)h}):  D_i = e^{−h} D_{i+1} + (1 − e^{−h}) A_i, all
        // terms positive.
        let rest = exp(-step), share = -expm1(-step),
            spread = min(Double(count), theta * step > 0 ? 1 / -expm1(-theta * step) : .infinity)
        var mass = 0.0, above = 0.0
        for i in stride(from: count - 2, through: 0, by: -1) {
            mass += masses.base[i + 1] * exp(-theta * (loss(i + 1) - reference))
            let here = rest * above + share * mass
            if visit(i, here, above, error * spread * exp(-theta * (loss(i) - reference))) { return }
            above = here
        }
    }

    func epsilon(delta: Double) -> Double {
        let reference = loss(count / 2), left = (delta - lost) * (1 - 1e-9)
        guard left > 0 else { return .infinity }
        let target = exp(log(left) - logTotal + theta * reference)
        // Below the range of doubles masses would vanish unseen.
        guard target.isFinite, target > 1e-290 else { return .infinity }
        var answer = loss(0)
        walk(reference: reference) { i, here, above, error in
            if here + error <= target { return false }
            if i == count - 2 { answer = .infinity; return true }
            // Linear in e^ε between two grid points.
            let allowed = target - error
            answer = loss(i + 1)
            if allowed > above, here > above {
                answer = min(answer, loss(i) + log1p(expm1(step) * (here - allowed) / (here - above)))
            }
            return true
        }
        return max(0, (answer + drift) * (1 + 8 * unitRoundoff) + 8 * unitRoundoff * abs(answer))
    }

    func delta(epsilon: Double) -> Double {
        let reference = loss(count / 2), e = epsilon - drift - 16 * unitRoundoff * abs(epsilon)
        guard e >= loss(0) else { return 1 }
        if e >= loss(count - 2) { return min(1, lost * (1 + 1e-9)) }
        var answer = Double.infinity
        walk(reference: reference) { i, here, above, error in
            guard e >= loss(i) else { return false }
            let t = expm1(e - loss(i)) / expm1(step)
            answer = here + (above - here) * min(max(t, 0), 1) + error
            return true
        }
        // What lies below the range of doubles counts as its end.
        let d = (exp(log(max(answer, 1e-290)) + logTotal - theta * reference) + lost) * (1 + 1e-9)
        return d >= 0 ? min(d, 1) : 1
    }

    /// δ at ε = 0 and at every point of the grid above it, ascending; each at least the true one.
    func curve() -> LossCurve {
        let reference = loss(count / 2), scale = logTotal - theta * reference
        var points: [(epsilon: Double, delta: Double)] = []
        walk(reference: reference) { i, here, _, error in
            let e = loss(i) + drift
            guard e > 0 else { return true }
            points.append((e * (1 + 8 * unitRoundoff),
                min(1, (exp(log(max(here + error, 1e-290)) + scale) + lost) * (1 + 1e-9))))
            return false
        }
        points.append((0, delta(epsilon: 0)))
        return LossCurve(points: points.reversed())
    }
}
