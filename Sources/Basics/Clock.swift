// Elapsed seconds, for progress and rates; never stored in a model, never part of a result.

import Glibc

/// Seconds since an arbitrary start, never going back, unaffected by changes of the system's date.
package func monotonicSeconds() -> Double {
    var t = timespec()
    clock_gettime(CLOCK_MONOTONIC, &t)
    return Double(t.tv_sec) + Double(t.tv_nsec) * 1e-9
}
