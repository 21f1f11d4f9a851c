// The rows of an Arrow stream as texts, as a CSV file would hold them: for whoever has no whole schema yet.
// Rows of persons are held until the stream ends, since which of them count depends on all rows of a person.

import Basics
import CArrow
import Glibc

package final class ArrowTexts: TextRows {
    private let stream: ArrowStream, places: ArrowPlaces, columns: [ArrowTextColumn]
    private let names: Int, person: CSVOptions.Person?, progress: TableProgress?
    /// Whether a column's cells are no texts in the stream: these are written plainly.
    package var areTyped: [Bool] { columns[..<names].map(\.isTyped) }

    /// - Parameters:
    ///   - missing: for each column a text that means missing, if there is one.
    ///   - person: the bound on each person's rows, and the column that names them.
    /// - Throws: `.argument`, `.format`, `.schema`, `.io` as `importArrow`.
    package init(_ stream: ArrowStream, _ sketch: SchemaSketch, person: CSVOptions.Person?, _ options: ArrowOptions,
                 progress: TableProgress? = nil) throws {
        (self.stream, self.person, self.progress, names) = (stream, person, progress, sketch.names.count)
        if let person, sketch.names.contains(person.column) { throw Failure(.schema, person.hint) }
        let wanted = sketch.names + (person.map { [$0.column] } ?? [])
        (places, columns) = try stream.withSchema { root in
            let places = try ArrowPlaces(root, wanted, refusesExtra: options.extra == .refuse)
            return (places, try wanted.enumerated().map { j, name in
                let isPerson = j == sketch.names.count
                return try ArrowTextColumn(places.child(of: root, j), name, isPerson ? .string : sketch.types[j],
                                           missing: isPerson ? nil : sketch.missingText(j))
            })
        }
    }

    /// - Throws: as `importArrow`; `.schema` for rows without a person.
    package func forEach(flawed: (_ column: Int) -> Void = { _ in },
                         _ body: (_ row: Int, _ cell: (Int) throws -> UnsafeBufferPointer<UInt8>?) throws -> Void)
        throws {
        guard let person else {
            return try read { row in
                for j in columns.indices where columns[j].isFlawed { flawed(j) }
                try body(row) { columns[$0].text }
            }
        }
        let held = try HeldTexts(columns: names), persons = try PersonList(), digests = try PersonList()
        try read { _ in
            guard let name = columns[names].text, name.count > 0 else {
                throw Failure(.schema, "column \(quoted(person.column)): nobody is named in a row: every row must "
                    + "belong to a person")
            }
            try persons.append(name)
            try digests.append(PersonKey(digest: (0..<names).lazy.map { self.columns[$0].text }))
            for column in columns[..<names] { try held.append(column.text, isFlawed: column.isFlawed) }
            try held.endRow()
        }
        let kept = try keptRows(persons, held.rows, maxRows: person.maxRows) { digests[$0] }
        for i in 0..<kept.count {
            let row = Int(kept.rows[i])
            for j in 0..<names where held.isFlawed(row, j) { flawed(j) }
            try body(row + 1) { held.text(row, $0) }
        }
    }

    /// Reads row after row into the columns.
    private func read(_ body: (Int) throws -> Void) throws {
        var row = 0
        repeat {
            if let progress, !progress(row, 0) { throw Failure(.cancelled, "reading an Arrow stream was cancelled") }
        } while try stream.withNext { batch in
            let (first, count) = try places.check(batch)
            guard count > 0 else { return }
            for (j, column) in columns.enumerated() {
                try column.open(places.child(of: batch, j), first: first, count: count)
            }
            defer { for column in columns { column.close() } }
            for i in 0..<count {
                row += 1
                for column in columns { try column.read(i) }
                try body(row)
            }
        }
    }
}

extension PersonKey {
    /// Of a row's texts.
    init(digest texts: some Sequence<UnsafeBufferPointer<UInt8>?>) {
        var sha = SHA256()
        for text in texts {
            withUnsafeBytes(of: text?.count ?? -1) { sha.update($0) }
            if let text { sha.update(UnsafeRawBufferPointer(text)) }
        }
        self.init(sha)
    }
}

/// One column of a stream: the text of the present row.
private final class ArrowTextColumn {
    private(set) var text: UnsafeBufferPointer<UInt8>?
    /// Whether the present cell can be written as no text.
    private(set) var isFlawed = false
    private let name: String, kind: FieldType, form: ArrowForm
    private let missing: Buffer<UInt8>?
    private let room: Buffer<UInt8>
    private var cells: ArrowView?, entries: ArrowView?

    var isTyped: Bool { form.type.isTyped }

    init(_ schema: ArrowSchema, _ name: String, _ kind: FieldType, missing: String?) throws {
        (self.name, self.kind, form) = (name, kind, try ArrowForm(schema, name))
        guard !form.isRuns else {
            throw Failure(.schema, "column \(quoted(name)): its Arrow type (run-end encoded) is not read here; decode "
                + "it")
        }
        guard form.type.fits(kind) else {
            throw Failure(.schema, "column \(quoted(name)): Arrow type \(form.type.name) cannot fill a field of type "
                + kind.rawValue)
        }
        room = try Buffer(count: 2048, for: "the text of a cell")
        self.missing = try missing.map { text in
            let bytes = try Buffer<UInt8>(count: text.utf8.count, for: "the text of a cell")
            for (i, b) in text.utf8.enumerated() { bytes[i] = b }
            return bytes
        }
    }

    deinit { explicit_bzero(room.base, room.count) }

    /// - Throws: `.format` for an array that breaks the interface.
    func open(_ array: UnsafePointer<ArrowArray>, first: Int, count: Int) throws {
        cells = try ArrowView(array, form.index ?? form.type, first: first, count: count, column: name)
        guard form.index != nil else {
            guard array.pointee.dictionary == nil else {
                throw brokenArray(name, "has a dictionary and its schema none")
            }
            return
        }
        guard let dictionary = array.pointee.dictionary else { throw brokenArray(name, "has no dictionary") }
        entries = try ArrowView(dictionary, form.type, column: name)
    }

    func close() { (cells, entries, text) = (nil, nil, nil) }

    /// Reads the cell of row i of the batch.
    /// - Throws: `.format` for offsets outside the array.
    func read(_ i: Int) throws {
        guard let cells else { return }
        (isFlawed, text) = (false, missing.map { UnsafeBufferPointer(start: $0.base, count: $0.count) })
        guard cells.isValid(i) else { return }
        guard let entries else { return try take(cells, i) }
        let code = cells.whole(i)
        guard let code, code >= 0, code < Int64(entries.count) else { return flaw() }
        if entries.isValid(Int(code)) { try take(entries, Int(code)) }
    }

    private func flaw() { (isFlawed, text) = (true, nil) }

    /// A cell that is there.
    private func take(_ view: ArrowView, _ i: Int) throws {
        switch form.type {
        case .null: break
        case .text, .largeText, .textView:
            let bytes = try view.text(i)
            isUTF8(bytes) ? text = bytes : flaw()
        case .bool: put(view.bit(i) ? "true" : "false")
        case .byteBool: put(view.load(i, as: Int8.self) != 0 ? "true" : "false")
        case .int: put(view.whole(i).map { String($0) } ?? String(view.load(i, as: UInt64.self)))
        case .half: real(doubleOfHalf(view.load(i, as: UInt16.self)))
        case .float: real(Double(view.load(i, as: Float.self)))
        case .double: real(view.load(i, as: Double.self))
        case .decimal(let scale, let bytes): put(decimalText(view.words(i, bytes: bytes), scale))
        case .days:
            let day = Int64(view.load(i, as: Int32.self))
            guard dayRange.contains(day) else { return flaw() }
            put(kind == .datetime ? datetimeText(day * microsecondsPerDay) : dateText(day))
        case .moment(let perSecond):
            let v = view.load(i, as: Int64.self)
            let (micros, beyond) = perSecond > 1_000_000 ? (floorDiv(v, perSecond / 1_000_000), false)
                : v.multipliedReportingOverflow(by: 1_000_000 / perSecond)
            guard !beyond, microsecondRange.contains(micros) else { return flaw() }
            let day = floorDiv(micros, microsecondsPerDay)
            put(kind == .date && day * microsecondsPerDay == micros ? dateText(day) : datetimeText(micros))
        }
    }

    /// A number; one that is none is missing, and one without a fraction is whole where the field wants that.
    private func real(_ v: Double) {
        guard !v.isNaN else { return }
        if kind == .integer, let whole = Int64(exactly: v) { return put(String(whole)) }
        put(numberText(v))
    }

    private func put(_ value: String) {
        let utf8 = value.utf8
        guard utf8.count <= room.count else { return flaw() }
        var n = 0
        for byte in utf8 {
            room.base[n] = byte
            n += 1
        }
        text = UnsafeBufferPointer(start: room.base, count: n)
    }
}

extension ArrowView {
    /// Cell i of a whole-number array; nil beyond Int64.
    func whole(_ i: Int) -> Int64? {
        guard case .int(let bytes, let signed) = type else { return nil }
        switch (bytes, signed) {
        case (1, true): return Int64(load(i, as: Int8.self))
        case (1, false): return Int64(load(i, as: UInt8.self))
        case (2, true): return Int64(load(i, as: Int16.self))
        case (2, false): return Int64(load(i, as: UInt16.self))
        case (4, true): return Int64(load(i, as: Int32.self))
        case (4, false): return Int64(load(i, as: UInt32.self))
        case (_, true): return load(i, as: Int64.self)
        case (_, false): return Int64(exactly: load(i, as: UInt64.self))
        }
    }
}

/// Texts of rows, held in memory that is checked and wiped.
private final class HeldTexts {
    private let columns: Int
    private(set) var rows = 0
    private var bytes: Buffer<UInt8>, used = 0
    /// Of each cell where its text ends; `nothing` above it: there is none; `flaw`: and it could not be written.
    private var ends: Buffer<Int>, cells = 0
    private static let nothing = 1 << 62, flaw = 1 << 61, mask = 1 << 61 - 1

    init(columns: Int) throws {
        self.columns = columns
        bytes = try Buffer(count: 4096, for: "rows of persons")
        ends = try Buffer(count: max(columns, 1) * 64, for: "rows of persons")
    }

    deinit {
        explicit_bzero(bytes.base, bytes.count)
        explicit_bzero(ends.base, ends.count * MemoryLayout<Int>.stride)
    }

    func append(_ text: UnsafeBufferPointer<UInt8>?, isFlawed: Bool) throws {
        if cells == ends.count { ends = try grown(ends, cells, 1) }
        if let text {
            if used + text.count > bytes.count { bytes = try grown(bytes, used, text.count) }
            if let p = text.baseAddress { memcpy(bytes.base + used, p, text.count) }
            used += text.count
        }
        ends.base[cells] = used | (text == nil ? Self.nothing : 0) | (isFlawed ? Self.flaw : 0)
        cells += 1
    }

    func endRow() throws {
        rows += 1
        try Table.checkRows(rows)
    }

    func text(_ row: Int, _ j: Int) -> UnsafeBufferPointer<UInt8>? {
        let i = row * columns + j, end = ends.base[i], start = i > 0 ? ends.base[i - 1] & Self.mask : 0
        return end & Self.nothing == 0
            ? UnsafeBufferPointer(start: bytes.base + start, count: end & Self.mask - start) : nil
    }

    func isFlawed(_ row: Int, _ j: Int) -> Bool { ends.base[row * columns + j] & Self.flaw != 0 }

    private func grown<T: BitwiseCopyable>(_ old: Buffer<T>, _ kept: Int, _ more: Int) throws -> Buffer<T> {
        let new = try Buffer<T>(count: max(2 * old.count, kept + more), for: "rows of persons")
        new.base.update(from: old.base, count: kept)
        explicit_bzero(old.base, old.count * MemoryLayout<T>.stride)
        return new
    }
}
