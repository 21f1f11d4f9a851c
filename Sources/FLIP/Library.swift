// What the library says about itself, and about a file.

import Basics
import Budgets
import CFlip
import Compute
import Evaluation
import Storage
import Synthesis
import Tables

/// The three numbers of the library's version.
let version: (major: UInt32, minor: UInt32, patch: UInt32) = {
    let parts = libraryVersion.split(separator: ".").map { UInt32($0) ?? 0 }
    return parts.count == 3 ? (parts[0], parts[1], parts[2]) : (0, 0, 0)
}()

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
        case "csv": return CSVOptions.table.schema(CSVOptions())
        case "budget": return BudgetOptions.table.schema(BudgetOptions())
        case "domain": return DomainOptions.table.schema(DomainOptions())
        case "infer": return InferOptions.table.schema(InferOptions())
        case "arrow": return ArrowOptions.table.schema(ArrowOptions())
        case "cells": return CellOptions.table.schema(CellOptions())
        case "evaluate": return ReportOptions.table.schema(ReportOptions())
        case "remote": return RemoteOptions.table.schema(RemoteOptions())
        case "estimate": return EstimateOptions.table.schema(EstimateOptions())
        case "report": return ModelReportOptions.table.schema(ModelReportOptions())
        default: throw Failure(.argument,
                               "what: must be \"plan\", \"sample\", \"csv\", \"arrow\", \"cells\", \"budget\", "
                                   + "\"domain\", \"infer\", \"evaluate\", \"remote\", \"estimate\" or \"report\"")
        }
    }
}

@_cdecl("flip_file_check")
public func flip_file_check(_ path: UnsafePointer<CChar>?, _ json: HandleOut, _ err: ErrorOut) -> flip_status {
    giveObject(json, err) { try checkFile(text(path, "path")) }
}

@_cdecl("flip_build_info")
public func flip_build_info(_ json: HandleOut, _ err: ErrorOut) -> flip_status {
    giveObject(json, err) {
        let hdf5 = hdf5Versions()
        return ["version": .string(libraryVersion), "compiler": .string(compiler),
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
