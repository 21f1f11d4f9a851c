// Reads the attributes of a column that change what its cells mean: units, marks for missing cells, scales.
// A mark is obeyed, or the column is refused by name. It is never passed over.
//
//   attribute                    written by              meaning here
//   units, calendar              CF conventions, netCDF  what a time counts; the Gregorian calendar alone
//   scale_factor, add_offset     CF conventions, netCDF  refused unless they change nothing (1 and 0)
//   _FillValue, missing_value    CF conventions, netCDF  numbers equal to it are missing; NaN says nothing new
//   _Unsigned                    netCDF                  refused when true
//   rhdf5-NA.OK                  rhdf5                   the least 32-bit (64-bit) integer is missing
//   storage.mode = "logical"     rhdf5                   8-bit 0 and 1 are booleans, -128 is missing
//   as.na                        rhdf5                   the text "NA" is missing
//   categories                   AnnData before 0.8      see Frame.swift; refused elsewhere

import Basics

struct ColumnMarks {
    /// What numbers count, for times.
    let unit: TimeUnit?
    /// Numbers that stand for a missing cell.
    let missing: [Double]
    /// The least integer of the type stands for a missing cell.
    let leastIsMissing: Bool
    let isLogical: Bool
    /// The text "NA" stands for a missing cell.
    let textNAIsMissing: Bool

    /// The marks of the column `object`, a data set or group.
    /// - Throws: `.format` naming the attribute that is not understood.
    init(_ object: ObjectAttributes) throws {
        for (name, neutral) in [("scale_factor", 1.0), ("add_offset", 0.0)] where object.has(name) {
            guard try object.number(name) == neutral else {
                throw object.failure("has the attribute \(quoted(name)), which is not applied: store the values "
                    + "that are meant")
            }
        }
        if object.has("_Unsigned"), try object.text("_Unsigned").lowercased() != "false" {
            throw object.failure("has the attribute \"_Unsigned\", which is not applied: store unsigned "
                + "integers as such")
        }
        if object.has("calendar") {
            let calendar = try object.text("calendar").lowercased()
            guard ["standard", "gregorian", "proleptic_gregorian"].contains(calendar) else {
                throw object.failure("counts time in a calendar that is not supported: expected "
                    + " \"proleptic_gregorian\" or \"standard\"")
            }
        }
        var missing: [Double] = []
        for name in ["_FillValue", "missing_value"] where object.has(name) {
            guard let value = try object.number(name) else {
                throw object.failure("has an attribute \(quoted(name)) that is not one number: store missing "
                    + "cells as AnnData does")
            }
            guard !value.isNaN else { continue }
            // Beyond 2^53 a double may stand for several integers.
            guard value.magnitude <= 0x1p53 else {
                throw object.failure("has an attribute \(quoted(name)) beyond 2^53, which is not read")
            }
            missing.append(value)
        }
        self.missing = missing
        leastIsMissing = object.has("rhdf5-NA.OK")
        isLogical = try object.has("storage.mode") && object.text("storage.mode") == "logical"
        textNAIsMissing = object.has("as.na")
        unit = try object.has("units") ? TimeUnit(object.text("units")) : nil
    }

    /// The integers of `type` that stand for a missing cell.
    func missingIntegers(_ type: NumberType) -> Set<Int64> {
        var out = Set(missing.compactMap { Int64(exactly: $0) })
        if leastIsMissing, type == .int32 { out.insert(Int64(Int32.min)) }
        if leastIsMissing, type == .int64 { out.insert(.min) }
        return out
    }

    func isMissing(_ text: UnsafeBufferPointer<UInt8>) -> Bool { textNAIsMissing && text.elementsEqual("NA".utf8) }
}
