// What one row must be beside keeping the rules: tests of its columns, as masks of learned columns where one decides
// the tested column alone, and as tests of the declared row otherwise.

import Basics
import Tables

final class RowRequest: Sendable {
    /// Of each learned column; nil: all of it is left.
    let masks: [CellMask?]
    /// Learned columns with a mask, and where each column's weights start (`RowKeeper.starts`).
    let masked: [Int], starts: [Int?]
    /// Tests that no mask carries.
    let tests: [ColumnTest]
    /// All tests, for the finished row.
    let all: [ColumnTest]
    /// Running sums of the shares of groups that are left; nil where groups are not drawn apart or not tested.
    let groups: [Double]?

    /// - Throws: `.unsupported` when no value of a column is left.
    init(_ condition: Condition, _ keeper: RowKeeper) throws {
        all = condition.tests
        let shape = keeper.shape
        var masks = [CellMask?](repeating: nil, count: shape.sources.count), rest: [ColumnTest] = []
        for t in condition.tests {
            guard let place = shape.deciders[t.column].first, shape.deciders[t.column].count == 1,
                  masks[place] == nil, let learned = Self.learned(t, shape, place) else {
                rest.append(t)
                continue
            }
            masks[place] = CellMask(learned, keeper.grids[place], keeper.encoders[place], keeper.columns[place])
            if masks[place]?.isEmpty ?? false {
                throw Failure(.unsupported, "where: no generated row can meet it: column "
                    + quoted(shape.declared.fields[t.column].name))
            }
        }
        // Of two days that are both given the distance is given.
        for t in rest {
            guard let place = shape.sources.firstIndex(where: {
                if case .difference(t.column, _) = $0 { true } else { false }
            }), case .difference(_, let from) = shape.sources[place], let v = t.test.single,
                let start = condition.tests.first(where: { $0.column == from })?.test.single else { continue }
            masks[place] = CellMask(.values([v - start], missing: false), keeper.grids[place], keeper.encoders[place],
                                    keeper.columns[place])
        }
        (self.masks, tests) = (masks, rest)
        (masked, starts) = (masks.indices.filter { masks[$0] != nil }, keeper.starts)
        groups = keeper.groups(left: masks)
        if groups?.last == 0 { throw Failure(.unsupported, "where: no group of the protected columns meets it") }
    }

    /// The test of a declared column as one of the learned column that decides it; nil where it is none.
    private static func learned(_ t: ColumnTest, _ shape: RowShape, _ place: Int) -> ValueTest? {
        switch shape.sources[place] {
        case .plain: return shape.plain[t.column] == place ? t.test : nil
        case .flags(let flags):
            guard let own = flags.firstIndex(where: { $0.column == t.column }) else { return nil }
            let levels = shape.learned.fields[place].levels?.count ?? 0
            let left = (0..<levels).filter { t.test.holds($0 == own ? flags[own].set : flags[own].unset) }
            return .values(Set(left.map(Double.init)), missing: false)
        case .difference, .given: return nil
        }
    }

    func holds(_ x: UnsafePointer<Double>) -> Bool { all.allSatisfy { $0.test.holds(x[$0.column]) } }
}

extension ValueTest {
    /// The only value that meets the test; nil where there are more, or none.
    var single: Double? {
        switch self {
        case .values(let v, false, let reasons) where v.count == 1 && reasons.isEmpty: v.first
        case .range(let a, let b) where a == b: a
        default: nil
        }
    }
}
