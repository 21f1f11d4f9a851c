// The quantile of a standard normal variable that a two-sided interval reaches.

import Glibc

/// z with P(|Z| ≤ z) = confidence.
/// - Parameter confidence: in (0, 1).
package func normalLimit(_ confidence: Double) -> Double {
    // Halving of the error function: no approximation of its inverse is needed for an answer.
    var low = 0.0, high = 40.0
    for _ in 0..<200 {
        let middle = (low + high) / 2
        if erf(middle / 2.0.squareRoot()) < confidence { low = middle } else { high = middle }
    }
    return (low + high) / 2
}
