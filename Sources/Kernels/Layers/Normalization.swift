// Layer norm over a row's A features (arXiv 1607.06450), variance with divisor A, 1e-5 added.
// With `affine`, out = hat * gain + bias.

import CProcessor

/// - x: [M][A] vectors; hat: [M][A]; out: [M][A], written when `affine`; rstd: [M]. gain, bias: [A] numbers, read when
///   `affine`.
package func normForward(x: flip_rows, gain: UnsafePointer<Float>, bias: UnsafePointer<Float>, affine: Bool,
                         hat: UnsafeMutablePointer<Float>, out: UnsafeMutablePointer<Float>,
                         rstd: UnsafeMutablePointer<Float>, rows M: Int, features A: Int) {
    let xs = x.stride, x = vectors(x.base), hat = vectors(hat), out = vectors(out), rstd = vectors(rstd)
    let share = splat(1 / Float(A))
    var m = 0
    while m < M {
        let row = x + m &* xs, h = hat + m &* A
        var sum = V.zero, a = 0
        while a < A { sum = sum + row[a]; a = a &+ 1 }
        let mean = sum * share
        var square = V.zero
        a = 0
        while a < A { let c = row[a] - mean; h[a] = c; square = fma(square, c, c); a = a &+ 1 }
        let r = inverseRoot(fma(splat(1e-5), square, share))
        rstd[m] = r
        a = 0
        if affine {
            let o = out + m &* A
            while a < A { let v = h[a] * r; h[a] = v; o[a] = fma(splat(bias[a]), v, splat(gain[a])); a = a &+ 1 }
        } else {
            while a < A { h[a] = h[a] * r; a = a &+ 1 }
        }
        m = m &+ 1
    }
}

/// dx = (base +) rstd (g - mean g - hat mean(g hat)), g = dy * gain. base, dx: [M][A]. base is read when `adds`, and
/// may be dx.
package func normBackward(dy: UnsafePointer<Float>, hat: UnsafePointer<Float>, rstd: UnsafePointer<Float>,
                          gain: UnsafePointer<Float>, affine: Bool, base: UnsafePointer<Float>, adds: Bool,
                          dx: UnsafeMutablePointer<Float>, rows M: Int, features A: Int) {
    let dy = vectors(dy), hat = vectors(hat), rstd = vectors(rstd), base = vectors(base), dx = vectors(dx)
    let share = splat(1 / Float(A))
    var m = 0
    while m < M {
        let d = dy + m &* A, h = hat + m &* A, b = base + m &* A, o = dx + m &* A
        var sum = V.zero, dot = V.zero, a = 0
        while a < A {
            let g = affine ? d[a] * splat(gain[a]) : d[a]
            sum = sum + g
            dot = fma(dot, g, h[a])
            a = a &+ 1
        }
        let mean = sum * share, slope = dot * share, r = rstd[m]
        a = 0
        while a < A {
            let g = affine ? d[a] * splat(gain[a]) : d[a]
            let v = r * (fma(g - mean, -h[a], slope))
            o[a] = adds ? b[a] + v : v
            a = a &+ 1
        }
        m = m &+ 1
    }
}

/// Gradients of gain and bias of one block: g[a] = sum over t of dy hat, g[A + a] = sum over t of dy; square += their
/// squares.
package func normGradient(dy: UnsafePointer<Float>, hat: UnsafePointer<Float>, gradient: UnsafeMutablePointer<Float>,
                          square: UnsafeMutablePointer<Float>, tokens T: Int, features A: Int) {
    let dy = vectors(dy), hat = vectors(hat), g = vectors(gradient), square = vectors(square)
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
