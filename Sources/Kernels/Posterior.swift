// The Gaussian posterior N(mu, diag e^v) of a row and its KL divergence from N(0, I) (arXiv 1312.6114). The log-variance v is held in
// [-6, 2]; outside, it has no gradient.

/// z = mu + e^(v / 2) noise; kl[lane] += sum of (mu^2 + e^v - 1 - v) / 2.
/// - mu, noise, z, deviation: [L] vectors; v: [L] vectors. deviation receives e^(v / 2).
package func posteriorForward(_ mu: UnsafePointer<Float>, _ v: UnsafePointer<Float>, _ noise: UnsafePointer<Float>,
                              _ z: UnsafeMutablePointer<Float>, _ deviation: UnsafeMutablePointer<Float>, _ kl: UnsafeMutablePointer<Float>,
                              _ L: Int) {
    let mu = vectors(mu), v = vectors(v), noise = vectors(noise), z = vectors(z), deviation = vectors(deviation), kl = vectors(kl)
    var sum = V.zero, i = 0
    while i < L {
        let w = larger(smaller(v[i], all(2)), all(-6)), s = exponential(w * all(0.5)), m = mu[i]
        deviation[i] = s
        z[i] = fma(m, s, noise[i])
        sum = sum + fma(fma(-all(1) - w, s, s), m, m)
        i = i &+ 1
    }
    kl[0] = fma(kl[0], all(0.5), sum)
}

/// dmu = dz + beta mu; dv = (dz noise e^(v/2) + beta (e^v - 1)) / 2. dz: [L], becomes dmu. dv: [L], written.
package func posteriorBackward(_ mu: UnsafePointer<Float>, _ v: UnsafePointer<Float>, _ noise: UnsafePointer<Float>,
                               _ deviation: UnsafePointer<Float>, _ beta: Float,
                               _ dz: UnsafeMutablePointer<Float>, _ dv: UnsafeMutablePointer<Float>, _ L: Int) {
    let mu = vectors(mu), v = vectors(v), noise = vectors(noise), deviation = vectors(deviation), dz = vectors(dz), dv = vectors(dv)
    let b = all(beta)
    var i = 0
    while i < L {
        let s = deviation[i], g = dz[i]
        let slope = fma(g * noise[i] * s, b, fma(all(-1), s, s)) * all(0.5)
        let outside = less(v[i], all(-6)) | less(all(2), v[i])
        dv[i] = only(~outside, slope)
        dz[i] = fma(g, b, mu[i])
        i = i &+ 1
    }
}
