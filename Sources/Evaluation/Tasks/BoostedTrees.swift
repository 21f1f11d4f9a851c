// A classifier of two classes: gradient-boosted trees on histograms of binned columns.
// Friedman 2001, "Greedy function approximation", algorithm 5, with the second-order gain of Chen and Guestrin 2016,
// arXiv:1603.02754v3, equations 6 and 7. 80 trees of depth 4, rate 0.2, λ = 1, at least 1 of curvature in a leaf. There
// is no randomness: the same rows give the same trees. One model is one thread's work.

import Basics
import Glibc

/// Memory for fitting one model after another on tables of at most `rows` rows.
final class TreeScratch: @unchecked Sendable {
    fileprivate let order, spare: Buffer<Int32>
    fileprivate let gradients: Buffer<SIMD2<Float>>       // first and second derivative of the loss
    fileprivate let margins: Buffer<Float>
    fileprivate let histograms: Buffer<SIMD2<Double>>     // [inner nodes][all bins]
    fileprivate let starts: [Int]                         // of each column's bins
    fileprivate let bins: Int

    init(rows: Int, binning: Binning) throws {
        order = try Buffer(count: rows, for: "an evaluation")
        spare = try Buffer(count: rows, for: "an evaluation")
        gradients = try Buffer(count: rows, for: "an evaluation")
        margins = try Buffer(count: rows, for: "an evaluation")
        var starts = [0]
        for column in binning.columns { starts.append(starts.last! + column.bins) }
        self.starts = starts
        bins = starts.last!
        histograms = try Buffer(count: BoostedTrees.innerNodes * bins, for: "an evaluation")
    }
}

final class BoostedTrees: @unchecked Sendable {
    static let trees = 80, depth = 4
    static let innerNodes = (1 << depth) - 1, nodes = (2 << depth) - 1
    private static let rate = 0.2, lambda = 1.0, leastCurvature = 1.0, leastGain = 1e-6

    /// A node of a tree in heap order. column -1: a leaf. Rows go left when their bin is `bin` (levels) or at most
    /// `bin` (numbers).
    private struct Node: BitwiseCopyable {
        var column: Int32 = -1, bin: Int32 = 0, isLevel: Int32 = 0, value: Float = 0
    }
    private let tree: Buffer<Node>
    private var intercept: Float = 0
    private let columnCount: Int

    init(columns: Int) throws {
        tree = try Buffer(count: BoostedTrees.trees * BoostedTrees.nodes, for: "an evaluation")
        columnCount = columns
    }

    /// Learns `labels` (0 or 1) of rows `range` from their bins.
    /// - Parameters:
    ///   - x: bins [rows][columns] row-major.
    ///   - leaveOut: columns that are not looked at.
    func fit(_ x: Buffer<UInt8>, _ labels: Buffer<UInt8>, rows range: Range<Int>, binning: Binning, leaveOut: Set<Int>,
             _ s: TreeScratch) {
        let n = range.count, m = columnCount
        var positives = 0
        for i in range { positives += Int(labels.base[i]) }
        for k in 0..<tree.count { tree.base[k] = Node() }
        let share = min(max(Double(positives) / Double(max(n, 1)), 1e-6), 1 - 1e-6)
        intercept = Float(log(share / (1 - share)))
        guard positives > 0, positives < n else { return }
        for i in 0..<n { s.margins.base[i] = intercept }
        let used = (0..<m).filter { !leaveOut.contains($0) }
        let rows = x.base + range.lowerBound * m

        for t in 0..<BoostedTrees.trees {
            let node = tree.base + t * BoostedTrees.nodes
            for i in 0..<n {
                let p = 1 / (1 + expf(-s.margins.base[i]))
                s.gradients.base[i] = SIMD2(p - Float(labels.base[range.lowerBound + i]), max(p * (1 - p), 1e-16))
                s.order.base[i] = Int32(truncatingIfNeeded: i)
            }
            var bounds = [(first: Int, count: Int)](repeating: (0, 0), count: BoostedTrees.nodes)
            bounds[0] = (0, n)
            for k in 0..<BoostedTrees.innerNodes where bounds[k].count > 0 {
                let (first, count) = bounds[k]
                if k == 0 {
                    sum(s, 0, rows, 0, n, used)
                // a left child: count the smaller sibling, subtract it from the parent
                } else if k % 2 == 1 {
                    let small = bounds[k].count <= bounds[k + 1].count ? k : k + 1, large = small == k ? k + 1 : k
                    let parent = (k - 1) / 2
                    sum(s, small, rows, bounds[small].first, bounds[small].count, used)
                    let (a, b, c) = (s.histograms.base + parent * s.bins, s.histograms.base + small * s.bins,
                                     s.histograms.base + large * s.bins)
                    for i in 0..<s.bins { c[i] = a[i] - b[i] }
                }
                guard let split = bestSplit(s, k, binning, used) else { continue }
                node[k] = Node(column: Int32(split.column), bin: Int32(split.bin),
                               isLevel: binning.columns[split.column].isLevels ? 1 : 0)
                let left = partition(s, rows, node[k], first, count)
                bounds[2 * k + 1] = (first, left)
                bounds[2 * k + 2] = (first + left, count - left)
            }
            for k in 0..<BoostedTrees.nodes where node[k].column < 0 && bounds[k].count > 0 {
                var total = SIMD2<Double>.zero
                for i in bounds[k].first ..< bounds[k].first + bounds[k].count {
                    total += wide(s.gradients.base[Int(s.order.base[i])])
                }
                node[k].value = Float(-BoostedTrees.rate * total.x / (total.y + BoostedTrees.lambda))
                for i in bounds[k].first ..< bounds[k].first + bounds[k].count {
                    s.margins.base[Int(s.order.base[i])] += node[k].value
                }
            }
        }
    }

    /// Log-odds of label 1 for rows `range` of bins x, into out[0 ..< range.count].
    func predict(_ x: Buffer<UInt8>, rows range: Range<Int>, _ out: Buffer<Float>) {
        for (i, r) in range.enumerated() {
            let row = x.base + r * columnCount
            var margin = intercept
            for t in 0..<BoostedTrees.trees {
                let node = tree.base + t * BoostedTrees.nodes
                var k = 0
                while node[k].column >= 0 { k = 2 * k + (goesLeft(row, node[k]) ? 1 : 2) }
                margin += node[k].value
            }
            out.base[i] = margin
        }
    }

    // MARK: - one node

    @inline(__always) private func goesLeft(_ row: UnsafePointer<UInt8>, _ node: Node) -> Bool {
        let bin = Int32(row[Int(node.column)])
        return node.isLevel != 0 ? bin == node.bin : bin <= node.bin
    }

    @inline(__always) private func wide(_ g: SIMD2<Float>) -> SIMD2<Double> { SIMD2(Double(g.x), Double(g.y)) }

    private func sum(_ s: TreeScratch, _ node: Int, _ rows: UnsafePointer<UInt8>, _ first: Int, _ count: Int,
                     _ used: [Int]) {
        let target = s.histograms.base + node * s.bins
        for i in 0..<s.bins { target[i] = .zero }
        used.withUnsafeBufferPointer { used in
            s.starts.withUnsafeBufferPointer { starts in
                for i in first ..< first + count {
                    let r = Int(s.order.base[i]), g = wide(s.gradients.base[r]), row = rows + r &* columnCount
                    for c in used { target[starts[c] &+ Int(row[c])] += g }
                }
            }
        }
    }

    /// The split of largest gain; the first of equal ones. Nil when none is worth it.
    private func bestSplit(_ s: TreeScratch, _ node: Int, _ binning: Binning, _ used: [Int])
        -> (column: Int, bin: Int)? {
        let histogram = s.histograms.base + node * s.bins
        func score(_ g: SIMD2<Double>) -> Double { g.x * g.x / (g.y + BoostedTrees.lambda) }
        var best = BoostedTrees.leastGain, found: (Int, Int)?
        for c in used {
            let h = histogram + s.starts[c], bins = binning.columns[c].bins
            var total = SIMD2<Double>.zero
            for k in 0..<bins { total += h[k] }
            let whole = score(total)
            var left = SIMD2<Double>.zero
            for k in 0..<bins {
                left = binning.columns[c].isLevels ? h[k] : left + h[k]
                let right = total - left
                guard left.y >= BoostedTrees.leastCurvature, right.y >= BoostedTrees.leastCurvature else { continue }
                let gain = score(left) + score(right) - whole
                if gain > best { (best, found) = (gain, (c, k)) }
            }
        }
        return found
    }

    /// Puts the node's rows that go left in front of the others, both in their old order; returns how many go left.
    private func partition(_ s: TreeScratch, _ rows: UnsafePointer<UInt8>, _ node: Node, _ first: Int, _ count: Int)
        -> Int {
        var left = first, right = 0
        for i in first ..< first + count {
            let r = s.order.base[i]
            if goesLeft(rows + Int(r) &* columnCount, node) {
                s.order.base[left] = r
                left += 1
            } else {
                s.spare.base[right] = r
                right += 1
            }
        }
        (s.order.base + left).update(from: s.spare.base, count: right)
        return left - first
    }
}
