// What the library says about itself, and about a file.

import Basics
import CFlip

@_cdecl("flip_version")
public func flip_version() -> UInt32 { UInt32(1 * 1_000_000 + 0 * 1_000 + 0) }

/// Static text in the order of the numbers.
private let statusNames: [StaticString] = [
    "FLIP_OK", "FLIP_E_ARG", "FLIP_E_STATE", "FLIP_E_SCHEMA", "FLIP_E_IO", "FLIP_E_FORMAT", "FLIP_E_VERSION", "FLIP_E_BUDGET",
    "FLIP_E_CANCELLED", "FLIP_E_NOMEM", "FLIP_E_NUMERIC", "FLIP_E_ENTROPY", "FLIP_E_UNSUPPORTED", "FLIP_E_INTERNAL",
]

@_cdecl("flip_status_name")
public func flip_status_name(_ status: flip_status) -> UnsafePointer<CChar>? {
    let unknown: StaticString = "FLIP_E_UNKNOWN"
    let name = statusNames.indices.contains(Int(status)) ? statusNames[Int(status)] : unknown
    return UnsafeRawPointer(name.utf8Start).assumingMemoryBound(to: CChar.self)
}
