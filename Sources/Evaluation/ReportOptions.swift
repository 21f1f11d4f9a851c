// What a host may ask of an evaluation: one table that reads, prints and describes it.

import Basics

package struct ReportOptions {
    package var protected: [String] = []
    package var target: String?
    /// The target's level that counts as "yes".
    package var positive: String?
    /// Columns within whose joint levels groups are compared for conditional parity.
    package var admissible: [String] = []
    /// Cuts of numerical protected and admissible columns, ascending.
    package var edges: [String: [Double]] = [:]
    /// False leaves out tasks and probes, for hosts that bring classifiers of their own.
    package var classifiers = true
    /// Worker threads; 0: as many as the process may use.
    package var threads = 0

    package init() {}

    /// - Throws: `.argument` naming the key.
    package init(_ json: JSON) throws { try Self.table.read(json, context: "evaluate", into: &self) }

    package static var table: OptionTable<ReportOptions> {
        OptionTable([
            .texts("protected", \.protected, range: "[names]",
                   help: "protected columns; groups are their joint levels"),
            .text("target", \.target, range: "a column that is not protected", help: "the task that is listed first"),
            .text("positive", \.positive, range: "a level of the target",
                  help: "the level that counts as yes; absent: the last in the order of texts"),
            .texts("admissible", \.admissible, range: "[names]",
                   help: "columns that may explain a difference: conditional parity compares groups within their "
                       + "joint levels"),
            Option("edges", range: "{column: [ascending numbers]}", unit: "the column's",
                   help: "cuts of numerical protected and admissible columns; absent: the real table's median",
                   read: { o, r in
                       guard let e = try r.optionalObject("edges") else { return }
                       for key in e.keys { o.edges[key] = try e.doubles(key) }
                       try e.finish()
                   },
                   write: { o in
                       .members(o.edges.sorted { $0.key < $1.key }.map { ($0.key,
                           .array($0.value.map { .number($0) })) })
                   }),
            Option("classifiers", range: "native | none", help: "none leaves out tasks and probes",
                   read: { o, r in o.classifiers = try r.optionalChoice("classifiers",
                       of: ["native", "none"]) != "none" },
                   write: { .string($0.classifiers ? "native" : "none") }),
            .whole("threads", \.threads, 0...1024, help: "worker threads; 0: as many as the process may use"),
        ])
    }
}
