// Layer norm over a row-vector's A features (arXiv 1607.06450), variance with divisor A, 1e-5 added. With `affine`,
// out = hat * gain + bias.

/// - x: [M][A] row stride xs; hat: [M][A]; out: [M][A], written when `affine` is not 0; rstd: [M].
package func normForward(_ x: UnsafePointer<Float>, _ xs: Int, _ gain: UnsafePointer<Float>, _ bias: UnsafePointer<Float>, _ affine: Int,
                         _ hat: UnsafeMutablePointer<Float>, _ out: UnsafeMutablePointer<Float>, _ rstd: UnsafeMutablePointer<Float>,
                         _ M: Int, _ A: Int) {
    let x = vectors(x), hat = vectors(hat), out = vectors(out), rstd = vectors(rstd)
    let share = all(1 / Float(A))
    var m = 0
    while m < M {
        let row = x + m &* xs, h = hat + m &* A
        var sum = V.zero, a = 0
        while a < A { sum = sum + row[a]; a = a &+ 1 }
        let mean = sum * share
        var square = V.zero
        a = 0
        while a < A { let c = row[a] - mean; h[a] = c; square = fma(square, c, c); a = a &+ 1 }
        let r = inverseRoot(fma(all(1e-5), square, share))
        rstd[m] = r
        a = 0
        if affine != 0 {
            let o = out + m &* A
            while a < A { let v = h[a] * r; h[a] = v; o[a] = fma(all(bias[a]), v, all(gain[a])); a = a &+ 1 }
        } else {
            while a < A { h[a] = h[a] * r; a = a &+ 1 }
        }
        m = m &+ 1
    }
}

/// dx = (base +) rstd (g - mean g - hat mean(g hat)), g = dy * gain. base, dx: [M][A]. `start` 2 adds base, which may be dx; 0 does not
/// read it.
package func normBackward(_ dy: UnsafePointer<Float>, _ hat: UnsafePointer<Float>, _ rstd: UnsafePointer<Float>,
                          _ gain: UnsafePointer<Float>, _ affine: Int, _ base: UnsafePointer<Float>,
                          _ dx: UnsafeMutablePointer<Float>, _ start: Int, _ M: Int, _ A: Int) {
    let dy = vectors(dy), hat = vectors(hat), rstd = vectors(rstd), base = vectors(base), dx = vectors(dx)
    let share = all(1 / Float(A))
    var m = 0
    while m < M {
        let d = dy + m &* A, h = hat + m &* A, b = base + m &* A, o = dx + m &* A
        var sum = V.zero, dot = V.zero, a = 0
        while a < A {
            let g = affine != 0 ? d[a] * all(gain[a]) : d[a]
            sum = sum + g
            dot = fma(dot, g, h[a])
            a = a &+ 1
        }
        let mean = sum * share, slope = dot * share, r = rstd[m]
        a = 0
        while a < A {
            let g = affine != 0 ? d[a] * all(gain[a]) : d[a]
            let v = r * (fma(g - mean, -h[a], slope))
            o[a] = start == 2 ? b[a] + v : v
            a = a &+ 1
        }
        m = m &+ 1
    }
}

/// Gradients of gain and bias of one block: g[a] = sum over t of dy hat, g[A + a] = sum over t of dy; square += their squares.
package func normGradient(_ dy: UnsafePointer<Float>, _ hat: UnsafePointer<Float>, _ g: UnsafeMutablePointer<Float>,
                          _ square: UnsafeMutablePointer<Float>, _ T: Int, _ A: Int) {
    let dy = vectors(dy), hat = vectors(hat), g = vectors(g), square = vectors(square)
    var a = 0
    while a < A {
        var s = V.zero, b = V.zero, t = 0
        while t < T {
            let d = dy[t &* A &+ a]
            s = fma(s, d, hat[t &* A &+ a])
            b = b + d
            t = t &+ 1
        }
        g[a] = s
        g[A &+ a] = b
        square[0] = fma(fma(square[0], s, s), b, b)
        a = a &+ 1
    }
}
