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
        let q = qkv + h &* e, k = q + d, v = k + d
        var t = 0
        while t < T {
            let p = weights + (h &* T &+ t) &* T, qt = q + t &* step
            var top = all(-.greatestFiniteMagnitude), u = 0
            while u < T {
                let ku = k + u &* step
                var s = V.zero, j = 0
                while j < e { s = fma(s, qt[j], ku[j]); j = j &+ 1 }
                s = s * scale
                p[u] = s
                top = larger(s, top)
                u = u &+ 1
            }
            var sum = V.zero
            u = 0
            while u < T { let w = exponential(p[u] - top); p[u] = w; sum = sum + w; u = u &+ 1 }
            let norm = all(1) / sum
            u = 0
            while u < T { p[u] = p[u] * norm; u = u &+ 1 }
            let o = out + (t &* d &+ h &* e)
            var j = 0
            while j &+ 4 <= e {
                var a = V.zero, b = V.zero, c = V.zero, f = V.zero
                u = 0
                while u < T {
                    let w = p[u], vu = v + (u &* step &+ j)
                    a = fma(a, w, vu[0]); b = fma(b, w, vu[1]); c = fma(c, w, vu[2]); f = fma(f, w, vu[3])
                    u = u &+ 1
                }
                o[j] = a; o[j &+ 1] = b; o[j &+ 2] = c; o[j &+ 3] = f
                j = j &+ 4
            }
            while j < e {
                var a = V.zero
                u = 0
                while u < T { a = fma(a, p[u], v[u &* step &+ j]); u = u &+ 1 }
                o[j] = a
                j = j &+ 1
            }
            t = t &+ 1
        }
        h = h &+ 1
    }
}

/// - dout: [T][d]. dqkv: [T][3d], written. ds: room for T vectors.
package func attentionBackward(_ dout: UnsafePointer<Float>, _ qkv: UnsafePointer<Float>, _ weights: UnsafePointer<Float>,
                               _ dqkv: UnsafeMutablePointer<Float>, _ ds: UnsafeMutablePointer<Float>, _ T: Int, _ H: Int, _ e: Int) {
    let d = H &* e, step = 3 &* d
    let dout = vectors(dout), qkv = vectors(qkv), weights = vectors(weights), dqkv = vectors(dqkv), ds = vectors(ds)
    let scale = inverseRoot(all(Float(e)))
    var i = 0
    while i < T &* step { dqkv[i] = V.zero; i = i &+ 1 }
    var h = 0
    while h < H {
        let q = qkv + h &* e, k = q + d, v = k + d
        let dq = dqkv + h &* e, dk = dq + d, dv = dk + d
        var t = 0
        while t < T {
            let p = weights + (h &* T &+ t) &* T, g = dout + (t &* d &+ h &* e)
            // dp_u = g . v_u; ds_u = p_u (dp_u - sum over u of p dp)
            var mean = V.zero, u = 0
            while u < T {
                let vu = v + u &* step
                var s = V.zero, j = 0
                while j < e { s = fma(s, g[j], vu[j]); j = j &+ 1 }
                ds[u] = s
                mean = fma(mean, p[u], s)
                u = u &+ 1
            }
            u = 0
            while u < T { ds[u] = p[u] * (ds[u] - mean) * scale; u = u &+ 1 }
            var j = 0
            while j < e {
                let gj = g[j], qj = q[t &* step &+ j]
                var a = V.zero
                u = 0
                while u < T {
                    let at = u &* step &+ j, s = ds[u]
                    a = fma(a, s, k[at])
                    dk[at] = fma(dk[at], s, qj)
                    dv[at] = fma(dv[at], p[u], gj)
                    u = u &+ 1
                }
                dq[t &* step &+ j] = a
                j = j &+ 1
            }
            t = t &+ 1
        }
        h = h &+ 1
    }
}
