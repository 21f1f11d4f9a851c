// Chunks of rows that keep the rules of the schema and meet a request: attempts are made as in RowAttempts.swift, then
// each row is settled (RowKeeper.swift), then accepted by the tilt and, where a condition is common, by the condition.

import Basics
import Compute
import Glibc
import Networks
import Tables

/// What rows of one call must be beside keeping the rules.
struct KeptDraw: Sendable {
    let keeper: RowKeeper
    /// A condition that enough rows meet by themselves: rows that do not are made anew.
    var common: Condition?
    /// Latents given the request; nil: those of every row, or a source without.
    var chain: LatentChain?
    /// The request of a row, by its number in the call; nil: none.
    var request: (@Sendable (Int) -> RowRequest?)?
}

extension RowAttempts {
    /// Attempts of one row in which something stays broken before the row is given up, and attempts at most where
    /// latents are drawn given a request.
    private static let maxFailures = 64, maxAttempts = 512

    func keptSpace(_ keeper: RowKeeper) throws -> KeptSpace {
        try KeptSpace(keeper, latent: source.autoencoder?.latentCount ?? 0)
    }

    /// `count` rows from `at` on, at most a chunk, into `w.bins` and the cells and places of `s`.
    /// - Parameter first: number of the first row in the call.
    func draw(_ at: RowPlace, first: Int, count n: Int, _ kept: KeptDraw, _ w: DrawSpace, _ s: KeptSpace) {
        begin(n, w)
        for i in 0..<n { s.failures[i] = 0 }
        let m = s.draft.cells.count, chunk = DrawSpace.chunk
        var slots = n, left = n
        while true {
            make(at, first: first, slots, kept, w, s)
            left = takeRound(left, slots: slots, w) { i, k in
                guard isAccepted(at, first + i, row: i, slot: k, kept, w, s) else { return false }
                for t in 0..<m {
                    let from = t * chunk + k, to = t * chunk + i
                    w.bins.base[to] = w.trials.base[from]
                    s.cells.base[to] = s.slotCells.base[from]
                    s.places.base[to] = s.slotPlaces.base[from]
                }
                return true
            }
            if left == 0 { return }
            slots = nextRound(left, atMost: kept.common == nil ? 4 : DrawSpace.chunk, w)
        }
    }

    /// Whether slot k gives the row with place i in the chunk. One that stays broken is given up after some failures,
    /// and the failure is noted.
    private func isAccepted(_ at: RowPlace, _ number: Int, row i: Int, slot k: Int, _ kept: KeptDraw, _ w: DrawSpace,
                            _ s: KeptSpace) -> Bool {
        if s.isBroken[k] {
            s.failures[i] += 1
            guard s.failures[i] >= Self.maxFailures else { return false }
            if s.failure == nil, let breach = s.broken[k] { s.failure = (number, breach) }
            return true
        }
        if kept.request != nil, w.slotAttempt[k] >= UInt32(Self.maxAttempts) { return true }
        return s.meets[k] && isTiltMet(at, slot: k, w)
    }

    /// The slots as settled rows.
    private func make(_ at: RowPlace, first: Int, _ n: Int, _ kept: KeptDraw, _ w: DrawSpace, _ s: KeptSpace) {
        let keeper = kept.keeper, draft = s.draft, chunk = DrawSpace.chunk, m = draft.cells.count
        func request(_ k: Int) -> RowRequest? { kept.request?(first + Int(w.slotRow[k])) }
        let common = kept.common?.tests ?? [], hasRequests = kept.request != nil
        func note(_ breach: RowKeeper.Breach?, _ k: Int) {
            s.isBroken[k] = breach != nil
            if breach != nil { s.broken[k] = breach }
            store(k, w, s)
            s.meets[k] = common.isEmpty || common.allSatisfy { $0.test.holds(draft.row[$0.column]) }
        }
        if let chain = kept.chain {
            chain.draw(self, at, n, request, w, s)
        } else {
            makeLatents(at, n, w)
            decode(at, n, w.trials, w)
            if kept.request != nil { weigh((0..<n).map { $0 }, w, s, into: s.weights) }
        }
        var open: [Int] = []
        for k in 0..<n {
            let own = hasRequests ? request(k) : nil
            if kept.chain != nil {
                load(k, w, s)
                drawGroups(k, at, own, keeper, w, s)
            } else if own != nil {
                var heads = stream(at + w.slotRow[k], Purpose.heads, w.slotAttempt[k])
                drawHeads(s.weights.base + k * (s.weights.count / chunk), own, keeper, &heads, s)
                drawGroups(k, at, own, keeper, w, s)
            } else {
                var cells = cellStream(at + w.slotRow[k], attempt: w.slotAttempt[k])
                keeper.encoders.withUnsafeBufferPointer { encoders in
                    for t in 0..<m {
                        let u = cells.uniformDouble(), v = cells.uniformDouble()
                        let bin = Int(w.trials.base[t * chunk + k])
                        draft.set(t, bin: bin, cell: encoders[t].cell(bin: bin, u: u), place: v)
                    }
                }
            }
            draft.declare()
            note(draft.breach(own), k)
            if s.isBroken[k] { open.append(k) }
        }
        guard !open.isEmpty else { return }
        // Weights of slots with a request are there already, each in its own place.
        let isWeighed = hasRequests || kept.chain != nil
        if !isWeighed { weigh(open, w, s, into: s.weights) }
        let width = s.weights.count / chunk
        for (i, k) in open.enumerated() {
            var stream = stream(at + w.slotRow[k], Purpose.repair, w.slotAttempt[k])
            load(k, w, s)
            note(draft.settle(s.weights.base + (isWeighed ? k : i) * width, hasRequests ? request(k) : nil, &stream), k)
        }
    }

    /// Every column that a head draws into the draft, one after another, by the row's weights within what the request
    /// leaves.
    /// - Returns: log of an estimate, without bias, of the probability that a row of these weights meets the request.
    @discardableResult
    func drawHeads(_ weights: UnsafePointer<Float>, _ request: RowRequest?, _ keeper: RowKeeper,
                   _ stream: inout CounterStream, _ s: KeptSpace) -> Double {
        var log = 0.0
        for t in plan.grids.indices where keeper.starts[t] != nil { log += s.draft.draw(t, weights, request, &stream) }
        return log
    }

    /// The columns of the groups of slot k into the draft, by the groups' shares.
    private func drawGroups(_ k: Int, _ at: RowPlace, _ request: RowRequest?, _ keeper: RowKeeper, _ w: DrawSpace,
                            _ s: KeptSpace) {
        let place = at + w.slotRow[k], attempt = w.slotAttempt[k]
        var cells = cellStream(place, attempt: attempt)
        guard let shares = request?.groups ?? statistics.groupShares, let grouping = plan.grouping,
              statistics.groupShares != nil else { return }
        var stream = stream(place, Purpose.group, attempt)
        let g = shares.withUnsafeBufferPointer { cumulativeSearch($0, stream.uniformDouble()) }
        for (axis, part) in zip(grouping.axes, grouping.partsOf[g]) {
            let t = axis.column
            if let mask = request?.masks[t] {
                var one = [Float](repeating: 0, count: keeper.encoders[t].bins)
                one[part] = 1
                let d = mask.draw(one, &cells)
                s.draft.set(t, bin: d.bin, cell: d.cell, place: d.place)
            } else {
                let cell = keeper.encoders[t].cell(bin: part, u: cells.uniformDouble())
                s.draft.set(t, bin: part, cell: cell, place: cells.uniformDouble())
            }
        }
    }

    func store(_ k: Int, _ w: DrawSpace, _ s: KeptSpace) {
        let draft = s.draft
        for t in 0..<draft.cells.count {
            let i = t * DrawSpace.chunk + k
            s.slotCells.base[i] = draft.cells.base[t]
            s.slotPlaces.base[i] = draft.places.base[t]
            w.trials.base[i] = draft.bins.base[t]
        }
    }

    private func load(_ k: Int, _ w: DrawSpace, _ s: KeptSpace) {
        let draft = s.draft
        for t in 0..<draft.cells.count {
            let i = t * DrawSpace.chunk + k
            draft.set(t, bin: Int(w.trials.base[i]), cell: Int(s.slotCells.base[i]), place: s.slotPlaces.base[i])
        }
        draft.declare()
    }

    /// Weights of the bins of every head for the listed slots, one after another: exp of the logits, at most 1, or
    /// released shares where a source has no heads.
    func weigh(_ slots: [Int], _ w: DrawSpace, _ s: KeptSpace, into out: Buffer<Float>) {
        let width = out.count / DrawSpace.chunk
        guard let vae = source.autoencoder, let scratch = w.vae else {
            for i in slots.indices {
                var at = i * width
                for e in statistics.modelled {
                    for b in 0..<e.bins { out[at + b] = Float(e.binShare[b]) }
                    at += e.bins
                }
            }
            return
        }
        let L = vae.latentCount
        for (i, k) in slots.enumerated() { (s.gathered.base + i * L).update(from: w.latents.base + k * L, count: L) }
        vae.decodeLogits(s.gathered.base, count: slots.count, into: out.base, scratch)
        for i in slots.indices {
            var at = i * width
            for e in statistics.modelled {
                var most = -Float.infinity
                for b in at..<at + e.bins { most = max(most, out[b]) }
                for b in at..<at + e.bins { out[b] = exp(out[b] - most) }
                at += e.bins
            }
        }
    }
}
