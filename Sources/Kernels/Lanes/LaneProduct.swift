// Small matrix products lane by lane, both factors vectors: C[i][j] = sum over k of A[i][k] B[k][j].
// Each row of a block has matrices of its own in its lane. All steps are counted in vectors. The sum runs over k in
// order, whatever the tile.

/// A matrix of vectors: element (i, k) is base[i * row + k * column].
struct LaneMatrix {
    let base: In
    /// Steps from one row, and from one column, to the next.
    let row: Int, column: Int

    @inline(__always) init(_ base: In, row: Int, column: Int) {
        self.base = base
        self.row = row
        self.column = column
    }

    @inline(__always) func rows(from i: Int) -> LaneMatrix { LaneMatrix(base + i &* row, row: row, column: column) }
    @inline(__always) func columns(from k: Int) -> LaneMatrix {
        LaneMatrix(base + k &* column, row: row, column: column)
    }
}

/// C = A B, or C + A B where it adds. A: [rows][inner]; B: [inner][columns]; C: [rows][columns], its rows `stride`
/// vectors apart.
func laneProduct(_ A: LaneMatrix, _ B: LaneMatrix, to C: Out, stride: Int, rows: Int, inner: Int, columns: Int,
                 adds: Bool = false) {
    var a = A, c = C, left = rows
    while left > 0 {
        let taken = bandRows(left)
        switch taken {
        case 1: band(1, a, B, to: c, stride: stride, inner: inner, columns: columns, adds: adds)
        case 2: band(2, a, B, to: c, stride: stride, inner: inner, columns: columns, adds: adds)
        case 3: band(3, a, B, to: c, stride: stride, inner: inner, columns: columns, adds: adds)
        case 4 where tileRows > 3: band(4, a, B, to: c, stride: stride, inner: inner, columns: columns, adds: adds)
        default: band(tileRows, a, B, to: c, stride: stride, inner: inner, columns: columns, adds: adds)
        }
        a = a.rows(from: taken)
        c += taken &* stride
        left = left &- taken
    }
}

/// R rows (a constant where it is called), all columns.
@_transparent private func band(_ R: Int, _ A: LaneMatrix, _ B: LaneMatrix, to C: Out, stride: Int, inner: Int,
                                columns: Int, adds: Bool) {
    var j = 0
    while j &+ 4 <= columns {
        tile(R, 4, A, B.columns(from: j), to: C + j, stride: stride, inner: inner, adds: adds)
        j = j &+ 4
    }
    switch columns &- j {
    case 1: tile(R, 1, A, B.columns(from: j), to: C + j, stride: stride, inner: inner, adds: adds)
    case 2: tile(R, 2, A, B.columns(from: j), to: C + j, stride: stride, inner: inner, adds: adds)
    case 3: tile(R, 3, A, B.columns(from: j), to: C + j, stride: stride, inner: inner, adds: adds)
    default: break
    }
}

/// R x Q products, R up to 5 and Q up to 4; what is beyond them falls away when this is compiled.
@_transparent private func tile(_ R: Int, _ Q: Int, _ A: LaneMatrix, _ B: LaneMatrix, to C: Out, stride ci: Int,
                                inner K: Int, adds: Bool) {
    let ai = A.row, ak = A.column, bk = B.row, bj = B.column
    var s00 = V.zero, s01 = V.zero, s02 = V.zero, s03 = V.zero
    var s10 = V.zero, s11 = V.zero, s12 = V.zero, s13 = V.zero
    var s20 = V.zero, s21 = V.zero, s22 = V.zero, s23 = V.zero
    var s30 = V.zero, s31 = V.zero, s32 = V.zero, s33 = V.zero
    var s40 = V.zero, s41 = V.zero, s42 = V.zero, s43 = V.zero
    if adds {
        s00 = C[0]
        if Q > 1 { s01 = C[1] }
        if Q > 2 { s02 = C[2] }
        if Q > 3 { s03 = C[3] }
        if R > 1 {
            let old = C + ci
            s10 = old[0]
            if Q > 1 { s11 = old[1] }
            if Q > 2 { s12 = old[2] }
            if Q > 3 { s13 = old[3] }
        }
        if R > 2 {
            let old = C + 2 &* ci
            s20 = old[0]
            if Q > 1 { s21 = old[1] }
            if Q > 2 { s22 = old[2] }
            if Q > 3 { s23 = old[3] }
        }
        if R > 3 {
            let old = C + 3 &* ci
            s30 = old[0]
            if Q > 1 { s31 = old[1] }
            if Q > 2 { s32 = old[2] }
            if Q > 3 { s33 = old[3] }
        }
        if R > 4 {
            let old = C + 4 &* ci
            s40 = old[0]
            if Q > 1 { s41 = old[1] }
            if Q > 2 { s42 = old[2] }
            if Q > 3 { s43 = old[3] }
        }
    }
    var p = A.base, q = B.base, k = 0
    while k < K {
        let b0 = q[0], b1 = Q > 1 ? q[bj] : V.zero, b2 = Q > 2 ? q[2 &* bj] : V.zero, b3 = Q > 3 ? q[3 &* bj] : V.zero
        let first = p[0]
        s00 = fma(s00, first, b0)
        if Q > 1 { s01 = fma(s01, first, b1) }
        if Q > 2 { s02 = fma(s02, first, b2) }
        if Q > 3 { s03 = fma(s03, first, b3) }
        if R > 1 {
            let a = p[ai]
            s10 = fma(s10, a, b0)
            if Q > 1 { s11 = fma(s11, a, b1) }
            if Q > 2 { s12 = fma(s12, a, b2) }
            if Q > 3 { s13 = fma(s13, a, b3) }
        }
        if R > 2 {
            let a = p[2 &* ai]
            s20 = fma(s20, a, b0)
            if Q > 1 { s21 = fma(s21, a, b1) }
            if Q > 2 { s22 = fma(s22, a, b2) }
            if Q > 3 { s23 = fma(s23, a, b3) }
        }
        if R > 3 {
            let a = p[3 &* ai]
            s30 = fma(s30, a, b0)
            if Q > 1 { s31 = fma(s31, a, b1) }
            if Q > 2 { s32 = fma(s32, a, b2) }
            if Q > 3 { s33 = fma(s33, a, b3) }
        }
        if R > 4 {
            let a = p[4 &* ai]
            s40 = fma(s40, a, b0)
            if Q > 1 { s41 = fma(s41, a, b1) }
            if Q > 2 { s42 = fma(s42, a, b2) }
            if Q > 3 { s43 = fma(s43, a, b3) }
        }
        p += ak
        q += bk
        k = k &+ 1
    }
    C[0] = s00
    if Q > 1 { C[1] = s01 }
    if Q > 2 { C[2] = s02 }
    if Q > 3 { C[3] = s03 }
    if R > 1 {
        let out = C + ci
        out[0] = s10
        if Q > 1 { out[1] = s11 }
        if Q > 2 { out[2] = s12 }
        if Q > 3 { out[3] = s13 }
    }
    if R > 2 {
        let out = C + 2 &* ci
        out[0] = s20
        if Q > 1 { out[1] = s21 }
        if Q > 2 { out[2] = s22 }
        if Q > 3 { out[3] = s23 }
    }
    if R > 3 {
        let out = C + 3 &* ci
        out[0] = s30
        if Q > 1 { out[1] = s31 }
        if Q > 2 { out[2] = s32 }
        if Q > 3 { out[3] = s33 }
    }
    if R > 4 {
        let out = C + 4 &* ci
        out[0] = s40
        if Q > 1 { out[1] = s41 }
        if Q > 2 { out[2] = s42 }
        if Q > 3 { out[3] = s43 }
    }
}
