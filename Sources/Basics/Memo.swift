// Answers of a costly pure function, remembered within the process.

import Synchronization

/// Remembers the latest answers of a function whose answer follows from its key alone.
///
/// At most `capacity` answers are kept; the oldest goes first. From any thread: a caller that finds the memory in use
/// computes for itself and waits for nobody, so a process that was forked in that moment is never stuck.
package final class Memo<Key: Hashable & Sendable, Answer: Sendable>: Sendable {
    private let capacity: Int
    private let isTaken = Atomic(false)
    /// Touched only by whoever turned `isTaken`.
    private nonisolated(unsafe) var answers: [Key: Answer] = [:]
    private nonisolated(unsafe) var order: [Key] = []

    /// - Parameter capacity: answers that are kept, at least 1.
    package init(capacity: Int) { self.capacity = capacity }

    /// The answer to `key`: the one that was computed for an equal key, or else what `compute` returns.
    /// - Throws: what `compute` throws; that is not remembered.
    package func answer(_ key: Key, _ compute: () throws -> Answer) rethrows -> Answer {
        // A key with not-a-number in it would never be found again.
        guard key == key else { return try compute() }
        if let known = alone({ answers[key] }) ?? nil { return known }
        let answer = try compute()
        _ = alone {
            guard answers.updateValue(answer, forKey: key) == nil else { return }
            order.append(key)
            if order.count > capacity { answers[order.removeFirst()] = nil }
        }
        return answer
    }

    /// Nil where somebody else is inside, also the parent of a forked process.
    private func alone<R>(_ body: () -> R) -> R? {
        guard isTaken.compareExchange(expected: false, desired: true, ordering: .acquiring).exchanged else {
            return nil
        }
        defer { isTaken.store(false, ordering: .releasing) }
        return body()
    }
}
