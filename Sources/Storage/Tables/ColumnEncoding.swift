// Says how each kind of field is stored in an AnnData dataframe (on-disk format, dataframe 0.2.0).
// The writer uses this table. The reader takes these encodings and whatever else AnnData writes.
//
//   field                      element       stored as
//   levels (text, dates)       categorical   codes int8/16/32, -1 missing; categories string-array
//   levels (integer, number)   categorical   the same codes, categories int64 or float64
//   boolean                    array         enumeration FALSE, TRUE; nullable-boolean when cells may be missing
//   integer                    array         the smallest signed integer that holds the bounds; or nullable-integer
//   number                     array         float64, NaN missing
//   date                       array         int32 days, attribute units; or nullable-integer
//   datetime, whole seconds    array         int32 seconds, attribute units, when the bounds fit; or nullable-integer
//   datetime otherwise         array         float64 microseconds, NaN missing, attribute units (exact up to 2^53:
//                                            year 2255); int64 or nullable-integer when the bounds are beyond that
// Readers in R hold 32-bit integers and doubles, hence the choice for times.

import Basics
import Tables

enum ColumnEncoding: Equatable {
    case categorical(codes: NumberType)
    case boolean(nullable: Bool)
    /// `unit` of dates and datetimes.
    case integer(NumberType, nullable: Bool, unit: TimeUnit?)
    case double(unit: TimeUnit?)

    init(_ field: Field) {
        // A reason of missing values stands there as its value; one that has none, as missing.
        let reasons = field.reasonValues, codes = reasons.compactMap { $0.map { Int64(bitPattern: $0) } }
        let nullable = !field.required || reasons.contains { $0 == nil }
        func smallest(_ low: Int64, _ high: Int64) -> NumberType {
            Self.smallest(min(low, codes.min() ?? low), max(high, codes.max() ?? high))
        }
        switch field.kind {
        case .categorical(let levels): self = .categorical(codes: Self.smallest(-1, Int64(levels.count) - 1))
        case .boolean: self = .boolean(nullable: nullable)
        case .integer(let low, let high, _): self = .integer(smallest(low, high), nullable: nullable, unit: nil)
        case .number: self = .double(unit: nil)
        case .date: self = .integer(.int32, nullable: nullable, unit: .days)
        case .datetime(let low, let high, let step):
            let second: Int64 = 1_000_000
            let exact = -(1 << 53)...(1 << 53) as ClosedRange<Int64>
            let isWhole = low % second == 0 && step % second == 0 && codes.allSatisfy { $0 % second == 0 }
            let ends = [low, high] + codes
            if isWhole, let low = ends.min(), let high = ends.max(),
               Self.smallest(low / second, high / second) != .int64 {
                self = .integer(.int32, nullable: nullable, unit: .seconds)
            } else if ends.allSatisfy(exact.contains) {
                self = .double(unit: .microseconds)
            } else {
                self = .integer(.int64, nullable: nullable, unit: .microseconds)
            }
        }
    }

    /// The smallest signed integer that holds both.
    private static func smallest(_ low: Int64, _ high: Int64) -> NumberType {
        if Int8(exactly: low) != nil, Int8(exactly: high) != nil { return .int8 }
        if Int16(exactly: low) != nil, Int16(exactly: high) != nil { return .int16 }
        if Int32(exactly: low) != nil, Int32(exactly: high) != nil { return .int32 }
        return .int64
    }
}

