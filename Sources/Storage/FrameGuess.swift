// A schema for a dataframe in an HDF5 file: the one that libflip stored with it, or else one read off its cells (Tables, Schema+Infer.swift).

import Basics
import Tables

extension Schema {
    /// - Parameter group: where in the file, such as "/data".
    /// - Throws: `.io`; `.format` for a file that is not a dataframe; `.schema` naming every column that no field can be made of.
    package static func inferred(hdf5 path: String, group: String = "/data", _ options: InferOptions = InferOptions()) throws -> Schema {
        let frame = try openFrame(path, group, Limits())
        if frame.hasAttribute("flip-schema") { return try readSchema(path, group: group) }
        let index = frame.hasAttribute("_index") ? try frame.attribute("_index") : "_index"
        let names = frame.hasAttribute("column-order") ? try frame.attributes("column-order") : try frame.names().filter { $0 != index }
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
                if x.isNaN { return guess.addMissing() }
                if let unit = source.unit { return try add(x * Double(unit.nanoseconds) / 1000, unit) }
                // 0.1 in 32 bits is meant as 0.1.
                try guess.add(type == .float32 ? words.text(Float(x)) : words.text(x))
            }
        case .numbers(let data, _):
            try each(data, as: Int64.self) { v in
                guard let unit = source.unit else { return try guess.add(String(v)) }
                if let moment = unit.convert(v, to: .microseconds) { guess.add(microseconds: moment, isDay: unit == .days) } else { try add(.infinity, unit) }
            }
        case .booleans(let data):
            let values = try ColumnSource.booleans(data, 0, source.rows)
            for i in 0..<source.rows { if isMissing(i) { guess.addMissing() } else { try guess.add(words.text(values[i] == 1)) } }
        case .texts(let data):
            var i = 0
            try data.readTexts(0, source.rows, maxBytes: 1 << 20) { text in
                if isMissing(i) { guess.addMissing() } else { try guess.add(text) }
                i += 1
            }
        case .categories(let codes, let texts):
            try each(codes, as: Int64.self) { if $0 < 0 { guess.addMissing() } }
            for i in 0..<texts.count { try guess.declare(texts[i]) }
        }
    }

    /// A time in microseconds that may be no whole number of them.
    private func add(_ x: Double, _ unit: TimeUnit) throws {
        guard x.magnitude < 0x1p62 else { throw Failure(.schema, "column \(quoted(guess.name)): a time beyond all dates, or finer than a microsecond") }
        guess.add(microseconds: Int64(x.rounded()), isDay: unit == .days)
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
