// Preconditioned denoising (EDM, arXiv 2206.00364v2, table 1): D(x; s) = skip x + scale F(c x, time(s)), with s0 the data's deviation,
// r = sqrt(s^2 + s0^2), skip = s0^2 / r^2, scale = s s0 / r, c = 1 / r. Weighted by r^2 / (s s0)^2, the error of D is that of F against
// (z s / s0 - e s0) / r: that form is used, it does not cancel at small s.

/// Room for the levels of one block: x = z + s e at s = e^(middle + spread u).
/// - z: [L]; e: [M][L]; u: [M]. input: [M][L], c x. goal: [M][L], what F should be. features: [M][2 * Q], sines and cosines of
///   1.5 log s * frequencies[q].
package func diffuse(_ z: UnsafePointer<Float>, _ e: UnsafePointer<Float>, _ u: UnsafePointer<Float>, _ middle: Float, _ spread: Float,
                     _ s0: Float, _ frequencies: UnsafePointer<Float>, _ input: UnsafeMutablePointer<Float>,
                     _ goal: UnsafeMutablePointer<Float>, _ features: UnsafeMutablePointer<Float>, _ M: Int, _ L: Int, _ Q: Int) {
    let z = vectors(z), e = vectors(e), u = vectors(u), input = vectors(input), goal = vectors(goal), features = vectors(features)
    var m = 0
    while m < M {
        let log = fma(all(middle), all(spread), u[m]), s = exponential(log)
        let c = inverseRoot(fma(s * s, all(s0), all(s0)))
        let fromRow = c * s * all(1 / s0), fromNoise = c * all(-s0)
        var i = 0
        while i < L {
            let at = m &* L &+ i
            input[at] = c * fma(z[i], s, e[at])
            goal[at] = fma(fromRow * z[i], fromNoise, e[at])
            i = i &+ 1
        }
        times(log, frequencies, features + m &* (2 &* Q), Q)
        m = m &+ 1
    }
}

@inline(__always) private func times(_ log: V, _ frequencies: UnsafePointer<Float>, _ features: Out, _ Q: Int) {
    var q = 0
    while q < Q {
        let wave = sineCosine(log * all(1.5 * frequencies[q]))
        features[q] = wave.sine
        features[Q &+ q] = wave.cosine
        q = q &+ 1
    }
}

/// Features [2 * Q] of one level, the same in all lanes.
package func timeFeatures(_ log: Float, _ frequencies: UnsafePointer<Float>, _ features: UnsafeMutablePointer<Float>, _ Q: Int) {
    times(all(log), frequencies, vectors(features), Q)
}

/// loss[lane] += mean of (y - goal)^2; y becomes its gradient. y, goal: [N] vectors.
package func squaredError(_ y: UnsafeMutablePointer<Float>, _ goal: UnsafePointer<Float>, _ loss: UnsafeMutablePointer<Float>, _ N: Int) {
    let y = vectors(y), goal = vectors(goal), loss = vectors(loss)
    let share = all(1 / Float(N))
    var sum = V.zero, n = 0
    while n < N {
        let d = y[n] - goal[n]
        sum = fma(sum, d, d)
        y[n] = d * share * all(2)
        n = n &+ 1
    }
    loss[0] = fma(loss[0], sum, share)
}

/// d = (x - D) / s with D = skip x + scale f: the slope of the probability flow at x. [L] vectors.
package func flowSlope(_ x: UnsafePointer<Float>, _ f: UnsafePointer<Float>, _ skip: Float, _ scale: Float, _ s: Float,
                       _ d: UnsafeMutablePointer<Float>, _ L: Int) {
    let x = vectors(x), f = vectors(f), d = vectors(d), inverse = all(1 / s)
    var i = 0
    while i < L {
        d[i] = (x[i] - fma(all(scale) * f[i], all(skip), x[i])) * inverse
        i = i &+ 1
    }
}

/// y = x + h d (two slopes: their mean). [L] vectors.
package func flowStep(_ x: UnsafePointer<Float>, _ d: UnsafePointer<Float>, _ d2: UnsafePointer<Float>, _ h: Float,
                      _ y: UnsafeMutablePointer<Float>, _ L: Int) {
    let x = vectors(x), d = vectors(d), d2 = vectors(d2), y = vectors(y), half = all(h * 0.5)
    var i = 0
    while i < L { y[i] = fma(x[i], half, d[i] + d2[i]); i = i &+ 1 }
}

/// y[n] = c * x[n]. [N] vectors.
package func times(_ x: UnsafePointer<Float>, _ c: Float, _ y: UnsafeMutablePointer<Float>, _ N: Int) {
    let x = vectors(x), y = vectors(y)
    var n = 0
    while n < N { y[n] = x[n] * all(c); n = n &+ 1 }
}
