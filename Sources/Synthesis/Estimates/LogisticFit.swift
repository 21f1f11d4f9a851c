// The equations of a logistic regression, E[x y] = E[x p(x)]. The left side is a sum over released tables. The right
// side needs the predictors' joint distribution: it is taken over a pool of rows from a table that is fitted to their
// pairs, and what of it is linear in second moments is replaced by the released moments (control variates).

import Basics
import Compute
import Glibc
import Projection

struct LogisticFit: CoefficientFit {
    /// Predictors of the pool's rows less their released means: [rows][predictors].
    private let pool: [Double]
    private let rows: Int, count: Int
    private static let size = 4096, seed: UInt64 = 0x6c6f6769

    /// - Parameter columns: of the predictors, by place in the learned schema.
    init(_ estimator: Estimator, _ m: Moments, columns: [Int], predictors count: Int) throws {
        let statistics = estimator.model.statistics, levels = columns.map { statistics.levels[$0] }
        (self.count, rows) = (count, Self.size)
        var marginals: [NoisyMarginal] = []
        for (k, j) in columns.enumerated() {
            let c = m.columns[k]
            let one = try NoisyMarginal(column: k, shares: c.partShares, total: statistics.rows,
                                        standardDeviation: max(1, c.counts.noise([1] + [Double](repeating: 0,
                                            count: c.parts - 1)).squareRoot()))
            marginals.append(one)
            for other in 0..<k {
                guard let table = m.tables[[other, k]], other != k, j != columns[other] else { continue }
                let values = try Buffer<Double>(count: table.counts.count, for: "a marginal")
                for (i, x) in table.counts.enumerated() { values[i] = x }
                marginals.append(NoisyMarginal(columns: [other, k], values: values,
                                               standardDeviation: table.variance.squareRoot()))
            }
        }
        var options = ProjectionOptions()
        (options.rows, options.steps, options.noiseFloor) = (512, 300, 0.5)
        let table = try RelaxedTable.fit(levels: levels, marginals: marginals, total: statistics.rows,
                                         shares: m.columns.prefix(columns.count).map(\.partShares), options: options)
        var starts: [Int] = [], at = 0
        for K in levels { starts.append(at); at += K }
        var pool = [Double](repeating: 0, count: Self.size * count)
        for r in 0..<Self.size {
            var stream = CounterStream(seed: Self.seed, row: UInt64(r), purpose: 1)
            let from = r % table.rows * table.width
            for (k, K) in levels.enumerated() {
                var u = stream.uniformDouble(), bin = 0
                while bin < K - 1, u >= Double(table.probabilities[from + starts[k] + bin]) {
                    u -= Double(table.probabilities[from + starts[k] + bin])
                    bin += 1
                }
                // A place inside the bin: its mean, give or take its standard deviation.
                let sign = stream.uniformDouble() < 0.5 ? -1.0 : 1.0, c = m.columns[k]
                for (f, feature) in m.features.prefix(count).enumerated() where feature.place == k {
                    let value = feature.part.map { $0 == bin ? 1.0 : 0 }
                        ?? c.steadyMean[bin] + sign * c.variance[bin].squareRoot()
                    pool[r * count + f] = c.isPresent[bin] ? value - m.means[f] : 0
                }
            }
        }
        self.pool = pool
    }

    private func probability(_ x: Double) -> Double { 1 / (1 + exp(-x)) }

    /// Sums over the pool at some coefficients, [predictors, then intercept]: E[z p], E[z zᵀ p (1 − p)], and the
    /// coefficients of p's best linear approximation with the pool's own second moments.
    private func sums(_ beta: [Double]) -> (score: [Double], curvature: [Double], linear: [Double], own: [Double])? {
        let n = count + 1
        var score = [Double](repeating: 0, count: n), curvature = [Double](repeating: 0, count: n * n)
        var own = curvature, z = score
        z[count] = 1
        for r in 0..<rows {
            var eta = beta[count]
            for k in 0..<count { z[k] = pool[r * count + k]; eta += z[k] * beta[k] }
            let p = probability(eta), w = p * (1 - p)
            for a in 0..<n {
                score[a] += z[a] * p
                for b in 0...a { curvature[a * n + b] += z[a] * z[b] * w; own[a * n + b] += z[a] * z[b] }
            }
        }
        let scale = 1 / Double(rows)
        for a in 0..<n {
            score[a] *= scale
            for b in 0...a {
                curvature[a * n + b] *= scale
                own[a * n + b] *= scale
                curvature[b * n + a] = curvature[a * n + b]
                own[b * n + a] = own[a * n + b]
            }
        }
        guard let linear = solvedPositive(own, score) else { return nil }
        return (score, curvature, linear, own)
    }

    /// Centred coefficients by Newton's method: the intercept belongs to predictors less their means.
    private func centred(_ c: [Double], _ m: Moments, start: [Double]) -> [Double]? {
        let n = count + 1, b = momentBlocks(c, count), mean = min(max(m.means[count], 1e-6), 1 - 1e-6)
        var beta = start
        for _ in 0..<60 {
            guard let s = sums(beta) else { return nil }
            var g = [Double](repeating: 0, count: n)
            for a in 0..<n {
                let wanted = a < count ? b.outcome[a] : mean
                var have = s.score[a]
                // The released moments in place of the pool's; centred predictors have mean 0.
                for k in 0..<n {
                    let released = a < count && k < count ? b.predictors[a * count + k] : a == k ? 1 : 0
                    have += s.linear[k] * (released - s.own[a * n + k])
                }
                g[a] = wanted - have
            }
            guard let step = solvedPositive(s.curvature, g) else { return nil }
            let most = step.reduce(0) { max($0, abs($1)) }, scale = most > 5 ? 5 / most : 1
            for a in 0..<n { beta[a] += scale * step[a] }
            guard beta.allSatisfy({ $0.isFinite && abs($0) < 1e6 }) else { return nil }
            if zip(step, beta).allSatisfy({ abs($0) < 1e-5 * max(1, abs($1)) }) { return beta }
        }
        return nil
    }

    private func shifted(_ beta: [Double], _ m: Moments, by sign: Double) -> [Double] {
        var out = beta
        for k in 0..<count { out[count] += sign * beta[k] * m.means[k] }
        return out
    }

    func solve(_ c: [Double], _ m: Moments, start: [Double]?) -> [Double]? {
        let mean = min(max(m.means[count], 1e-6), 1 - 1e-6)
        let first = start.map { shifted($0, m, by: 1) }
            ?? [Double](repeating: 0, count: count) + [log(mean / (1 - mean))]
        return centred(c, m, start: first).map { shifted($0, m, by: -1) }
    }

    /// The inverse of the information over n.
    func samplingVariances(_ c: [Double], _ found: [Double], _ m: Moments, rows: Double, orThrow lost: Failure) throws
        -> [Double] {
        let n = count + 1
        guard let s = sums(shifted(found, m, by: 1)), let diagonal = inverseDiagonal(s.curvature, n) else { throw lost }
        // The intercept at predictors of 0: the variance of a sum of the centred coefficients.
        let direction = m.means[0..<count].map { -$0 } + [1]
        guard let x = solvedPositive(s.curvature, direction) else { throw lost }
        return (diagonal.dropLast() + [zip(x, direction).reduce(0) { $0 + $1.0 * $1.1 }]).map { $0 / rows }
    }

    func meanScale(_ found: [Double], _ c: [Double]) -> Double { 16 }
}
