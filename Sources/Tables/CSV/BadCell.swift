// Why a cell is refused, as a negative number in the place of its offset, and the rule in words.
// The words name bounds and types, which are public, and never the value.

/// Offsets are >= 0, a missing cell is -1, these are below.
enum BadCell: Int64 {
    case below = -2, above = -3, offStep = -4, notFinite = -5
    case notInteger = -6, notNumber = -7, notBoolean = -8, notDate = -9, notDatetime = -10, notLevel = -11
    case missing = -12, notUTF8 = -13, nul = -14, quoting = -15, badCode = -16, carriage = -17
    case finerThanMicrosecond = -18, inexact = -19, timeOfDay = -20

    /// The rule that the cell broke, in the terms of its field; none is needed for what is wrong with the text as such.
    func rule(_ field: Field?) -> String {
        switch self {
        case .below: return "below the minimum \(field?.bounds.minimum ?? "")"
        case .above: return "above the maximum \(field?.bounds.maximum ?? "")"
        case .offStep: return "not a multiple of \(field?.bounds.step ?? "")"
        case .notFinite: return "not a finite number"
        case .notInteger: return "not a whole number"
        case .notNumber: return "not a number"
        case .notBoolean: return "not one of the declared true and false values"
        case .notDate: return "not a date of the form " + (field?.datePattern?.pattern ?? "YYYY-MM-DD")
        case .notDatetime:
            let usual = "YYYY-MM-DDThh:mm:ss[.ffffff][Z or +hh:mm]"
            return "not a date and time of the form " + (field?.datePattern?.pattern ?? usual)
        case .notLevel: return "not one of the levels in the schema's enum"
        case .missing: return "missing in a required column"
        case .notUTF8: return "not UTF-8"
        case .nul: return "contains a NUL byte"
        case .quoting: return "a quote inside a cell must be doubled and the cell quoted"
        case .carriage: return "contains a carriage return that is not quoted"
        case .finerThanMicrosecond:
            return "finer than a microsecond; a moment is kept to the microsecond: round it first"
        case .inexact:
            return "beyond 2^53 as a double, which does not tell such whole numbers apart: give whole numbers or text"
        case .timeOfDay: return "a date with a time of day"
        case .badCode: return "a code outside the levels that were given with it"
        }
    }
}

/// A missing cell in the place of an offset.
let missingOffset: Int64 = -1
