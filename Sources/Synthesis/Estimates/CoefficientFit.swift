// Equations whose solutions are the coefficients of a regression, and those of least squares.

import Basics

/// An equation whose solution are the coefficients of the predictors, then the intercept.
protocol CoefficientFit {
    func solve(_ covariance: [Double], _ moments: Moments, start: [Double]?) -> [Double]?
    /// Variances that the rows have as a sample.
    func samplingVariances(_ covariance: [Double], _ found: [Double], _ moments: Moments, rows: Double,
                           orThrow: Failure) throws -> [Double]
    /// Square of d intercept / d mean of the outcome.
    func meanScale(_ found: [Double], _ covariance: [Double]) -> Double
}

/// Blocks of the covariance of predictors and, last, the outcome.
func momentBlocks(_ c: [Double], _ count: Int) -> (predictors: [Double], outcome: [Double], variance: Double) {
    let F = count + 1
    return ((0..<count * count).map { c[$0 / count * F + $0 % count] }, (0..<count).map { c[$0 * F + count] },
            c[count * F + count])
}

struct LeastSquares: CoefficientFit {
    func solve(_ c: [Double], _ m: Moments, start: [Double]?) -> [Double]? {
        let n = m.features.count - 1, b = momentBlocks(c, n)
        guard let beta = solvedPositive(b.predictors, b.outcome) else { return nil }
        return beta + [zip(beta, m.means).reduce(m.means[n]) { $0 - $1.0 * $1.1 }]
    }

    /// σ² S⁻¹ / n of normal theory: one variance of the residuals for all rows.
    func samplingVariances(_ c: [Double], _ found: [Double], _ m: Moments, rows: Double, orThrow lost: Failure) throws
        -> [Double] {
        let n = m.features.count - 1, b = momentBlocks(c, n)
        let explained = zip(found, b.outcome).reduce(0) { $0 + $1.0 * $1.1 }
        let residual = max(b.variance - explained, 1e-3 * b.variance)
        guard let diagonal = inverseDiagonal(b.predictors, n),
              let x = solvedPositive(b.predictors, Array(m.means[0..<n])) else { throw lost }
        let leverage = 1 + zip(x, m.means).reduce(0) { $0 + $1.0 * $1.1 }
        return (diagonal + [leverage]).map { residual * $0 / rows }
    }

    func meanScale(_ found: [Double], _ c: [Double]) -> Double { 1 }
}
