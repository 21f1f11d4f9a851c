// Scaled dot-product attention among the T tokens of one block, H heads of width e (arXiv 1706.03762): lane by lane, so a row's tokens
// see only each other.

/// - qkv: [T][3d] vectors (d = H e): queries, keys, values. weights: [H][T][T]. out: [T][d].
package func attentionForward(_ qkv: UnsafePointer<Float>, _ weights: UnsafeMutablePointer<Float>, _ out: UnsafeMutablePointer<Float>,
                              _ T: Int, _ H: Int, _ e: Int) {
    let d = H &* e, step = 3 &* d
    let qkv = vectors(qkv), weights = vectors(weights), out = vectors(out)
    let scale = inverseRoot(all(Float(e)))
    var h = 0
    while h < H {
        let q = qkv + h &* e, k = q + d, v = k + d, p = weights + h &* T &* T
        laneProduct(q, step, 1, k, 1, step, p, T, T, e, T)
        var t = 0
        while t < T {
            let row = p + t &* T
            var top = row[0], u = 1
            while u < T { top = larger(row[u], top); u = u &+ 1 }
            var sum = V.zero
            u = 0
            while u < T { let w = exponential((row[u] - top) * scale); row[u] = w; sum = sum + w; u = u &+ 1 }
            let norm = all(1) / sum
            u = 0
            while u < T { row[u] = row[u] * norm; u = u &+ 1 }
            t = t &+ 1
        }
        laneProduct(p, T, 1, v, step, 1, out + h &* e, d, T, T, e)
        h = h &+ 1
    }
}

/// - dout: [T][d]. dqkv: [T][3d], written. ds: room for [T][T].
package func attentionBackward(_ dout: UnsafePointer<Float>, _ qkv: UnsafePointer<Float>, _ weights: UnsafePointer<Float>,
                               _ dqkv: UnsafeMutablePointer<Float>, _ ds: UnsafeMutablePointer<Float>, _ T: Int, _ H: Int, _ e: Int) {
    let d = H &* e, step = 3 &* d
    let dout = vectors(dout), qkv = vectors(qkv), weights = vectors(weights), dqkv = vectors(dqkv), ds = vectors(ds)
    let scale = inverseRoot(all(Float(e)))
    var h = 0
    while h < H {
        let q = qkv + h &* e, k = q + d, v = k + d, p = weights + h &* T &* T, g = dout + h &* e
        let dq = dqkv + h &* e, dk = dq + d, dv = dk + d
        // dp = g v^T; ds = p (dp - sum over u of p dp), as the softmax turns it
        laneProduct(g, d, 1, v, 1, step, ds, T, T, e, T)
        var t = 0
        while t < T {
            let row = p + t &* T, s = ds + t &* T
            var mean = V.zero, u = 0
            while u < T { mean = fma(mean, row[u], s[u]); u = u &+ 1 }
            u = 0
            while u < T { s[u] = row[u] * (s[u] - mean) * scale; u = u &+ 1 }
            t = t &+ 1
        }
        laneProduct(ds, T, 1, k, step, 1, dq, step, T, T, e)
        laneProduct(ds, 1, T, q, step, 1, dk, step, T, T, e)
        laneProduct(p, 1, T, g, d, 1, dv, step, T, T, e)
        h = h &+ 1
    }
}
