// The propensity score mean squared error: how well a logistic regression tells synthetic rows from real ones
// (Snoke, Raab, Nowok, Dibben and Slavkovic 2018, Journal of the Royal Statistical Society A 181, 663-688).

import Basics
import Glibc

struct Propensity {
    /// Mean squared difference of the score and the share of synthetic rows; 0: they cannot be told apart.
    let error: Double
    /// The error over what chance makes of a right model, (k - 1) (1 - c)² c / N; 1 is as good as chance.
    let ratio: Double

    static let maxCoordinates = 256, maxRows = 10_000, seed: UInt64 = 0x706d7365

    /// - Returns: nil for tables of more than `maxCoordinates` coordinates, and where no coordinate varies.
    /// - Throws: `.noMemory`.
    init?(real: Frame, synthetic: Frame) throws {
        let encoding = Encoding(real), w = encoding.width(leaveOut: [])
        guard (1...Self.maxCoordinates).contains(w) else { return nil }
        var rows: [Double] = [], labels: [Double] = []
        for (frame, label) in [(real, 0.0), (synthetic, 1.0)] {
            let n = min(frame.rows, Self.maxRows), order = try publicOrder(frame.rows, seed: Self.seed)
            rows += try encoding.points(frame, order, 0..<n, leaveOut: []).map { Double(max(-30, min(30, $0))) }
            labels += [Double](repeating: label, count: n)
        }
        let N = labels.count, c = labels.reduce(0, +) / Double(N)
        let kept = Self.independent(rows, N, w)
        guard !kept.isEmpty, c > 0, c < 1 else { return nil }
        // Coordinates that count, after a constant.
        let k = kept.count + 1
        var x = [Double](repeating: 1, count: N * k)
        for i in 0..<N { for (a, j) in kept.enumerated() { x[i * k + a + 1] = rows[i * w + j] } }
        var beta = [Double](repeating: 0, count: k)
        beta[0] = log(c / (1 - c))
        for _ in 0..<12 {
            var gradient = [Double](repeating: 0, count: k), curvature = [Double](repeating: 0, count: k * k)
            for i in 0..<N {
                let p = Self.score(x, i, beta), weight = max(p * (1 - p), 1e-9)
                for a in 0..<k {
                    let z = x[i * k + a]
                    gradient[a] += z * (labels[i] - p)
                    let wz = weight * z
                    for b in 0...a { curvature[a * k + b] += wz * x[i * k + b] }
                }
            }
            // A little of a ridge, so that tables without overlap end somewhere.
            for a in 0..<k { curvature[a * k + a] += 1e-6 * Double(N) }
            let step = Self.solved(&curvature, gradient, k)
            var most = 0.0
            for a in 0..<k { beta[a] += step[a]; most = max(most, abs(step[a])) }
            if most < 1e-7 || !most.isFinite { break }
        }
        guard beta.allSatisfy(\.isFinite) else { return nil }
        var sum = 0.0
        for i in 0..<N { let d = Self.score(x, i, beta) - c; sum += d * d }
        error = sum / Double(N)
        ratio = error / (Double(k - 1) * (1 - c) * (1 - c) * c / Double(N))
    }

    private static func score(_ x: [Double], _ i: Int, _ beta: [Double]) -> Double {
        var eta = 0.0
        for a in beta.indices { eta += x[i * beta.count + a] * beta[a] }
        return 1 / (1 + exp(-eta))
    }

    /// Coordinates that no earlier ones give, by Cholesky's method on their covariances.
    private static func independent(_ x: [Double], _ n: Int, _ w: Int) -> [Int] {
        var mean = [Double](repeating: 0, count: w), c = [Double](repeating: 0, count: w * w)
        for i in 0..<n { for a in 0..<w { mean[a] += x[i * w + a] / Double(n) } }
        for i in 0..<n {
            for a in 0..<w {
                let d = x[i * w + a] - mean[a]
                for b in 0...a { c[a * w + b] += d * (x[i * w + b] - mean[b]) }
            }
        }
        var kept: [Int] = [], roots: [[Double]] = []
        for a in 0..<w {
            var row: [Double] = [], left = c[a * w + a]
            for (i, b) in kept.enumerated() {
                var s = c[a * w + b]
                for t in 0..<i { s -= row[t] * roots[i][t] }
                row.append(s / roots[i][i])
                left -= row[i] * row[i]
            }
            guard left > 1e-6 * max(c[a * w + a], 1e-9) else { continue }
            kept.append(a)
            roots.append(row + [left.squareRoot()])
        }
        return kept
    }

    /// Solves by Cholesky's method; the lower triangle is overwritten.
    private static func solved(_ a: inout [Double], _ b: [Double], _ n: Int) -> [Double] {
        for i in 0..<n {
            for k in 0...i {
                var s = a[i * n + k]
                for t in 0..<k { s -= a[i * n + t] * a[k * n + t] }
                a[i * n + k] = i == k ? max(s, 1e-12).squareRoot() : s / a[k * n + k]
            }
        }
        var x = b
        for i in 0..<n {
            for k in 0..<i { x[i] -= a[i * n + k] * x[k] }
            x[i] /= a[i * n + i]
        }
        for i in (0..<n).reversed() {
            for k in (i + 1)..<max(n, i + 1) { x[i] -= a[k * n + i] * x[k] }
            x[i] /= a[i * n + i]
        }
        return x
    }
}
