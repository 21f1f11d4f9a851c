// The secret generator: a ChaCha20 key from the operating system, and a stream for each purpose.
// Used for noise, batches and the rows' own randomness. Not for starting weights or for sampling from a model, which
// have public seeds.

import Basics
import Glibc

/// What a stream is for. No two purposes share a stream.
enum Purpose: UInt32 {
    case direct = 0, batch = 1, batchTies = 2, noise = 3, rows = 4, histogram = 5, marginal = 6, selection = 7,
        domain = 8
}

/// A fresh name for a run or a checkpoint: 32 random hexadecimal digits.
/// - Throws: `.entropy`.
package func newID() throws -> String {
    let random = try SecureRandom()
    return (0..<4).map { _ in
        let digits = String(UInt32(truncatingIfNeeded: random.next()), radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }.joined()
}

/// A key, and the number of the release it is used for.
///
/// The key comes from getentropy(3), which reads getrandom(2) until it has all bytes; it is taken anew in a child
/// process after fork, and is never stored. One owner at a time: not safe to use from two threads (the streams it hands
/// out are independent).
package final class SecureRandom: RandomNumberGenerator {
    /// Fills `count` bytes, at most 256; 0 on success, anything else on failure.
    typealias EntropySource = (UnsafeMutableRawPointer, Int) -> Int32

    private var key = ChaChaKey()
    /// `forkCount()` when the key was taken.
    private var process: UInt64 = 0
    /// Releases begun under this key; 28 bits of every nonce.
    private var release: UInt32 = 0
    private let source: EntropySource?
    private var direct: RandomStream?

    /// True when everything can be predicted from a seed: for tests. `Door` then records `Ledger.notPrivate`.
    package var isDeterministic: Bool { source == nil }

    /// - Throws: `.entropy` when the operating system gives no random bytes.
    package convenience init() throws { try self.init(source: { getentropy($0, $1) }) }

    init(source: @escaping EntropySource) throws {
        self.source = source
        try rekey()
    }

    /// **Not private.** A seed always gives equal batches and equal noise.
    package init(testSeed: UInt64) {
        source = nil
        var seeded = ChaChaKey(repeating: 0x7465_7374)
        seeded[0] = UInt32(truncatingIfNeeded: testSeed)
        seeded[1] = UInt32(truncatingIfNeeded: testSeed >> 32)
        key = seeded
    }

    private func rekey() throws {
        guard let source else { return }
        let now = forkCount()
        var fresh = ChaChaKey()
        let status = withUnsafeMutableBytes(of: &fresh) { b in b.baseAddress.map { source($0, b.count) } ?? -1 }
        guard status == 0, fresh != ChaChaKey() else {
            throw Failure(.entropy, "the operating system gave no random bytes")
        }
        (key, process, release, direct) = (fresh, now, 0, nil)
    }

    /// Starts a release: all streams made until the next one are its own. Takes a new key after a fork, or when 2²⁸
    /// releases have used this one.
    /// - Throws: `.entropy`.
    func beginRelease() throws {
        if source != nil, hasForked(since: process) || release >= 1 << 28 - 1 { try rekey() }
        release = (release + 1) & (1 << 28 - 1)
    }

    /// For tests: as if 2²⁸ releases had been made.
    func useUp() { release = 1 << 28 - 1 }

    /// The stream of one purpose and place in the current release.
    func stream(_ purpose: Purpose, _ index: Int) -> RandomStream {
        RandomStream(key: key, nonce: nonce(purpose, index))
    }

    /// Distinct for distinct (purpose, release, index): 4, 28 and 32 bits.
    func nonce(_ purpose: Purpose, _ index: Int) -> SIMD2<UInt32> {
        SIMD2(purpose.rawValue << 28 | release, UInt32(truncatingIfNeeded: index))
    }

    /// For names of runs and the like. A failure to rekey in a child cannot be reported here; the child's release is
    /// refused by `beginRelease`, so nothing private is noised with a shared key.
    package func next() -> UInt64 {
        if source != nil, hasForked(since: process) { try? rekey() }
        let s = direct ?? RandomStream(key: key, nonce: nonce(.direct, 0))
        direct = s
        return s.next()
    }
}
