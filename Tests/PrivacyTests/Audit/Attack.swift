// Lower bounds on ε from many runs of one mechanism on two neighbours: what an attacker proves, for tests of every
// mechanism.

import Glibc

/// Least probability of an event that was seen `k` times in `n` runs, at this error rate (Clopper and Pearson 1934).
func clopperPearsonLow(_ k: Int, of n: Int, error: Double) -> Double {
    if k == 0 { return 0 }
    var lo = 0.0, hi = Double(k) / Double(n)
    for _ in 0..<60 {
        let p = (lo + hi) / 2, N = Double(n)
        var tail = 0.0
        for j in k...n {
            let J = Double(j), t = lgamma(N + 1) - lgamma(J + 1) - lgamma(N - J + 1) + J * log(p) + (N - J) * log1p(-p)
            tail += exp(t)
            if t < -60, J > N * p { break }
        }
        if tail < error { lo = p } else { hi = p }
    }
    return lo
}

/// Lower bound on ε from how often an event was seen on each of two neighbours: (a − δ) / b at Clopper-Pearson bounds,
/// for the event and for its complement, each way. `error`: of each of the bounds.
func epsilonProved(_ with: Int, _ without: Int, runs: Int, delta: Double, error: Double) -> Double {
    func low(_ k: Int) -> Double { clopperPearsonLow(k, of: runs, error: error) }
    func ratio(_ a: Int, _ b: Int) -> Double { log(max(low(a) - delta, 1e-300) / (1 - low(runs - b))) }
    return max(0, ratio(with, without), ratio(runs - without, runs - with))
}

/// The same for an attacker who first learns which event to look for, in the manner of DP-Sniper (Bichsel, Steffen,
/// Bogunovic and Vechev 2021, IEEE S&P): the threshold of a score that separates the neighbours best is chosen on the
/// first half of the runs and judged on the second.
/// - Parameter confidence: that the bound holds.
func epsilonSniped(with: [Double], without: [Double], delta: Double, confidence: Double) -> Double {
    let half = with.count / 2, a = with.prefix(half).sorted(), b = without.prefix(half).sorted()
    func above(_ x: [Double], _ t: Double) -> Int {
        var lo = 0, hi = x.count
        while lo < hi { let m = (lo + hi) / 2; if x[m] > t { hi = m } else { lo = m + 1 } }
        return x.count - lo
    }
    var best = (gain: -Double.infinity, threshold: 0.0)
    for i in stride(from: 0, to: half, by: max(1, half / 400)) {
        for t in [a[i], b[i]] {
            // What these counts would prove, roughly: four standard deviations off, so that thresholds that hardly
            // anything passes are not preferred.
            let p = Double(above(a, t)), q = Double(above(b, t)), n = Double(half)
            func low(_ k: Double) -> Double { max(k - 4 * (k * (1 - k / n)).squareRoot() - 8, 1e-9) }
            let gain = max(log(low(p) / (n - low(n - q))), log(low(n - q) / (n - low(p))))
            if gain > best.gain { best = (gain, t) }
        }
    }
    func count(_ x: [Double]) -> Int { x.suffix(from: half).filter { $0 > best.threshold }.count }
    return epsilonProved(count(with), count(without), runs: with.count - half, delta: delta,
        error: (1 - confidence) / 4)
}
