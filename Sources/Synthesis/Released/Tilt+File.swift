// Tilts as they lie in model files.

import Basics
import Projection
import Storage

extension HeadTilt {
    private static let name = "head_theta"

    static func isIn(_ g: GroupReader) -> Bool { g.has(name) }

    func write(to g: GroupWriter) throws {
        let theta = try values()
        try g.tensor(Self.name, shape: [theta.count], theta,
                     axes: "cells of the marginals that heads are tilted to, in the order of their release; the "
                         + "one-way shares first")
        try g.attribute("distance", distance)
    }

    /// - Parameters: levels: of the heads. columns: heads of each table, ascending.
    static func read(from g: GroupReader, levels: [Int], columns: [[Int]]) throws -> HeadTilt {
        let size = columns.reduce(0) { $0 + $1.reduce(1) { $0 * levels[$1] } }
        return try HeadTilt(levels: levels, columns: columns, theta: g.tensor(name, shape: [size], as: Float.self),
                            distance: g.attributeDouble("distance"))
    }
}

extension RowTilt {
    func write(to g: GroupWriter) throws {
        try g.tensor("theta", shape: [theta.count], theta,
                     axes: "cells of the marginals it was fitted to, in the order of their release; the one-way "
                         + "shares first")
        for (name, value) in [("offset", Double(offset)), ("cap", Double(cap)), ("effective_share", effectiveShare),
                              ("acceptance_rate", acceptanceRate),
                              ("truncated", truncated), ("distinct_share", distinctShare)] { try g.attribute(name,
                                  value) }
    }

    static func read(from g: GroupReader, levels: [Int], columns: [[Int]]) throws -> RowTilt {
        func share(_ name: String) throws -> Double {
            let x = try g.attributeDouble(name)
            guard x >= 0, x <= 1 else { throw Failure(.format, "tilt: \(name) is out of range") }
            return x
        }
        let size = columns.reduce(0) { $0 + $1.reduce(1) { $0 * levels[$1] } }
        return try RowTilt(levels: levels, columns: columns, theta: g.tensor("theta", shape: [size], as: Float.self),
                           offset: Float(g.attributeDouble("offset")), cap: Float(g.attributeDouble("cap")),
                           effectiveShare: share("effective_share"), acceptanceRate: share("acceptance_rate"),
                           truncated: share("truncated"), distinctShare: share("distinct_share"))
    }
}
