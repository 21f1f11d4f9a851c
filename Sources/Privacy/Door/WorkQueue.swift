// How workers share a release: work in turns, and the word to stop. Sees no row.

import Synchronization

/// Set from any thread, taken once.
final class Cancelled: Sendable {
    private let flag = Atomic<Bool>(false)
    func set() { flag.store(true, ordering: .relaxed) }
    func take() -> Bool { flag.load(ordering: .relaxed) && flag.exchange(false, ordering: .relaxed) }
}

/// 0 ..< count in the order in which workers ask, until there is none or one of them fails.
final class Turns: Sendable {
    private let next = Atomic<Int>(0)
    private let count: Int
    private let error = Mutex<(any Error)?>(nil)

    init(_ count: Int) { self.count = count }
    func take() -> Int? {
        let t = next.wrappingAdd(1, ordering: .relaxed).oldValue
        return t < count ? t : nil
    }
    func stop(_ e: any Error) {
        error.withLock { $0 = $0 ?? e }
        next.store(count, ordering: .relaxed)
    }
    var failure: (any Error)? { error.withLock { $0 } }
}
