// What one training with many canaries proves about ε. Each of m rows (canaries) is put into the table or left out by
// the toss of a coin; whoever sees what was released guesses for some of them which it was. Too many right guesses are
// evidence against (ε, δ). Steinke, Nasr and Jagielski 2023, "Privacy Auditing with One (1) Training Run", arXiv
// 2305.08846, Theorem 5.2 and Algorithm 1.

import Glibc

/// Largest probability that an (ε, δ)-private training allows for `correct` or more right guesses.
///
/// With f(v) = P(Binomial(r, e^ε/(1+e^ε)) ≥ v) it is f(v) + 2 m δ max_{1 ≤ i ≤ v} (f(v − i) − f(v)) / i (Theorem 5.2,
/// for guesses of ±1 and abstentions).
/// - Parameters:
///   - canaries: m. - guesses: r ≤ m, the others are abstentions. - correct: v ≤ r.
func oneRunPValue(canaries m: Int, guesses r: Int, correct v: Int, epsilon: Double, delta: Double) -> Double {
    guard v > 0 else { return 1 }
    let right = -log1p(exp(-epsilon)), wrong = -epsilon + right, n = Double(r)
    func mass(_ k: Int) -> Double {
        let k = Double(k)
        return exp(lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) + k * right + (n - k) * wrong)
    }
    var tail = 0.0, below = 0.0, most = 0.0
    for k in v...r { tail += mass(k) }
    for i in 1...v {
        below += mass(v - i)
        most = max(most, below / Double(i))
    }
    return min(1, tail + 2 * Double(m) * delta * most)
}

/// Largest ε that is refuted at this confidence, at least 0: the training is not (ε, δ)-private for any smaller one
/// either.
func oneRunLowerBound(canaries m: Int, guesses r: Int, correct v: Int, delta: Double, confidence: Double) -> Double {
    func refuted(_ e: Double) -> Bool {
        oneRunPValue(canaries: m, guesses: r, correct: v, epsilon: e, delta: delta) <= 1 - confidence
    }
    guard refuted(0) else { return 0 }
    var lo = 0.0, hi = 50.0
    for _ in 0..<60 {
        let mid = (lo + hi) / 2
        if refuted(mid) { lo = mid } else { hi = mid }
    }
    return lo
}

/// The outcome of one audit.
struct Audit: Equatable {
    /// Lower bound on ε.
    var bound = 0.0
    var guesses = 0, correct = 0

    /// Guesses "in" for the canaries with the highest scores and "out" for as many with the lowest; the others are
    /// abstentions. Four numbers of guesses, fixed here, share the error rate.
    init(scores: [Double], included: [Bool], delta: Double, confidence: Double = 0.95) {
        let m = scores.count, order = scores.indices.sorted { scores[$0] < scores[$1] }, shares = [0.1, 0.25, 0.5, 0.9]
        for share in shares {
            let half = Int(share * Double(m) / 2)
            let correct = order.prefix(half).filter { !included[$0] }.count
                + order.suffix(half).filter { included[$0] }.count
            let bound = oneRunLowerBound(canaries: m, guesses: 2 * half, correct: correct, delta: delta,
                                         confidence: 1 - (1 - confidence) / Double(shares.count))
            if bound > self.bound || guesses == 0 { (self.bound, guesses, self.correct) = (bound, 2 * half, correct) }
        }
    }
}
