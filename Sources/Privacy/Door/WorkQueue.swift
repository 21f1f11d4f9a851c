// A queue of numbers that workers share, and a flag that cancels a release; no row is seen here.

import Synchronization

/// Set from any thread, taken once.
final class CancelFlag: Sendable {
    private let flag = Atomic<Bool>(false)
    func set() { flag.store(true, ordering: .relaxed) }
    func take() -> Bool { flag.load(ordering: .relaxed) && flag.exchange(false, ordering: .relaxed) }
}

/// 0 ..< count in the order in which workers ask, until there is none or one of them fails.
final class WorkQueue: Sendable {
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
