// Answers are remembered for equal keys alone, no more of them than were asked for, and right from any thread.

import Basics
import Synchronization
import XCTest

final class MemoTests: XCTestCase {
    private struct Refused: Error {}

    /// Answers `2 · key`, and counts how often it was computed.
    private final class Doubler: Sendable {
        let memo: Memo<Int, Int>, computed = Atomic(0)
        init(capacity: Int) { memo = Memo(capacity: capacity) }
        func callAsFunction(_ key: Int) -> Int {
            memo.answer(key) {
                computed.add(1, ordering: .relaxed)
                return 2 * key
            }
        }
        var count: Int { computed.load(ordering: .relaxed) }
    }

    func testAnEqualKeyIsAnsweredFromMemory() {
        let twice = Doubler(capacity: 4)
        for _ in 0..<3 { for key in 1...4 { XCTAssertEqual(twice(key), 2 * key) } }
        XCTAssertEqual(twice.count, 4)
    }

    func testTheOldestAnswerGoesFirst() {
        let twice = Doubler(capacity: 2)
        for key in 1...3 { XCTAssertEqual(twice(key), 2 * key) }
        XCTAssertEqual(twice(3) + twice(2), 10)
        XCTAssertEqual(twice.count, 3, "the two latest are known")
        XCTAssertEqual(twice(1), 2)
        XCTAssertEqual(twice.count, 4, "the oldest is not")
    }

    func testWhatThrowsIsAskedAgain() throws {
        let memo = Memo<Int, Int>(capacity: 2)
        XCTAssertThrowsError(try memo.answer(1) { throw Refused() })
        XCTAssertEqual(memo.answer(1) { 7 }, 7)
        XCTAssertEqual(memo.answer(1) { 8 }, 7)
    }

    func testNotANumberIsNoKey() {
        let memo = Memo<Double, Int>(capacity: 1)
        XCTAssertEqual(memo.answer(1) { 1 }, 1)
        for i in 0..<10 { XCTAssertEqual(memo.answer(.nan) { i }, i) }
        XCTAssertEqual(memo.answer(1) { 2 }, 1, "nothing took its place")
    }

    func testAnAnswerMayNeedOthers() {
        let memo = Memo<Int, Int>(capacity: 64)
        func fibonacci(_ n: Int) -> Int { memo.answer(n) { n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2) } }
        XCTAssertEqual(fibonacci(60), 1_548_008_755_920)
    }

    func testManyThreadsGetTheirOwnAnswers() {
        let twice = Doubler(capacity: 8), wrong = Atomic(0)
        DispatchQueue.concurrentPerform(iterations: 8) { t in
            for i in 0..<20_000 {
                let key = (i &* 7 + t) % 16
                if twice(key) != 2 * key { wrong.add(1, ordering: .relaxed) }
            }
        }
        XCTAssertEqual(wrong.load(ordering: .relaxed), 0)
    }
}
