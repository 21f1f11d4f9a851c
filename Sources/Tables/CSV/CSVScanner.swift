// Cuts a stream of bytes into CSV records (RFC 4180); it knows quotes and line ends, not columns and values.
// A record lies in one piece in the buffer; nothing is copied.

import Basics

/// Where a cell's text lies in the scanner's buffer, and what is wrong with it.
struct CSVCell: BitwiseCopyable {
    var start = 0
    /// Bytes; -1 where a record ends before this cell.
    var count = 0
    var flaws: UInt8 = 0
    var isQuoted = false
    /// The text still holds doubled quotes.
    var isDoubled = false

    static let quoting: UInt8 = 1, nul: UInt8 = 2, utf8: UInt8 = 4, carriage: UInt8 = 8

    var bad: BadCell {
        if flaws & CSVCell.quoting != 0 { return .quoting }
        if flaws & CSVCell.nul != 0 { return .nul }
        return flaws & CSVCell.carriage != 0 ? .carriage : .notUTF8
    }
}

/// What a call found.
enum CSVStep { case record, end, more }

final class CSVScanner {
    /// The longest record, in bytes.
    static let maxRecord = 16 << 20

    /// Of the record found last: its cells, kept or not; the physical line on which it starts, from 1; whether a kept
    /// cell has a flaw.
    private(set) var cellCount = 0
    private(set) var line = 0
    private(set) var isFlawed = false
    /// The bytes of the buffer; the cells' places refer to it.
    var base: UnsafeMutablePointer<UInt8> { bytes.base }

    private let name: String
    private let read: (UnsafeMutableRawPointer, Int) throws -> Int
    private let delimiter: UInt8
    private let kind: Buffer<UInt8>                      // what a byte means outside quotes: 0 is plain text
    private var bytes: Buffer<UInt8>
    private var at = 0, filled = 0
    private var recordStart = 0
    private var ended = false
    private var lines = 0                                // line ends before `at`

    /// - Parameter name: of the file, for messages.
    /// - Parameter read: gives up to that many bytes; 0 is the end.
    init(name: String, delimiter: UInt8, room: Int = 1 << 20,
         read: @escaping (UnsafeMutableRawPointer, Int) throws -> Int) throws {
        self.name = name
        self.delimiter = delimiter
        self.read = read
        bytes = try Buffer<UInt8>(count: max(room, 16), for: "reading a file")
        kind = try Buffer<UInt8>(count: 256)
        for b in [delimiter, 0x0A, 0x0D, UInt8(ascii: "\""), 0] { kind[Int(b)] = 1 }
    }

    /// The first record, after a byte order mark if there is one, as texts.
    /// - Throws: `.format` also for an empty file and text that is not CSV or not UTF-8.
    func header() throws -> [String] {
        while filled < 3, !ended { try fill() }
        if filled >= 3, bytes[0] == 0xEF, bytes[1] == 0xBB, bytes[2] == 0xBF { at = 3 }
        var cells = try Buffer<CSVCell>(count: 64, for: "a line")
        guard try next(cells.base, room: cells.count) == .record else {
            throw Failure(.format, "\(name): the file is empty")
        }
        let count = cellCount
        guard count <= 65_536 else { throw Failure(.format, "\(name): more than 65536 columns") }
        if count > cells.count {                         // once more, with room
            cells = try Buffer<CSVCell>(count: count, for: "a line")
            (at, lines) = (recordStart, line - 1)
            _ = try next(cells.base, room: count)
        }
        if isFlawed, let bad = (0..<count).first(where: { cells[$0].flaws != 0 }) {
            throw Failure(.format, "\(name), line \(line), header cell \(bad + 1): \(cells[bad].bad.rule(nil))")
        }
        return (0..<count).map { String(decoding: text(&cells.base[$0]), as: UTF8.self) }
    }

    /// The next record: its first `room` cells go to `cells`. `.more` only when `mayFill` is false and the record is
    /// not whole in the buffer; filling it makes the cells of earlier records invalid.
    /// - Throws: `.format` for a quote without end or a record beyond `maximumRecord`; what `read` throws.
    func next(_ cells: UnsafeMutablePointer<CSVCell>, room: Int, mayFill: Bool = true) throws -> CSVStep {
        while true {
            switch scan(cells, room) {
            case .record: return .record
            case .end: return .end
            case .openQuote: throw failure("a quote without end")
            case .more:
                guard mayFill else { return .more }
                try fill()
            }
        }
    }

    private func failure(_ rule: String) -> Failure { Failure(.format, "\(name), line \(lines + 1): \(rule)") }

    /// Moves the unread bytes to the front and reads more behind them; makes the buffer larger when one record fills
    /// it.
    private func fill() throws {
        if at > 0 {
            bytes.base.update(from: bytes.base + at, count: filled - at)     // memmove: the pieces may overlap
            filled -= at
            at = 0
        }
        if filled == bytes.count {
            guard filled < CSVScanner.maxRecord else {
                throw failure("a record longer than 16 MiB; is a closing quote missing?")
            }
            let larger = try Buffer<UInt8>(count: min(bytes.count * 2, CSVScanner.maxRecord), for: "reading a file")
            larger.base.update(from: bytes.base, count: filled)
            bytes = larger
        }
        // Every fill scans the record from its start again: a long one is not read in small pieces.
        repeat {
            let n = try read(bytes.base + filled, bytes.count - filled)
            filled += n
            if n == 0 { ended = true }
        } while !ended && filled < bytes.count && filled > 1 << 16
    }

    private enum Outcome { case record, more, end, openQuote }

    /// One record from `at` on. Until all of it is in the buffer nothing is changed, and it is scanned again with more
    /// bytes.
    private func scan(_ out: UnsafeMutablePointer<CSVCell>, _ room: Int) -> Outcome {
        let p = bytes.base, end = filled, ended = self.ended
        var i = at
        if i == end { return ended ? .end : .more }
        let kind = self.kind.base, delimiter = self.delimiter
        let quote = UInt8(ascii: "\"")
        var count = 0, newLines = 0
        let delimiters = CSVScanner.everyByte &* UInt64(delimiter)
        // `high`: all bytes of cells, or'ed, to see whether any of them is beyond ASCII.
        var high: UInt64 = 0, flawed: UInt8 = 0
        var done = false
        while !done {
            var cell = CSVCell(start: i)
            if i < end, p[i] == quote {
                cell.isQuoted = true
                i += 1
                cell.start = i
                while true {
                    guard i < end else { return ended ? .openQuote : .more }
                    let b = p[i]
                    if b == quote {
                        if i + 1 == end, !ended { return .more }
                        guard i + 1 < end, p[i + 1] == quote else { break }
                        cell.isDoubled = true
                        i += 1
                    } else if b == 0x0A {
                        newLines += 1
                    } else if b == 0 {
                        cell.flaws |= CSVCell.nul
                    }
                    high |= UInt64(b)
                    i += 1
                }
                cell.count = i - cell.start
                i += 1
                if i < end, kind[Int(p[i])] == 0 { cell.flaws |= CSVCell.quoting }
            }
            // Plain text up to the delimiter or the line's end; behind a closing quote there must be none.
            var next = i                                 // where the next cell or record begins
            while true {
                // Eight bytes at a time up to the first that may mean something, then one at a time.
                while end &- i >= 8 {
                    let word = UInt64(littleEndian: UnsafeRawPointer(p + i).loadUnaligned(as: UInt64.self))
                    let marks = CSVScanner.marks(word, delimiters)
                    if marks == 0 {
                        high |= word
                        i = i &+ 8
                        continue
                    }
                    let plain = marks.trailingZeroBitCount &>> 3
                    high |= word & ((1 &<< UInt64(plain &* 8)) &- 1)
                    i = i &+ plain
                    break
                }
                while i < end, kind[Int(p[i])] == 0 {
                    high |= UInt64(p[i])
                    i = i &+ 1
                }
                guard i < end else {
                    if !ended { return .more }
                    next = i
                    done = true
                    break
                }
                let b = p[i]
                next = i + 1
                if b == delimiter { break }
                if b == 0x0A {
                    newLines += 1
                    done = true
                    break
                }
                if b == 0x0D {
                    if next == end, !ended { return .more }
                    if next == end || p[next] == 0x0A {
                        if next < end { (next, newLines) = (next + 1, newLines + 1) }
                        done = true
                        break
                    }
                    cell.flaws |= CSVCell.carriage
                } else {
                    cell.flaws |= b == 0 ? CSVCell.nul : CSVCell.quoting
                }
                i += 1
            }
            if !cell.isQuoted { cell.count = i - cell.start }
            i = next
            flawed |= cell.flaws
            if count < room { out[count] = cell }
            count += 1
        }
        recordStart = at
        at = i
        line = lines + 1
        lines += newLines
        cellCount = count
        if high & (CSVScanner.everyByte &* 0x80) != 0 { flawed |= checkUTF8(out, min(count, room)) }
        isFlawed = flawed != 0
        return .record
    }

    private static let everyByte: UInt64 = 0x0101_0101_0101_0101

    /// The top bit of every byte of `word` that may mean something outside quotes; the lowest one that is set is right,
    /// and so is none. Bytes below 14 (NUL, tab, line ends, rare others), quotes, delimiters: each test is the classic
    /// one for a byte that is zero or small (H. Warren, Hacker's Delight, 2nd edition, section 6-1).
    @inline(__always) private static func marks(_ word: UInt64, _ delimiters: UInt64) -> UInt64 {
        let quotes = word ^ (everyByte &* 0x22), cuts = word ^ delimiters
        let small = (word &- everyByte &* 14) & ~word
        return (small | ((quotes &- everyByte) & ~quotes) | ((cuts &- everyByte) & ~cuts)) & (everyByte &* 0x80)
    }

    /// Marks the cells that are not UTF-8. Delimiters and quotes are ASCII, so each cell stands for itself.
    private func checkUTF8(_ cells: UnsafeMutablePointer<CSVCell>, _ count: Int) -> UInt8 {
        var flawed: UInt8 = 0
        for i in 0..<count where !isUTF8(UnsafeBufferPointer(start: base + cells[i].start, count: cells[i].count)) {
            cells[i].flaws |= CSVCell.utf8
            flawed = CSVCell.utf8
        }
        return flawed
    }

    /// The bytes of a cell, doubled quotes closed up in place.
    func text(_ cell: inout CSVCell) -> UnsafeBufferPointer<UInt8> {
        if cell.isDoubled { CSVScanner.closeUp(&cell, base) }
        return UnsafeBufferPointer(start: base + cell.start, count: cell.count)
    }

    static func closeUp(_ cell: inout CSVCell, _ base: UnsafeMutablePointer<UInt8>) {
        let p = base + cell.start
        var from = 0, to = 0
        while from < cell.count {
            p[to] = p[from]
            from += p[from] == UInt8(ascii: "\"") ? 2 : 1
            to += 1
        }
        cell.count = to
        cell.isDoubled = false
    }
}
