// The ChaCha20 block function (RFC 8439), four and eight blocks at a time.
// Lane i of every vector is block `counter + i` (section 2.3). Only the function is here; keys, nonces and who may use
// them are in SecureRandom.swift.

import Compute

/// One word of four blocks.
typealias Words = SIMD4<UInt32>

/// Blocks that one call makes.
let chaChaLanes = 4

/// 256 bits, as the eight words of state rows 1 and 2.
typealias ChaChaKey = SIMD8<UInt32>

// The standard library's bitwise operators on vectors are loops over lanes, which the compiler does not turn back into
// vector instructions on every target (six times slower, seen on SSE2); one 128-bit integer does.
@inline(__always)
func exclusiveOr<T>(_ a: T, _ b: T) -> T {
    unsafeBitCast(unsafeBitCast(a, to: UInt128.self) ^ unsafeBitCast(b, to: UInt128.self), to: T.self)
}

/// The two parts have no bit in common: their sum is their union.
@inline(__always)
private func rotate(_ x: Words, _ by: UInt32) -> Words {
    (x &<< Words(repeating: by)) &+ (x &>> Words(repeating: 32 &- by))
}

/// RFC 8439, section 2.1.
@inline(__always)
private func quarterRound(_ a: inout Words, _ b: inout Words, _ c: inout Words, _ d: inout Words) {
    a &+= b; d = exclusiveOr(d, a); d = rotate(d, 16)
    c &+= d; b = exclusiveOr(b, c); b = rotate(b, 12)
    a &+= b; d = exclusiveOr(d, a); d = rotate(d, 8)
    c &+= d; b = exclusiveOr(b, c); b = rotate(b, 7)
}

/// Four consecutive blocks of key stream.
///
/// The block counter has 64 bits: its low half is the RFC's counter (word 12), its high half the RFC's first nonce word
/// (word 13), so that a stream never wraps; `nonce` fills words 14 and 15.
/// - Parameter out: 16 vectors: word w of block `counter + i` is lane i of out[w]. The key stream with its words in
///   another order.
func chaCha20Blocks(key: ChaChaKey, counter: UInt64, nonce: SIMD2<UInt32>, into out: UnsafeMutablePointer<Words>) {
    var low = Words(), high = Words()
    for lane in 0..<chaChaLanes {
        let c = counter &+ UInt64(lane)
        low[lane] = UInt32(truncatingIfNeeded: c)
        high[lane] = UInt32(truncatingIfNeeded: c >> 32)
    }
    let s0 = Words(repeating: 0x6170_7865), s1 = Words(repeating: 0x3320_646e), s2 = Words(repeating: 0x7962_2d32),
        s3 = Words(repeating: 0x6b20_6574)
    var (x0, x1, x2, x3) = (s0, s1, s2, s3)
    var x4 = Words(repeating: key[0]), x5 = Words(repeating: key[1]), x6 = Words(repeating: key[2]),
        x7 = Words(repeating: key[3])
    var x8 = Words(repeating: key[4]), x9 = Words(repeating: key[5]), x10 = Words(repeating: key[6]),
        x11 = Words(repeating: key[7])
    var x12 = low, x13 = high, x14 = Words(repeating: nonce[0]), x15 = Words(repeating: nonce[1])
    for _ in 0..<10 {
        quarterRound(&x0, &x4, &x8, &x12)
        quarterRound(&x1, &x5, &x9, &x13)
        quarterRound(&x2, &x6, &x10, &x14)
        quarterRound(&x3, &x7, &x11, &x15)
        quarterRound(&x0, &x5, &x10, &x15)
        quarterRound(&x1, &x6, &x11, &x12)
        quarterRound(&x2, &x7, &x8, &x13)
        quarterRound(&x3, &x4, &x9, &x14)
    }
    out[0] = x0 &+ s0; out[1] = x1 &+ s1; out[2] = x2 &+ s2; out[3] = x3 &+ s3
    out[4] = x4 &+ Words(repeating: key[0]); out[5] = x5 &+ Words(repeating: key[1])
    out[6] = x6 &+ Words(repeating: key[2]); out[7] = x7 &+ Words(repeating: key[3])
    out[8] = x8 &+ Words(repeating: key[4]); out[9] = x9 &+ Words(repeating: key[5])
    out[10] = x10 &+ Words(repeating: key[6]); out[11] = x11 &+ Words(repeating: key[7])
    out[12] = x12 &+ low; out[13] = x13 &+ high
    out[14] = x14 &+ Words(repeating: nonce[0]); out[15] = x15 &+ Words(repeating: nonce[1])
}

/// Eight consecutive blocks, in the processor's widest vectors where there are any (Kernels/KeyStream.swift): two
/// groups of four as `chaCha20Blocks` writes them. out: 32 vectors.
func chaCha20Buffer(key: ChaChaKey, counter: UInt64, nonce: SIMD2<UInt32>, into out: UnsafeMutablePointer<Words>,
    _ kernels: NoiseKernels = .current) {
    guard let wide = kernels.keyStream else {
        chaCha20Blocks(key: key, counter: counter, nonce: nonce, into: out)
        chaCha20Blocks(key: key, counter: counter &+ UInt64(chaChaLanes), nonce: nonce, into: out + 16)
        return
    }
    withUnsafeBytes(of: key) { k in
        guard let k = k.baseAddress else { return }
        wide(k.assumingMemoryBound(to: UInt32.self), counter, nonce[0], nonce[1],
            UnsafeMutableRawPointer(out).assumingMemoryBound(to: UInt32.self))
    }
}
