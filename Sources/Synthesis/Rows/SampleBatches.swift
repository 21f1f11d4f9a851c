// Rows in batches, for hosts that write more of them than memory holds: the rows that one call would give, since row k
// is a function of the seed and k alone.

import Basics
import Tables

package final class SampleBatches {
    /// Rows of a batch where the host does not say.
    package static let usual = 1 << 16
    private let model: Model, seed: UInt64, condition: Condition?, stage: Model.IntermediateStage?, threads: Int
    private let first: Int, size: Int
    /// Rows in all, and those given so far.
    package let count: Int
    package private(set) var done = 0

    /// - Parameters: as `Model.sample`.
    ///   - count: at least 1; may be more than a table holds.
    ///   - size: rows of a batch, from 1 to 16 777 216. Peak memory grows with it.
    /// - Throws: `.argument`.
    package init(_ model: Model, first: Int = 0, count: Int, seed: UInt64? = nil, where condition: Condition? = nil,
                 stage: Model.IntermediateStage? = nil, threads: Int = 0, size: Int = usual) throws {
        guard first >= 0, count >= 1, first <= Int.max - count else {
            throw Failure(.argument, "first must not be negative, count at least 1, and their sum not too large")
        }
        guard (1...1 << 24).contains(size) else {
            throw Failure(.argument, "batch_rows: must be from 1 to \(1 << 24)")
        }
        (self.model, self.condition, self.stage, self.threads) = (model, condition, stage, threads)
        (self.first, self.count, self.size) = (first, count, size)
        self.seed = try seed ?? model.freshSeed()
    }

    /// The next batch; nil after the last.
    /// - Parameter progress: (rows done of all, rows in all); false cancels.
    /// - Throws: as `Model.sample`; what was given before stays good.
    package func next(progress: (Int, Int) -> Bool = { _, _ in true }) throws -> Table? {
        let rows = min(size, count - done)
        guard rows > 0 else { return nil }
        let table = try model.sample(first: first + done, count: rows, seed: seed, where: condition, stage: stage,
                                     threads: threads) { now, _ in progress(done + now, count) }
        done += rows
        return table
    }
}
