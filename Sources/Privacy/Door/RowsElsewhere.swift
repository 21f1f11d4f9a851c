// A door's side of rows in other processes: what was asked, whether an answer may be used, and which rows it was of.
// Everything here happens before a charge. As long as every row comes in one part, once, and the same rows come every
// time, no refusal depends on a row.

import Basics

final class RowsElsewhere {
    /// Names of the rows' columns.
    private let columns: [String]
    /// Names of the columns whose domain is to be released.
    private let openColumns: [String]
    /// Of this door alone; never in a file.
    private let digestKey: SIMD2<UInt64>
    private var open: (tag: AskTag, request: CountRequest)?
    private var accepted: Sums?
    /// Which rows the last answer was of: how many, and their digest. In memory only.
    private var roll: (rows: UInt64, digest: SIMD2<UInt64>)?
    /// For tests alone: as if nobody were in the parts, once they were checked.
    var forgets = false

    /// Fewer rows than this are counted: their sums stay exact in every step that follows.
    static let maxRows: UInt64 = 1 << 40

    /// - Parameters:
    ///   - columns: names of the rows' columns. open: names of those whose domain is to be released.
    /// - Throws: `.entropy`.
    init(columns: [String], open: [String] = []) throws {
        (self.columns, openColumns) = (columns, open)
        let random = try SecureRandom()
        digestKey = SIMD2(random.next(), random.next())
    }

    deinit { dismiss() }

    /// A new ask; one that was open is void. The keys are as fresh as the id, but for the digest's.
    func ask(_ request: CountRequest, parts: Int) throws -> AskTag {
        guard (1...AskTag.maxParts).contains(parts) else {
            throw Failure(.argument, "parts: there must be 1 to \(AskTag.maxParts)")
        }
        let random = try SecureRandom()
        let tag = AskTag(id: SIMD2(random.next(), random.next()), digestKey: digestKey,
                         checkKey: SIMD2(random.next(), random.next()), parts: parts)
        open = (tag, request)
        return tag
    }

    /// Whether `sums` answer the open ask. When they do, they are kept for the release and the ask is closed.
    /// - Throws: `.state` when nothing was asked, for parts that are missing or there more than once, for other rows
    ///   than before, for sums that were used; `.argument` for sums of another ask; `.schema` for no or too many rows,
    ///   for a column of too many texts, and when `strict` for cells that break the schema; `.format` when a table
    ///   does not add up.
    func accept(_ sums: Sums, strict: Bool) throws {
        guard let open else { throw Failure(.state, "no ask is open") }
        guard sums.tag == open.tag else { throw Failure(.argument, "these are sums of another ask") }
        try sums.requireWhole()
        try checkParts(sums)
        guard sums.rows > 0 else { throw Failure(.schema, "the parts have no rows") }
        guard sums.rows < Self.maxRows else { throw Failure(.schema, "the parts have too many rows: at most 2^40") }
        guard sums.addsUp else { throw Failure(.format, "a table of the sums does not add up to the rows") }
        if strict, let problems = list(sums.problems) {
            throw Failure(.schema, "cells break the schema, in \(problems); check the rows to see which rules")
        }
        if let j = sums.texts.firstIndex(where: { $0?.isOverfull == true }) {
            throw Failure(.schema, "column \(quoted(openColumns[j])): it has \(DomainDoor.tooMany)")
        }
        if let roll, roll.rows != sums.rows || roll.digest != sums.digest {
            throw Failure(.state, "these are not the rows of the ask before: rows or parts changed while they were "
                + "read; write them to files and train on those")
        }
        roll = (sums.rows, sums.digest)
        if forgets { sums.forget() }
        (accepted, self.open) = (sums, nil)
    }

    /// The accepted sums, if they were made for `request`.
    /// - Throws: `.state`; nothing was charged.
    func answer(to request: CountRequest) throws -> Sums {
        guard let accepted else { throw Failure(.state, "the rows are elsewhere: this release needs an answer") }
        guard accepted.request.isSame(as: request) else {
            throw Failure(.internal, "the answer is of another release")
        }
        return accepted
    }

    func dismiss() {
        accepted?.wipe()
        accepted = nil
    }

    private func checkParts(_ sums: Sums) throws {
        var missing: [Int] = [], repeated: [Int] = []
        for part in 0..<sums.layout.parts {
            let times = (0..<sums.layout.slices).map { sums.times(part: part, slice: $0) }
            if times.contains(0) { missing.append(part) }
            if times.contains(where: { $0 > 1 }) { repeated.append(part) }
        }
        guard !missing.isEmpty || !repeated.isEmpty else { return }
        func list(_ numbers: [Int]) -> String {
            numbers.prefix(8).map(String.init).joined(separator: ", ") + (numbers.count > 8 ? ", …" : "")
        }
        let words = (missing.isEmpty ? [] : ["missing: \(list(missing))"])
            + (repeated.isEmpty ? [] : ["more than once: \(list(repeated))"])
        throw Failure(.state, "parts \(words.joined(separator: "; parts ")); nothing was charged")
    }

    /// Columns that have some, with how many.
    private func list(_ problems: [UInt64]) -> String? {
        let found = problems.indices.filter { problems[$0] > 0 }
        guard !found.isEmpty else { return nil }
        return found.prefix(8).map { "column \(quoted(columns[$0])): \(problems[$0])" }.joined(separator: ", ")
            + (found.count > 8 ? ", …" : "")
    }
}
