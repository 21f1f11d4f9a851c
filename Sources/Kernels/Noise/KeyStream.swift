// ChaCha20 (RFC 8439, section 2.3), eight blocks at a time, for vectors of eight words.
// The portable twin, four blocks at a time, is Privacy/ChaCha20.swift: both give the same bits.

private typealias W = SIMD8<UInt32>

@inline(__always)
private func rotate(_ x: W, _ by: UInt32) -> W { (x &<< W(repeating: by)) | (x &>> W(repeating: 32 &- by)) }

@inline(__always)
private func quarterRound(_ a: inout W, _ b: inout W, _ c: inout W, _ d: inout W) {
    a &+= b; d ^= a; d = rotate(d, 16)
    c &+= d; b ^= c; b = rotate(b, 12)
    a &+= b; d ^= a; d = rotate(d, 8)
    c &+= d; b ^= c; b = rotate(b, 7)
}

/// Blocks counter … counter + 7. key: [8]. out: [2][16][4] words: word w of block `counter + 4 h + i` is out[h][w][i].
package func keyStream(_ key: UnsafePointer<UInt32>, _ counter: UInt64, _ nonce0: UInt32, _ nonce1: UInt32,
                       _ out: UnsafeMutablePointer<UInt32>) {
    var low = W(), high = W(), lane = 0
    while lane < 8 {
        let c = counter &+ UInt64(truncatingIfNeeded: lane)
        low[lane] = UInt32(truncatingIfNeeded: c)
        high[lane] = UInt32(truncatingIfNeeded: c &>> 32)
        lane = lane &+ 1
    }
    let s0 = W(repeating: 0x6170_7865), s1 = W(repeating: 0x3320_646e), s2 = W(repeating: 0x7962_2d32)
    let s3 = W(repeating: 0x6b20_6574)
    let k0 = W(repeating: key[0]), k1 = W(repeating: key[1]), k2 = W(repeating: key[2]), k3 = W(repeating: key[3])
    let k4 = W(repeating: key[4]), k5 = W(repeating: key[5]), k6 = W(repeating: key[6]), k7 = W(repeating: key[7])
    let n0 = W(repeating: nonce0), n1 = W(repeating: nonce1)
    var x0 = s0, x1 = s1, x2 = s2, x3 = s3, x4 = k0, x5 = k1, x6 = k2, x7 = k3
    var x8 = k4, x9 = k5, x10 = k6, x11 = k7, x12 = low, x13 = high, x14 = n0, x15 = n1
    var round = 0
    while round < 10 {
        quarterRound(&x0, &x4, &x8, &x12)
        quarterRound(&x1, &x5, &x9, &x13)
        quarterRound(&x2, &x6, &x10, &x14)
        quarterRound(&x3, &x7, &x11, &x15)
        quarterRound(&x0, &x5, &x10, &x15)
        quarterRound(&x1, &x6, &x11, &x12)
        quarterRound(&x2, &x7, &x8, &x13)
        quarterRound(&x3, &x4, &x9, &x14)
        round = round &+ 1
    }
    put(x0 &+ s0, out, 0); put(x1 &+ s1, out, 1); put(x2 &+ s2, out, 2); put(x3 &+ s3, out, 3)
    put(x4 &+ k0, out, 4); put(x5 &+ k1, out, 5); put(x6 &+ k2, out, 6); put(x7 &+ k3, out, 7)
    put(x8 &+ k4, out, 8); put(x9 &+ k5, out, 9); put(x10 &+ k6, out, 10); put(x11 &+ k7, out, 11)
    put(x12 &+ low, out, 12); put(x13 &+ high, out, 13); put(x14 &+ n0, out, 14); put(x15 &+ n1, out, 15)
}

@inline(__always)
private func put(_ x: W, _ out: UnsafeMutablePointer<UInt32>, _ w: Int) {
    let p = UnsafeMutableRawPointer(out)
    p.storeBytes(of: x.lowHalf, toByteOffset: 16 &* w, as: SIMD4<UInt32>.self)
    p.storeBytes(of: x.highHalf, toByteOffset: 256 &+ 16 &* w, as: SIMD4<UInt32>.self)
}
