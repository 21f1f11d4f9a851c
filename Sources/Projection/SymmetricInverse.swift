// The inverse of a small symmetric positive definite matrix.

import Basics

/// Inverts `a` [n][n] in place by Gauss-Jordan elimination, which needs no exchange of rows for such a matrix (Higham
/// 2002, Accuracy and Stability of Numerical Algorithms, section 14.4). - Returns: false when a pivot is not above
/// zero: the matrix is not of this kind.
func invertPositive(_ a: UnsafeMutablePointer<Double>, _ n: Int) -> Bool {
    for k in 0..<n {
        let row = a + k * n, pivot = row[k]
        guard pivot > 0, pivot.isFinite else { return false }
        row[k] = 1
        for v in 0..<n { row[v] /= pivot }
        for i in 0..<n where i != k {
            let to = a + i * n, f = to[k]
            to[k] = 0
            for v in 0..<n { to[v] -= f * row[v] }
        }
    }
    return true
}
