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
            try g.attribute("epsilon", target)
            try g.attribute("spent", epsilon)
            try g.attribute("delta", delta)
            try g.attribute("order", order)
            try g.attribute("assumptions", assumptions)
            try g.dataframe("events", events)
        }
    }

    static func read(from root: GroupReader, plan: Plan) throws -> Ledger {
        let ledger = try Ledger(json: asFormat("ledger") { try JSON.parse(root.group("ledger").string("json")) })
        guard ledger.budget == plan.budget, ledger.groups == plan.groups,
              plan.assumptions.allSatisfy(ledger.assumptions.contains), ledger.purchase?.run == plan.schema.purchase?.run,
              ledger.releases.allSatisfy({ $0.selection == nil }) else { throw Failure(.format, "the ledger is not the plan's") }
        // The data frame is what others recompute ε from: it must say the same.
        guard try root.group("ledger").dataframe("events", ledger.columns) == ledger.events.map(\.1) else { throw Failure(.format, "the ledger's events are not its releases") }
        return ledger
    }

    /// Files without a zCDP release have no column `rho`.
    private var hasRho: Bool { releases.contains { $0.rho != nil } }
    private var columns: [(String, FrameColumn.Kind)] {
        [("name", .strings), ("mechanism", .strings), ("group", .strings), ("sampling_rate", .numbers), ("noise_multiplier", .numbers), ("count", .integers)]
            + (hasRho ? [("rho", .numbers)] : [])
    }

    /// One line for each release and group. A ρ-zCDP release has the rate and noise of the Gaussian with the same divergences at all
    /// orders, 1 and (2ρ)^(−1/2), and its ρ; the others' is 0.
    private var events: [(String, FrameColumn)] {
        let lines = releases.flatMap { r in
            groups.indices.map { g in (r, r.rho.map { Share(group: groups[g], samplingRate: 1, noiseMultiplier: 1 / (2 * $0).squareRoot()) } ?? r.groups[g]) }
        }
        return [("name", .strings(lines.map { $0.0.name })), ("mechanism", .strings(lines.map { $0.0.rho == nil ? "poisson-sampled gaussian" : "zcdp" })),
                ("group", .strings(lines.map { $0.1.group })), ("sampling_rate", .numbers(lines.map { $0.1.samplingRate })),
                ("noise_multiplier", .numbers(lines.map { $0.1.noiseMultiplier })), ("count", .integers(lines.map { Int64($0.0.count) }))]
            + (hasRho ? [("rho", .numbers(lines.map { $0.0.rho ?? 0 }))] : [])
    }
}

extension Plan {
    /// Whether `ledger` holds what this plan releases in its first `done` steps.
    /// - Throws: `.format` when a release is missing, unknown, or of another rate or noise.
    func check(_ ledger: Ledger, statistics: Statistics?, done: Int) throws {
        let wrong = Failure(.format, "the ledger's releases are not those of the plan")
        guard let statistics else {
            guard ledger.releases.allSatisfy({ $0.name == Stage.histograms.name && $0.rho == nil }) else { throw wrong }
            return
        }
        let sampled = try batches(statistics.groupRows)
        var left = done
        for (stage, steps) in zip(Stage.allCases, self.steps) {
            defer { left -= steps }
            let own = ledger.releases.filter { $0.name == stage.name }, count = own.reduce(0) { $0 + $1.count }
            func same(_ x: Double, _ y: Double) -> Bool { abs(x - y) <= 1e-9 * y }
            var rates = groups.map { _ in 1.0 }, sigmas = rates
            switch stage {
            case .histograms: sigmas = groups.map { _ in histogramNoise }
            case .marginals: sigmas = groups.map { _ in marginalNoise }
            case .selection: break
            default:
                guard let b = sampled.first(where: { $0.stage == stage }) else {
                    guard own.isEmpty else { throw wrong }
                    continue
                }
                (rates, sigmas) = (b.rates, b.multipliers)
            }
            guard count <= steps, count >= min(max(left, 0), steps) else { throw wrong }
            if stage == .selection {
                guard own.allSatisfy({ same($0.rho ?? -1, selectionRho) }) else { throw wrong }
            } else {
                guard own.allSatisfy({ r in r.rho == nil && r.groups.indices.allSatisfy { same(r.groups[$0].samplingRate, rates[$0]) && same(r.groups[$0].noiseMultiplier, sigmas[$0]) } })
                else { throw wrong }
            }
        }
        guard ledger.releases.allSatisfy({ r in Stage.allCases.contains { $0.name == r.name } }) else { throw wrong }
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
        let counts = try plan.histograms.enumerated().map { k, r in
            try g.tensor("histogram_\(k)", shape: [plan.grids[r.column].histogramSize(divisor: r.divisor)], as: Double.self)
        }
        return try Statistics(plan: plan, counts: counts, groupCounts: Array(g.tensor("group_counts", shape: [plan.groups.count], as: Double.self)))
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
