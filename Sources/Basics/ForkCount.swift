// A count that is another one in every forked child process, whatever the child's process number is.

import Glibc
import Synchronization

/// A number that a child process never shares with its parent: objects that note it when they are made can tell whether
/// they are in a copy of the process that made them. Never 0.
///
/// A process number is no such thing: process 1 of a process namespace that forks into a nested namespace has a child
/// that is process 1 as well. The count lies in a page that the kernel wipes in every child (MADV_WIPEONFORK, Linux
/// 4.14), also in one made by a bare clone(2) that runs no handler; where the kernel cannot do that, a handler of
/// pthread_atfork(3) wipes it. From any thread.
package func forkCount() -> UInt64 {
    let here = marked.pointee.load(ordering: .acquiring)
    if here != 0 { return here }
    // The first call in this process. `lastCount` is raised before the page is marked, so no mark of a parent is ever
    // above it.
    let next = lastCount.wrappingAdd(1, ordering: .sequentiallyConsistent).newValue
    let (isMine, other) = marked.pointee.compareExchange(expected: 0, desired: next, ordering: .sequentiallyConsistent)
    return isMine ? next : other
}

/// Whether this process is a forked child of the one in which `forkCount()` gave `count`.
package func hasForked(since count: UInt64) -> Bool { forkCount() != count }

/// The largest number that this process or an ancestor of it has taken; copied by fork.
private let lastCount = Atomic<UInt64>(0)

/// The number of this process; 0 until it has one. Never unmapped: the library cannot be unloaded.
private nonisolated(unsafe) let marked: UnsafeMutablePointer<Atomic<UInt64>> = {
    let size = sysconf(Int32(_SC_PAGESIZE)), wipeOnFork: Int32 = 18
    var page = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    if page == MAP_FAILED {
        page = UnsafeMutableRawPointer.allocate(byteCount: MemoryLayout<UInt64>.size, alignment: 64)
    }
    else { _ = madvise(page, size, wipeOnFork) }
    let mark = page!.bindMemory(to: Atomic<UInt64>.self, capacity: 1)
    mark.initialize(to: Atomic(0))
    // The handler must not touch `marked`: a thread may fork while another is in this initialiser.
    wiped = mark
    _ = pthread_atfork(nil, nil, { wiped?.pointee.store(0, ordering: .sequentiallyConsistent) })
    return mark
}()
private nonisolated(unsafe) var wiped: UnsafeMutablePointer<Atomic<UInt64>>?
