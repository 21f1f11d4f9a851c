// Sums over the lanes of a vector, and small elementwise loops.

import CProcessor

/// Eight vectors to their eight sums over lanes.
@inline(__always) func sum8(_ a: V, _ b: V, _ c: V, _ d: V, _ e: V, _ f: V, _ g: V, _ h: V) -> SIMD8<Float> {
    groups(pairs(pairs(a, b), pairs(c, d)), pairs(pairs(e, f), pairs(g, h)))
}

@inline(__always) func lanesSum(_ v: V) -> Float { sum8(v, V.zero, V.zero, V.zero, V.zero, V.zero, V.zero, V.zero)[0] }

/// out[0 ..< 8] += s.
@inline(__always) func add8(_ s: SIMD8<Float>, _ out: UnsafeMutablePointer<Float>) {
    let o = UnsafeMutableRawPointer(out)
    o.storeBytes(of: o.loadUnaligned(as: SIMD8<Float>.self) + s, as: SIMD8<Float>.self)
}

/// out[0 ..< 4] += s.
@inline(__always) func add4(_ s: SIMD4<Float>, _ out: UnsafeMutablePointer<Float>) {
    let o = UnsafeMutableRawPointer(out)
    o.storeBytes(of: o.loadUnaligned(as: SIMD4<Float>.self) + s, as: SIMD4<Float>.self)
}

/// square[lane] += sum of squares of x[m][n]. x: [M][N] vectors.
package func sumSquares(_ x: flip_rows, _ square: UnsafeMutablePointer<Float>, rows M: Int, columns N: Int) {
    let xs = x.stride, x = vectors(x.base), square = vectors(square)
    var a = V.zero, m = 0
    while m < M {
        let row = x + m &* xs
        var n = 0
        while n < N { a = fma(a, row[n], row[n]); n = n &+ 1 }
        m = m &+ 1
    }
    square[0] = square[0] + a
}

/// y[m][n] = x[m][n] * c. x: [M][N] vectors; y: [M][N] vectors, row stride N; factor: one vector, c.
package func scaled(_ x: flip_rows, factor c: UnsafePointer<Float>, to y: UnsafeMutablePointer<Float>, rows M: Int,
                    columns N: Int) {
    let xs = x.stride, x = vectors(x.base), c = vectors(c)[0], y = vectors(y)
    var m = 0
    while m < M {
        var n = 0
        while n < N { y[m &* N &+ n] = x[m &* xs &+ n] * c; n = n &+ 1 }
        m = m &+ 1
    }
}

/// x[n] = 0 in the lanes where `keep` is zero, whatever was there. x: [N] vectors.
package func clear(_ x: UnsafeMutablePointer<Float>, _ keep: UnsafePointer<Int32>, _ N: Int) {
    let x = vectors(x), kept = ~equal(labels(keep)[0], VI.zero)
    var n = 0
    while n < N { x[n] = masked(kept, x[n]); n = n &+ 1 }
}

/// y[n] += x[n]. [N] vectors.
package func add(_ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ N: Int) {
    let x = vectors(x), y = vectors(y)
    var n = 0
    while n < N { y[n] = y[n] + x[n]; n = n &+ 1 }
}

/// x[t][n] += number[t * N + n] in every lane. x: [M] vectors, M numbers.
package func addNumbers(_ number: UnsafePointer<Float>, _ x: UnsafeMutablePointer<Float>, _ M: Int) {
    let x = vectors(x)
    var m = 0
    while m < M { x[m] = x[m] + splat(number[m]); m = m &+ 1 }
}
