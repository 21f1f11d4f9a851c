// Memory whose size comes from input. Swift aborts the process when an array cannot be allocated, so such memory is taken from
// malloc, checked, and freed with its owner.

import Glibc

/// `count` elements of a trivial type, 64-byte aligned, zeroed, owned by this object.
package final class Buffer<Element: BitwiseCopyable>: @unchecked Sendable {
    package let count: Int
    package let base: UnsafeMutablePointer<Element>

    /// - Throws: `.noMemory` when the size overflows or cannot be had; `.argument` when `count` is negative.
    package init(count: Int, for purpose: StaticString = "a buffer") throws {
        guard count >= 0 else { throw Failure(.argument, "\(purpose): negative size") }
        let (bytes, overflow) = Swift.max(count, 1).multipliedReportingOverflow(by: MemoryLayout<Element>.stride)
        var raw: UnsafeMutableRawPointer?
        guard !overflow, posix_memalign(&raw, 64, bytes) == 0, let raw else {
            throw Failure(.noMemory, "not enough memory for \(purpose)")
        }
        memset(raw, 0, bytes)
        self.count = count
        base = raw.bindMemory(to: Element.self, capacity: Swift.max(count, 1))
    }

    deinit { free(base) }

    package subscript(i: Int) -> Element {
        get { base[i] }
        set { base[i] = newValue }
    }
}

extension Buffer: RandomAccessCollection {
    package var startIndex: Int { 0 }
    package var endIndex: Int { count }
}
