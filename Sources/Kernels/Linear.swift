// y[m][j] = start + sum over i of x[m][i] w[i * si + j * sj]: a linear layer forwards with (si, sj) = (N, 1), and backwards through its
// weights with (1, N). The weights are numbers, broadcast; x and y are vectors. The sum runs over i in order, whatever the tile.

/// Where a sum starts: 0 at nothing, 1 at the bias, 2 at what y holds.
/// - x: [M][.] vectors, row stride `xs` vectors. y: [M][.], row stride `ys`. `bias`: N numbers, read when `start` is 1.
package func linear(_ x: UnsafePointer<Float>, _ xs: Int, _ w: UnsafePointer<Float>, _ si: Int, _ sj: Int,
                    _ bias: UnsafePointer<Float>, _ start: Int, _ y: UnsafeMutablePointer<Float>, _ ys: Int,
                    _ M: Int, _ A: Int, _ N: Int) {
    let x = vectors(x), y = vectors(y)
    var m = 0
    while m &+ tileRows <= M {
        var j = 0
        while j &+ 4 <= N {
            if tileRows == 5 {
                tile5x4(x + m &* xs, xs, w + j &* sj, si, sj, bias + j, start, y + (m &* ys &+ j), ys, A)
            } else {
                tile3x4(x + m &* xs, xs, w + j &* sj, si, sj, bias + j, start, y + (m &* ys &+ j), ys, A)
            }
            j = j &+ 4
        }
        while j < N {
            var r = 0
            while r < tileRows {
                let at = m &+ r
                tile1x1(x + at &* xs, w + j &* sj, si, bias + j, start, y + (at &* ys &+ j), A)
                r = r &+ 1
            }
            j = j &+ 1
        }
        m = m &+ tileRows
    }
    while m < M {
        var j = 0
        while j &+ 8 <= N { tile1x8(x + m &* xs, w + j &* sj, si, sj, bias + j, start, y + (m &* ys &+ j), A); j = j &+ 8 }
        while j < N { tile1x1(x + m &* xs, w + j &* sj, si, bias + j, start, y + (m &* ys &+ j), A); j = j &+ 1 }
        m = m &+ 1
    }
}

@inline(__always) private func begin(_ start: Int, _ bias: UnsafePointer<Float>, _ y: Out) -> V {
    start == 2 ? y[0] : start == 1 ? all(bias[0]) : V.zero
}

@inline(__always) private func tile1x1(_ x: In, _ w: UnsafePointer<Float>, _ si: Int, _ bias: UnsafePointer<Float>, _ start: Int,
                                       _ y: Out, _ A: Int) {
    var a = begin(start, bias, y), i = 0
    while i < A { a = fma(a, x[i], all(w[i &* si])); i = i &+ 1 }
    y[0] = a
}

@inline(__always) private func tile5x4(_ x: In, _ xs: Int, _ w: UnsafePointer<Float>, _ si: Int, _ sj: Int, _ bias: UnsafePointer<Float>,
                                       _ start: Int, _ y: Out, _ ys: Int, _ A: Int) {
    var a00 = begin(start, bias + 0, y + (0)), a01 = begin(start, bias + 1, y + (1))
    var a02 = begin(start, bias + 2, y + (2)), a03 = begin(start, bias + 3, y + (3))
    var a10 = begin(start, bias + 0, y + (ys)), a11 = begin(start, bias + 1, y + (ys &+ 1))
    var a12 = begin(start, bias + 2, y + (ys &+ 2)), a13 = begin(start, bias + 3, y + (ys &+ 3))
    var a20 = begin(start, bias + 0, y + (2 &* ys)), a21 = begin(start, bias + 1, y + (2 &* ys &+ 1))
    var a22 = begin(start, bias + 2, y + (2 &* ys &+ 2)), a23 = begin(start, bias + 3, y + (2 &* ys &+ 3))
    var a30 = begin(start, bias + 0, y + (3 &* ys)), a31 = begin(start, bias + 1, y + (3 &* ys &+ 1))
    var a32 = begin(start, bias + 2, y + (3 &* ys &+ 2)), a33 = begin(start, bias + 3, y + (3 &* ys &+ 3))
    var a40 = begin(start, bias + 0, y + (4 &* ys)), a41 = begin(start, bias + 1, y + (4 &* ys &+ 1))
    var a42 = begin(start, bias + 2, y + (4 &* ys &+ 2)), a43 = begin(start, bias + 3, y + (4 &* ys &+ 3))
    var p = w, i = 0
    while i < A {
        let w0 = all(p[0]), w1 = all(p[sj]), w2 = all(p[2 &* sj]), w3 = all(p[3 &* sj])
        let x0 = x[i]
        a00 = fma(a00, x0, w0); a01 = fma(a01, x0, w1); a02 = fma(a02, x0, w2); a03 = fma(a03, x0, w3)
        let x1 = x[i &+ xs]
        a10 = fma(a10, x1, w0); a11 = fma(a11, x1, w1); a12 = fma(a12, x1, w2); a13 = fma(a13, x1, w3)
        let x2 = x[i &+ 2 &* xs]
        a20 = fma(a20, x2, w0); a21 = fma(a21, x2, w1); a22 = fma(a22, x2, w2); a23 = fma(a23, x2, w3)
        let x3 = x[i &+ 3 &* xs]
        a30 = fma(a30, x3, w0); a31 = fma(a31, x3, w1); a32 = fma(a32, x3, w2); a33 = fma(a33, x3, w3)
        let x4 = x[i &+ 4 &* xs]
        a40 = fma(a40, x4, w0); a41 = fma(a41, x4, w1); a42 = fma(a42, x4, w2); a43 = fma(a43, x4, w3)
        p += si
        i = i &+ 1
    }
    y[0] = a00; y[1] = a01; y[2] = a02; y[3] = a03
    y[ys] = a10; y[ys &+ 1] = a11; y[ys &+ 2] = a12; y[ys &+ 3] = a13
    y[2 &* ys] = a20; y[2 &* ys &+ 1] = a21; y[2 &* ys &+ 2] = a22; y[2 &* ys &+ 3] = a23
    y[3 &* ys] = a30; y[3 &* ys &+ 1] = a31; y[3 &* ys &+ 2] = a32; y[3 &* ys &+ 3] = a33
    y[4 &* ys] = a40; y[4 &* ys &+ 1] = a41; y[4 &* ys &+ 2] = a42; y[4 &* ys &+ 3] = a43
}

@inline(__always) private func tile3x4(_ x: In, _ xs: Int, _ w: UnsafePointer<Float>, _ si: Int, _ sj: Int, _ bias: UnsafePointer<Float>,
                                       _ start: Int, _ y: Out, _ ys: Int, _ A: Int) {
    var a00 = begin(start, bias + 0, y + (0)), a01 = begin(start, bias + 1, y + (1))
    var a02 = begin(start, bias + 2, y + (2)), a03 = begin(start, bias + 3, y + (3))
    var a10 = begin(start, bias + 0, y + (ys)), a11 = begin(start, bias + 1, y + (ys &+ 1))
    var a12 = begin(start, bias + 2, y + (ys &+ 2)), a13 = begin(start, bias + 3, y + (ys &+ 3))
    var a20 = begin(start, bias + 0, y + (2 &* ys)), a21 = begin(start, bias + 1, y + (2 &* ys &+ 1))
    var a22 = begin(start, bias + 2, y + (2 &* ys &+ 2)), a23 = begin(start, bias + 3, y + (2 &* ys &+ 3))
    var p = w, i = 0
    while i < A {
        let w0 = all(p[0]), w1 = all(p[sj]), w2 = all(p[2 &* sj]), w3 = all(p[3 &* sj])
        let x0 = x[i]
        a00 = fma(a00, x0, w0); a01 = fma(a01, x0, w1); a02 = fma(a02, x0, w2); a03 = fma(a03, x0, w3)
        let x1 = x[i &+ xs]
        a10 = fma(a10, x1, w0); a11 = fma(a11, x1, w1); a12 = fma(a12, x1, w2); a13 = fma(a13, x1, w3)
        let x2 = x[i &+ 2 &* xs]
        a20 = fma(a20, x2, w0); a21 = fma(a21, x2, w1); a22 = fma(a22, x2, w2); a23 = fma(a23, x2, w3)
        p += si
        i = i &+ 1
    }
    y[0] = a00; y[1] = a01; y[2] = a02; y[3] = a03
    y[ys] = a10; y[ys &+ 1] = a11; y[ys &+ 2] = a12; y[ys &+ 3] = a13
    y[2 &* ys] = a20; y[2 &* ys &+ 1] = a21; y[2 &* ys &+ 2] = a22; y[2 &* ys &+ 3] = a23
}

@inline(__always) private func tile1x8(_ x: In, _ w: UnsafePointer<Float>, _ si: Int, _ sj: Int, _ bias: UnsafePointer<Float>,
                                       _ start: Int, _ y: Out, _ A: Int) {
    var a00 = begin(start, bias + 0, y + (0)), a01 = begin(start, bias + 1, y + (1))
    var a02 = begin(start, bias + 2, y + (2)), a03 = begin(start, bias + 3, y + (3))
    var a04 = begin(start, bias + 4, y + (4)), a05 = begin(start, bias + 5, y + (5))
    var a06 = begin(start, bias + 6, y + (6)), a07 = begin(start, bias + 7, y + (7))
    var p = w, i = 0
    while i < A {
        let v = x[i]
        a00 = fma(a00, v, all(p[0])); a01 = fma(a01, v, all(p[sj]))
        a02 = fma(a02, v, all(p[2 &* sj])); a03 = fma(a03, v, all(p[3 &* sj]))
        a04 = fma(a04, v, all(p[4 &* sj])); a05 = fma(a05, v, all(p[5 &* sj]))
        a06 = fma(a06, v, all(p[6 &* sj])); a07 = fma(a07, v, all(p[7 &* sj]))
        p += si
        i = i &+ 1
    }
    y[0] = a00; y[1] = a01; y[2] = a02; y[3] = a03; y[4] = a04; y[5] = a05; y[6] = a06; y[7] = a07
}
