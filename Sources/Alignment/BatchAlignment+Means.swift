// The mean terms on a batch: squared differences between group means of features φ(x).
// Σ_{a<b} p_ab U_ab with the unbiased squared difference
//     U_ab = |m_a - m_b|² - V_a / n_a - V_b / n_b,    V_g = Σ_{i in g} |φ_i - m_g|² / (n_g - 1),
// which is the unbiased MMD² of the kernel φ·φ (Gretton et al. 2012, JMLR 13:723-773, lemma 6, equation 3), and,
// averaged over groups, HSIC with that kernel on the rows and a delta kernel on the groups (Gretton et al. 2005, ALT,
// section 3). With φ(x) = x / √L it is the linear term, with φ the Fourier features the random-feature one.
// With p_ab = scale w_a w_b, W = Σ w and m̄ = Σ w m / W, Σ_{a<b} p_ab |m_a - m_b|² = scale W Σ_a w_a |m_a - m̄|², so a
// row of group a has
//     d/dφ_i = 2 scale W w_a (m_a - m̄) / n_a - κ_a (φ_i - m_a),
//     κ_a = 2 degree_a / (n_a (n_a - 1)),   degree_a = Σ_{b≠a} p_ab.

import Glibc

extension BatchAlignment {
    /// Means of x by group [A][L], and m̄ at [A].
    func takeMeans() {
        let L = latent, all = means.base + A * L
        for l in 0 ..< L { all[l] = 0 }
        for a in 0 ..< A {
            let m = means.base + a * L, size = Double(range(a).count)
            for l in 0 ..< L { m[l] = 0 }
            for i in range(a) { for l in 0 ..< L { m[l] += x[i * L + l] } }
            for l in 0 ..< L {
                m[l] /= size
                all[l] += weight[a] / pair.total * m[l]
            }
        }
    }

    /// The linear term; adds `factor` times its gradient to `slope`.
    func meanTerm(_ factor: Double) -> Double {
        let L = latent, all = means.base + A * L
        var value = 0.0
        for a in 0 ..< A {
            let m = means.base + a * L, size = Double(range(a).count), w = weight[a]
            let between = 2 * pair.scale * pair.total * w / size, kappa = 2 * pair.degree(w) / (size * (size - 1))
            var apart = 0.0, within = 0.0
            for l in 0 ..< L { apart += (m[l] - all[l]) * (m[l] - all[l]) }
            for i in range(a) {
                for l in 0 ..< L {
                    let d = x[i * L + l] - m[l]
                    within += d * d
                    slope[i * L + l] += factor / Double(L) * (between * (m[l] - all[l]) - kappa * d)
                }
            }
            value += pair.scale * pair.total * w * apart - pair.degree(w) * within / (size * (size - 1))
        }
        return value / Double(L)
    }

    /// The mean term of D random Fourier features, φ = D^(-1/2) (cos, sin): the mean over bandwidths. As |φ| = 1, V_g =
    /// n_g (1
    /// - |m_g|²) / (n_g - 1), and κ φ_i is normal to dφ_i, so d/dangle = -sin u_c + cos u_s with constants u of the
    ///   group.
    func fourierTerm(_ factor: Float, _ features: FourierFeatures) -> Double {
        let L = latent, D = features.count, all = waveMeans.base + A * 2 * D
        for i in 0 ..< n {
            let row = rows.base + i * L, wave = waves.base + i * 2 * D
            for l in 0 ..< L { row[l] = Float(x[i * L + l]) }
            features.angles(row, wave)
            bound(wave, D)
        }
        for d in 0 ..< 2 * D { all[d] = 0 }
        for i in 0 ..< n {
            kernels.waves(waves.base + i * 2 * D, waves.base + i * 2 * D, waves.base + i * 2 * D + D, D)
        }
        for a in 0 ..< A {
            let m = waveMeans.base + a * 2 * D, size = Double(range(a).count), share = weight[a] / pair.total
            for d in 0 ..< 2 * D { m[d] = 0 }
            for i in range(a) {
                let wave = waves.base + i * 2 * D
                for d in 0 ..< 2 * D { m[d] += Double(wave[d]) }
            }
            for d in 0 ..< 2 * D {
                m[d] /= size
                all[d] += share * m[d]
            }
        }
        var value = 0.0
        for a in 0 ..< A {
            let m = waveMeans.base + a * 2 * D, u = waveSlopes.base + a * 2 * D, size = Double(range(a).count)
            let w = weight[a]
            let between = 2 * pair.scale * pair.total * w / size, kappa = 2 * pair.degree(w) / (size * (size - 1))
            var apart = 0.0, length = 0.0
            for d in 0 ..< 2 * D {
                apart += (m[d] - all[d]) * (m[d] - all[d])
                length += m[d] * m[d]
                u[d] = factor / Float(D) * Float(between * (m[d] - all[d]) + kappa * m[d])
            }
            value += pair.scale * pair.total * w * apart / Double(D)
                - pair.degree(w) * (1 - length / Double(D)) / (size - 1)
            for i in range(a) {
                let c = waves.base + i * 2 * D, s = c + D, dx = angles.base + D
                for d in 0 ..< D { angles[d] = c[d] * u[D + d] - s[d] * u[d] }
                for l in 0 ..< L { dx[l] = 0 }
                features.backward(angles.base, dx)
                for l in 0 ..< L { slope[i * L + l] += Double(dx[l]) }
            }
        }
        return value
    }

    /// Holds angles where `waves` is exact; only rows thousands of standard deviations away are touched.
    private func bound(_ angle: UnsafeMutablePointer<Float>, _ D: Int) {
        for d in 0 ..< D { angle[d] = min(max(angle[d], -9e3), 9e3) }
    }
}
