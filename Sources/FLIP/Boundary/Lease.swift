// Who uses a handle right now. A handle that changes is for one call at a time; a second call, from another thread or
// from a callback, is refused instead of running into the first.

import Basics
import Synchronization

/// How a call uses a handle.
struct Use {
    let pointer: OpaquePointer?
    let kind: Kind
    let isExclusive: Bool

    /// The call changes the object, or reads what another call may change.
    static func changing(_ pointer: OpaquePointer?, _ kind: Kind) -> Use {
        Use(pointer: pointer, kind: kind, isExclusive: true)
    }
    /// The call only reads; others may read beside it.
    static func reading(_ pointer: OpaquePointer?, _ kind: Kind) -> Use {
        Use(pointer: pointer, kind: kind, isExclusive: false)
    }
}

/// Of one handle: how many calls read it, or that one changes it.
final class Lease: Sendable {
    /// -1: one call changes the object; otherwise the number of calls that read it.
    private let users = Atomic<Int>(0)

    /// - Returns: whether the use may begin; it then has to be ended.
    func begin(exclusive: Bool) -> Bool {
        if exclusive { return users.compareExchange(expected: 0, desired: -1, ordering: .acquiring).exchanged }
        var now = users.load(ordering: .relaxed)
        while now >= 0 {
            let (done, seen) = users.compareExchange(expected: now, desired: now + 1, ordering: .acquiring)
            if done { return true }
            now = seen
        }
        return false
    }

    func end(exclusive: Bool) {
        if exclusive { users.store(0, ordering: .releasing) } else { users.wrappingSubtract(1, ordering: .releasing) }
    }

    var isFree: Bool { users.load(ordering: .acquiring) == 0 }
}

/// Runs `body` while the handle is used.
/// - Throws: `.state` when another call uses it; nothing is changed then.
func using<R>(_ use: Use?, _ body: () throws -> R) throws -> R {
    guard let use else { return try body() }
    let lease = try lease(use.pointer, use.kind)
    guard lease.begin(exclusive: use.isExclusive) else {
        throw Failure(.state, "this \(use.kind.name) is in use by another call; a handle is for one thread at a time")
    }
    defer { lease.end(exclusive: use.isExclusive) }
    return try body()
}
