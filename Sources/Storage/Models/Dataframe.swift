// Writes and reads small tables inside model files, such as the releases of a ledger, as AnnData dataframes.
// Large tables are in DataSetWriter.swift and TableReader.swift.

import Basics
import CHDF5

/// A column of a small table.
package enum FrameColumn: Equatable {
    case strings([String]), integers([Int64]), numbers([Double]), booleans([Bool])

    package var count: Int {
        switch self {
        case .strings(let v): v.count
        case .integers(let v): v.count
        case .numbers(let v): v.count
        case .booleans(let v): v.count
        }
    }
    package enum Kind { case strings, integers, numbers, booleans }
}

extension GroupWriter {
    /// A table with the given columns, all of one length, labelled 0, 1, 2, …
    package func dataframe(_ name: String, _ columns: [(String, FrameColumn)]) throws {
        let rows = columns.first?.1.count ?? 0
        guard columns.allSatisfy({ $0.1.count == rows }) else {
            throw Failure(.internal, "\(quoted(name)): columns of different lengths")
        }
        try rawGroup(name) { group in
            try group.encoding("dataframe", "0.2.0")
            try group.attribute("_index", "_index")
            try group.attribute("column-order", columns.map(\.0))
            try group.tensor("_index", shape: [rows], (0..<Int64(rows)).map { $0 })
            for (name, column) in columns {
                switch column {
                case .strings(let v): try group.strings(name, v)
                case .integers(let v): try group.tensor(name, shape: [rows], v)
                case .numbers(let v): try group.tensor(name, shape: [rows], v)
                case .booleans(let v): try group.booleans(name, v)
                }
            }
        }
    }
}

extension GroupReader {
    /// The columns asked for of the small table `name`, all of one length.
    package func dataframe(_ name: String, _ columns: [(String, FrameColumn.Kind)], maxRows: Int = 1 << 16) throws
        -> [FrameColumn] {
        let frame = try group(name)
        guard try frame.attribute("encoding-type") == "dataframe" else { throw failure(name, "must be a dataframe") }
        var rows: Int?
        return try columns.map { name, kind in
            let data = try frame.data(name)
            guard data.shape.count == 1, data.shape[0] <= maxRows, rows == nil || rows == data.shape[0] else {
                throw data.failure("must be a column of the table's length, at most \(maxRows)")
            }
            rows = data.shape[0]
            switch kind {
            case .strings: return .strings(try data.texts(maxCount: maxRows, maxBytes: 16 << 20))
            case .integers: return .integers(list(try frame.tensor(name, shape: data.shape, as: Int64.self)))
            case .numbers: return .numbers(list(try frame.tensor(name, shape: data.shape, as: Double.self)))
            case .booleans:
                guard data.type == .boolean else { throw data.failure("must hold bool") }
                let bytes = try Buffer<UInt8>(count: data.shape[0], for: "a column")
                try data.readAll(bytes.base)
                return .booleans(list(bytes).map { $0 != 0 })
            }
        }
    }
}

private func list<T>(_ buffer: Buffer<T>) -> [T] {
    withExtendedLifetime(buffer) { Array(UnsafeBufferPointer(start: buffer.base, count: buffer.count)) }
}
