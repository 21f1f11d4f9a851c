// The gradient of a linear layer's weights, dW[a][n] = sum over the T tokens of x[t][a] dy[t][n].
// A weight used at several tokens has one gradient, the sum. Three ways to its clipped sum over lanes:
// - `rowGradient` keeps every lane's own gradient (for small layers) and adds its squared length; `weightedLanes` then
//   sums lanes;
// - `gramNorm` gets the squared length alone, from inner products; `weightedGradient` then sums x dy over rows and
//   lanes.

import CProcessor

/// Inputs and output gradients over the same rows; the next row begins a stride further on.
private struct Pair {
    let x: In, xs: Int, dy: In, ds: Int
    let rows: Int

    @inline(__always) init(_ x: flip_rows, _ dy: flip_rows, rows: Int) {
        self.init(x: vectors(x.base), xs: x.stride, dy: vectors(dy.base), ds: dy.stride, rows: rows)
    }

    @inline(__always) private init(x: In, xs: Int, dy: In, ds: Int, rows: Int) {
        self.x = x
        self.xs = xs
        self.dy = dy
        self.ds = ds
        self.rows = rows
    }

    /// The pair from input `a` and output `n` on.
    @inline(__always) func at(_ a: Int, _ n: Int) -> Pair { Pair(x: x + a, xs: xs, dy: dy + n, ds: ds, rows: rows) }
}

/// g[a][n] = sum over t of x[t][a] dy[t][n], lane by lane; square[lane] += their squares.
/// - x: [T][A] vectors; dy: [T][N] vectors; gradient: [A][N] vectors, g; square: one vector.
package func rowGradient(x: flip_rows, dy: flip_rows, gradient: UnsafeMutablePointer<Float>,
                         square: UnsafeMutablePointer<Float>, tokens T: Int, inputs A: Int, outputs N: Int) {
    let pair = Pair(x, dy, rows: T), g = vectors(gradient), square = vectors(square)
    var a = 0
    while a &+ 4 <= A {
        var n = 0
        while n < N {
            let end = n &+ 4 <= N ? 4 : 1
            if end == 4 { keep4x4(pair.at(a, n), g + (a &* N &+ n), N, square) } else {
                var r = 0
                while r < 4 { keep1x1(pair.at(a &+ r, n), g + ((a &+ r) &* N &+ n), square); r = r &+ 1 }
            }
            n = n &+ end
        }
        a = a &+ 4
    }
    while a < A {
        var n = 0
        while n < N { keep1x1(pair.at(a, n), g + (a &* N &+ n), square); n = n &+ 1 }
        a = a &+ 1
    }
}

@inline(__always) private func keep1x1(_ pair: Pair, _ g: Out, _ square: Out) {
    var s = V.zero, t = 0
    while t < pair.rows { s = fma(s, pair.x[t &* pair.xs], pair.dy[t &* pair.ds]); t = t &+ 1 }
    g[0] = s
    square[0] = fma(square[0], s, s)
}

/// The 4 x 4 sums of products of one register tile.
@inline(__always) private func keep4x4(_ pair: Pair, _ g: Out, _ N: Int, _ square: Out) {
    var s00 = V.zero, s01 = V.zero, s02 = V.zero, s03 = V.zero
    var s10 = V.zero, s11 = V.zero, s12 = V.zero, s13 = V.zero
    var s20 = V.zero, s21 = V.zero, s22 = V.zero, s23 = V.zero
    var s30 = V.zero, s31 = V.zero, s32 = V.zero, s33 = V.zero
    var p = pair.x, q = pair.dy, t = 0
    while t < pair.rows {
        let d0 = q[0], d1 = q[1], d2 = q[2], d3 = q[3]
        let x0 = p[0]
        s00 = fma(s00, x0, d0); s01 = fma(s01, x0, d1); s02 = fma(s02, x0, d2); s03 = fma(s03, x0, d3)
        let x1 = p[1]
        s10 = fma(s10, x1, d0); s11 = fma(s11, x1, d1); s12 = fma(s12, x1, d2); s13 = fma(s13, x1, d3)
        let x2 = p[2]
        s20 = fma(s20, x2, d0); s21 = fma(s21, x2, d1); s22 = fma(s22, x2, d2); s23 = fma(s23, x2, d3)
        let x3 = p[3]
        s30 = fma(s30, x3, d0); s31 = fma(s31, x3, d1); s32 = fma(s32, x3, d2); s33 = fma(s33, x3, d3)
        p += pair.xs
        q += pair.ds
        t = t &+ 1
    }
    var total = square[0]
    total = fma(total, s00, s00)
    total = fma(total, s01, s01)
    total = fma(total, s02, s02)
    total = fma(total, s03, s03)
    g[0] = s00; g[1] = s01; g[2] = s02; g[3] = s03
    total = fma(total, s10, s10)
    total = fma(total, s11, s11)
    total = fma(total, s12, s12)
    total = fma(total, s13, s13)
    g[N &+ 0] = s10; g[N &+ 1] = s11; g[N &+ 2] = s12; g[N &+ 3] = s13
    total = fma(total, s20, s20)
    total = fma(total, s21, s21)
    total = fma(total, s22, s22)
    total = fma(total, s23, s23)
    g[2 &* N &+ 0] = s20; g[2 &* N &+ 1] = s21; g[2 &* N &+ 2] = s22; g[2 &* N &+ 3] = s23
    total = fma(total, s30, s30)
    total = fma(total, s31, s31)
    total = fma(total, s32, s32)
    total = fma(total, s33, s33)
    g[3 &* N &+ 0] = s30; g[3 &* N &+ 1] = s31; g[3 &* N &+ 2] = s32; g[3 &* N &+ 3] = s33
    square[0] = total
}

/// out[p] += sum over lanes of weight[lane] g[p][lane], where `keep` is not zero; lanes where it is zero add nothing,
/// not even not-a-number. g: [P] vectors.
package func weightedLanes(_ g: UnsafePointer<Float>, _ weight: UnsafePointer<Float>, _ keep: UnsafePointer<Int32>,
                           _ out: UnsafeMutablePointer<Float>, _ P: Int) {
    let g = vectors(g), c = vectors(weight)[0], kept = ~equal(labels(keep)[0], VI.zero)
    var p = 0
    while p &+ 8 <= P {
        add8(sum8(product(masked(kept, g[p]), c), product(masked(kept, g[p &+ 1]), c),
                  product(masked(kept, g[p &+ 2]), c), product(masked(kept, g[p &+ 3]), c),
                  product(masked(kept, g[p &+ 4]), c), product(masked(kept, g[p &+ 5]), c),
                  product(masked(kept, g[p &+ 6]), c), product(masked(kept, g[p &+ 7]), c)), out + p)
        p = p &+ 8
    }
    while p < P {
        out[p] = out[p] + lanesSum(product(masked(kept, g[p]), c))
        p = p &+ 1
    }
}

/// out[a * N + n] += sum over m and lanes of x[m][a] dy[m][n].
/// - x: [M][A] vectors; dy: [M][N] vectors; out: [A][N] numbers.
package func weightedGradient(x: flip_rows, dy: flip_rows, out: UnsafeMutablePointer<Float>, rows M: Int, inputs A: Int,
                              outputs N: Int) {
    let pair = Pair(x, dy, rows: M)
    let evenA = A & ~3, evenN = N & ~3
    // The wider side is walked once, the narrower one stays near.
    if A >= N {
        var a = 0
        while a < evenA {
            var n = 0
            while n < evenN { dots4x4(pair.at(a, n), out + (a &* N &+ n), N); n = n &+ 4 }
            a = a &+ 4
        }
    } else {
        var n = 0
        while n < evenN {
            var a = 0
            while a < evenA { dots4x4(pair.at(a, n), out + (a &* N &+ n), N); a = a &+ 4 }
            n = n &+ 4
        }
    }
    var a = 0
    while a < A {
        var n = a < evenA ? evenN : 0
        while n &+ 8 <= N { dots1x8(pair.at(a, n), out + (a &* N &+ n)); n = n &+ 8 }
        while n < N { dots1x1(pair.at(a, n), out + (a &* N &+ n)); n = n &+ 1 }
        a = a &+ 1
    }
}

@inline(__always) private func dots1x1(_ pair: Pair, _ out: UnsafeMutablePointer<Float>) {
    var s = V.zero, m = 0
    while m < pair.rows { s = fma(s, pair.x[m &* pair.xs], pair.dy[m &* pair.ds]); m = m &+ 1 }
    out[0] = out[0] + lanesSum(s)
}

@inline(__always) private func dots1x8(_ pair: Pair, _ out: UnsafeMutablePointer<Float>) {
    var s0 = V.zero, s1 = V.zero, s2 = V.zero, s3 = V.zero
    var s4 = V.zero, s5 = V.zero, s6 = V.zero, s7 = V.zero
    var p = pair.x, q = pair.dy, m = 0
    while m < pair.rows {
        let v = p[0]
        s0 = fma(s0, v, q[0]); s1 = fma(s1, v, q[1]); s2 = fma(s2, v, q[2]); s3 = fma(s3, v, q[3])
        s4 = fma(s4, v, q[4]); s5 = fma(s5, v, q[5]); s6 = fma(s6, v, q[6]); s7 = fma(s7, v, q[7])
        p += pair.xs
        q += pair.ds
        m = m &+ 1
    }
    add8(sum8(s0, s1, s2, s3, s4, s5, s6, s7), out)
}

@inline(__always) private func dots4x4(_ pair: Pair, _ out: UnsafeMutablePointer<Float>, _ N: Int) {
    var s00 = V.zero, s01 = V.zero, s02 = V.zero, s03 = V.zero
    var s10 = V.zero, s11 = V.zero, s12 = V.zero, s13 = V.zero
    var s20 = V.zero, s21 = V.zero, s22 = V.zero, s23 = V.zero
    var s30 = V.zero, s31 = V.zero, s32 = V.zero, s33 = V.zero
    var p = pair.x, q = pair.dy, m = 0
    while m < pair.rows {
        let d0 = q[0], d1 = q[1], d2 = q[2], d3 = q[3]
        let x0 = p[0]
        s00 = fma(s00, x0, d0); s01 = fma(s01, x0, d1); s02 = fma(s02, x0, d2); s03 = fma(s03, x0, d3)
        let x1 = p[1]
        s10 = fma(s10, x1, d0); s11 = fma(s11, x1, d1); s12 = fma(s12, x1, d2); s13 = fma(s13, x1, d3)
        let x2 = p[2]
        s20 = fma(s20, x2, d0); s21 = fma(s21, x2, d1); s22 = fma(s22, x2, d2); s23 = fma(s23, x2, d3)
        let x3 = p[3]
        s30 = fma(s30, x3, d0); s31 = fma(s31, x3, d1); s32 = fma(s32, x3, d2); s33 = fma(s33, x3, d3)
        p += pair.xs
        q += pair.ds
        m = m &+ 1
    }
    let low = sum8(s00, s01, s02, s03, s10, s11, s12, s13), high = sum8(s20, s21, s22, s23, s30, s31, s32, s33)
    add4(low.lowHalf, out)
    add4(low.highHalf, out + N)
    add4(high.lowHalf, out + 2 &* N)
    add4(high.highHalf, out + 3 &* N)
}

/// square[lane] += an upper bound of |sum over t of x[t] dy[t]^T|^2, close to it: the double sum over tokens of (x_t .
/// x_s)(dy_t . dy_s) plus what its rounding can hide, `slack` * (sum over t of |x_t| |dy_t|)^2. With one row the first
/// part is exact enough and stands alone.
/// - x: [T][A] vectors; dy: [T][N] vectors; scratch: 2 * 5 * (T + 4) vectors.
package func gramNorm(x: flip_rows, dy: flip_rows, slack: Float, scratch: UnsafeMutablePointer<Float>,
                      square: UnsafeMutablePointer<Float>, tokens T: Int, inputs A: Int, outputs N: Int) {
    let square = vectors(square), xx = vectors(scratch), dd = xx + 5 &* (T &+ 4)
    let xRows = LaneMatrix(vectors(x.base), row: x.stride, column: 1)
    let xColumns = LaneMatrix(xRows.base, row: 1, column: x.stride)
    let dRows = LaneMatrix(vectors(dy.base), row: dy.stride, column: 1)
    let dColumns = LaneMatrix(dRows.base, row: 1, column: dy.stride)
    var cross = V.zero, own = V.zero, sizes = V.zero
    var t = 0
    while t < T {
        // a band of rows of both Gram matrices, up to the diagonal
        let rows = bandRows(T &- t), columns = t &+ rows
        laneProduct(xRows.rows(from: t), xColumns, to: xx, stride: columns, rows: rows, inner: A, columns: columns)
        laneProduct(dRows.rows(from: t), dColumns, to: dd, stride: columns, rows: rows, inner: N, columns: columns)
        var r = 0
        while r < rows {
            let u = xx + r &* columns, v = dd + r &* columns
            var s = 0
            while s < t &+ r { cross = fma(cross, u[s], v[s]); s = s &+ 1 }
            let mine = u[s] * v[s]
            own = own + mine
            sizes = fma(sizes, mine, inverseRoot(mine))
            r = r &+ 1
        }
        t = t &+ rows
    }
    let gram = larger(own + cross + cross, V.zero)
    square[0] = square[0] + (T == 1 ? gram : fma(gram, sizes * sizes, splat(slack)))
}

/// g[n] = sum over t of dy[t][n]; square[lane] += their squares. The gradient of a bias. g: [N] vectors.
package func rowBias(dy: flip_rows, gradient: UnsafeMutablePointer<Float>, square: UnsafeMutablePointer<Float>,
                     tokens T: Int, outputs N: Int) {
    let ds = dy.stride, dy = vectors(dy.base), g = vectors(gradient), square = vectors(square)
    var n = 0
    while n < N {
        var s = V.zero, t = 0
        while t < T { s = s + dy[t &* ds &+ n]; t = t &+ 1 }
        g[n] = s
        square[0] = fma(square[0], s, s)
        n = n &+ 1
    }
}
