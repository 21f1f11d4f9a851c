// The covariance term on a batch: one less the alignment of group covariances.
// 1 - CKAᵀ(a, b), weighted over pairs, with
//     CKAᵀ(a, b) = <Σ_a, Σ_b> / (|Σ_a| |Σ_b|)   (Frobenius), Σ_g = Σ_{i in g} (x_i - m_g)(x_i - m_g)ᵀ / (n_g - 1),
// centred kernel alignment (arXiv 1905.00414v4, section 3, linear kernel) with rows and activations exchanged, as in
// arXiv 2508.21815v1. It is blind to means and to scale. A group whose covariance has no length takes no part.
// With S_a = Σ_a / |Σ_a| and T = Σ w S, the loss is scale ((Σ w)² - |T|²) / 2. Its gradient by Σ_a is
// Q_a = (Y - <Y, S_a> S_a) / |Σ_a| with Y = -scale w_a (T - w_a S_a), and by a row
// 2 Q_a (x_i - m_a) / (n_a - 1).

import Glibc

extension BatchAlignment {
    /// Adds `factor` times the gradient to `slope`. Needs the means.
    func covarianceTerm(_ factor: Double) -> Double {
        let L = latent, LL = L * L, T = matrix.base, Q = matrix.base + LL
        for a in 0 ..< A {
            let S = covariances.base + a * LL, m = means.base + a * L, size = Double(range(a).count)
            for k in 0 ..< LL { S[k] = 0 }
            for i in range(a) {
                let row = x.base + i * L
                for k in 0 ..< L {
                    let v = row[k] - m[k], to = S + k * L
                    for l in 0 ... k { to[l] += v * (row[l] - m[l]) }
                }
            }
            var square = 0.0
            for k in 0 ..< L {
                for l in 0 ... k {
                    S[k * L + l] /= size - 1
                    S[l * L + k] = S[k * L + l]
                    square += (k == l ? 1 : 2) * S[k * L + l] * S[k * L + l]
                }
            }
            lengths[a] = square.squareRoot()
            if lengths[a] > 1e-9 { for k in 0 ..< LL { S[k] /= lengths[a] } }
        }
        func counts(_ a: Int) -> Bool { lengths[a] > 1e-9 }
        var total = 0.0, sizes = 0.0
        for k in 0 ..< LL { T[k] = 0 }
        for a in 0 ..< A where counts(a) {
            let S = covariances.base + a * LL, w = weight[a]
            for k in 0 ..< LL { T[k] += w * S[k] }
            total += w
            sizes += 1
        }
        guard sizes > 1 else { return 0 }
        let scale = options.pairing == .pairs ? 2 / (sizes * (sizes - 1)) : pair.scale
        var length = 0.0
        for k in 0 ..< LL { length += T[k] * T[k] }
        for a in 0 ..< A where counts(a) {
            let S = covariances.base + a * LL, m = means.base + a * L, w = weight[a], size = Double(range(a).count)
            var along = 0.0
            for k in 0 ..< LL {
                Q[k] = -scale * w * (T[k] - w * S[k])
                along += Q[k] * S[k]
            }
            let strength = 2 * factor / ((size - 1) * lengths[a])
            for k in 0 ..< LL { Q[k] = strength * (Q[k] - along * S[k]) }
            for i in range(a) {
                let row = x.base + i * L
                for k in 0 ..< L {
                    let v = row[k] - m[k], from = Q + k * L
                    for l in 0 ..< L { slope[i * L + l] += v * from[l] }
                }
            }
        }
        return scale / 2 * (total * total - length)
    }
}
