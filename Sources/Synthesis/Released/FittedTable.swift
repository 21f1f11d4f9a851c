// The relaxed table of a model, kept once it was fitted: every replicate of a model file begins with it.

import Glibc
import Projection

/// The relaxed table of a model, fitted once: many replicates are drawn from it.
final class FittedTable: @unchecked Sendable {
    private let lock: UnsafeMutablePointer<pthread_mutex_t>
    private var table: RelaxedTable?

    init() {
        lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
        pthread_mutex_init(lock, nil)
    }
    deinit { pthread_mutex_destroy(lock); lock.deallocate() }

    /// The table that was kept, or `fit`'s. Two threads at once may both fit; both get the same bits.
    func get(_ fit: () throws -> RelaxedTable) rethrows -> RelaxedTable {
        pthread_mutex_lock(lock)
        let kept = table
        pthread_mutex_unlock(lock)
        if let kept { return kept }
        let made = try fit()
        pthread_mutex_lock(lock)
        table = made
        pthread_mutex_unlock(lock)
        return made
    }
}
