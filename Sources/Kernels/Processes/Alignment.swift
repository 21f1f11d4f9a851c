// Sums over pairs of rows for the maximum mean discrepancy, and cosines and sines of Fourier features.
// Used by Sources/Alignment.

/// A block of rows, one a lane, against m other rows of one group. With e_b(i, j) = exp(-rate_b |z_i - y_j|^2):
/// sum[lane] += Σ_j Σ_b e_b;  w_j = c[lane] Σ_b slope_b e_b;  weight[lane] += Σ_j w_j;  moved[l][lane] += Σ_j w_j
/// y_j[l].
/// - z: [L] vectors. others y: [m][L] numbers. factor c, sum, weight: one vector. moved: [L] vectors. rates, slopes:
///   [B] numbers.
package func gaussianPairs(z: UnsafePointer<Float>, others y: UnsafePointer<Float>, count m: Int,
                           factor: UnsafePointer<Float>, rates: UnsafePointer<Float>, slopes: UnsafePointer<Float>,
                           bandwidths B: Int, sum: UnsafeMutablePointer<Float>, weight: UnsafeMutablePointer<Float>,
                           moved: UnsafeMutablePointer<Float>, latent L: Int) {
    let z = vectors(z), c = vectors(factor)[0], sum = vectors(sum), weight = vectors(weight), moved = vectors(moved)
    var total = sum[0], weights = weight[0], j = 0, y0 = y
    // Four rows at a time share the loads; sums keep the order of the rows.
    while j &+ 4 <= m {
        let y1 = y0 + L, y2 = y1 + L, y3 = y2 + L
        var d0 = V.zero, d1 = V.zero, d2 = V.zero, d3 = V.zero, l = 0
        while l < L {
            let x = z[l], a = x - splat(y0[l]), b = x - splat(y1[l]), d = x - splat(y2[l]), e = x - splat(y3[l])
            d0 = fma(d0, a, a); d1 = fma(d1, b, b); d2 = fma(d2, d, d); d3 = fma(d3, e, e)
            l = l &+ 1
        }
        var w0 = V.zero, w1 = V.zero, w2 = V.zero, w3 = V.zero, b = 0
        while b < B {
            let rate = splat(-rates[b]), slope = splat(slopes[b])
            let e0 = exponential(d0 * rate), e1 = exponential(d1 * rate), e2 = exponential(d2 * rate)
            let e3 = exponential(d3 * rate)
            total = total + ((e0 + e1) + (e2 + e3))
            w0 = fma(w0, e0, slope); w1 = fma(w1, e1, slope); w2 = fma(w2, e2, slope); w3 = fma(w3, e3, slope)
            b = b &+ 1
        }
        w0 = w0 * c; w1 = w1 * c; w2 = w2 * c; w3 = w3 * c
        weights = weights + ((w0 + w1) + (w2 + w3))
        l = 0
        while l < L {
            moved[l] = fma(fma(fma(fma(moved[l], w0, splat(y0[l])), w1, splat(y1[l])), w2, splat(y2[l])), w3,
                          splat(y3[l]))
            l = l &+ 1
        }
        y0 = y3 + L
        j = j &+ 4
    }
    while j < m {
        var d0 = V.zero, l = 0
        while l < L {
            let a = z[l] - splat(y0[l])
            d0 = fma(d0, a, a)
            l = l &+ 1
        }
        var w0 = V.zero, b = 0
        while b < B {
            let e0 = exponential(d0 * splat(-rates[b]))
            total = total + e0
            w0 = fma(w0, e0, splat(slopes[b]))
            b = b &+ 1
        }
        w0 = w0 * c
        weights = weights + w0
        l = 0
        while l < L { moved[l] = fma(moved[l], w0, splat(y0[l])); l = l &+ 1 }
        y0 = y0 + L
        j = j &+ 1
    }
    sum[0] = total
    weight[0] = weights
}

/// cosine[n] = cos angle[n], sine[n] = sin angle[n], |angle| < 1e4. Flat arrays of any length and alignment; `cosine`
/// may be `angle`.
package func waves(_ angle: UnsafePointer<Float>, _ cosine: UnsafeMutablePointer<Float>,
                   _ sine: UnsafeMutablePointer<Float>, _ N: Int) {
    var i = 0
    while i < N {
        let n = N &- i, w = sineCosine(load(angle + i, n))
        store(w.cosine, cosine + i, n)
        store(w.sine, sine + i, n)
        i = i &+ laneCount
    }
}
