// What the library says about itself, and about a file.

import Basics
import Budgets
import CFlip
import Compute
import Evaluation
import Storage
import Synthesis

/// The version in flip.h; a test compares them.
let version = (major: UInt32(1), minor: UInt32(0), patch: UInt32(0))

@_cdecl("flip_version")
public func flip_version() -> UInt32 { version.major * 1_000_000 + version.minor * 1_000 + version.patch }

/// Static text in the order of the numbers.
private let statusNames: [StaticString] = [
    "FLIP_OK", "FLIP_E_ARG", "FLIP_E_STATE", "FLIP_E_SCHEMA", "FLIP_E_IO", "FLIP_E_FORMAT", "FLIP_E_VERSION",
        "FLIP_E_BUDGET",
    "FLIP_E_CANCELLED", "FLIP_E_NOMEM", "FLIP_E_NUMERIC", "FLIP_E_ENTROPY", "FLIP_E_UNSUPPORTED", "FLIP_E_INTERNAL",
]

@_cdecl("flip_status_name")
public func flip_status_name(_ status: flip_status) -> UnsafePointer<CChar>? {
    let unknown: StaticString = "FLIP_E_UNKNOWN"
    let name = statusNames.indices.contains(Int(status)) ? statusNames[Int(status)] : unknown
    return UnsafeRawPointer(name.utf8Start).assumingMemoryBound(to: CChar.self)
}

@_cdecl("flip_config_schema")
public func flip_config_schema(_ what: UnsafePointer<CChar>?, _ json: HandleOut, _ err: ErrorOut) -> flip_status {
    giveJSON(json, err) {
        switch try text(what, "what") {
        case "plan": return Plan.optionsSchema
        case "sample": return SampleOptions.table.schema(SampleOptions())
        case "csv": return csvSchema
        case "budget": return BudgetOptions.table.schema(BudgetOptions())
        case "domain": return DomainOptions.table.schema(DomainOptions())
        case "infer": return inferSchema
        case "arrow": return arrowSchema
        case "evaluate": return ReportOptions.table.schema(ReportOptions())
        default: throw Failure(.argument,
                               "what: must be \"plan\", \"sample\", \"csv\", \"arrow\", \"budget\", \"domain\", "
                                   + "\"infer\" or \"evaluate\"")
        }
    }
}

private let arrowSchema: JSON = [
    "invalid": ["default": "refuse", "range": "refuse | coerce", "unit": "",
                "help": "a bad cell is an error, or becomes missing or the nearest bound"],
    "extra": ["default": "refuse", "range": "refuse | ignore", "unit": "", "help": "columns the schema does not name"],
]

private let csvSchema: JSON = [
    "invalid": ["default": "refuse", "range": "refuse | coerce", "unit": "",
                "help": "a bad cell is an error, or becomes missing or the nearest bound (reading)"],
    "extra": ["default": "refuse", "range": "refuse | ignore", "unit": "",
              "help": "columns the schema does not name (reading)"],
    "person": ["default": nil, "range": "a column outside the schema", "unit": "",
               "help": "who a row belongs to; read, used to bound the rows of each person, forgotten (reading)"],
    "max_rows_per_person": ["default": nil, "range": "1 to 1024", "unit": "rows",
                            "help": .string("rows that are kept of one person, by a choice among that person's rows alone; "
                                + "goes with person and with the plan's max_rows_per_person (reading)")],
    "delimiter": ["default": ",", "range": ", | ; | tab | bar", "unit": "", "help": "what stands between two cells"],
]

private let inferSchema: JSON = [
    "levels": ["default": 1000, "range": "1 to 65534", "unit": "levels",
               "help": "the most levels that a column of texts may have"],
    "skip": ["default": [], "range": "[column, ...]", "unit": "", "help": "columns to leave out"],
    "delimiter": ["default": ",", "range": ", | ; | tab | bar", "unit": "",
                  "help": "what stands between two cells (CSV)"],
    "declared": ["default": false, "range": "true | false", "unit": "",
                 "help": .string("the texts are levels that were declared, in order, whether a row has them or not "
                     + "(flip_schema_infer_strings)")],
]

@_cdecl("flip_file_check")
public func flip_file_check(_ path: UnsafePointer<CChar>?, _ json: HandleOut, _ err: ErrorOut) -> flip_status {
    giveObject(json, err) { try checkFile(text(path, "path")) }
}

@_cdecl("flip_build_info")
public func flip_build_info(_ json: HandleOut, _ err: ErrorOut) -> flip_status {
    giveObject(json, err) {
        let hdf5 = hdf5Versions()
        return ["version": .string("\(version.major).\(version.minor).\(version.patch)"), "compiler": .string(compiler),
                "architecture": .string(architecture), "kernels": .string(Kernels.current.name),
                "processors": .int(Int64(Workers.available)),
                    "hdf5": ["compiled": .string(hdf5.compiled), "loaded": .string(hdf5.loaded)]]
    }
}

private var compiler: String {
    #if compiler(>=6.4)
    "Swift 6.4 or later"
    #elseif compiler(>=6.3)
    "Swift 6.3"
    #else
    "Swift 6.0 to 6.2"
    #endif
}

private var architecture: String {
    #if arch(x86_64)
    "x86_64"
    #elseif arch(arm64)
    "aarch64"
    #else
    "other"
    #endif
}
