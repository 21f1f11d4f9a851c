// The independence terms as functions of released moments, and their gradients ∂L/∂M_g.
// Per site, with m_g, S_g and φ_g the means over group g of y, y yᵀ and φ(y):
//     mean        Σ_{a<b} p_ab (|m_a - m_b|² - L (v_a + v_b)) / (L scale²)
//     Fourier     Σ_{a<b} p_ab (|φ_a - φ_b|² - 2 D (v_a + v_b))
//     covariance  Σ_{a<b} p_ab (1 - <Σ_a, Σ_b> / (N_a N_b)),   Σ_g = S_g - m_g m_gᵀ + v_g I
// v_g is the variance of the noise in one number of that block, known from what was released: subtracted, it leaves
// squares unbiased. Rows drawn add variance of their own, which is not known and not subtracted. Noise is independent
// between groups, so inner products need none. N_g² = max(|Σ_g|² - e_g, e_g, (floor √L scale²)²) with the noise energy
//     e_g = v' L (L + 1) / 2  +  2 (L + 1) max(|m_g|² - L v_g, 0) v_g  +  L (L + 1) v_g²,
// v' the variance of a number of S's triangle, the others from m mᵀ: E|m nᵀ + n mᵀ|² = 2 (L + 1) |m|² v, E|n nᵀ - v I|²
// = L (L + 1) v² for n ~ N(0, v I). Sources of the terms: AlignmentWeights.swift.

import Glibc

extension MomentAlignment {
    /// Fixes ∂L/∂M_g from what was released so far. - Returns: the terms of each site before their factors, functions
    /// of released values.
    package func prepare(_ weights: AlignmentWeights) -> [AlignmentTerms] {
        prepare(sites: [AlignmentWeights](repeating: weights, count: features.sites.count))
    }

    /// Fixes ∂L/∂M_g with weights for each site. Discrepancies have no moments: their weight is not read. Sites without
    /// weights are left out.
    package func prepare(sites weights: [AlignmentWeights]) -> [AlignmentTerms] {
        for i in constants.indices { constants[i] = 0 }
        let terms = features.layouts.enumerated().map { i, s in
            i < weights.count ? prepare(s, weights[i]) : AlignmentTerms()
        }
        var all = 0.0
        for g in 0 ..< groups { all += expected[g] }
        for g in 0 ..< groups where expected[g] > 0 {
            let share = Float(all / expected[g]), c = constants.base + g * features.constantCount
            for i in 0 ..< features.constantCount {
                c[i] *= share
                if !c[i].isFinite { c[i] = 0 }
            }
        }
        return terms
    }

    private func prepare(_ s: MomentFeatures.Layout, _ w: AlignmentWeights) -> AlignmentTerms {
        var terms = AlignmentTerms()
        var at = s.constants
        if s.linear >= 0 {
            let unit = 1 / (Double(s.L) * s.scale * s.scale)
            if w.mean > 0 {
                terms.mean = means(s.linear, s.L, s.linearUnit, at, Double(w.mean), unit, 1 / s.scale, &terms.groups)
            }
            at += s.L
        }
        if s.covariance >= 0 {
            if w.covariance > 0 { terms.covariance = covariances(s, at, Double(w.covariance), &terms.groups) }
            at += s.L * s.L
        }
        if s.fourier >= 0, w.fourier > 0 {
            let D = Double(s.D)
            // Constants are of the waves themselves, which are √D times their share of φ.
            terms.fourier = means(s.fourier, 2 * s.D, s.fourierUnit / D.squareRoot(), at, Double(w.fourier), 1 / D,
                                  2.0.squareRoot(), &terms.groups)
        }
        return terms
    }

    /// The groups whose noise, in units of 1 / `size`, is small enough: their number; w of each in `weight`.
    private func takePart(_ unit: Double, _ size: Double) -> (count: Int, pair: PairWeights) {
        var A = 0
        for g in 0 ..< groups where mass[g] > 0 {
            let noise = energy[g].squareRoot() / mass[g] / unit * size
            guard noise <= options.largestNoise else { continue }
            who[A] = Int32(g)
            A += 1
        }
        return (A, PairWeights(options.pairing, A, weight.base) { counts[Int(who[$0])] })
    }

    /// `factor` Σ p |difference|², times `scale`, of the block at `from`; M is natural × unit. - size: noise is judged
    /// in these units.
    private func means(_ from: Int, _ n: Int, _ unit: Double, _ to: Int, _ factor: Double, _ scale: Double,
                       _ size: Double, _ took: inout Int) -> Double {
        let (A, pair) = takePart(unit, size), all = natural.base + A * n
        took = max(took, A)
        guard A > 1 else { return 0 }
        for l in 0 ..< n { all[l] = 0 }
        for a in 0 ..< A {
            let g = Int(who[a]), M = moments.base + g * features.count + from, m = natural.base + a * n
            for l in 0 ..< n {
                m[l] = M[l] / (mass[g] * unit)
                all[l] += weight[a] / pair.total * m[l]
            }
        }
        var value = 0.0
        for a in 0 ..< A {
            let g = Int(who[a]), m = natural.base + a * n, c = constants.base + g * features.constantCount + to
            let between = pair.scale * pair.total * weight[a]
            for l in 0 ..< n {
                let d = m[l] - all[l]
                value += between * d * d
                c[l] = Float(2 * factor * scale * between * d)
            }
            value -= pair.degree(weight[a]) * Double(n) * energy[g] / (mass[g] * mass[g] * unit * unit)
        }
        return value * scale
    }

    private func covariances(_ s: MomentFeatures.Layout, _ to: Int, _ factor: Double, _ took: inout Int) -> Double {
        let L = s.L, LL = L * L, n = Double(L), size = (n.squareRoot() * s.scale * s.scale)
        let (A, pair) = takePart(s.covarianceUnit, (n * (n + 1) / 2).squareRoot() / size)
        took = max(took, A)
        guard A > 1 else { return 0 }
        let T = matrices.base + groups * LL, Q = T + LL
        for k in 0 ..< LL { T[k] = 0 }
        for a in 0 ..< A {
            let g = Int(who[a]), M = moments.base + g * features.count, S = matrices.base + a * LL
            let m = natural.base + a * L
            let v = energy[g] / (mass[g] * mass[g]), vm = v / (s.linearUnit * s.linearUnit)
            let vs = v / (s.covarianceUnit * s.covarianceUnit)
            var square = 0.0, length2 = 0.0, from = M + s.covariance
            for l in 0 ..< L {
                m[l] = M[s.linear + l] / (mass[g] * s.linearUnit)
                length2 += m[l] * m[l]
            }
            for k in 0 ..< L {
                for l in k ..< L {
                    let off = k == l ? 1 : 2.0.squareRoot()
                    let c = from[l - k] / (mass[g] * s.covarianceUnit * off) - m[k] * m[l] + (k == l ? vm : 0)
                    S[k * L + l] = c
                    S[l * L + k] = c
                    square += (k == l ? 1 : 2) * c * c
                }
                from += L - k
            }
            let noise = vs * n * (n + 1) / 2 + 2 * (n + 1) * max(length2 - n * vm, 0) * vm + n * (n + 1) * vm * vm
            let least = max(options.floor * options.floor * size * size, noise)
            // At the floor the length is a constant, marked by its sign.
            length[a] = square - noise > least ? (square - noise).squareRoot() : -least.squareRoot()
            for k in 0 ..< LL {
                S[k] /= abs(length[a])
                T[k] += weight[a] * S[k]
            }
        }
        var value = 0.0
        for a in 0 ..< A {
            let g = Int(who[a]), S = matrices.base + a * LL, m = natural.base + a * L
            let c = constants.base + g * features.constantCount
            var along = 0.0
            for k in 0 ..< LL {
                Q[k] = -pair.scale * weight[a] * (T[k] - weight[a] * S[k])
                along += Q[k] * S[k]
            }
            value += pair.degree(weight[a]) / 2 + along / 2
            if length[a] < 0 { along = 0 }
            // d/dΣ, then Σ = S - m mᵀ.
            for k in 0 ..< LL {
                Q[k] = factor * (Q[k] - along * S[k]) / abs(length[a])
                c[to + k] = Float(Q[k])
            }
            let linear = c + s.constants
            for k in 0 ..< L {
                var sum = 0.0
                for l in 0 ..< L { sum += Q[k * L + l] * m[l] }
                linear[k] -= Float(2 * sum)
            }
        }
        return value
    }
}
