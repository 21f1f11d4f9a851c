// One worker's memory for a chunk of rows that keep rules and meet requests (KeptRows.swift).

import Basics

final class KeptSpace {
    /// Of slots and of accepted rows: [columns][chunk].
    let slotCells, cells: Buffer<Int32>
    let slotPlaces, places: Buffer<Double>
    /// Weights of bins, side by side: [chunk][modelled bins]; latents of listed slots.
    let weights, proposed: Buffer<Float>
    let gathered, normals, trial: Buffer<Float>
    let draft: RowDraft
    /// Whether a slot still breaks something, and whether it meets the common condition; attempts of a row that broke
    /// something.
    let isBroken, meets: Buffer<Bool>, failures: Buffer<Int32>
    /// What the broken slots break.
    var broken: [RowKeeper.Breach?]
    /// The first row that could not be made: its number in the call, and what it breaks.
    var failure: (row: Int, breach: RowKeeper.Breach)?

    init(_ keeper: RowKeeper, latent L: Int) throws {
        let n = DrawSpace.chunk, m = keeper.grids.count
        let width = zip(keeper.starts, keeper.encoders).reduce(0) { $0 + ($1.0 == nil ? 0 : $1.1.bins) }
        slotCells = try Buffer(count: n * m, for: "generated rows")
        cells = try Buffer(count: n * m, for: "generated rows")
        slotPlaces = try Buffer(count: n * m, for: "generated rows")
        places = try Buffer(count: n * m, for: "generated rows")
        weights = try Buffer(count: n * width, for: "generated rows")
        proposed = try Buffer(count: n * width, for: "generated rows")
        gathered = try Buffer(count: n * L, for: "latents")
        normals = try Buffer(count: n * L, for: "latents")
        trial = try Buffer(count: n * L, for: "latents")
        draft = try RowDraft(keeper)
        isBroken = try Buffer(count: n, for: "generated rows")
        meets = try Buffer(count: n, for: "generated rows")
        failures = try Buffer(count: n, for: "generated rows")
        broken = [RowKeeper.Breach?](repeating: nil, count: n)
    }
}
