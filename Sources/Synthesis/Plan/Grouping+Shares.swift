// Shares of groups that options mention: which names are known, and by what shares protected columns are drawn.

import Basics
import Tables

extension Grouping {
    /// Names and shares of groups that options mention.
    /// - Throws: `.argument`.
    func check(_ f: FairnessSettings, schema: Schema) throws {
        func known(_ name: String, _ key: String) throws {
            guard names.contains(name) else {
                throw Failure(.argument,
                              "config, fairness \(key) \(quoted(name)): not a group; groups are "
                                  + "\(names.prefix(4).map(quoted).joined(separator: ", "))\(count > 4 ? ", …" : "")")
            }
        }
        for name in f.shares.keys.sorted() { try known(name, "shares") }
        guard f.shares.values.reduce(0, +) <= 1 + 1e-6 else {
            throw Failure(.argument, "config, fairness shares: add up to more than 1")
        }
        switch f.draw {
        case .released, .uniform: break
        case .joint(let shares): for name in shares.keys.sorted() { try known(name, "draw") }
        case .columns(let columns):
            for (name, shares) in columns.sorted(by: { $0.key < $1.key }) {
                guard let axis = axes.first(where: { schema.fields[$0.column].name == name }) else {
                    throw Failure(.argument, "config, fairness draw \(quoted(name)): not a protected column")
                }
                for part in shares.keys.sorted() where !axis.parts.contains(part) {
                    throw Failure(.argument,
                                  "config, fairness draw \(quoted(name)): \(quoted(part)) is not one of its parts")
                }
            }
        }
    }

    /// Running sums of the shares that groups are drawn by. `counts`: released, may be negative.
    func drawShares(_ draw: FairnessSettings.Draw, counts: [Double], schema: Schema) -> [Double] {
        let positive = counts.map { max($0, 0) }, total = positive.reduce(0, +)
        let released = total > 0 ? positive.map { $0 / total } : counts.map { _ in 1 / Double(count) }
        let shares: [Double]
        switch draw {
        case .released: shares = released
        case .uniform: shares = counts.map { _ in 1 / Double(count) }
        case .joint(let given): shares = names.map { given[$0] ?? 0 }
        case .columns(let given):
            shares = products(axes.indices.map { a in
                given[schema.fields[axes[a].column].name].map { own in axes[a].parts.map { own[$0] ?? 0 } }
                    ?? marginal(released, axis: a)
            })
        }
        var sum = 0.0
        return shares.map { sum += $0; return sum }
    }
}
