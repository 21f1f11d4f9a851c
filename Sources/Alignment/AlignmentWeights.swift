// Weights of the independence terms, and the values that the terms came to.
// Both forms of the terms use them: the one on a batch of released rows (BatchAlignment.swift) and the one on released
// moments (MomentAlignment.swift). Read next: docs/FAIRNESS.md, "The terms".

/// Factors of the terms in a loss, each at least 0; a term with factor 0 is not computed.
package struct AlignmentWeights: Sendable, Equatable {
    /// Squared differences of group means: HSIC with a linear kernel (Gretton et al. 2005).
    package var mean: Float = 0
    /// Squared maximum mean discrepancy with Gaussian kernels (Gretton et al. 2012). Batches only: it has no moments.
    package var discrepancy: Float = 0
    /// The squared maximum mean discrepancy by random Fourier features (Rahimi and Recht 2007).
    package var fourier: Float = 0
    /// One less the alignment of group covariances (arXiv 1905.00414v4, section 3, transposed as in arXiv
    /// 2508.21815v1).
    package var covariance: Float = 0

    package init(mean: Float = 0, discrepancy: Float = 0, fourier: Float = 0, covariance: Float = 0) {
        self.mean = mean
        self.discrepancy = discrepancy
        self.fourier = fourier
        self.covariance = covariance
    }

    /// All factors times `ramp`.
    package func scaled(_ ramp: Float) -> AlignmentWeights {
        AlignmentWeights(mean: mean * ramp, discrepancy: discrepancy * ramp, fourier: fourier * ramp,
                         covariance: covariance * ramp)
    }
}

/// The terms' values before their factors; 0 for those not computed. Unbiased ones may be a little below 0.
package struct AlignmentTerms: Sendable, Equatable {
    package var mean = 0.0, discrepancy = 0.0, fourier = 0.0, covariance = 0.0
    /// Groups that took part.
    package var groups = 0

    /// The terms' part of a loss: their sum weighted by w.
    package func weighted(_ w: AlignmentWeights) -> Double {
        Double(w.mean) * mean + Double(w.discrepancy) * discrepancy + Double(w.fourier) * fourier
            + Double(w.covariance) * covariance
    }
}

/// How differences between groups a < b are put together: the sum over pairs of p(a, b) times the difference.
package enum GroupPairing: Sendable, Equatable {
    /// p = 1 / number of pairs: the mean over pairs, whatever the groups' sizes.
    case pairs
    /// p = π_a π_b with the shares of the groups that take part: for squared distances of means that is Σ_g π_g |m_g -
    /// m̄|².
    case shares
}

/// p(a, b) = scale w_a w_b, which makes sums over pairs sums over groups.
struct PairWeights {
    let scale: Double
    /// Σ_a w_a.
    let total: Double

    static let none = PairWeights(scale: 0, total: 1)

    private init(scale: Double, total: Double) {
        self.scale = scale
        self.total = total
    }

    /// Writes w of the `A` groups that take part. - share: the public or released share of the i-th of them; at least
    /// 0.
    init(_ pairing: GroupPairing, _ A: Int, _ w: UnsafeMutablePointer<Double>, share: (Int) -> Double) {
        var sum = 0.0
        for a in 0 ..< A {
            w[a] = pairing == .pairs ? 1 : max(0, share(a))
            sum += w[a]
        }
        if pairing == .pairs || !(sum > 0) || !sum.isFinite {
            for a in 0 ..< A { w[a] = 1 }
            total = Double(A)
            scale = A > 1 ? 2 / (Double(A) * Double(A - 1)) : 0
        } else {
            for a in 0 ..< A { w[a] /= sum }
            total = 1
            scale = 1
        }
    }

    /// Σ_{b ≠ a} p(a, b).
    func degree(_ w: Double) -> Double { scale * w * (total - w) }
}
