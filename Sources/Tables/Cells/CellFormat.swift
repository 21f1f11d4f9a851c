// How the cells of one column become text, with all that the loop over rows needs in plain pointers and numbers.

import Basics

/// Borrowed from a column and its ready texts: valid while both live.
struct CellFormat: BitwiseCopyable {
    private enum Form { case ready, whole, decimal, grid, real, date, datetime }
    private let form: Form
    private let base: UnsafeMutableRawPointer
    private let storage: CellStorage
    private let texts: ReadyTexts.View
    /// Ready text `missing` stands for a missing cell, the last one; those from `reason` on for its reasons.
    private let missing, reason: Int
    /// The place of the first reason among offsets; beyond every offset where there are none.
    private let reasonBase: Int64
    private let origin, step: Int64
    private let realStep: Double
    private let decimals: Int

    init(_ column: Column, _ ready: ReadyTexts) {
        base = column.base
        storage = column.storage
        texts = ready.view
        missing = ready.count - 1
        reason = ready.count - 1 - column.field.reasons.count
        let domain = column.domain
        reasonBase = column.hasReasons ? domain.reasonBase : .max
        switch column.field.kind {
        case .categorical, .boolean: form = .ready
        case .integer: form = .whole
        case .date: form = .date
        case .datetime: form = .datetime
        case .number(_, _, nil): form = .real
        case .number: form = domain.grid?.numerator ?? 0 > 0 ? .decimal : .grid
        }
        if let grid = domain.grid {
            // value = (first + offset)·numerator / 10^decimals, or (first + offset)·step where the step is no short
            // decimal.
            let unit = max(grid.numerator, 1)
            (origin, step, realStep, decimals) = (grid.first * unit, unit, grid.step, grid.decimals)
        } else {
            (origin, step, realStep, decimals) = (domain.origin, domain.step, 0, 0)
        }
    }

    @inline(__always) func write(_ row: Int, to out: OutBuffer) throws {
        if form == .real {
            let x = base.load(fromByteOffset: row &* 8, as: Double.self)
            guard x.isNaN else { return try out.append(numberText(x)) }
            let why = reasonBase == .max ? nil : MissingReason.of(x)
            return try out.append(texts[why.map { reason + $0 } ?? missing])
        }
        let k = Column.offset(base, storage, row)
        guard k >= 0 else { return try out.append(texts[missing]) }
        if k >= reasonBase { return try out.append(texts[reason + Int(k - reasonBase)]) }
        if form == .ready { return try out.append(texts[Int(k)]) }
        let v = origin &+ k &* step
        switch form {
        case .decimal: try out.append(v, decimals: decimals)
        case .grid: try out.append(numberText(Double(v) * realStep))
        case .date: try out.append(day: v)
        case .datetime: try out.append(moment: v)
        case .whole, .ready, .real: try out.append(whole: v)
        }
    }
}

extension OutBuffer {
    @inline(__always) func append(_ text: UnsafeBufferPointer<UInt8>) throws {
        if let p = text.baseAddress { try append(p, text.count) }
    }

    /// `YYYY-MM-DD`.
    func append(day: Int64) throws {
        let (y, m, d) = civilDate(days: day)
        try append(y, width: 4)
        try append(UInt8(ascii: "-"))
        try append(m, width: 2)
        try append(UInt8(ascii: "-"))
        try append(d, width: 2)
    }

    /// `YYYY-MM-DDThh:mm:ss[.ffffff]Z`, as `datetimeText`.
    func append(moment: Int64) throws {
        let days = floorDiv(moment, microsecondsPerDay)
        let rest = moment - days * microsecondsPerDay
        try append(day: days)
        try append(UInt8(ascii: "T"))
        try append(rest / 3_600_000_000, width: 2)
        try append(UInt8(ascii: ":"))
        try append(rest / 60_000_000 % 60, width: 2)
        try append(UInt8(ascii: ":"))
        try append(rest / 1_000_000 % 60, width: 2)
        if rest % 1_000_000 != 0 {
            try append(UInt8(ascii: "."))
            try append(rest % 1_000_000, width: 6)
        }
        try append(UInt8(ascii: "Z"))
    }
}
