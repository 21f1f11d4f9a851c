// A child process is noticed however it was made, also where its number is its parent's.

import Basics
import Glibc
import XCTest

@_silgen_name("fork") private func forked() -> pid_t
@_silgen_name("syscall") private func systemCall(_ number: Int, _ a: Int, _ b: Int, _ c: Int, _ d: Int, _ e: Int) -> Int
@_silgen_name("unshare") private func unshare(_ flags: Int32) -> Int32

/// A process namespace of its own for the children of this process, with the rights of whoever it is.
private func hasNewNamespace() -> Bool {
    let newProcesses: Int32 = 0x2000_0000, newUsers: Int32 = 0x1000_0000
    return unshare(newProcesses) == 0 || unshare(newUsers | newProcesses) == 0
}

final class ForkCountTests: XCTestCase {
    /// What `work` says in a child made by `fork`.
    private func inChild(_ fork: () -> pid_t, _ work: () -> UInt64) throws -> UInt64 {
        var ends: [Int32] = [0, 0], answer: UInt64 = 0, status: Int32 = 0
        XCTAssertEqual(pipe(&ends), 0)
        let child = fork()
        if child == 0 {
            answer = work()
            _ = write(ends[1], &answer, 8)
            _exit(0)
        }
        XCTAssertGreaterThan(child, 0)
        close(ends[1])
        defer { close(ends[0]) }
        XCTAssertEqual(read(ends[0], &answer, 8), 8)
        waitpid(child, &status, 0)
        return answer
    }

    func testTheCountStaysInOneProcess() {
        let count = forkCount()
        XCTAssertNotEqual(count, 0)
        for _ in 0..<3 { XCTAssertEqual(forkCount(), count) }
        XCTAssertFalse(hasForked(since: count))
    }

    func testEveryChildAndGrandchildHasAnother() throws {
        let count = forkCount()
        // A bare clone(2): no handler of pthread_atfork runs.
        let bare = { pid_t(systemCall(56, Int(SIGCHLD), 0, 0, 0, 0)) }
        #if arch(x86_64)
        let forks = [forked, bare]
        #else
        let forks = [forked]
        #endif
        for fork in forks {
            XCTAssertEqual(try inChild(fork) { hasForked(since: count) ? 1 : 0 }, 1)
            XCTAssertEqual(try inChild(fork) {
                let own = forkCount()
                let next = (try? self.inChild(fork) { hasForked(since: own) && hasForked(since: count) ? 7 : 0 }) ?? 0
                return hasForked(since: own) ? 0 : next
            }, 7)
            // A child that never asked, and its child that does.
            XCTAssertEqual(try inChild(fork) { (try? self.inChild(fork) { hasForked(since: count) ? 7 : 0 }) ?? 0 }, 7)
        }
        XCTAssertEqual(forkCount(), count)
    }

    /// Process 1 of a namespace forks into a nested one: both are process 1, and a comparison of process numbers sees
    /// nothing.
    func testProcessOneInTwoNamespaces() throws {
        let denied: UInt64 = 99
        let answer = try inChild(forked) {
            guard hasNewNamespace() else { return denied }
            return (try? self.inChild(forked) {
                guard getpid() == 1, hasNewNamespace() else { return denied }
                let count = forkCount(), number = getpid()
                return (try? self.inChild(forked) { getpid() != number ? 2 : hasForked(since: count) ? 1 : 0 }) ?? 3
            }) ?? 4
        }
        // Where nobody may make a namespace there is no such child: then what can be had.
        if answer == denied { return try testEveryChildAndGrandchildHasAnother() }
        XCTAssertEqual(answer, 1)
    }
}
