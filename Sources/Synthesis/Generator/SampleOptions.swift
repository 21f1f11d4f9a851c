// What a host may ask for when it samples: one table that reads, prints and describes it.

import Basics

package struct SampleOptions {
    /// Which endless table; nil: fresh randomness of the system.
    package var seed: UInt64?
    /// Worker threads; 0: as many as the process may use.
    package var threads = 0
    /// A condition that every row meets (`Condition`), or a list of requests (`SampleRequest`); nil: none.
    package var condition: JSON?
    /// Rows as a stage leaves them; nil: the generator's.
    package var stage: Model.IntermediateStage?

    package init() {}

    /// - Throws: `.argument` naming the key.
    package init(_ json: JSON) throws { try Self.table.read(json, context: "sample", into: &self) }

    package static var table: OptionTable<SampleOptions> {
        let stages = Model.IntermediateStage.allCases.map(\.rawValue)
        return OptionTable([
            Option("seed", range: "0 to 2^63 - 1",
                   help: "which endless table; without it fresh randomness of the system",
                   read: { o, r in if let v = try r.optionalInt64("seed", in: 0...Int64.max) { o.seed = UInt64(v) } },
                   write: { $0.seed.map { .int(Int64(clamping: $0)) } ?? .null }),
            .whole("threads", \.threads, 0...1024, help: "worker threads; 0: as many as the process may use"),
            Option("where",
                   range: #"{column: value | [values] | {"minimum": x, "maximum": y}} | [{"where": ..., "rows": n}]"#,
                   help: "what every row must meet; null: missing. A list: several conditions with a row count each",
                   read: { o, r in o.condition = r.optional("where") },
                   write: { $0.condition ?? .null }),
            Option("stage", range: stages.joined(separator: " | "),
                   help: "preset best: rows as this stage leaves them, to compare with; without it the finished "
                       + "generator's",
                   read: { o, r in
                       let name = try r.optionalChoice("stage", of: stages)
                       o.stage = name.flatMap { Model.IntermediateStage(rawValue: $0) }
                   },
                   write: { $0.stage.map { .string($0.rawValue) } ?? .null }),
        ])
    }
}
