// Joint releases of all pairs of columns through the door, and the choice of 100 of them, on made-up rows: timed.

import Basics
import Compute
import Privacy

/// One release of all pairs of `columns` columns with `levels` codes each.
/// - Parameters:
///   - skew: nearly all rows in one cell.
///   - choice: 100 of the pairs are chosen instead.
/// - Returns: seconds of a release, its pairs and its cells.
func marginals(columns m: Int, levels: Int, rows n: Int, skew: Bool, choice: Bool, threads: Int, seconds: Double) throws
    -> (seconds: Double, pairs: Int, cells: Int) {
    let made = try PrivateTable(rows: n, cellCounts: Array(repeating: levels, count: m), groups: ["all"])
    var state: UInt64 = 1
    for t in 0..<m {
        try made.fill(column: t) { cells in
            for i in 0..<n {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                cells[i] = skew && state >> 60 != 0 ? 0 : UInt16((state >> 33) % UInt64(levels))
            }
        }
    }
    guard let budget = Budget(epsilon: 1e6, delta: 1e-5, order: 2) else { throw Failure(.internal, "no budget") }
    let door = try Door(table: made, budget: budget, ledger: Ledger(epsilon: 1e6, delta: 1e-5, order: 2),
                        random: SecureRandom())
    let identity = try Buffer<UInt16>(count: levels, for: "codes")
    for c in 0..<levels { identity[c] = UInt16(c) }
    let codes = (0..<m).map { _ in ColumnCodes(map: identity, count: levels) }
    let requests = (0..<m).flatMap { a in (a + 1..<m).map { MarginalRequest(columns: [a, $0]) } }
    let oneWay = try (0..<m).map { _ in try Buffer<Double>(count: levels, for: "counts") }
    func release() throws {
        guard !choice else {
            _ = try door.selectPairs(name: "choice", candidates: requests.map { ($0.columns[0], $0.columns[1]) },
                                     codes: codes, oneWay: oneWay, total: Double(n),
                                     standardDeviation: 100, count: 100, rho: 0.02, threads: threads)
            return
        }
        _ = try door.releaseMarginals(name: "pairs", requests: requests, codes: codes, noiseMultiplier: 5,
                                      threads: threads)
    }
    try release()
    var times = 0
    let start = monotonicSeconds()
    while times == 0 || monotonicSeconds() - start < seconds {
        try release()
        times += 1
    }
    return ((monotonicSeconds() - start) / Double(times), requests.count, requests.count * levels * levels)
}
