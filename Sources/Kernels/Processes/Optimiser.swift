// Adam (arXiv 1412.6980) and the moving average of weights, on flat arrays of any length and alignment.

import CProcessor

/// m = b1 m + (1 - b1) g, v = b2 v + (1 - b2) g^2, w -= rate * (m / c1) / (sqrt(v / c2) + epsilon); c1 = 1 - b1^t, c2 =
/// 1 - b2^t are the corrections. weights w, first m, second v, gradient g: [n] numbers.
package func adamStep(weights w: UnsafeMutablePointer<Float>, first m: UnsafeMutablePointer<Float>,
                      second v: UnsafeMutablePointer<Float>, gradient g: UnsafePointer<Float>, factors: flip_adam,
                      count P: Int) {
    let b1 = factors.beta1, b2 = factors.beta2, epsilon = factors.epsilon
    let inverse1 = splat(1 / factors.correction1), inverse2 = splat(1 / factors.correction2)
    let against = splat(-factors.rate)
    var i = 0
    while i < P {
        let n = P &- i, gi = load(g + i, n)
        let mn = fma(gi * splat(1 - b1), splat(b1), load(m + i, n))
        let vn = fma(gi * gi * splat(1 - b2), splat(b2), load(v + i, n))
        let u = vn * inverse2
        let step = mn * inverse1 / fma(splat(epsilon), u, inverseRoot(u))
        store(mn, m + i, n)
        store(vn, v + i, n)
        store(fma(load(w + i, n), against, step), w + i, n)
        i = i &+ laneCount
    }
}

/// average = decay * average + (1 - decay) * w. [n] numbers.
package func averageStep(_ average: UnsafeMutablePointer<Float>, _ w: UnsafePointer<Float>, _ decay: Float, _ P: Int) {
    var i = 0
    while i < P {
        let n = P &- i
        store(fma(load(w + i, n) * splat(1 - decay), splat(decay), load(average + i, n)), average + i, n)
        i = i &+ laneCount
    }
}

/// The first `n` numbers at `p` (at most a vector), zeros after them.
@inline(__always) func load(_ p: UnsafePointer<Float>, _ n: Int) -> V {
    if n >= laneCount { return UnsafeRawPointer(p).loadUnaligned(as: V.self) }
    var v = V.zero, i = 0
    while i < n { v[i] = p[i]; i = i &+ 1 }
    return v
}

@inline(__always) func store(_ v: V, _ p: UnsafeMutablePointer<Float>, _ n: Int) {
    if n >= laneCount { return UnsafeMutableRawPointer(p).storeBytes(of: v, as: V.self) }
    var i = 0
    while i < n { p[i] = v[i]; i = i &+ 1 }
}
