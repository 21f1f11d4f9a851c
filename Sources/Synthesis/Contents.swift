// What model files and checkpoints have in common: plan, ledger, released statistics and weights as HDF5 groups. Only values that
// the guarantee makes public are written: no row, true count, realised batch, time, generator state or file name. The container
// (format, version, digest, safe write, hostile reads) is Storage's.

import Basics
import Networks
import Privacy
import Storage

extension Plan {
    func write(to root: GroupWriter) throws {
        try root.string("schema", schema.json)
        try root.string("plan", json.text)
    }

    static func read(from root: GroupReader) throws -> Plan {
        let plan = try Plan(json: asFormat("plan") { try JSON.parse(root.string("plan")) })
        guard try plan.schema.json == root.string("schema") else { throw Failure(.format, "the schema is not the plan's") }
        return plan
    }
}

extension Ledger {
    /// The ledger as JSON, and its releases as a data frame that other tools open.
    func write(to root: GroupWriter) throws {
        try root.group("ledger") { g in
            try g.string("json", json.text)
            try g.attribute("epsilon", epsilon)
            try g.attribute("delta", delta)
            try g.attribute("order", order)
            try g.attribute("assumptions", assumptions)
            let lines = releases.flatMap { r in r.groups.map { (r, $0) } }
            try g.dataframe("events", [
                ("name", .strings(lines.map { $0.0.name })),
                ("mechanism", .strings(lines.map { _ in "poisson-sampled gaussian" })),
                ("group", .strings(lines.map { $0.1.group })),
                ("sampling_rate", .numbers(lines.map { $0.1.samplingRate })),
                ("noise_multiplier", .numbers(lines.map { $0.1.noiseMultiplier })),
                ("count", .integers(lines.map { Int64($0.0.count) })),
            ])
        }
    }

    static func read(from root: GroupReader, plan: Plan) throws -> Ledger {
        let ledger = try Ledger(json: asFormat("ledger") { try JSON.parse(root.group("ledger").string("json")) })
        guard ledger.target == plan.epsilon, ledger.delta == plan.delta, ledger.order == plan.budget.order, ledger.groups == [Plan.group],
              ledger.epsilon <= plan.epsilon * (1 + 1e-9) else { throw Failure(.format, "the ledger is not the plan's") }
        return ledger
    }
}

extension Statistics {
    func write(to root: GroupWriter, plan: Plan) throws {
        try root.group("released") { g in
            try g.attribute("noise_rows", plan.countDeviation)
            try g.tensor("group_counts", shape: [groupCounts.count], groupCounts)
            for (k, (h, r)) in zip(counts, plan.histograms).enumerated() {
                try g.tensor("histogram_\(k)", shape: [h.count], h, axes: "cells of column \(r.column) merged by \(r.divisor)")
            }
        }
    }

    static func read(from root: GroupReader, plan: Plan) throws -> Statistics {
        let g = try root.group("released")
        func array(_ name: String, _ n: Int) throws -> [Double] {
            let b = try g.tensor(name, shape: [n], as: Double.self)
            return Array(UnsafeBufferPointer(start: b.base, count: n))
        }
        let counts = try plan.histograms.enumerated().map { k, r in try array("histogram_\(k)", plan.grids[r.column].histogramSize(divisor: r.divisor)) }
        return try Statistics(plan: plan, counts: counts, groupCounts: array("group_counts", 1))
    }
}

extension Parameters {
    /// One dataset a tensor.
    func write(to group: GroupWriter) throws {
        for t in tensors { try group.tensor(t.name, shape: t.shape, UnsafePointer(base + t.offset)) }
    }

    /// Fills every tensor; each must be there with its shape, and be finite.
    func read(from group: GroupReader) throws {
        for t in tensors {
            try group.tensor(t.name, shape: t.shape, into: base + t.offset)
            for i in 0..<t.count where !(base + t.offset)[i].isFinite { throw Failure(.format, "weights \(t.name): a value is not finite") }
        }
    }
}

/// Errors of a text inside a file are errors of the file.
func asFormat<R>(_ what: String, _ body: () throws -> R) throws -> R {
    do { return try body() } catch let f as Failure where f.code != .noMemory { throw Failure(.format, "\(what): \(f.message)") }
}
