// Infers a schema for a dataframe in an HDF5 file, unless libflip stored one with it.
// The guess about each column is made in Tables (Schema+Infer.swift).

import Basics
import Tables

extension Schema {
    /// - Parameter group: where in the file, such as "/data"; nil as for `FrameReader`.
    /// - Throws: `.io`; `.format` for a file that is not a dataframe; `.schema` naming every column that no field can
    ///   be made of.
    package static func inferred(hdf5 path: String, group: String? = nil,
        _ options: InferOptions = InferOptions()) throws -> Schema {
        let frame = try Frame(path, group)
        if let schema = try frame.schema() { return schema }
        let names = try frame.names()
        guard !names.isEmpty else { throw Failure(.schema, "\(path): the table has no columns") }
        let guesses = try names.map { name in
            let guess = try ColumnGuess(name, limit: options.levels)
            if !options.skip.contains(name) { try FrameGuess(ColumnSource(frame, FieldText(name: name)), guess).read() }
            return guess
        }
        return try inferred(guesses, options, path)
    }
}

/// The cells of one column, shown to its guess.
private struct FrameGuess {
    private let source: ColumnSource
    private let guess: ColumnGuess
    private let missing: Buffer<UInt8>?

    init(_ source: ColumnSource, _ guess: ColumnGuess) throws {
        (self.source, self.guess) = (source, guess)
        missing = try source.mask.map { try ColumnSource.booleans($0, 0, source.rows) }
    }

    func read() throws {
        let words = FieldText(name: guess.name)
        switch source.cells {
        case .numbers(let data, let type) where type.isFloat:
            try each(data, as: Double.self) { x in
                if x.isNaN || source.marks.missing.contains(x) { return guess.addMissing() }
                if let unit = source.unit { return try add(unit.microseconds(x, type.narrow), unit) }
                // 0.1 in 32 bits is meant as 0.1.
                try guess.add(words.text(type.narrow?.shortest(x) ?? x))
            }
        case .numbers(let data, .uint64):
            try each(data, as: UInt64.self) { v in
                if v <= 1 << 53, source.marks.missing.contains(Double(v)) { return guess.addMissing() }
                try add(integer: Int64(exactly: v), text: String(v))
            }
        case .numbers(let data, let type):
            let absent = source.marks.missingIntegers(type)
            try each(data, as: Int64.self) { v in
                if absent.contains(v) { guess.addMissing() } else { try add(integer: v, text: String(v)) }
            }
        case .booleans(let data):
            let values = try ColumnSource.booleans(data, 0, source.rows)
            for i in 0..<source.rows {
                if isMissing(i) { guess.addMissing() } else { try guess.add(words.text(values[i] == 1)) }
            }
        case .texts(let data):
            var i = 0
            try data.readTexts(0, source.rows, maxBytes: 1 << 20) { text in
                if isMissing(i) || source.marks.isMissing(text) { guess.addMissing() } else { try guess.add(text) }
                i += 1
            }
        case .categories(let codes, let texts):
            try each(codes, as: Int64.self) { if $0 < 0 { guess.addMissing() } }
            for i in 0..<texts.count { try guess.declare(texts[i]) }
        case .enumeration(let data, let levels):
            try each(data, as: Int64.self) { v in
                guard let place = levels.places[v] else { throw data.failure("holds a value outside its enumeration") }
                if place < 0 { guess.addMissing() }
            }
            // An enumeration of truth values is a boolean; any other declares its levels.
            let words = (0..<levels.texts.count).map { String(decoding: levels.texts[$0], as: UTF8.self).lowercased() }
            let isLogical = words.allSatisfy { ["true", "false"].contains($0) }
            for i in words.indices { try isLogical ? guess.add(levels.texts[i]) : guess.declare(levels.texts[i]) }
        }
    }

    private func add(integer v: Int64?, text: String) throws {
        guard let unit = source.unit else { return try guess.add(text) }
        let moment = v.flatMap { unit.convert($0, to: .microseconds) }
        if moment == nil, let v, unit.nanoseconds < 1000, v % (1000 / unit.nanoseconds) != 0 {
            return try add(nil, unit)
        }
        try add(moment.map(Double.init) ?? .infinity, unit, exact: moment)
    }

    /// A time in microseconds; nil when it is no whole number of them.
    private func add(_ x: Double?, _ unit: TimeUnit, exact: Int64? = nil) throws {
        guard let x else { throw Failure(.schema, "column \(quoted(guess.name)): a time finer than a microsecond") }
        guard x.magnitude < 0x1p62 else {
            throw Failure(.schema, "column \(quoted(guess.name)): a time beyond all dates")
        }
        guess.add(microseconds: exact ?? Int64(x), isDay: unit == .days)
    }

    private func each<T: Stored>(_ data: DataSetReader, as _: T.Type, _ body: (T) throws -> Void) throws {
        let block = 65_536, values = try Buffer<T>(count: min(block, max(source.rows, 1)), for: "a column")
        for start in stride(from: 0, to: source.rows, by: block) {
            let n = min(block, source.rows - start)
            try data.readRows(start, n, as: values.base)
            for i in 0..<n { if isMissing(start + i) { guess.addMissing() } else { try body(values[i]) } }
        }
    }

    private func isMissing(_ row: Int) -> Bool { missing.map { $0[row] != 0 } ?? false }
}
