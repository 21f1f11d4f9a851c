import XCTest
@testable import Synthesis
import Basics
import Tables

final class SamplerTests: XCTestCase {
    static let model: Model? = try? Fixture.train(Fixture.plan(), Fixture.table(rows: 600))

    func testRowsDoNotDependOnChunksOrThreads() throws {
        let model = try XCTUnwrap(Self.model)
        let whole = try model.sample(count: 1000, seed: 8, threads: 1)
        XCTAssertEqual(Fixture.cells(whole), Fixture.cells(try model.sample(count: 1000, seed: 8, threads: 3)))
        for (first, count) in [(0, 1), (999, 1), (17, 300), (255, 2), (500, 500)] {
            let part = try model.sample(first: first, count: count, seed: 8, threads: 2)
            XCTAssertEqual(part.rows, count)
            for (a, b) in zip(part.columns, whole.columns) {
                for i in 0..<count {
                    let x = a.double(i), y = b.double(first + i)
                    XCTAssert(x == y || x.isNaN && y.isNaN)
                }
            }
        }
        XCTAssertNotEqual(Fixture.cells(whole), Fixture.cells(try model.sample(count: 1000, seed: 9)))
        // fresh seeds
        XCTAssertNotEqual(Fixture.cells(try model.sample(count: 50)), Fixture.cells(try model.sample(count: 50)))
    }

    func testValuesStayInsideTheSchema() throws {
        let t = try XCTUnwrap(Self.model).sample(count: 5000, seed: 2)
        for i in 0..<t.rows {
            XCTAssert((0...1).contains(t.columns[0].offset(i)))
            XCTAssert((-1...3).contains(t.columns[1].offset(i)))
            let age = t.columns[2].double(i)
            XCTAssert(age >= 0 && age <= 99 && age == age.rounded())
            let score = t.columns[3].double(i)
            XCTAssert(score.isNaN || (score >= -2 && score <= 2))
            XCTAssert((0...50).contains(t.columns[4].offset(i)))
            XCTAssert((0...730).contains(t.columns[6].offset(i)))
        }
        // Missing values are modelled where they are allowed, and only there.
        XCTAssertGreaterThan((0..<t.rows).filter { t.columns[5].offset($0) < 0 }.count, 300)
        XCTAssertFalse((0..<t.rows).contains { t.columns[2].offset($0) < 0 })
    }

    func testCountsAndCancel() throws {
        let model = try XCTUnwrap(Self.model)
        XCTAssertThrowsError(try model.sample(count: 0, seed: 1))
        XCTAssertThrowsError(try model.sample(first: -1, count: 1, seed: 1))
        XCTAssertThrowsError(try model.sample(count: -1, seed: 1))
        XCTAssertThrowsError(try model.sample(first: Int.max, count: 2, seed: 1))
        XCTAssertThrowsError(try model.sample(count: 1 << 60, seed: 1)) {
            XCTAssertEqual(($0 as? Failure)?.code, .argument)
        }
        XCTAssertThrowsError(try model.sample(count: 5000, seed: 1) { _, _ in false }) {
            XCTAssertEqual(($0 as? Failure)?.code, .cancelled)
        }
    }
}
