// What rows add to a domain: the one place where a row becomes counts, in the process that holds the budget or in any
// other one.

import Basics
import Privacy
import Tables

/// Whose counts a domain is of: what a worker is told, all of it public.
package struct DomainRows: Sendable {
    package let sketch: SchemaSketch
    /// Whose rows are bounded, each person's by themselves.
    package let person: CSVOptions.Person?
    /// The columns whose domain is open.
    package let open: [Int]

    package init(_ sketch: SchemaSketch, person: CSVOptions.Person?) {
        (self.sketch, self.person) = (sketch, person)
        open = sketch.needs.indices.filter { sketch.needs[$0] != .nothing }
    }

    package var columns: [DomainDoor.Column] {
        open.map { if case .bounds(let grid) = sketch.needs[$0] { .bins(grid.count) } else { .levels } }
    }
    package var openNames: [String] { open.map { sketch.names[$0] } }

    /// The counts of a row that is being read: of a door or of sums.
    package protocol Counts {
        func add(bin: Int, column: Int)
        func add(level: UnsafeBufferPointer<UInt8>, column: Int) throws
        func endRow() throws
    }

    /// Counts the present row, cell by cell, and ends it.
    package func count(_ cell: (Int) throws -> UnsafeBufferPointer<UInt8>?, into counts: some Counts) throws {
        for (k, j) in open.enumerated() {
            guard let text = try cell(j), !sketch.isMissing(text, column: j) else { continue }
            switch sketch.needs[j] {
            case .bounds(let grid):
                if let c = sketch.cell(text, j, grid) { counts.add(bin: c, column: k) }
            case .levels: if text.count > 0 { try counts.add(level: text, column: k) }
            case .nothing: break
            }
        }
        try counts.endRow()
    }

    /// Adds all rows as a part of sums. No cell stops it: those that break the schema are counted.
    /// - Throws: what reading throws; `.state` for a part that is in already.
    package func add(_ rows: some TextRows, to sums: Sums, part: Int) throws {
        let broken = try sketch.checker(), columns = sketch.names.indices
        try sums.beginPart(part)
        try rows.forEach(flawed: { sums.addProblem(column: $0) }) { _, cell in
            for j in columns {
                let text = try cell(j)
                try sums.digest(text)
                if broken(text, j) != nil { sums.addProblem(column: j) }
            }
            try count(cell, into: sums)
        }
        sums.endPart()
    }
}

extension DomainDoor: DomainRows.Counts {}
extension Sums: DomainRows.Counts {}
