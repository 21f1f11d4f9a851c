// Which rows of a person are kept depends on that person's rows alone: not on who else is there, nor on any order.

import XCTest
@testable import Basics
@testable import Tables

final class PersonsTests: XCTestCase {
    private func schema() throws -> Schema {
        try TestData.schema([("colour", "string", "\"enum\":[\"red\",\"green\",\"blue\"]"), ("age", "integer", "\"minimum\":0,\"maximum\":1000"), ("x", "number", "\"minimum\":0,\"maximum\":1")])
    }

    private struct Row: Hashable { var person: String, age: Int }

    private func text(_ rows: [Row]) -> String {
        "who,age,colour,x\n" + rows.map { "\($0.person),\($0.age),\(["red", "green", "blue", ""][$0.age % 4]),0.\($0.age)\n" }.joined()
    }

    private func options(_ most: Int) -> CSVOptions {
        var o = CSVOptions()
        o.person = .init(column: "who", most: most)
        return o
    }

    /// Ages of the kept rows. Ages are different within the tests, so they name rows.
    private func kept(_ rows: [Row], _ most: Int) throws -> [Int] {
        let t = try TestData.read(text(rows), schema(), options(most))
        XCTAssertEqual(t.rowsPerPerson, most)
        return (0..<t.rows).map { Int(t.columns[1].double($0)) }
    }

    func testAtMostKOfEach() throws {
        let rows = (0..<300).map { Row(person: "p\($0 * $0 % 37)", age: $0) }
        for k in [1, 2, 5, 300] {
            let ages = try kept(rows, k)
            for (person, own) in Dictionary(grouping: rows, by: \.person) {
                XCTAssertEqual(ages.filter { age in own.contains { $0.age == age } }.count, min(k, own.count), person)
            }
            XCTAssertEqual(ages, ages.sorted())          // in the order of the file
        }
    }

    /// Neighbours: a person added or removed with all rows, in another order, leaves the others' rows as they were. A mutant that keeps the
    /// first rows it meets up to a total does not.
    func testOthersChangeNothing() throws {
        let rows = (0..<200).map { Row(person: "p\($0 % 13)", age: $0) }
        func mutant(_ rows: [Row], _ most: Int) -> [Int] {
            var left = 13 * most, seen: [String: Int] = [:]
            return rows.filter { row in
                guard left > 0, seen[row.person, default: 0] < 3 * most else { return false }
                (left, seen[row.person]) = (left - 1, seen[row.person, default: 0] + 1)
                return true
            }.map(\.age)
        }
        var caught = false
        for seed in 0..<12 {
            let gone = "p\(seed % 13)"
            let other = rows.filter { $0.person != gone }.sorted { ($0.age &* 2_654_435_761 &+ seed) % 1009 < ($1.age &* 2_654_435_761 &+ seed) % 1009 }
            let others = Set(other.map(\.age))
            for k in [1, 3] {
                XCTAssertEqual(Set(try kept(rows, k)).intersection(others), Set(try kept(other, k)))
                caught = caught || Set(mutant(rows, k)).intersection(others) != Set(mutant(other, k))
            }
        }
        XCTAssertTrue(caught)
    }

    /// The choice has no favourite among cells: over many persons every place of a row is kept about as often.
    func testNoFavourites() throws {
        let rows = (0..<4000).map { Row(person: "p\($0 / 4)", age: $0 % 4) }
        let ages = try kept(rows, 1)
        XCTAssertEqual(ages.count, 1000)
        for age in 0..<4 { XCTAssertEqual(Double(ages.filter { $0 == age }.count), 250, accuracy: 70) }
    }

    func testRefused() throws {
        func says(_ text: String, _ want: String, _ options: CSVOptions, line: UInt = #line) throws {
            XCTAssertThrowsError(try TestData.read(text, schema(), options), line: line) { XCTAssertTrue("\($0)".hasSuffix(want), "\($0)", line: line) }
        }
        try says("age,colour,x\n1,red,0\n", "the header lacks the column \"who\"", options(1))
        try says("who,age,colour,x,who\na,1,red,0,b\n", "the column \"who\" is in the header twice", options(1))
        try says("who,age,colour,x\na,1,red,0\n,2,red,0\n", "line 3, column \"who\": nobody is named: every row must belong to a person", options(1))
        try says("who,age,colour,x\n", "the table has no rows", options(1))
        var inside = options(1)
        inside.person = .init(column: "age", most: 1)
        try says("age,colour,x\n1,red,0\n", "leave it out of the schema, it is not to be learned", inside)
        XCTAssertThrowsError(try TestData.read("who,age,colour,x\na,1,red,0\n", schema()))        // without persons it is a stranger
        for bad in [#"{"person": "who"}"#, #"{"max_rows_per_person": 2}"#, #"{"person": "who", "max_rows_per_person": 0}"#, #"{"person": "who", "max_rows_per_person": 1025}"#] {
            XCTAssertThrowsError(try CSVOptions(JSONReader(JSON.parse(bad), context: "csv"))) { XCTAssertEqual(($0 as? Failure)?.code, .argument) }
        }
        let t = try TestData.read("age,colour,x\n1,red,0\n2,red,0\n", schema()), people: [Int64] = [7, 7]
        XCTAssertThrowsError(try t.bounded(persons: people, most: 0))
        let b = try t.bounded(persons: people, most: 1)
        XCTAssertEqual(b.rows, 1)
        XCTAssertThrowsError(try b.bounded(persons: people, most: 1)) { XCTAssertEqual(($0 as? Failure)?.code, .state) }
        XCTAssertEqual(try b.slice(first: 0, count: 1).rowsPerPerson, 1)
    }

    func testQuotedNamesAndEqualRows() throws {
        let t = try TestData.read("who,age,colour,x\n\"a \"\"b\"\"\",1,red,0\na,1,red,0\n\"a \"\"b\"\"\",1,red,0\n\"a \"\"b\"\"\",1,red,0\n", schema(), options(2))
        XCTAssertEqual(t.rows, 3)
    }
}
