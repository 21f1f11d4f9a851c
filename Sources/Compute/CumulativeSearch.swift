// Drawing from a discrete distribution by its running sums: the one inverse-CDF search.

/// The least i with running[i] > u · running[last].
/// - Parameters:
///   - running: running sums of weights that are not negative, not empty; they need not end at 1.
///   - u: uniform in [0, 1).
/// - Complexity: O(log n).
@inlinable @inline(__always)
package func cumulativeSearch<T: BinaryFloatingPoint>(_ running: UnsafeBufferPointer<T>, _ u: T) -> Int {
    var lo = 0, hi = running.count - 1
    guard hi > 0 else { return 0 }
    let x = u * running[hi]
    while lo < hi {
        let mid = (lo + hi) / 2
        if running[mid] > x { hi = mid } else { lo = mid + 1 }
    }
    return lo
}
