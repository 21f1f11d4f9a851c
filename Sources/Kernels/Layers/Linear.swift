// A linear layer forwards and backwards: y[m][j] = start + sum over i of x[m][i] w[i][j].
// Backwards the weights are read with other steps. The weights are numbers, broadcast; x and y are vectors. The sum
// runs over i in order, whatever the tile.

import CProcessor

/// What all tiles of one product share.
private struct Product {
    let inputs: Int, outputs: Int
    /// Steps of the weights along inputs and outputs; strides of the rows of x and y, in vectors.
    let si: Int, sj: Int, xs: Int, ys: Int
    let start: FlipStart, finish: FlipFinish
}

/// Where one tile begins in each array.
private struct Corner {
    var x: In, w: UnsafePointer<Float>, bias: UnsafePointer<Float>, y: Out, gate: In

    /// The tile that begins `j` outputs further on.
    @inline(__always) func output(_ j: Int, _ p: Product) -> Corner {
        Corner(x: x, w: w + j &* p.sj, bias: bias + j, y: y + j, gate: gate + j)
    }

    /// The tile that begins `r` rows further on.
    @inline(__always) func row(_ r: Int, _ p: Product) -> Corner {
        Corner(x: x + r &* p.xs, w: w, bias: bias, y: y + r &* p.ys, gate: gate + r &* p.ys)
    }
}

/// - x: [rows][inputs] vectors. y, gate: [rows][outputs] vectors, row stride `yStride`. bias: [outputs] numbers, read
///   when a sum starts there. gate: read when a sum is gated.
package func linear(x: flip_rows, w: flip_weights, bias: UnsafePointer<Float>, start: FlipStart,
                    y: UnsafeMutablePointer<Float>, yStride: Int, rows M: Int, finish: FlipFinish,
                    gate: UnsafePointer<Float>) {
    let p = Product(inputs: w.inputs, outputs: w.outputs, si: w.input_step, sj: w.output_step, xs: x.stride,
                    ys: yStride, start: start, finish: finish)
    var at = Corner(x: vectors(x.base), w: w.weights, bias: bias, y: vectors(y), gate: vectors(gate)), left = M
    while left > 0 {
        let rows = bandRows(left)
        switch rows {
        case 1: band(1, at, p)
        case 2: band(2, at, p)
        case 3: band(3, at, p)
        case 4 where tileRows > 3: band(4, at, p)
        default: band(tileRows, at, p)
        }
        at = at.row(rows, p)
        left = left &- rows
    }
}

/// How many of the rows that are left the next band takes: full tiles, and the last two shared evenly.
@inline(__always) func bandRows(_ left: Int) -> Int {
    left >= 2 &* tileRows || left == tileRows ? tileRows : left > tileRows ? (left &+ 1) / 2 : left
}

/// R rows (a constant where it is called), all outputs.
@_transparent private func band(_ R: Int, _ at: Corner, _ p: Product) {
    var j = 0
    while R == 1, j &+ 8 <= p.outputs { tile1x8(at.output(j, p), p); j = j &+ 8 }
    while j &+ 4 <= p.outputs { tile(R, at.output(j, p), p); j = j &+ 4 }
    while j < p.outputs {
        var r = 0
        while r < R {
            tile1x1(at.row(r, p).output(j, p), p)
            r = r &+ 1
        }
        j = j &+ 1
    }
}

@inline(__always) private func begin(_ p: Product, _ bias: UnsafePointer<Float>, _ y: Out) -> V {
    switch p.start {
    case .output: return y[0]
    case .bias: return splat(bias[0])
    case .zero: return V.zero
    }
}

@inline(__always) private func finish(_ sum: V, _ p: Product, _ gate: In) -> V {
    switch p.finish {
    case .plain: return sum
    case .rectified: return masked(positive(sum), sum)
    case .gated: return masked(positive(gate[0]), sum)
    }
}

@inline(__always) private func tile1x1(_ at: Corner, _ p: Product) {
    var a = begin(p, at.bias, at.y), i = 0
    while i < p.inputs { a = fma(a, at.x[i], splat(at.w[i &* p.si])); i = i &+ 1 }
    at.y[0] = finish(a, p, at.gate)
}

/// R x 4 outputs, R up to 5; rows beyond R fall away when this is compiled.
@_transparent private func tile(_ R: Int, _ at: Corner, _ p: Product) {
    let x = at.x, xs = p.xs, sj = p.sj, y = at.y, ys = p.ys, bias = at.bias, gate = at.gate
    var a00 = V.zero, a01 = V.zero, a02 = V.zero, a03 = V.zero
    var a10 = V.zero, a11 = V.zero, a12 = V.zero, a13 = V.zero
    var a20 = V.zero, a21 = V.zero, a22 = V.zero, a23 = V.zero
    var a30 = V.zero, a31 = V.zero, a32 = V.zero, a33 = V.zero
    var a40 = V.zero, a41 = V.zero, a42 = V.zero, a43 = V.zero
    a00 = begin(p, bias + 0, y + (0)); a01 = begin(p, bias + 1, y + (1))
    a02 = begin(p, bias + 2, y + (2)); a03 = begin(p, bias + 3, y + (3))
    if R > 1 {
        a10 = begin(p, bias + 0, y + (ys &+ 0)); a11 = begin(p, bias + 1, y + (ys &+ 1))
        a12 = begin(p, bias + 2, y + (ys &+ 2)); a13 = begin(p, bias + 3, y + (ys &+ 3))
    }
    if R > 2 {
        a20 = begin(p, bias + 0, y + (2 &* ys &+ 0)); a21 = begin(p, bias + 1, y + (2 &* ys &+ 1))
        a22 = begin(p, bias + 2, y + (2 &* ys &+ 2)); a23 = begin(p, bias + 3, y + (2 &* ys &+ 3))
    }
    if R > 3 {
        a30 = begin(p, bias + 0, y + (3 &* ys &+ 0)); a31 = begin(p, bias + 1, y + (3 &* ys &+ 1))
        a32 = begin(p, bias + 2, y + (3 &* ys &+ 2)); a33 = begin(p, bias + 3, y + (3 &* ys &+ 3))
    }
    if R > 4 {
        a40 = begin(p, bias + 0, y + (4 &* ys &+ 0)); a41 = begin(p, bias + 1, y + (4 &* ys &+ 1))
        a42 = begin(p, bias + 2, y + (4 &* ys &+ 2)); a43 = begin(p, bias + 3, y + (4 &* ys &+ 3))
    }
    var w = at.w, i = 0
    while i < p.inputs {
        let w0 = splat(w[0]), w1 = splat(w[sj]), w2 = splat(w[2 &* sj]), w3 = splat(w[3 &* sj])
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
        w += p.si
        i = i &+ 1
    }
    y[0] = finish(a00, p, gate + (0)); y[1] = finish(a01, p, gate + (1))
    y[2] = finish(a02, p, gate + (2)); y[3] = finish(a03, p, gate + (3))
    if R > 1 {
        y[ys &+ 0] = finish(a10, p, gate + (ys &+ 0)); y[ys &+ 1] = finish(a11, p, gate + (ys &+ 1))
        y[ys &+ 2] = finish(a12, p, gate + (ys &+ 2)); y[ys &+ 3] = finish(a13, p, gate + (ys &+ 3))
    }
    if R > 2 {
        y[2 &* ys &+ 0] = finish(a20, p, gate + (2 &* ys &+ 0)); y[2 &* ys &+ 1] = finish(a21, p, gate + (2 &* ys &+ 1))
        y[2 &* ys &+ 2] = finish(a22, p, gate + (2 &* ys &+ 2)); y[2 &* ys &+ 3] = finish(a23, p, gate + (2 &* ys &+ 3))
    }
    if R > 3 {
        y[3 &* ys &+ 0] = finish(a30, p, gate + (3 &* ys &+ 0)); y[3 &* ys &+ 1] = finish(a31, p, gate + (3 &* ys &+ 1))
        y[3 &* ys &+ 2] = finish(a32, p, gate + (3 &* ys &+ 2)); y[3 &* ys &+ 3] = finish(a33, p, gate + (3 &* ys &+ 3))
    }
    if R > 4 {
        y[4 &* ys &+ 0] = finish(a40, p, gate + (4 &* ys &+ 0)); y[4 &* ys &+ 1] = finish(a41, p, gate + (4 &* ys &+ 1))
        y[4 &* ys &+ 2] = finish(a42, p, gate + (4 &* ys &+ 2)); y[4 &* ys &+ 3] = finish(a43, p, gate + (4 &* ys &+ 3))
    }
}

@inline(__always) private func tile1x8(_ at: Corner, _ p: Product) {
    let x = at.x, sj = p.sj, y = at.y, bias = at.bias, gate = at.gate
    var a0 = begin(p, bias + 0, y + 0), a1 = begin(p, bias + 1, y + 1)
    var a2 = begin(p, bias + 2, y + 2), a3 = begin(p, bias + 3, y + 3)
    var a4 = begin(p, bias + 4, y + 4), a5 = begin(p, bias + 5, y + 5)
    var a6 = begin(p, bias + 6, y + 6), a7 = begin(p, bias + 7, y + 7)
    var w = at.w, i = 0
    while i < p.inputs {
        let v = x[i]
        a0 = fma(a0, v, splat(w[0])); a1 = fma(a1, v, splat(w[sj]))
        a2 = fma(a2, v, splat(w[2 &* sj])); a3 = fma(a3, v, splat(w[3 &* sj]))
        a4 = fma(a4, v, splat(w[4 &* sj])); a5 = fma(a5, v, splat(w[5 &* sj]))
        a6 = fma(a6, v, splat(w[6 &* sj])); a7 = fma(a7, v, splat(w[7 &* sj]))
        w += p.si
        i = i &+ 1
    }
    y[0] = finish(a0, p, gate + (0)); y[1] = finish(a1, p, gate + (1))
    y[2] = finish(a2, p, gate + (2)); y[3] = finish(a3, p, gate + (3))
    y[4] = finish(a4, p, gate + (4)); y[5] = finish(a5, p, gate + (5))
    y[6] = finish(a6, p, gate + (6)); y[7] = finish(a7, p, gate + (7))
}
