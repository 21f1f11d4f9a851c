// The exponential tilt of a row's columns, one after another, towards released marginals.
// Heads give the probabilities p_t of column t. The tilt multiplies them, given the columns drawn before:
//
//     P(x_t | x_1 ... x_{t-1})  ∝  p_t[x_t] exp(Σ_k θ_k[cell of x_1 ... x_t in table k])
//
// The sum is over the tables whose last column is t. So each table of two columns is met by the later one's conditional
// (the change of it with maximum entropy), a row is accepted as it is drawn, and its probability is known. How θ is
// fitted is in HeadTiltFit.swift.

import Basics
import Compute
import Glibc

package final class HeadTilt: Sendable {
    /// Levels of the heads.
    package let levels: [Int]
    /// Heads of each table, ascending.
    package let columns: [[Int]]
    /// Of generated tables from the marginals they are to meet: the root of the mean squared difference of a cell, in
    /// standard deviations of its noise.
    package let distance: Double
    /// Rows of all tables one after another, each padded to whole blocks of 16: [Σ cells of the earlier columns][padded
    /// levels of the last].
    let theta: Buffer<Float>
    let layout: HeadTiltLayout

    /// A tilt that was fitted before.
    /// - Parameter theta: of all tables one after another, each row-major over its columns.
    /// - Throws: `.format` when theta does not fit the columns or is not finite; `.noMemory`.
    package init(levels: [Int], columns: [[Int]], theta given: Buffer<Float>, distance: Double) throws {
        (self.levels, self.columns, self.distance) = (levels, columns, distance)
        layout = try HeadTiltLayout(levels: levels, columns: columns)
        guard given.count == layout.cells, given.allSatisfy({ abs($0) <= 1e4 }), distance >= 0, distance.isFinite else {
            throw Failure(.format, "tilt: not of these columns")
        }
        theta = try Buffer(count: layout.size, for: "a tilt")
        layout.spread(given, into: theta)
    }

    init(_ layout: HeadTiltLayout, columns: [[Int]], padded: Buffer<Float>, distance: Double) {
        (levels, self.columns, self.layout, theta) = (layout.bins.levels, columns, layout, padded)
        self.distance = distance
    }

    /// theta as `init` takes it.
    package func values() throws -> Buffer<Float> {
        let out = try Buffer<Float>(count: layout.cells, for: "a tilt")
        layout.gather(theta, into: out)
        return out
    }

    /// Cells of a table of two or three heads, ascending, that no row can be in; row-major.
    package struct Bar: Sendable {
        package let heads: [Int], impossible: [Bool]
        package init(heads: [Int], impossible: [Bool]) { (self.heads, self.impossible) = (heads, impossible) }
    }
    /// θ of such a cell: it is drawn where nothing else is left, and a row that holds it is then drawn again.
    static let never: Float = -1e3

    /// `tilt`, or none, such that a head has no level left that is impossible beside what was drawn before it.
    /// - Throws: `.format` when a bar does not fit the levels, `.noMemory`.
    package static func barring(_ bars: [Bar], levels: [Int], tilt: HeadTilt?) throws -> HeadTilt {
        let columns = (tilt?.columns ?? []).adding(bars), layout = try HeadTiltLayout(levels: levels, columns: columns)
        let theta = try Buffer<Float>(count: layout.size, for: "a tilt")
        if let tilt { theta.base.update(from: tilt.theta.base, count: tilt.theta.count) }
        for places in try layout.places(of: bars, columns) { for i in places { theta[i] = never } }
        return HeadTilt(layout, columns: columns, padded: theta, distance: tilt?.distance ?? 0)
    }

    /// Whether head t has tables.
    package func tilts(_ t: Int) -> Bool { !layout.parts[t].isEmpty }

    /// The weights of head t given the levels of the heads before it: weights · exp(Σ θ). [levels] numbers each.
    package func weigh(_ t: Int, _ weights: UnsafePointer<Float>, level: (Int) -> Int,
                       into out: UnsafeMutablePointer<Float>) {
        let K = levels[t]
        for b in 0..<K { out[b] = 0 }
        for part in layout.parts[t] {
            let row = theta.base + part.parents.reduce(Int(part.start)) { $0 + level($1.column) * Int($1.step) }
            for b in 0..<K { out[b] += row[b] }
        }
        var most = -Float.infinity
        for b in 0..<K where weights[b] > 0 { most = max(most, out[b]) }
        for b in 0..<K { out[b] = weights[b] > 0 ? weights[b] * exp(out[b] - most) : 0 }
    }

    /// Draws every column of one block of rows, in lanes.
    /// - Parameters:
    ///   - logits: [Σ levels] vectors, overwritten.
    ///   - uniforms: [columns] vectors in [0, 1).
    ///   - labels: [columns] vectors, written.
    package func draw(_ logits: UnsafeMutablePointer<Float>, uniforms: UnsafePointer<Float>,
                      labels: UnsafeMutablePointer<Int32>, _ memory: RowPickMemory) {
        let kernels = memory.kernels, W = kernels.lanes
        for t in levels.indices {
            let x = logits + layout.bins.first[t] * W
            layout.add(theta, of: t, labels, to: x, memory)
            kernels.drawLevel(x, uniforms + t * W, labels + t * W, levels[t])
        }
    }
}

/// One worker's memory for sums of rows that every lane picks from tables.
package final class RowPickMemory {
    let kernels: Kernels
    /// Where the rows begin, pick by pick.
    let starts: Buffer<Int32>
    let rows: Buffer<Float>

    /// - Parameters:
    ///   - picks: rows that one lane adds up at most.
    ///   - widest: most numbers of a row.
    init(picks: Int, widest: Int, kernels: Kernels) throws {
        self.kernels = kernels
        starts = try Buffer(count: max(1, picks) * kernels.lanes, for: "rows of tables")
        rows = try Buffer(count: kernels.rowMemory(widest), for: "rows of tables")
    }

    /// For draws by a tilt of tables of these columns.
    package convenience init(levels: [Int], columns: [[Int]], kernels: Kernels = .current) throws {
        var most = [Int](repeating: 0, count: levels.count)
        for c in columns { if let t = c.last { most[t] += 1 } }
        try self.init(picks: most.max() ?? 0, widest: levels.max() ?? 1, kernels: kernels)
    }
}

/// Where the rows of a tilt's tables lie.
struct HeadTiltLayout: Sendable {
    /// One table of a head: where it starts, and its earlier columns with the distance between their levels.
    struct Part: Sendable { let start: Int32, parents: [(column: Int, step: Int32)] }
    let bins: LevelLayout
    /// Tables whose last column is t.
    private(set) var parts: [[Part]]
    /// Start of every table, its rows, and the levels of its last column.
    private(set) var tables: [(start: Int, rows: Int, width: Int)] = []
    /// Numbers with padding, and without.
    private(set) var size = 0, cells = 0

    init(levels: [Int], columns: [[Int]]) throws {
        bins = LevelLayout(levels)
        parts = levels.map { _ in [] }
        for c in columns {
            guard let t = c.last, c == Array(Set(c)).sorted(), (1...3).contains(c.count), t < levels.count else {
                throw Failure(.format, "tilt: not of these columns")
            }
            let width = Kernels.paddedRow(levels[t])
            var step = width, parents: [(column: Int, step: Int32)] = []
            for u in c.dropLast().reversed() {
                guard step <= Int(Int32.max) else { throw Failure(.format, "tilt: too many cells") }
                parents.append((u, Int32(step)))
                step *= levels[u]
            }
            guard size + step <= Int(Int32.max) else { throw Failure(.format, "tilt: too many cells") }
            parts[t].append(Part(start: Int32(size), parents: parents))
            tables.append((size, step / width, levels[t]))
            size += step
            cells += step / width * levels[t]
        }
    }

    /// Adds θ of every table of column t, at the levels drawn before it, to its logits x.
    /// - Returns: how many tables there are; where their rows begin stands in `memory.starts`.
    @discardableResult
    func add(_ theta: Buffer<Float>, of t: Int, _ labels: UnsafePointer<Int32>, to x: UnsafeMutablePointer<Float>,
             _ memory: RowPickMemory) -> Int {
        let count = starts(of: t, labels, memory)
        memory.kernels.addRows(theta.base, starts: memory.starts.base, count: count, to: x, memory: memory.rows.base,
                               levels: bins.levels[t])
        return count
    }

    /// Where the rows that each lane picks for column t begin, table by table. - Returns: how many there are.
    @inline(__always)
    private func starts(of t: Int, _ labels: UnsafePointer<Int32>, _ memory: RowPickMemory) -> Int {
        let W = memory.kernels.lanes, own = parts[t], out = memory.starts.base
        for (i, part) in own.enumerated() {
            let to = out + i * W
            for l in 0..<W { to[l] = part.start }
            for p in part.parents {
                let x = labels + p.column * W
                for l in 0..<W { to[l] &+= x[l] &* p.step }
            }
        }
        return own.count
    }

    /// Places, with padding, of the cells of each table that no row can be in. columns: of the tables.
    /// - Throws: `.format` when a bar does not fit its table.
    func places(of bars: [HeadTilt.Bar], _ columns: [[Int]]) throws -> [[Int]] {
        var out = [[Int]](repeating: [], count: tables.count)
        for bar in bars {
            guard let k = columns.firstIndex(of: bar.heads), case let t = tables[k],
                  bar.impossible.count == t.rows * t.width else {
                throw Failure(.format, "tilt: not of these columns")
            }
            let padded = Kernels.paddedRow(t.width)
            for (i, no) in bar.impossible.enumerated() where no {
                out[k].append(t.start + i / t.width * padded + i % t.width)
            }
        }
        return out
    }

    /// Numbers of all tables without padding, and with it.
    func spread(_ from: Buffer<Float>, into to: Buffer<Float>) { cells { to[$1] = from[$0] } }
    func gather(_ from: Buffer<Float>, into to: Buffer<Float>) { cells { to[$0] = from[$1] } }

    /// Every cell of every table: its place without padding, and with it.
    private func cells(_ body: (_ packed: Int, _ padded: Int) -> Void) {
        var at = 0
        for t in tables {
            let width = Kernels.paddedRow(t.width)
            for r in 0..<t.rows { for b in 0..<t.width { body(at, t.start + r * width + b); at += 1 } }
        }
    }
}

extension [[Int]] {
    /// These tables, and behind them those of `bars` that are not among them.
    func adding(_ bars: [HeadTilt.Bar]) -> [[Int]] {
        bars.reduce(self) { $0.contains($1.heads) ? $0 : $0 + [$1.heads] }
    }
}
