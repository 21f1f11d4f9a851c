// Threads of one call: every number and chunk served once, signals blocked, nothing left behind.

import Glibc
import XCTest
@testable import Compute

final class WorkersTests: XCTestCase {
    private final class Counts: @unchecked Sendable {
        private var lock = pthread_mutex_t()
        private(set) var seen: [Int: Int] = [:]
        init() { pthread_mutex_init(&lock, nil) }
        func add(_ key: Int) {
            pthread_mutex_lock(&lock)
            seen[key, default: 0] += 1
            pthread_mutex_unlock(&lock)
        }
    }

    func testEveryWorkerOnce() {
        for threads in [-1, 0, 1, 2, 7] {
            let counts = Counts()
            Workers.run(threads: threads) { counts.add($0) }
            XCTAssertEqual(counts.seen, Dictionary(uniqueKeysWithValues: (0 ..< max(threads, 1)).map { ($0, 1) }))
        }
    }

    func testEveryChunkOnce() {
        for (threads, chunks) in [(1, 0), (3, 1), (2, 57), (8, 8)] {
            let counts = Counts()
            Workers.run(threads: threads, chunks: chunks) { chunk, worker in
                counts.add(chunk)
                XCTAssertLessThan(worker, threads)
            }
            XCTAssertEqual(counts.seen, Dictionary(uniqueKeysWithValues: (0 ..< chunks).map { ($0, 1) }))
        }
    }

    func testSignalsAreBlockedInWorkersOnly() {
        func interruptBlocked() -> Bool {
            var mask = sigset_t()
            pthread_sigmask(SIG_BLOCK, nil, &mask)
            return sigismember(&mask, SIGINT) == 1
        }
        let counts = Counts()
        Workers.run(threads: 3) { if interruptBlocked() { counts.add($0) } }
        XCTAssertEqual(counts.seen.keys.sorted(), [1, 2])
        XCTAssertFalse(interruptBlocked())
    }

    func testNoThreadOutlivesTheCall() {
        func tasks() -> Int {
            guard let dir = opendir("/proc/self/task") else { return -1 }
            defer { closedir(dir) }
            var n = 0
            while readdir(dir) != nil { n += 1 }
            return n
        }
        Workers.run(threads: 2) { _ in }
        let before = tasks()
        for _ in 0 ..< 20 { Workers.run(threads: 6) { _ in } }
        XCTAssertLessThanOrEqual(tasks(), before)
    }

    func testTables() {
        XCTAssertGreaterThanOrEqual(Workers.available, 1)
        XCTAssertEqual(Kernels.available.last?.name, "baseline")
        XCTAssertEqual(Kernels.available.first?.name, Kernels.current.name)
        for k in Kernels.available { XCTAssertTrue([8, 16].contains(k.lanes)) }
    }
}
