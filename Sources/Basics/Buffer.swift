// Memory whose size comes from input: allocated with a check, aligned, zeroed, freed with its owner.
// Swift aborts the process when an array cannot be allocated, so such memory is taken from malloc.

import Glibc

/// Zeroed memory at a multiple of 64 bytes, to be given back by `freeAligned`; nil when it cannot be had.
///
/// Not posix_memalign: before glibc 2.38 aligned chunks that were freed are often not used again (glibc bug 14581), and
/// the heap of a host that loads and writes for hours grew without end. An ordinary chunk holds its own address just
/// before the aligned part.
package func allocateAligned(_ bytes: Int) -> UnsafeMutableRawPointer? {
    let header = MemoryLayout<UnsafeMutableRawPointer>.size
    let (size, overflow) = bytes.addingReportingOverflow(64 + header)
    guard bytes >= 0, !overflow, let chunk = calloc(1, size) else { return nil }
    guard hasHeadroom() else {
        free(chunk)
        return nil
    }
    let aligned = (chunk + header).alignedUp(toMultipleOf: 64)
    (aligned - header).storeBytes(of: chunk, as: UnsafeMutableRawPointer.self)
    return aligned
}

/// Whether memory for the small things of Swift can still be had. They cannot fail, Swift ends the process instead: so
/// what is large gives up while there is room left for what is small. Below 128 KB, so that it lies in the heap and is
/// there to be used when it is free again.
@inline(never) @_optimize(none)                   // an optimiser may think away memory that nobody uses
package func hasHeadroom() -> Bool {
    let spare = malloc(112 << 10)
    free(spare)
    return spare != nil
}

package func freeAligned(_ aligned: UnsafeMutableRawPointer?) {
    guard let aligned else { return }
    free((aligned - MemoryLayout<UnsafeMutableRawPointer>.size).load(as: UnsafeMutableRawPointer.self))
}

/// `count` elements of a trivial type, 64-byte aligned, zeroed, owned by this object.
package final class Buffer<Element: BitwiseCopyable>: @unchecked Sendable {
    package let count: Int
    package let base: UnsafeMutablePointer<Element>

    /// - Throws: `.noMemory` when the size overflows or cannot be had; `.argument` when `count` is negative.
    package init(count: Int, for purpose: StaticString = "a buffer") throws {
        guard count >= 0 else { throw Failure(.argument, "\(purpose): negative size") }
        let (bytes, overflow) = Swift.max(count, 1).multipliedReportingOverflow(by: MemoryLayout<Element>.stride)
        guard !overflow, let raw = allocateAligned(bytes) else {
            throw Failure(.noMemory, "not enough memory for \(purpose)")
        }
        self.count = count
        base = raw.bindMemory(to: Element.self, capacity: Swift.max(count, 1))
    }

    deinit { freeAligned(base) }

    package subscript(i: Int) -> Element {
        get { base[i] }
        set { base[i] = newValue }
    }
}

extension Buffer: RandomAccessCollection {
    package var startIndex: Int { 0 }
    package var endIndex: Int { count }
}
