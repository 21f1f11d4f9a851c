// y[m][j] = start + sum over i of x[m][i] w[i * si + j * sj]: a linear layer forwards with (si, sj) = (N, 1), and backwards through its
// weights with (1, N). The weights are numbers, broadcast; x and y are vectors. The sum runs over i in order, whatever the tile.

/// Where a sum starts: 0 at nothing, 1 at the bias, 2 at what y holds.
/// What happens to a finished sum (`after`): 0 nothing, 1 ReLU, 2 it stays where `gate` is above zero (the way back through a ReLU).
/// - x: [M][.] vectors, row stride `xs` vectors. y, gate: [M][.], row stride `ys`. `bias`: N numbers, read when `start` is 1.
package func linear(_ x: UnsafePointer<Float>, _ xs: Int, _ w: UnsafePointer<Float>, _ si: Int, _ sj: Int,
                    _ bias: UnsafePointer<Float>, _ start: Int, _ y: UnsafeMutablePointer<Float>, _ ys: Int,
                    _ M: Int, _ A: Int, _ N: Int, _ after: Int, _ gate: UnsafePointer<Float>) {
    var x = vectors(x), y = vectors(y), gate = vectors(gate), left = M
    while left > 0 {
        let rows = bandRows(left)
        switch rows {
        case 1: band(1, x, xs, w, si, sj, bias, start, y, ys, A, N, after, gate)
        case 2: band(2, x, xs, w, si, sj, bias, start, y, ys, A, N, after, gate)
        case 3: band(3, x, xs, w, si, sj, bias, start, y, ys, A, N, after, gate)
        case 4 where tileRows > 3: band(4, x, xs, w, si, sj, bias, start, y, ys, A, N, after, gate)
        default: band(tileRows, x, xs, w, si, sj, bias, start, y, ys, A, N, after, gate)
        }
        x += rows &* xs
        y += rows &* ys
        gate += rows &* ys
        left = left &- rows
    }
}

/// How many of the rows that are left the next band takes: full tiles, and the last two shared evenly.
@inline(__always) func bandRows(_ left: Int) -> Int {
    left >= 2 &* tileRows || left == tileRows ? tileRows : left > tileRows ? (left &+ 1) / 2 : left
}

/// R rows (a constant where it is called), all outputs.
@_transparent private func band(_ R: Int, _ x: In, _ xs: Int, _ w: UnsafePointer<Float>, _ si: Int, _ sj: Int,
                                    _ bias: UnsafePointer<Float>, _ start: Int, _ y: Out, _ ys: Int, _ A: Int, _ N: Int,
                                _ after: Int, _ gate: In) {
    var j = 0
    while R == 1, j &+ 8 <= N { tile1x8(x, w + j &* sj, si, sj, bias + j, start, y + j, A, after, gate + j); j = j &+ 8 }
    while j &+ 4 <= N { tile(R, x, xs, w + j &* sj, si, sj, bias + j, start, y + j, ys, A, after, gate + j); j = j &+ 4 }
    while j < N {
        var r = 0
        while r < R {
            let at = r &* ys &+ j
            tile1x1(x + r &* xs, w + j &* sj, si, bias + j, start, y + at, A, after, gate + at)
            r = r &+ 1
        }
        j = j &+ 1
    }
}

@inline(__always) private func begin(_ start: Int, _ bias: UnsafePointer<Float>, _ y: Out) -> V {
    start == 2 ? y[0] : start == 1 ? all(bias[0]) : V.zero
}

@inline(__always) private func finish(_ sum: V, _ after: Int, _ gate: In) -> V {
    after == 0 ? sum : only(positive(after == 1 ? sum : gate[0]), sum)
}

@inline(__always) private func tile1x1(_ x: In, _ w: UnsafePointer<Float>, _ si: Int, _ bias: UnsafePointer<Float>, _ start: Int,
                                       _ y: Out, _ A: Int, _ after: Int, _ gate: In) {
    var a = begin(start, bias, y), i = 0
    while i < A { a = fma(a, x[i], all(w[i &* si])); i = i &+ 1 }
    y[0] = finish(a, after, gate)
}

/// R x 4 outputs, R up to 5; rows beyond R fall away when this is compiled.
@_transparent private func tile(_ R: Int, _ x: In, _ xs: Int, _ w: UnsafePointer<Float>, _ si: Int, _ sj: Int,
                                    _ bias: UnsafePointer<Float>, _ start: Int, _ y: Out, _ ys: Int, _ A: Int, _ after: Int, _ gate: In) {
    var a00 = V.zero, a01 = V.zero, a02 = V.zero, a03 = V.zero
    var a10 = V.zero, a11 = V.zero, a12 = V.zero, a13 = V.zero
    var a20 = V.zero, a21 = V.zero, a22 = V.zero, a23 = V.zero
    var a30 = V.zero, a31 = V.zero, a32 = V.zero, a33 = V.zero
    var a40 = V.zero, a41 = V.zero, a42 = V.zero, a43 = V.zero
    a00 = begin(start, bias + 0, y + (0)); a01 = begin(start, bias + 1, y + (1))
    a02 = begin(start, bias + 2, y + (2)); a03 = begin(start, bias + 3, y + (3))
    if R > 1 {
        a10 = begin(start, bias + 0, y + (ys &+ 0)); a11 = begin(start, bias + 1, y + (ys &+ 1))
        a12 = begin(start, bias + 2, y + (ys &+ 2)); a13 = begin(start, bias + 3, y + (ys &+ 3))
    }
    if R > 2 {
        a20 = begin(start, bias + 0, y + (2 &* ys &+ 0)); a21 = begin(start, bias + 1, y + (2 &* ys &+ 1))
        a22 = begin(start, bias + 2, y + (2 &* ys &+ 2)); a23 = begin(start, bias + 3, y + (2 &* ys &+ 3))
    }
    if R > 3 {
        a30 = begin(start, bias + 0, y + (3 &* ys &+ 0)); a31 = begin(start, bias + 1, y + (3 &* ys &+ 1))
        a32 = begin(start, bias + 2, y + (3 &* ys &+ 2)); a33 = begin(start, bias + 3, y + (3 &* ys &+ 3))
    }
    if R > 4 {
        a40 = begin(start, bias + 0, y + (4 &* ys &+ 0)); a41 = begin(start, bias + 1, y + (4 &* ys &+ 1))
        a42 = begin(start, bias + 2, y + (4 &* ys &+ 2)); a43 = begin(start, bias + 3, y + (4 &* ys &+ 3))
    }
    var p = w, i = 0
    while i < A {
        let w0 = all(p[0]), w1 = all(p[sj]), w2 = all(p[2 &* sj]), w3 = all(p[3 &* sj])
        let x0 = x[i]
        a00 = fma(a00, x0, w0); a01 = fma(a01, x0, w1); a02 = fma(a02, x0, w2); a03 = fma(a03, x0, w3)
        if R > 1 {
            let x1 = x[i &+ xs]
            a10 = fma(a10, x1, w0); a11 = fma(a11, x1, w1); a12 = fma(a12, x1, w2); a13 = fma(a13, x1, w3)
        }
        if R > 2 {
            let x2 = x[i &+ 2 &* xs]
            a20 = fma(a20, x2, w0); a21 = fma(a21, x2, w1); a22 = fma(a22, x2, w2); a23 = fma(a23, x2, w3)
        }
        if R > 3 {
            let x3 = x[i &+ 3 &* xs]
            a30 = fma(a30, x3, w0); a31 = fma(a31, x3, w1); a32 = fma(a32, x3, w2); a33 = fma(a33, x3, w3)
        }
        if R > 4 {
            let x4 = x[i &+ 4 &* xs]
            a40 = fma(a40, x4, w0); a41 = fma(a41, x4, w1); a42 = fma(a42, x4, w2); a43 = fma(a43, x4, w3)
        }
        p += si
        i = i &+ 1
    }
    y[0] = finish(a00, after, gate + (0)); y[1] = finish(a01, after, gate + (1))
    y[2] = finish(a02, after, gate + (2)); y[3] = finish(a03, after, gate + (3))
    if R > 1 {
        y[ys &+ 0] = finish(a10, after, gate + (ys &+ 0)); y[ys &+ 1] = finish(a11, after, gate + (ys &+ 1))
        y[ys &+ 2] = finish(a12, after, gate + (ys &+ 2)); y[ys &+ 3] = finish(a13, after, gate + (ys &+ 3))
    }
    if R > 2 {
        y[2 &* ys &+ 0] = finish(a20, after, gate + (2 &* ys &+ 0)); y[2 &* ys &+ 1] = finish(a21, after, gate + (2 &* ys &+ 1))
        y[2 &* ys &+ 2] = finish(a22, after, gate + (2 &* ys &+ 2)); y[2 &* ys &+ 3] = finish(a23, after, gate + (2 &* ys &+ 3))
    }
    if R > 3 {
        y[3 &* ys &+ 0] = finish(a30, after, gate + (3 &* ys &+ 0)); y[3 &* ys &+ 1] = finish(a31, after, gate + (3 &* ys &+ 1))
        y[3 &* ys &+ 2] = finish(a32, after, gate + (3 &* ys &+ 2)); y[3 &* ys &+ 3] = finish(a33, after, gate + (3 &* ys &+ 3))
    }
    if R > 4 {
        y[4 &* ys &+ 0] = finish(a40, after, gate + (4 &* ys &+ 0)); y[4 &* ys &+ 1] = finish(a41, after, gate + (4 &* ys &+ 1))
        y[4 &* ys &+ 2] = finish(a42, after, gate + (4 &* ys &+ 2)); y[4 &* ys &+ 3] = finish(a43, after, gate + (4 &* ys &+ 3))
    }
}

@inline(__always) private func tile1x8(_ x: In, _ w: UnsafePointer<Float>, _ si: Int, _ sj: Int, _ bias: UnsafePointer<Float>,
                                       _ start: Int, _ y: Out, _ A: Int, _ after: Int, _ gate: In) {
    var a0 = begin(start, bias + 0, y + 0), a1 = begin(start, bias + 1, y + 1)
    var a2 = begin(start, bias + 2, y + 2), a3 = begin(start, bias + 3, y + 3)
    var a4 = begin(start, bias + 4, y + 4), a5 = begin(start, bias + 5, y + 5)
    var a6 = begin(start, bias + 6, y + 6), a7 = begin(start, bias + 7, y + 7)
    var p = w, i = 0
    while i < A {
        let v = x[i]
        a0 = fma(a0, v, all(p[0])); a1 = fma(a1, v, all(p[sj]))
        a2 = fma(a2, v, all(p[2 &* sj])); a3 = fma(a3, v, all(p[3 &* sj]))
        a4 = fma(a4, v, all(p[4 &* sj])); a5 = fma(a5, v, all(p[5 &* sj]))
        a6 = fma(a6, v, all(p[6 &* sj])); a7 = fma(a7, v, all(p[7 &* sj]))
        p += si
        i = i &+ 1
    }
    y[0] = finish(a0, after, gate + (0)); y[1] = finish(a1, after, gate + (1))
    y[2] = finish(a2, after, gate + (2)); y[3] = finish(a3, after, gate + (3))
    y[4] = finish(a4, after, gate + (4)); y[5] = finish(a5, after, gate + (5))
    y[6] = finish(a6, after, gate + (6)); y[7] = finish(a7, after, gate + (7))
}
