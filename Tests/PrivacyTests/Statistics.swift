// Falsifiers that several tests share: each returns how far data are from a claim, in standard deviations or as a
// probability bound, so that a test can show both that the library passes and that a mutant does not.

import Glibc

/// χ² of observed counts against expected ones as a standard normal deviate (Wilson and Hilferty 1931). Cells expected
/// below 5 are merged with the next.
func chiSquareDeviate(_ observed: [Double], _ expected: [Double]) -> Double {
    var x = 0.0, cells = 0.0, o = 0.0, e = 0.0
    for (a, b) in zip(observed, expected) {
        o += a
        e += b
        if e >= 5 { x += (o - e) * (o - e) / e; cells += 1; o = 0; e = 0 }
    }
    if e > 0 { x += (o - e) * (o - e) / max(e, 1) }
    let k = max(cells - 1, 1)
    return (cbrt(x / k) - (1 - 2 / (9 * k))) / (2 / (9 * k)).squareRoot()
}

/// Largest distance between the empirical distribution and N(0, deviation²), times √n: above 1.95 with probability
/// .001.
func kolmogorov(_ x: [Double], standardDeviation: Double) -> Double {
    let n = Double(x.count)
    var d = 0.0
    for (i, v) in x.sorted().enumerated() {
        let f = 0.5 * erfc(-v / standardDeviation / 2.0.squareRoot())
        d = max(d, abs(f - Double(i) / n), abs(f - Double(i + 1) / n))
    }
    return d * n.squareRoot()
}

/// Correlation of two equally long lists times √n: a standard normal deviate when they are independent.
func correlationDeviate(_ x: [Double], _ y: [Double]) -> Double {
    let n = Double(x.count), mx = x.reduce(0, +) / n, my = y.reduce(0, +) / n
    var xy = 0.0, xx = 0.0, yy = 0.0
    for (a, b) in zip(x, y) { xy += (a - mx) * (b - my); xx += (a - mx) * (a - mx); yy += (b - my) * (b - my) }
    return xy / (xx * yy).squareRoot() * n.squareRoot()
}

func norm(_ x: [Double]) -> Double { x.reduce(0) { $0 + $1 * $1 }.squareRoot() }
