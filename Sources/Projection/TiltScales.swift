// The scales of one table: its cells alone, and in blocks of 2, 4, 8 ... neighbours along each ordered column.

import Basics

struct TiltScales {
    /// The numbers of one scale.
    struct Scale {
        /// Where they start among all numbers of a fit, how many they are, and cells of the table.
        let first: Int, count: Int, cells: Int
        private let blocks: Buffer<Int32>?
        private let sizes: [Double]

        init(first: Int, count: Int, cells: Int, blocks: Buffer<Int32>?) {
            (self.first, self.count, self.cells, self.blocks) = (first, count, cells, blocks)
            var sizes = [Double](repeating: 0, count: blocks == nil ? 0 : count)
            for b in blocks.map({ Array($0) }) ?? [] { sizes[Int(b)] += 1 }
            self.sizes = sizes
        }

        /// Cells of a block.
        @inline(__always) func size(_ block: Int) -> Double { blocks == nil ? 1 : sizes[block] }
        /// Block of a cell; cells are row-major over the table's columns.
        @inline(__always) func block(_ cell: Int) -> Int { blocks.map { Int($0[cell]) } ?? cell }
    }
    private(set) var scales: [Scale] = []
    /// Numbers of all scales.
    private(set) var count = 0

    /// - Parameters: levels, ordered: of the table's columns. first: place of its first number.
    /// - Throws: `.noMemory`.
    init(levels: [Int], ordered: [Bool], first: Int) throws {
        let cells = levels.reduce(1, *)
        scales = [Scale(first: first, count: cells, cells: cells, blocks: nil)]
        count = cells
        var side = 2
        while zip(levels, ordered).contains(where: { $1 && $0 > side }) {
            // Blocks of each column, and their number.
            let size = ordered.map { $0 ? side : 1 }, counts = zip(levels, size).map { ($0 + $1 - 1) / $1 }
            let blocks = try Buffer<Int32>(count: cells, for: "a tilt")
            for i in 0..<cells {
                var rest = i, block = 0, step = 1
                for c in levels.indices.reversed() {
                    block += rest % levels[c] / size[c] * step
                    rest /= levels[c]
                    step *= counts[c]
                }
                blocks[i] = Int32(block)
            }
            let n = counts.reduce(1, *)
            scales.append(Scale(first: first + count, count: n, cells: cells, blocks: blocks))
            count += n
            side *= 2
        }
    }
}
