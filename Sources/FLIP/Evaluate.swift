// flip_evaluate: figures that are not private.

import Basics
import CFlip
import Evaluation
import Tables

@_cdecl("flip_evaluate")
public func flip_evaluate(_ real: OpaquePointer?, _ synthetic: OpaquePointer?, _ holdout: OpaquePointer?,
                          _ config: UnsafePointer<CChar>?,
                          _ json: HandleOut, _ err: ErrorOut) -> flip_status {
    giveObject(json, err) {
        let real = try complete(real), synthetic = try complete(synthetic), holdout = try holdout.map {
            try complete($0)
        }
        return try Report(real: real, synthetic: synthetic, holdout: holdout,
                          options: ReportOptions(configuration(config))).json
    }
}
