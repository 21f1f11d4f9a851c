// What model files and checkpoints have in common: plan, ledger, released statistics and weights as HDF5 groups. Only
// values that the guarantee makes public are written: no row, true count, realised batch, time, generator state or file
// name. The container (format, version, digest, safe write, hostile reads) is Storage's.

import Basics
import Networks
import Privacy
import Storage

extension Plan {
    /// Keeps the pairs that a private selection chose.
    func write(pairs: [[Int]]?, to root: GroupWriter) throws {
        guard selects, let pairs else { return }
        try root.tensor("selected_pairs", shape: [pairs.count, 2], pairs.flatMap { $0.map { Int32($0) } },
                        axes: "pairs by places of columns")
    }

    /// The pairs whose marginals were released: all, or those that were kept.
    func readPairs(_ root: GroupReader) throws -> [[Int]] {
        guard selects else { return allPairs }
        let p = try root.tensor("selected_pairs", shape: [selectedPairs, 2], as: Int32.self), m = schema.fields.count
        let pairs = (0..<selectedPairs).map { [Int(p[2 * $0]), Int(p[2 * $0 + 1])] }
        guard pairs.allSatisfy({ $0[0] >= 0 && $0[0] < $0[1] && $0[1] < m }), Set(pairs).count == pairs.count else {
            throw Failure(.format, "selected pairs: not of these columns")
        }
        return pairs
    }
}

extension Ledger {
    /// The ledger as JSON, and its releases as a data frame that other tools open.
    /// - Parameter risk: whether the JSON has the figures of risk, which cost time.
    func write(to root: GroupWriter, risk: Bool) throws {
        try root.group("ledger") { g in
            try g.string("json", risk ? jsonWithRisk().text : json.text)
            try g.attribute("epsilon", target)
            try g.attribute("spent", epsilon)
            try g.attribute("delta", delta)
            try g.attribute("order", order)
            try g.attribute("assumptions", assumptions)
            try g.dataframe("events", events)
        }
    }

    static func read(from root: GroupReader, plan: Plan) throws -> Ledger {
        var ledger = try Ledger(json: asFormat("ledger") { try JSON.parse(root.group("ledger").string("json")) })
        guard ledger.budget == plan.budget, ledger.groups == plan.releasedGroups,
              plan.assumptions.allSatisfy(ledger.assumptions.contains),
                  ledger.domainRelease?.run == plan.declared.domainRelease?.run,
              ledger.releases.allSatisfy({ $0.selection == nil }), ledger.accountant == plan.accountant else {
                  throw Failure(.format, "the ledger is not the plan's")
              }
        // The data frame is what others recompute ε from: it must say the same.
        guard try root.group("ledger").dataframe("events", ledger.columns) == ledger.events.map(\.1) else {
            throw Failure(.format, "the ledger's events are not its releases")
        }
        if let constants = plan.constants {
            do { try ledger.admit(by: constants) } catch { throw Failure(.format, "the ledger is not the plan's") }
        }
        return ledger
    }

    /// Files without a zCDP release have no column `rho`.
    private var hasRho: Bool { releases.contains { $0.rho != nil } }
    private var columns: [(String, FrameColumn.Kind)] {
        [("name", .strings), ("mechanism", .strings), ("group", .strings), ("sampling_rate", .numbers),
         ("noise_multiplier", .numbers), ("count", .integers)]
            + (hasRho ? [("rho", .numbers)] : [])
    }

    /// One line for each release and group. A ρ-zCDP release has the rate and noise of the Gaussian with the same
    /// divergences at all orders, 1 and (2ρ)^(−1/2), and its ρ; the others' is 0.
    private var events: [(String, FrameColumn)] {
        var names: [String] = [], mechanisms: [String] = [], places: [String] = [], counts: [Int64] = []
        var rates: [Double] = [], noises: [Double] = [], rhos: [Double] = []
        for r in releases {
            let rho = r.rho, shares = r.groups
            for g in groups.indices {
                names.append(r.name)
                mechanisms.append(rho == nil ? "poisson-sampled gaussian" : "zcdp")
                places.append(groups[g])
                rates.append(rho == nil ? shares[g].samplingRate : 1)
                noises.append(rho.map { 1 / (2 * $0).squareRoot() } ?? shares[g].noiseMultiplier)
                counts.append(Int64(r.count))
                rhos.append(rho ?? 0)
            }
        }
        var frame: [(String, FrameColumn)] = [
            ("name", .strings(names)), ("mechanism", .strings(mechanisms)), ("group", .strings(places)),
            ("sampling_rate", .numbers(rates)), ("noise_multiplier", .numbers(noises)), ("count", .integers(counts)),
        ]
        if hasRho { frame.append(("rho", .numbers(rhos))) }
        return frame
    }
}

extension Statistics {
    func write(to root: GroupWriter, plan: Plan) throws {
        try root.group("released") { g in
            try g.attribute("noise_rows", plan.countStandardDeviation)
            try g.tensor("group_counts", shape: [releasedGroupCounts.count], releasedGroupCounts)
            for (k, (h, r)) in zip(counts, plan.histograms).enumerated() {
                try g.tensor("histogram_\(k)", shape: [h.count], h,
                             axes: "cells of column \(r.column) merged by \(r.divisor)")
            }
        }
    }

    static func read(from root: GroupReader, plan: Plan) throws -> Statistics {
        let g = try root.group("released")
        let counts = try plan.histograms.enumerated().map { k, r in
            try g.tensor("histogram_\(k)", shape: [plan.grids[r.column].histogramSize(divisor: r.divisor)],
                         as: Double.self)
        }
        return try Statistics(plan: plan, counts: counts,
                              groupCounts: Array(g.tensor("group_counts", shape: [plan.releasedGroups.count],
                                                          as: Double.self)))
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
            for i in 0..<t.count where !(base + t.offset)[i].isFinite {
                throw Failure(.format, "weights \(t.name): a value is not finite")
            }
        }
    }
}
