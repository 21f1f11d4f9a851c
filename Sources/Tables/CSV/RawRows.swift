// The cells of a CSV file as texts, for whoever has no whole schema yet.
// With persons the file is read twice: first to see which rows of each are kept, then those rows alone.

import Basics

package struct RawRows: TextRows {
    private let path: String, names: [String], options: CSVOptions, progress: TableProgress?

    /// - Parameter names: the columns that are wanted, in this order.
    package init(_ path: String, names: [String], options: CSVOptions, progress: TableProgress? = nil) {
        (self.path, self.names, self.options, self.progress) = (path, names, options, progress)
    }

    /// - Throws: `.io`, `.format`, `.schema` for columns that are not there or not known, persons without a name;
    ///   `.cancelled`; what `body` throws.
    package func forEach(flawed: (_ column: Int) -> Void = { _ in },
                         _ body: (_ line: Int, _ cell: (Int) throws -> UnsafeBufferPointer<UInt8>?) throws -> Void)
        throws {
        let refuses = options.invalid == .refuse && !options.refusesNothing
        var kept: (rows: Buffer<UInt32>, count: Int)?
        if let person = options.person {
            let persons = try PersonList(), digests = try PersonList()
            let (records, places) = try open()
            guard let who = records.titles.firstIndex(of: person.column) else { throw lacks(person.column) }
            while try records.next() {
                if refuses { try records.requireWhole() }
                guard let name = text(records, who), name.count > 0 else {
                    let place = "\(path), line \(records.line), column \(quoted(person.column))"
                    throw Failure(.schema, "\(place): nobody is named: every row must belong to a person")
                }
                try persons.append(name)
                try digests.append(PersonKey(digest: places.lazy.map { text(records, $0) }))
            }
            kept = try keptRows(persons, records.rows, maxRows: person.maxRows) { digests[$0] }
        }
        let (records, places) = try open()
        var next = 0, row = 0
        while try records.next() {
            defer { row += 1 }
            if let kept {
                guard next < kept.count, Int(kept.rows[next]) == row else { continue }
                next += 1
            }
            if refuses { try records.requireWhole() }
            if options.refusesNothing {
                for (j, place) in places.enumerated() where place >= records.count || records.flaw(place) != nil {
                    flawed(j)
                }
            }
            try body(records.line) { j in text(records, places[j]) }
        }
    }

    private func lacks(_ name: String) -> Failure {
        Failure(.schema, "\(path): the header lacks the column \(quoted(name))")
    }

    private func text(_ records: CSVRecords, _ place: Int) -> UnsafeBufferPointer<UInt8>? {
        place < records.count && records.flaw(place) == nil ? records.text(place) : nil
    }

    private func open() throws -> (CSVRecords, [Int]) {
        let file = try InputFile(path)
        let records = try CSVRecords(name: path, size: file.size, options, progress: progress) {
            try file.read(into: $0, count: $1)
        }
        let places = try names.map { name in
            guard let i = records.titles.firstIndex(of: name) else { throw lacks(name) }
            return i
        }
        if let person = options.person, names.contains(person.column) {
            throw Failure(.schema, "\(path): \(person.hint)")
        }
        let strangers = records.titles.filter { !names.contains($0) && $0 != options.person?.column }
        if options.extra == .refuse, let stranger = strangers.first {
            throw Failure(.schema,
                          "\(path): the column \(quoted(stranger)) is not in the schema; \(CSVOptions.extraHint)")
        }
        return (records, places)
    }
}
