// Names of runs: what tells two trainings, or two branches of one checkpoint, apart.

import Basics

/// 32 random hexadecimal digits from the operating system's generator; not derived from any row.
/// - Throws: `.entropy`.
package func newRunID() throws -> String {
    let random = try SecureRandom()
    return (0..<4).map { _ in
        let digits = String(UInt32(truncatingIfNeeded: random.next()), radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }.joined()
}
