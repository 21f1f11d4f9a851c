// Confidence intervals of shares, means and their contrasts, by inverting tests of linear sums. They hold where counts
// are small beside their noise, and grow to the whole range where a count cannot be told from nothing.

import Basics
import Glibc

/// An estimate with its interval. All fields in the units of the quantity.
struct Estimate {
    var value: Double, low: Double, high: Double
    /// Standard errors: of the rows as a sample, and of the noise of the guarantee.
    var sampling: Double, noise: Double
    /// Standard deviations of noise that estimates of other groups have in common with this one, signed.
    var shared: [Double] = []
    /// The range that a value can have.
    var range: ClosedRange<Double>
    var error: Double { (sampling * sampling + noise * noise).squareRoot() }
    /// Whether the interval is the whole range: the rows are too few beside the noise to say anything.
    var isLost: Bool { low <= range.lowerBound && high >= range.upperBound && range.lowerBound < range.upperBound
        || !value.isFinite }
}

/// What a ratio of two sums is tested by.
struct RatioSums {
    var numerator: Double, denominator: Double
    /// Covariance of their noise.
    var noise: (numerator: Double, both: Double, denominator: Double)
    enum Sampling {
        /// A share of the denominator's rows: the variance of a sample follows from the share itself.
        case share
        /// A mean over the denominator's rows with this variance of a row.
        case mean(variance: Double)
    }
    var sampling: Sampling
    /// A variance of the ratio beside those: of what is put in place of values inside bins.
    var extra = 0.0

    /// Every ratio μ for which numerator − μ denominator is within z standard errors of 0 (Fieller 1954; for a share
    /// without noise, Wilson 1927).
    func estimate(limit z: Double, range: ClosedRange<Double>) -> Estimate {
        let (n, d, zz) = (numerator, denominator, z * z), rows = max(d, 0)
        var a = d * d - zz * noise.denominator - zz * rows * 0, b = -2 * n * d + 2 * zz * noise.both
        var c = n * n - zz * noise.numerator - zz * d * d * extra
        let value = d > 0 ? min(max(n / d, range.lowerBound), range.upperBound) : .nan
        let sample: Double
        switch sampling {
        case .share:
            a += zz * rows
            b -= zz * rows
            sample = rows * value * (1 - value)
        case .mean(let variance):
            c -= zz * rows * variance
            sample = rows * variance
        }
        let noisy = max(0, noise.numerator - 2 * value * noise.both + value * value * noise.denominator)
        var out = Estimate(value: value, low: range.lowerBound, high: range.upperBound,
                           sampling: d > 0 ? max(0, sample).squareRoot() / d : .infinity,
                           noise: d > 0 ? (noisy / (d * d) + extra).squareRoot() : .infinity, range: range)
        // Without a denominator that stands out of its noise no value is refused.
        guard d > 0, d * d > zz * noise.denominator, a > 0 else { return out }
        let root = (b * b - 4 * a * c)
        guard root >= 0, root.isFinite else {
            // The ratio lies outside its range by more than chance explains: noise alone does this.
            let centre = min(max(-b / (2 * a), range.lowerBound), range.upperBound)
            (out.low, out.high) = (centre, centre)
            return out
        }
        out.low = min(max((-b - root.squareRoot()) / (2 * a), range.lowerBound), range.upperBound)
        out.high = min(max((-b + root.squareRoot()) / (2 * a), range.lowerBound), range.upperBound)
        return out
    }
}

extension Estimate {
    /// This less another one, by the limits of both (MOVER; Zou and Donner 2008), with the noise that they share taken
    /// out.
    func minus(_ other: Estimate, limit z: Double) -> Estimate {
        let (a, b) = (self, other), common = zip(a.shared, b.shared).reduce(0) { $0 + $1.0 * $1.1 }
        func arm(_ x: Double, _ y: Double) -> Double { max(0, x * x + y * y - 2 * z * z * common).squareRoot() }
        let span = (a.range.lowerBound - b.range.upperBound)...(a.range.upperBound - b.range.lowerBound)
        let value = a.value - b.value
        let noise = max(0, a.noise * a.noise + b.noise * b.noise - 2 * common).squareRoot()
        var out = Estimate(value: value, low: span.lowerBound, high: span.upperBound,
                           sampling: (a.sampling * a.sampling + b.sampling * b.sampling).squareRoot(), noise: noise,
                           range: span)
        guard value.isFinite, !a.isLost, !b.isLost else { return out }
        // A limit that was cut at the end of its range no longer holds the noise that is taken out.
        let least = z * out.error, isLowCut = a.low <= a.range.lowerBound || b.high >= b.range.upperBound,
            isHighCut = a.high >= a.range.upperBound || b.low <= b.range.lowerBound
        let down = max(arm(a.value - a.low, b.high - b.value), isLowCut ? least : 0)
        let up = max(arm(a.high - a.value, b.value - b.low), isHighCut ? least : 0)
        out.low = max(span.lowerBound, value - down)
        out.high = min(span.upperBound, value + up)
        return out
    }

    /// This over another one, both above 0 (MOVER of ratios; Donner and Zou 2012, equation 9); limits without bound
    /// where the other one may be 0.
    func over(_ other: Estimate) -> Estimate {
        let (a, b) = (self, other), span = 0...Double.infinity, value = a.value / b.value
        var out = Estimate(value: value, low: 0, high: .infinity, sampling: .nan, noise: .nan, range: span)
        if b.value > 0, a.value >= 0 {
            let left = a.sampling / b.value, right = value * b.sampling / b.value
            out.sampling = (left * left + right * right).squareRoot()
            let first = a.noise / b.value, second = value * b.noise / b.value
            out.noise = (first * first + second * second).squareRoot()
        } else { out.value = .nan }
        guard out.value.isFinite, !a.isLost, !b.isLost, a.low >= 0, b.low > 0 else { return out }
        let product = a.value * b.value
        let down = b.high * (2 * b.value - b.high), up = b.low * (2 * b.value - b.low)
        if down != 0 {
            let root = max(0, product * product - a.low * b.high * (2 * a.value - a.low) * (2 * b.value - b.high))
            out.low = max(0, (product - root.squareRoot()) / down)
        }
        if up > 0 {
            let root = max(0, product * product - a.high * b.low * (2 * a.value - a.high) * (2 * b.value - b.low))
            out.high = (product + root.squareRoot()) / up
        }
        return out
    }
}
