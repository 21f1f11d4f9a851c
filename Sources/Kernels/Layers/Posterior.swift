// The Gaussian posterior N(mu, diag e^v) of a row and its KL divergence from N(0, I) (arXiv 1312.6114).
// The log-variance v is held in [-6, 2]; outside, it has no gradient.

/// z = mu + e^(v / 2) noise; kl[lane] += sum of (mu^2 + e^v - 1 - v) / 2.
/// - mean mu, logVariance v, noise, z, standardDeviation: [L] vectors; standardDeviation receives e^(v / 2).
///   divergence: one vector, kl.
package func posteriorForward(mean: UnsafePointer<Float>, logVariance: UnsafePointer<Float>,
                              noise: UnsafePointer<Float>, z: UnsafeMutablePointer<Float>,
                              standardDeviation: UnsafeMutablePointer<Float>, divergence: UnsafeMutablePointer<Float>,
                              latent L: Int) {
    let mu = vectors(mean), v = vectors(logVariance), noise = vectors(noise), z = vectors(z)
    let sigma = vectors(standardDeviation), kl = vectors(divergence)
    var sum = V.zero, i = 0
    while i < L {
        let w = larger(smaller(v[i], splat(2)), splat(-6)), s = exponential(w * splat(0.5)), m = mu[i]
        sigma[i] = s
        z[i] = fma(m, s, noise[i])
        sum = sum + fma(fma(-splat(1) - w, s, s), m, m)
        i = i &+ 1
    }
    kl[0] = fma(kl[0], splat(0.5), sum)
}

/// dmu = dz + beta mu; dv = (dz noise e^(v/2) + beta (e^v - 1)) / 2.
/// - dz: [L], becomes dmu. dLogVariance dv: [L], written.
package func posteriorBackward(mean: UnsafePointer<Float>, logVariance: UnsafePointer<Float>,
                               noise: UnsafePointer<Float>, standardDeviation: UnsafePointer<Float>, beta: Float,
                               dz: UnsafeMutablePointer<Float>, dLogVariance: UnsafeMutablePointer<Float>,
                               latent L: Int) {
    let mu = vectors(mean), v = vectors(logVariance), noise = vectors(noise), sigma = vectors(standardDeviation)
    let dz = vectors(dz), dv = vectors(dLogVariance)
    let b = splat(beta)
    var i = 0
    while i < L {
        let s = sigma[i], g = dz[i]
        let slope = fma(g * noise[i] * s, b, fma(splat(-1), s, s)) * splat(0.5)
        let outside = less(v[i], splat(-6)) | less(splat(2), v[i])
        dv[i] = masked(~outside, slope)
        dz[i] = fma(g, b, mu[i])
        i = i &+ 1
    }
}
