// The ε at the head of what is shown of a ledger: what whoever holds the file has.

import Basics
import Privacy

extension Ledger {
    /// ε of everything that the file holds: the promise, or, where the schema was estimated under a budget, what schema
    /// and training cost together. At the ledger's δ.
    package var headline: Double { epsilonOfDomain.map { max($0.together, target) } ?? target }

    /// The ledger as hosts get it, with figures of risk: `epsilon` is the headline, and where that is not the
    /// training's alone `epsilon_of_training` stands beside it.
    /// - Throws: as `risk`.
    package func hostJSON() throws -> JSON {
        let json = try jsonWithRisk()
        guard domainRelease != nil, case .object(let own) = json else { return json }
        return .members(own.members.flatMap { m -> [(String, JSON)] in
            m.key == "epsilon" ? [("epsilon", .number(headline)), ("epsilon_of_training", m.value)] : [(m.key, m.value)]
        })
    }
}
