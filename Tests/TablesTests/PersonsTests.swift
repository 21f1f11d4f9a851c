// Which rows of a person are kept depends on that person's rows alone: not on who else is there, nor on any order.

import XCTest
@testable import Basics
@testable import Tables

final class PersonsTests: XCTestCase {
    private func schema() throws -> Schema {
        try TestData.schema([("colour", "string", "\"enum\":[\"red\",\"green\",\"blue\"]"),
                             ("age", "integer", "\"minimum\":0,\"maximum\":1000"),
                                 ("x", "number", "\"minimum\":0,\"maximum\":1")])
    }

    private struct Row: Hashable { var person: String, age: Int }

    private func text(_ rows: [Row]) -> String {
        let colours = ["red", "green", "blue", ""]
        let lines = rows.map { "\($0.person),\($0.age),\(colours[$0.age % 4]),0.\($0.age)\n" }
        return "who,age,colour,x\n" + lines.joined()
    }

    private func options(_ most: Int) -> CSVOptions {
        var o = CSVOptions()
        o.person = .init(column: "who", maxRows: most)
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

    /// Neighbours: a person added or removed with all rows, in another order, leaves the others' rows as they were. A
    /// mutant that keeps the first rows it meets up to a total does not.
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
            func place(_ row: Row) -> Int { (row.age &* 2_654_435_761 &+ seed) % 1009 }
            let other = rows.filter { $0.person != gone }.sorted { place($0) < place($1) }
            let others = Set(other.map(\.age))
            for k in [1, 3] {
                XCTAssertEqual(Set(try kept(rows, k)).intersection(others), Set(try kept(other, k)))
                caught = caught || Set(mutant(rows, k)).intersection(others) != Set(mutant(other, k))
            }
        }
        XCTAssertTrue(caught)
    }

    // MARK: persons as numbers

    /// A row of a host that numbers persons itself.
    private struct Visit: Hashable { var who: String, age: Int }

    /// The visits of 60 persons, 1 to 5 of each, some of them equal, in an order that mixes persons.
    private func visits() -> [Visit] {
        let all = (0..<60).flatMap { p in (0...(p % 5)).map { Visit(who: "p\(p)", age: (p * 7 + $0 * $0 * 3) % 40) } }
        var random = TestRandom(state: 5)
        return all.shuffled(using: &random)
    }

    /// Numbers in order of appearance, as factorizing hosts give them.
    private func codes(_ rows: [Visit]) -> [Int64] {
        var codes: [String: Int64] = [:]
        return rows.map { row in
            let code = codes[row.who] ?? Int64(codes.count)
            codes[row.who] = code
            return code
        }
    }

    private func table(_ rows: [Visit]) throws -> Table {
        try TestData.read("age,colour,x\n" + rows.map { "\($0.age),red,0\n" }.joined(), schema())
    }

    /// The contents of the bounded table.
    private func bounded(_ rows: [Visit], _ codes: [Int64], _ most: Int) throws -> [Int] {
        let t = try table(rows).bounded(persons: codes, maxRows: most)
        return (0..<t.rows).map { Int(t.columns[1].double($0)) }
    }

    /// A choice that mixes the number into the rank of a row.
    private func mutant(_ rows: [Visit], _ codes: [Int64], _ most: Int) -> [Int] {
        var groups: [Int64: [Int]] = [:]
        for (row, code) in zip(rows, codes) { groups[code, default: []].append(row.age) }
        return groups.flatMap { code, ages in
            ages.map { age in (rank(code, age),
                               age) }.sorted { $0.0.lexicographicallyPrecedes($1.0) }.prefix(most).map(\.1)
        }
    }

    private func rank(_ code: Int64, _ age: Int) -> [UInt8] {
        var sha = SHA256()
        sha.update("\(code) \(age)")
        return sha.digest
    }

    /// How many rows have to be added to or removed from one table to get the other, rows without order.
    private func distance(_ a: [Int], _ b: [Int]) -> Int {
        var counts: [Int: Int] = [:]
        for x in a { counts[x, default: 0] += 1 }
        for x in b { counts[x, default: 0] -= 1 }
        return counts.values.reduce(0) { $0 + abs($1) }
    }

    /// One person more, with one row or with many, at the front, in the middle and at the end: the bounded table moves
    /// by at most that person's own kept rows. A choice that knows the number moves further.
    func testOnePersonMovesAtMostItsOwnRows() throws {
        let rows = visits()
        var worstOfMutant = 0
        for most in [1, 2, 3] {
            let before = try bounded(rows, codes(rows), most)
            let mutantBefore = mutant(rows, codes(rows), most)
            for own in [1, 4] {
                let new = (0..<own).map { Visit(who: "new", age: 3 + 11 * $0) }
                for place in [0, rows.count / 2, rows.count] {
                    var more = rows
                    more.insert(contentsOf: new, at: place)
                    let after = try bounded(more, codes(more), most)
                    XCTAssertEqual(after.count, before.count + min(own, most))
                    XCTAssertEqual(distance(before, after), min(own, most), "k = \(most), \(own) rows at \(place)")
                    worstOfMutant = max(worstOfMutant,
                                        distance(mutantBefore, mutant(more, codes(more), most)) - min(own, most))
                }
            }
        }
        XCTAssertGreaterThan(worstOfMutant, 0, "a choice that knows the number must be seen")
    }

    /// Other numbers for the same persons, and another order of the same rows: the same contents.
    func testNeitherNumbersNorOrderChoose() throws {
        let rows = visits()
        var mutantMoved = false
        for most in [1, 2] {
            let before = try bounded(rows, codes(rows), most)
            let relabelled = codes(rows).map { ($0 &+ 17) &* 1_000_003 }
            XCTAssertEqual(distance(before, try bounded(rows, relabelled, most)), 0)
            XCTAssertEqual(before, try bounded(rows, relabelled, most), "rows stay in the order of the table")
            mutantMoved = mutantMoved || distance(mutant(rows, codes(rows), most), mutant(rows, relabelled, most)) > 0
            for seed in 1...5 as ClosedRange<UInt64> {
                var random = TestRandom(state: seed)
                let other = rows.shuffled(using: &random)
                XCTAssertEqual(distance(before, try bounded(other, codes(other), most)), 0)
            }
        }
        XCTAssertTrue(mutantMoved)
    }

    /// Names in a CSV file and numbers of a host keep the same rows.
    func testEveryWayInKeepsTheSameRows() throws {
        let rows = visits()
        for most in [1, 3] {
            let named = try TestData.read("who,age,colour,x\n" + rows.map { "\($0.who),\($0.age),red,0\n" }.joined(),
                                          schema(), options(most))
            let numbered = try table(rows).bounded(persons: codes(rows), maxRows: most)
            XCTAssertTrue(TestData.sameCells(named, numbered))
        }
    }

    /// The choice has no favourite among contents: over persons with different rows each content is kept in proportion
    /// to how often it is there.
    func testNoFavourites() throws {
        // Four rows of each of 2000 persons: contents 0, 1, 1 and 2, told apart between persons by x.
        let contents = [0, 1, 1, 2]
        let text = "who,age,colour,x\n" + (0..<8000).map { "p\($0 / 4),\(contents[$0 % 4]),red,0.\($0 / 4)\n" }.joined()
        for most in [1, 2] {
            let t = try TestData.read(text, schema(), options(most))
            let ages = (0..<t.rows).map { Int(t.columns[1].double($0)) }
            XCTAssertEqual(ages.count, 2000 * most)
            for (age, share) in [(0, 0.25), (1, 0.5), (2, 0.25)] {
                let expected = share * Double(2000 * most)
                XCTAssertEqual(Double(ages.filter { $0 == age }.count), expected,
                               accuracy: 5 * (expected * (1 - share)).squareRoot())
            }
        }
    }

    func testRefused() throws {
        func says(_ text: String, _ want: String, _ options: CSVOptions, line: UInt = #line) throws {
            XCTAssertThrowsError(try TestData.read(text, schema(), options),
                                 line: line) { XCTAssertTrue("\($0)".hasSuffix(want), "\($0)", line: line) }
        }
        try says("age,colour,x\n1,red,0\n", "the header lacks the column \"who\"", options(1))
        try says("who,age,colour,x,who\na,1,red,0,b\n", "the column \"who\" is in the header twice", options(1))
        try says("who,age,colour,x\na,1,red,0\n,2,red,0\n",
                 "line 3, column \"who\": nobody is named: every row must belong to a person", options(1))
        try says("who,age,colour,x\n", "the table has no rows", options(1))
        var inside = options(1)
        inside.person = .init(column: "age", maxRows: 1)
        try says("age,colour,x\n1,red,0\n", "leave it out of the schema, it is not to be learned", inside)
        // Without persons it is a stranger.
        XCTAssertThrowsError(try TestData.read("who,age,colour,x\na,1,red,0\n", schema()))
        for bad in [#"{"person": "who"}"#, #"{"max_rows_per_person": 2}"#,
                    #"{"person": "who", "max_rows_per_person": 0}"#,
                        #"{"person": "who", "max_rows_per_person": 1025}"#] {
            XCTAssertThrowsError(try CSVOptions(JSONReader(JSON.parse(bad),
                                                           context: "csv"))) { XCTAssertEqual(($0 as? Failure)?.code,
                                                               .argument) }
        }
        let t = try TestData.read("age,colour,x\n1,red,0\n2,red,0\n", schema()), people: [Int64] = [7, 7]
        XCTAssertThrowsError(try t.bounded(persons: people, maxRows: 0))
        let b = try t.bounded(persons: people, maxRows: 1)
        XCTAssertEqual(b.rows, 1)
        XCTAssertThrowsError(try b.bounded(persons: people, maxRows: 1)) {
            XCTAssertEqual(($0 as? Failure)?.code, .state)
        }
        XCTAssertEqual(try b.slice(first: 0, count: 1).rowsPerPerson, 1)
    }

    func testQuotedNamesAndEqualRows() throws {
        let row = "\"a \"\"b\"\"\",1,red,0\n"
        let t = try TestData.read("who,age,colour,x\n\(row)a,1,red,0\n\(row)\(row)", schema(), options(2))
        XCTAssertEqual(t.rows, 3)
    }
}
