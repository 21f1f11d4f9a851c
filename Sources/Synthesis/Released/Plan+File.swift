// A plan in files, and whether a ledger that was read is the one of the plan.

import Basics
import Privacy
import Storage

extension Plan {
    func write(to root: GroupWriter) throws {
        try root.string("schema", declared.json)
        try root.string("plan", json.text)
    }

    static func read(from root: GroupReader) throws -> Plan {
        let plan = try Plan(json: asFormat("plan") { try JSON.parse(root.string("plan")) })
        guard try plan.declared.json == root.string("schema") else {
            throw Failure(.format, "the schema is not the plan's")
        }
        return plan
    }
}

extension Plan {
    /// Whether `ledger` holds what this plan releases in its first `done` steps.
    /// - Throws: `.format` when a release is missing, unknown, or of another rate or noise.
    func check(_ ledger: Ledger, statistics: Statistics?, done: Int) throws {
        let wrong = Failure(.format, "the ledger's releases are not those of the plan")
        guard let statistics else {
            guard ledger.releases.allSatisfy({ $0.name == stages.first?.id.name && $0.rho == nil }) else { throw wrong }
            return
        }
        func same(_ x: Double, _ y: Double) -> Bool { abs(x - y) <= 1e-9 * y }
        let sampled = try batches(statistics.groupRows)
        var left = done
        for stage in stages {
            defer { left -= stage.steps }
            let own = ledger.releases.filter { $0.name == stage.id.name }, count = own.reduce(0) { $0 + $1.count }
            let rates: [Double], sigmas: [Double]
            switch stage.release {
            case .zeroConcentrated(let rho):
                guard own.allSatisfy({ same($0.rho ?? -1, rho) }) else { throw wrong }
                (rates, sigmas) = ([], [])
            case .gaussian(let noise, _):
                (rates, sigmas) = (releasedGroups.map { _ in 1 }, releasedGroups.map { _ in noise })
            case nil:
                guard let b = sampled.first(where: { $0.stage == stage.id }) else {
                    guard own.isEmpty else { throw wrong }
                    continue
                }
                (rates, sigmas) = (b.rates, b.multipliers)
            }
            guard count <= stage.steps, count >= min(max(left, 0), stage.steps) else { throw wrong }
            if rates.isEmpty { continue }
            guard own.allSatisfy({ r in
                r.rho == nil && r.groups.indices.allSatisfy {
                    same(r.groups[$0].samplingRate, rates[$0]) && same(r.groups[$0].noiseMultiplier, sigmas[$0])
                }
            }) else { throw wrong }
        }
        guard ledger.releases.allSatisfy({ r in stages.contains { $0.id.name == r.name } }) else { throw wrong }
    }
}
