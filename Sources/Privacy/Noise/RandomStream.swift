// One stream of the secret generator: bytes, whole numbers, uniforms, normals.
// It belongs to one worker and one purpose and ends with the release it was made for.

import Glibc

/// A ChaCha20 key stream with a buffer of eight blocks.
package final class RandomStream: RandomNumberGenerator {
    static let bufferBytes = 512
    private let key: ChaChaKey
    private let nonce: SIMD2<UInt32>
    private var counter: UInt64 = 0
    private let buffer = UnsafeMutablePointer<Words>.allocate(capacity: 32)
    /// Bytes of `buffer` already handed out; a multiple of 8 between calls.
    private var used = RandomStream.bufferBytes

    init(key: ChaChaKey, nonce: SIMD2<UInt32>) { (self.key, self.nonce) = (key, nonce) }

    deinit {
        // Key stream is as secret as the key.
        explicit_bzero(buffer, 32 * MemoryLayout<Words>.stride)
        buffer.deallocate()
    }

    @inline(never)
    private func refill() {
        chaCha20Buffer(key: key, counter: counter, nonce: nonce, into: buffer)
        counter &+= UInt64(2 * chaChaLanes)
        used = 0
    }

    @inline(__always)
    package func next() -> UInt64 {
        if used >= Self.bufferBytes { refill() }
        let v = UnsafeRawPointer(buffer).load(fromByteOffset: used, as: UInt64.self)
        used += 8
        return v
    }

    /// A whole buffer (`bufferBytes`) at once: whatever is left of the last one is skipped.
    @inline(__always)
    func nextBlock() -> UnsafePointer<Words> {
        refill()
        used = Self.bufferBytes
        return UnsafePointer(buffer)
    }

    /// `count` random bytes.
    func fillBytes(_ out: UnsafeMutablePointer<UInt8>, _ count: Int) {
        var i = 0
        while i < count {
            let n = min(count - i, Self.bufferBytes)
            memcpy(out + i, nextBlock(), n)
            i += n
        }
    }

    /// Uniform in (0, 1], a multiple of 2⁻⁵³.
    @inline(__always)
    package func uniform() -> Double { Double((next() >> 11) + 1) * 0x1p-53 }

    /// Uniform in 0 ..< n, n ≥ 1, exactly: rejection on the least power of two that holds n.
    @inline(__always)
    func below<N: UniformBelow>(_ n: N) -> N {
        let mask = n <= 1 ? 0 : N.max >> N((n - 1).leadingZeroBitCount)
        while true {
            let v = N.random(self) & mask
            if v < n { return v }
        }
    }

    /// Uniform in (0, 1], multiples of 2⁻²⁴. x: [n].
    package func fillUniform(_ x: UnsafeMutablePointer<Float>, _ n: Int) {
        for i in 0..<n { x[i] = Float((next() >> 40) + 1) * 0x1p-24 }
    }

    /// Independent standard normals, rounded from double precision. x: [n].
    package func fillNormal(_ x: UnsafeMutablePointer<Float>, _ n: Int) {
        withUnsafeTemporaryAllocation(of: Double.self, capacity: normalBlock) { block in
            guard let b = block.baseAddress else { return }
            var i = 0
            while i < n {
                nextNormals(self, into: b)
                let m = min(normalBlock, n - i)
                for k in 0..<m { x[i + k] = Float(b[k]) }
                i += m
            }
        }
    }
}

/// Whole numbers of which a stream draws all bits.
protocol UniformBelow: FixedWidthInteger, UnsignedInteger {
    static func random(_ stream: RandomStream) -> Self
}
extension UInt64: UniformBelow { static func random(_ stream: RandomStream) -> UInt64 { stream.next() } }
extension UInt128: UniformBelow {
    static func random(_ stream: RandomStream) -> UInt128 {
        let high = UInt128(stream.next())
        return high << 64 | UInt128(stream.next())
    }
}
