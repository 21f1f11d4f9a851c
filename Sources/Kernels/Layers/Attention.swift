// Scaled dot-product attention among the T tokens of a row, H heads of width e (arXiv 1706.03762).
// It works lane by lane, so a row's tokens see only each other. Queries are taken in bands: what one band holds for all
// keys is used while it is in the processor's cache. A sum runs over all keys, or all queries, in order, whatever the
// band.

/// Queries of a band.
private let bandQueries = 20

/// - qkv: [T][3d] vectors (d = H e): queries, keys, values. weights: [H][T][T]. out: [T][d].
package func attentionForward(qkv: UnsafePointer<Float>, weights: UnsafeMutablePointer<Float>,
                              out: UnsafeMutablePointer<Float>, tokens T: Int, heads H: Int, width e: Int) {
    let d = H &* e, step = 3 &* d
    let qkv = vectors(qkv), weights = vectors(weights), out = vectors(out)
    let scale = inverseRoot(splat(Float(e)))
    var h = 0
    while h < H {
        let q = qkv + h &* e, k = q + d, v = k + d, p = weights + h &* T &* T
        var first = 0
        while first < T {
            let n = T &- first < bandQueries ? T &- first : bandQueries
            laneProduct(LaneMatrix(q + first &* step, row: step, column: 1), LaneMatrix(k, row: 1, column: step),
                        to: p + first &* T, stride: T, rows: n, inner: e, columns: T)
            var t = first
            while t < first &+ n {
                let row = p + t &* T
                var top = row[0], u = 1
                while u < T { top = larger(row[u], top); u = u &+ 1 }
                var sum = V.zero
                u = 0
                while u < T { let w = exponential((row[u] - top) * scale); row[u] = w; sum = sum + w; u = u &+ 1 }
                let norm = splat(1) / sum
                u = 0
                while u < T { row[u] = row[u] * norm; u = u &+ 1 }
                t = t &+ 1
            }
            laneProduct(LaneMatrix(p + first &* T, row: T, column: 1), LaneMatrix(v, row: step, column: 1),
                        to: out + (first &* d &+ h &* e), stride: d, rows: n, inner: T, columns: e)
            first = first &+ n
        }
        h = h &+ 1
    }
}

/// The gradient by qkv from the one by out. - dout: [T][d]. dqkv: [T][3d], written. scores: memory for [T][T], of which
/// a band is used.
package func attentionBackward(dout: UnsafePointer<Float>, qkv: UnsafePointer<Float>, weights: UnsafePointer<Float>,
                               dqkv: UnsafeMutablePointer<Float>, scores: UnsafeMutablePointer<Float>, tokens T: Int,
                               heads H: Int, width e: Int) {
    let d = H &* e, step = 3 &* d
    let dout = vectors(dout), qkv = vectors(qkv), weights = vectors(weights), dqkv = vectors(dqkv), ds = vectors(scores)
    let scale = inverseRoot(splat(Float(e)))
    var h = 0
    while h < H {
        let q = qkv + h &* e, k = q + d, v = k + d, p = weights + h &* T &* T, g = dout + h &* e
        let dq = dqkv + h &* e, dk = dq + d, dv = dk + d
        var first = 0
        while first < T {
            let n = T &- first < bandQueries ? T &- first : bandQueries
            let p = p + first &* T, g = g + first &* d
            // dp = g v^T; ds = p (dp - sum over u of p dp), as the softmax turns it
            laneProduct(LaneMatrix(g, row: d, column: 1), LaneMatrix(v, row: 1, column: step), to: ds, stride: T,
                        rows: n, inner: e, columns: T)
            var t = 0
            while t < n {
                let row = p + t &* T, s = ds + t &* T
                var mean = V.zero, u = 0
                while u < T { mean = fma(mean, row[u], s[u]); u = u &+ 1 }
                u = 0
                while u < T { s[u] = row[u] * (s[u] - mean) * scale; u = u &+ 1 }
                t = t &+ 1
            }
            laneProduct(LaneMatrix(ds, row: T, column: 1), LaneMatrix(k, row: step, column: 1),
                        to: dq + first &* step, stride: step, rows: n, inner: T, columns: e)
            laneProduct(LaneMatrix(ds, row: 1, column: T), LaneMatrix(q + first &* step, row: step, column: 1), to: dk,
                        stride: step, rows: T, inner: n, columns: e, adds: first > 0)
            laneProduct(LaneMatrix(p, row: 1, column: T), LaneMatrix(g, row: d, column: 1), to: dv, stride: step,
                        rows: T, inner: n, columns: e, adds: first > 0)
            first = first &+ n
        }
        h = h &+ 1
    }
}
