// The relaxed table of a model, kept once it was fitted: every replicate of a model file begins with it.

import Projection
import Synchronization

/// The relaxed table of a model, fitted once: many replicates are drawn from it.
final class FittedTable: Sendable {
    private let table = Mutex<RelaxedTable?>(nil)

    /// The table that was kept, or `fit`'s. Two threads at once may both fit; both get the same bits.
    func get(_ fit: () throws -> RelaxedTable) rethrows -> RelaxedTable {
        if let kept = table.withLock({ $0 }) { return kept }
        let made = try fit()
        table.withLock { $0 = made }
        return made
    }
}
