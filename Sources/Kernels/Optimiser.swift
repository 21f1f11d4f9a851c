// Adam (arXiv 1412.6980) and the moving average of weights, on flat arrays of any length and alignment.

/// m = b1 m + (1 - b1) g, v = b2 v + (1 - b2) g^2, w -= rate * (m / c1) / (sqrt(v / c2) + epsilon); c1 = 1 - b1^t, c2 = 1 - b2^t.
package func adamStep(_ w: UnsafeMutablePointer<Float>, _ m: UnsafeMutablePointer<Float>, _ v: UnsafeMutablePointer<Float>,
                      _ g: UnsafePointer<Float>, _ rate: Float, _ b1: Float, _ b2: Float, _ c1: Float, _ c2: Float,
                      _ epsilon: Float, _ P: Int) {
    let inverse1 = all(1 / c1), inverse2 = all(1 / c2), pull = all(-rate)
    var i = 0
    while i < P {
        let n = P &- i, gi = load(g + i, n)
        let mn = fma(gi * all(1 - b1), all(b1), load(m + i, n))
        let vn = fma(gi * gi * all(1 - b2), all(b2), load(v + i, n))
        let u = vn * inverse2
        let step = mn * inverse1 / fma(all(epsilon), u, inverseRoot(u))
        store(mn, m + i, n)
        store(vn, v + i, n)
        store(fma(load(w + i, n), pull, step), w + i, n)
        i = i &+ laneCount
    }
}

/// average = keep * average + (1 - keep) * w.
package func averageStep(_ average: UnsafeMutablePointer<Float>, _ w: UnsafePointer<Float>, _ keep: Float, _ P: Int) {
    var i = 0
    while i < P {
        let n = P &- i
        store(fma(load(w + i, n) * all(1 - keep), all(keep), load(average + i, n)), average + i, n)
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
