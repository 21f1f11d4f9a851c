// Preconditioned denoising (EDM, arXiv 2206.00364v2, table 1): D(x; s) = skip x + scale F(c x, time(s)).
// s0 is the standard deviation of the data, r = sqrt(s^2 + s0^2), skip = s0^2 / r^2, scale = s s0 / r, c = 1 / r.
// Weighted by r^2 / (s s0)^2, the error of D is that of F against (z s / s0 - e s0) / r. That form is used: it does not
// cancel at small s.

import CProcessor

/// The noise levels of one block: x = z + s e at s = e^(log_mean + log_spread u).
/// - z: [L]; noise e: [M][L]; levels u: [M]. input: [M][L], c x. target: [M][L], what F should be. features: [M][2 *
///   Q], sines and cosines of 1.5 log s * frequencies[q].
package func diffuse(z: UnsafePointer<Float>, noise: UnsafePointer<Float>, levels: UnsafePointer<Float>,
                     constants: flip_levels, frequencies: UnsafePointer<Float>, input: UnsafeMutablePointer<Float>,
                     target: UnsafeMutablePointer<Float>, features: UnsafeMutablePointer<Float>, count M: Int,
                     latent L: Int, frequencyCount Q: Int) {
    let z = vectors(z), e = vectors(noise), u = vectors(levels), input = vectors(input), target = vectors(target)
    let features = vectors(features), s0 = constants.sigma_data
    var m = 0
    while m < M {
        let log = fma(splat(constants.log_mean), splat(constants.log_spread), u[m]), s = exponential(log)
        let c = inverseRoot(fma(s * s, splat(s0), splat(s0)))
        let fromRow = c * s * splat(1 / s0), fromNoise = c * splat(-s0)
        var i = 0
        while i < L {
            let at = m &* L &+ i
            input[at] = c * fma(z[i], s, e[at])
            target[at] = fma(fromRow * z[i], fromNoise, e[at])
            i = i &+ 1
        }
        waveFeatures(log, frequencies, features + m &* (2 &* Q), Q)
        m = m &+ 1
    }
}

@inline(__always) private func waveFeatures(_ log: V, _ frequencies: UnsafePointer<Float>, _ features: Out, _ Q: Int) {
    var q = 0
    while q < Q {
        let wave = sineCosine(log * splat(1.5 * frequencies[q]))
        features[q] = wave.sine
        features[Q &+ q] = wave.cosine
        q = q &+ 1
    }
}

/// Features [2 * Q] of one level, the same in all lanes.
package func timeFeatures(_ log: Float, _ frequencies: UnsafePointer<Float>, _ features: UnsafeMutablePointer<Float>,
                          _ Q: Int) {
    waveFeatures(splat(log), frequencies, vectors(features), Q)
}

/// loss[lane] += mean of (y - target)^2; y becomes its gradient. y, target: [N] vectors.
package func squaredError(_ y: UnsafeMutablePointer<Float>, _ target: UnsafePointer<Float>,
                          _ loss: UnsafeMutablePointer<Float>, _ N: Int) {
    let y = vectors(y), target = vectors(target), loss = vectors(loss)
    let share = splat(1 / Float(N))
    var sum = V.zero, n = 0
    while n < N {
        let d = y[n] - target[n]
        sum = fma(sum, d, d)
        y[n] = d * share * splat(2)
        n = n &+ 1
    }
    loss[0] = fma(loss[0], sum, share)
}

/// slope d = (x - D) / sigma with D = skip x + scale f: the slope of the probability flow at x. [L] vectors.
package func flowSlope(x: UnsafePointer<Float>, f: UnsafePointer<Float>, skip: Float, scale: Float, sigma: Float,
                       slope: UnsafeMutablePointer<Float>, latent L: Int) {
    let x = vectors(x), f = vectors(f), d = vectors(slope), inverse = splat(1 / sigma)
    var i = 0
    while i < L {
        d[i] = (x[i] - fma(splat(scale) * f[i], splat(skip), x[i])) * inverse
        i = i &+ 1
    }
}

/// y = x + step (slope + slope2) / 2. [L] vectors.
package func flowStep(x: UnsafePointer<Float>, slope: UnsafePointer<Float>, slope2: UnsafePointer<Float>, step h: Float,
                      y: UnsafeMutablePointer<Float>, latent L: Int) {
    let x = vectors(x), d = vectors(slope), d2 = vectors(slope2), y = vectors(y), half = splat(h * 0.5)
    var i = 0
    while i < L { y[i] = fma(x[i], half, d[i] + d2[i]); i = i &+ 1 }
}

/// y[n] = factor * x[n]. [N] vectors.
package func multiply(_ x: UnsafePointer<Float>, _ factor: Float, _ y: UnsafeMutablePointer<Float>, _ N: Int) {
    let x = vectors(x), y = vectors(y)
    var n = 0
    while n < N { y[n] = x[n] * splat(factor); n = n &+ 1 }
}
