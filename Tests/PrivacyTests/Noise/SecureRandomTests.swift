// Keys: fresh for every generator and in every child process, an error when there is no entropy; streams: none is used
// twice.

import Basics
import Glibc
@testable import Privacy
import XCTest

@_silgen_name("fork") private func forked() -> pid_t
@_silgen_name("unshare") private func unshare(_ flags: Int32) -> Int32

/// A process namespace of its own for the children of this process, with the rights of whoever it is.
private func hasNewNamespace() -> Bool {
    let newProcesses: Int32 = 0x2000_0000, newUsers: Int32 = 0x1000_0000
    return unshare(newProcesses) == 0 || unshare(newUsers | newProcesses) == 0
}

final class SecureRandomTests: XCTestCase {
    private func first(_ r: SecureRandom, _ p: Purpose = .noise, _ i: Int = 0) -> [UInt64] {
        let s = r.stream(p, i)
        return (0..<8).map { _ in s.next() }
    }

    func testEntropyFailureIsAnError() {
        for source in [{ _, _ in -1 }, { p, n in memset(p, 0, n); return 0 }] as [SecureRandom.EntropySource] {
            XCTAssertThrowsError(try SecureRandom(source: source)) { XCTAssertEqual(($0 as? Failure)?.code, .entropy) }
        }
    }

    /// A key that cannot be renewed refuses the release.
    func testEntropyFailureAtRenewal() throws {
        var calls = 0
        let r = try SecureRandom(source: { p, n in
            calls += 1
            memset(p, 7, n)
            return calls == 1 ? 0 : -1
        })
        r.useUp()
        XCTAssertThrowsError(try r.beginRelease()) { XCTAssertEqual(($0 as? Failure)?.code, .entropy) }
    }

    func testTwoGeneratorsNeverShareAKey() throws {
        XCTAssertNotEqual(first(try SecureRandom()), first(try SecureRandom()))
        let r = try SecureRandom()
        XCTAssertNotEqual(r.next(), r.next())
    }

    func testKeyIsRenewedWhenItsReleasesAreUsedUp() throws {
        let r = try SecureRandom()
        try r.beginRelease()
        let before = first(r)
        r.useUp()
        try r.beginRelease()
        XCTAssertNotEqual(first(r), before)
    }

    func testStreamsAreDistinct() throws {
        let r = SecureRandom(testSeed: 1)
        var seen = Set<[UInt32]>(), words = Set<UInt64>()
        for _ in 0..<20 {
            try r.beginRelease()
            for p in [Purpose.direct, .batch, .batchTies, .noise, .rows, .histogram] {
                for i in [0, 1, 2, 63, 1 << 20, 1 << 31] {
                    let n = r.nonce(p, i)
                    XCTAssertTrue(seen.insert([n[0], n[1]]).inserted)
                    for w in first(r, p, i) { XCTAssertTrue(words.insert(w).inserted) }
                }
            }
        }
    }

    func testSeedsRepeatAndAreMarked() throws {
        let a = SecureRandom(testSeed: 5), b = SecureRandom(testSeed: 5), c = SecureRandom(testSeed: 6)
        for r in [a, b, c] { try r.beginRelease() }
        XCTAssertEqual(first(a), first(b))
        XCTAssertNotEqual(first(a), first(c))
        XCTAssertTrue(a.isDeterministic)
        XCTAssertFalse(try SecureRandom().isDeterministic)
    }

    /// A child has its parent's memory; its streams must not be its parent's. The mutant keeps the key.
    func testChildTakesANewKey() throws {
        for mutant in [false, true] {
            let r = try SecureRandom()
            try r.beginRelease()
            var ends: [Int32] = [0, 0]
            XCTAssertEqual(pipe(&ends), 0)
            let child = forked()
            if child == 0 {
                if !mutant { try? r.beginRelease() }
                var words = first(r) + [r.next()]
                _ = write(ends[1], &words, 72)
                _exit(0)
            }
            if !mutant { try r.beginRelease() }
            let own = first(r) + [r.next()]
            var theirs = [UInt64](repeating: 0, count: 9)
            XCTAssertEqual(read(ends[0], &theirs, 72), 72)
            var status: Int32 = 0
            waitpid(child, &status, 0)
            close(ends[0])
            close(ends[1])
            XCTAssertEqual(own[0..<8] == theirs[0..<8], mutant)
            if !mutant { XCTAssertNotEqual(own[8], theirs[8]) }
        }
    }

    /// The child may have its parent's process number (a process namespace inside another): the key must still be
    /// another one. Mutant: a generator that compares process numbers draws its parent's noise.
    func testChildOfTheSameNumberTakesANewKey() throws {
        var ends: [Int32] = [0, 0], answer: UInt8 = 0, status: Int32 = 0
        XCTAssertEqual(pipe(&ends), 0)
        /// Ends the process with `work`'s answer.
        func child(_ work: () -> UInt8) -> Never {
            var a = work()
            _ = write(ends[1], &a, 1)
            _exit(0)
        }
        let outer = forked()
        if outer == 0 {
            guard hasNewNamespace() else { child { 9 } }
            let first = forked()
            if first == 0 {
                guard getpid() == 1, hasNewNamespace(), let r = try? SecureRandom(),
                    (try? r.beginRelease()) != nil else {
                    child { 9 }
                }
                let own = self.first(r), number = getpid()
                let second = forked()
                if second == 0 {
                    child {
                        let mutant = getpid() == number ? self.first(r) : []
                        guard (try? r.beginRelease()) != nil else { return 8 }
                        return mutant == own && self.first(r) != own ? 1 : 0
                    }
                }
                waitpid(second, nil, 0)
                _exit(0)
            }
            waitpid(first, nil, 0)
            _exit(0)
        }
        XCTAssertEqual(read(ends[0], &answer, 1), 1)
        waitpid(outer, &status, 0)
        close(ends[0])
        close(ends[1])
        // Where nobody may make a namespace there is no such child: then what can be had.
        if answer == 9 { return try testChildTakesANewKey() }
        XCTAssertEqual(answer, 1)
    }
}
