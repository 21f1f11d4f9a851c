// P8 for whole trainings: one seeded checkpoint is resumed on a table D and on D with one row more. Batches, noise and
// the other rows' randomness are the same, so that what the next release differs by is what the row added to it: no
// more than was charged for, in the place that is its own. Both presets, every private step of them, every instruction
// set. Mutants: a clip that is off by 1 %, moments in the pool of another group, lengths of gradients without the
// products of one token with another.

import Basics
import CProcessor
import Glibc
import Tables
import XCTest
@testable import Compute
@testable import Networks
@testable import Privacy
@testable import Synthesis

final class ResumedNeighbourTests: XCTestCase {
    private enum Fault { case none, clip, pool }
    /// A whole micro-batch: the row that is added has one of its own, and the others' randomness stays theirs.
    private static let rows = Plan.microBatch
    private let folder = Fixture.makeFolder()
    override func tearDown() { Fixture.remove(folder: folder) }

    /// Row `k` of `from` behind the first rows of it.
    private func neighbour(_ from: Table, _ k: Int) throws -> Table {
        let out = try Table(schema: from.schema, rows: Self.rows + 1)
        for (source, target) in zip(from.columns, out.columns) {
            for i in 0...Self.rows {
                let row = i < Self.rows ? i : k
                if target.storage == .float64, !source.isMissing(row) {
                    target.put(i, number: source.double(row))
                } else {
                    target.put(i, source.offset(row))
                }
            }
        }
        for j in out.columns.indices { try out.fill(j) { _ in } }
        return out
    }

    /// Every row is in every batch: the declared row count is the batch. The clip is below every row's gradient.
    private func plan(_ preset: String, _ schema: Schema? = nil) throws -> Plan {
        let clip = #""clip": 0.02"#, network = #""width": 8, "heads": 2, "feed_forward": 16, "latent": 4"#
        let aligned = #", "alignment": {"start": 1, "ramp": 0, \#(Fixture.paper)}"#
        let own = preset == "best" ? """
            "autoencoder": {\(network), "steps": 4, "batch": 64}, "projection": {"rows": 60, "steps": 30},
            "finetuning": {"steps": 3, "batch": \(Self.rows), \(clip)}, "fairness": {"strength": 0},
            "rake": {"enabled": false}
            """ : """
            "autoencoder": {\(network), "steps": 5, "batch": \(Self.rows), \(clip)}\(schema == nil ? aligned : "")
            """
        let protected = preset == "best" || schema != nil ? [] : ["ward"]
        return try Plan(schema: schema ?? Fixture.schema(), protected: protected, epsilon: 8, delta: 1e-5,
                        preset: preset, config: JSON.parse("""
            {\(own), "rows": {"declared": \(Self.rows)}, "test_seed": 5, "threads": 2, "checkpoint_block": 1,
             "diffusion": {"steps": 3, "batch": \(Self.rows), "hidden": 16, "sampler_steps": 4, \(clip)}}
            """), accountant: .renyi)       // a list of constants would refuse the mutants before they are drawn
    }

    /// A checkpoint before step `k` of a stage.
    private func checkpoint(_ plan: Plan, _ table: Table, _ stage: StageID, step k: Int) throws -> String {
        let path = "\(folder)/\(plan.preset)-\(stage.name)", trainer = try Trainer(plan: plan, table: table)
        while trainer.plan.place(of: trainer.done).stage != stage || trainer.plan.place(of: trainer.done).step < k {
            try trainer.step(maxSteps: 1, maxSeconds: 1e9)
        }
        try trainer.checkpoint(path)
        return path
    }

    /// Goes on from a copy: a file that is gone on with is charged for steps ahead.
    private func resume(_ path: String, _ table: Table) throws -> Trainer {
        let copy = path + "-copy"
        let file = try readFile(path)
        try AtomicFile.write(UnsafeRawBufferPointer(start: file.bytes.base, count: file.count), to: copy)
        return try Trainer.resume(copy, table: table)
    }

    /// What one more step of the resumed training releases: the gradients' noisy sum, and the groups' moments.
    private func release(_ path: String, _ table: Table, _ stage: StageID, _ kernels: Kernels, _ fault: Fault,
                         tokensAlike: Bool = false) throws -> (gradient: [Double], moments: [[Double]]) {
        let trainer = try resume(path, table), run = trainer.run
        guard let i = trainer.sampled.firstIndex(where: { $0.stage == stage }) else { throw StageRun.lost }
        let b = trainer.sampled[i]
        // The same networks on other kernels.
        func moved(_ fit: NetworkFit<VAE>?) throws -> NetworkFit<VAE>? {
            guard let fit else { return nil }
            let vae = try VAE(shape: fit.network.shape, seed: 0, kernels: kernels), P = vae.parameters.count
            vae.parameters.base.update(from: fit.network.parameters.base, count: P)
            if tokensAlike { Self.makeTokensAlike(vae) }
            let out = try NetworkFit(vae)
            out.average.base.update(from: fit.average.base, count: fit.average.count)
            out.adam.first.base.update(from: fit.adam.first.base, count: fit.average.count)
            out.adam.second.base.update(from: fit.adam.second.base, count: fit.average.count)
            out.adam.steps = fit.adam.steps
            return out
        }
        run.artefacts.autoencoder = try moved(run.artefacts.autoencoder)
        run.artefacts.finetuned = try moved(run.artefacts.finetuned)
        let fit = stage == .finetuning ? run.artefacts.finetuned : run.artefacts.autoencoder
        if fault == .clip {
            trainer.sampled[i] = Batches(stage: b.stage, steps: b.steps, rates: b.rates, multipliers: b.multipliers,
                                         clips: b.clips.map { $0 * 1.01 }, noise: b.noise, momentClips: b.momentClips,
                                         momentNoise: b.momentNoise, divisor: b.divisor, weights: b.weights,
                                         expected: b.expected)
        }
        if fault == .pool, let statistics = trainer.statistics, let fit, let aligned = trainer.alignment {
            let pools = Pools(of: aligned.pools.of.map { ($0 + 1) % aligned.pools.counts.count },
                              counts: aligned.pools.counts)
            run.artefacts.privateAlignment = try PrivateAlignment(plan: trainer.plan, statistics: statistics,
                                                                  network: fit.network, pools: pools)
        }
        if stage == .diffusion {
            _ = try run.finishedAutoencoder()
            let fit = try XCTUnwrap(run.artefacts.diffusion), before = Array(fit.adam.first)
            try trainer.step(maxSteps: 1, maxSeconds: 1e9)
            return (zip(Array(fit.adam.first), before).map { (Double($0) - 0.9 * Double($1)) * 10 * b.divisor }, [])
        }
        let own = try XCTUnwrap(fit), before = Array(own.adam.first)
        try trainer.step(maxSteps: 1, maxSeconds: 1e9)
        // Adam's first moment m_t = 0.9 m_{t−1} + 0.1 (sum / divisor).
        let gradient = zip(Array(own.adam.first), before).map { (Double($0) - 0.9 * Double($1)) * 10 * b.divisor }
        guard let aligned = trainer.alignment else { return (gradient, []) }
        let D = aligned.moments.features.count
        return (gradient, aligned.pools.counts.indices.map { p in (0..<D).map { aligned.moments.moments[p * D + $0] } })
    }

    /// Every token becomes the same as the first, at the encoder, behind the latent and at its head.
    private static func makeTokensAlike(_ vae: VAE) {
        let s = vae.shape, l = vae.layout, w = vae.parameters.base, d = s.width
        let K = s.levels[0], levels = s.totalLevels
        for t in 1..<s.columns {
            for i in 0..<d {
                w[l.offset + t * d + i] = w[l.offset + i]
                w[l.decoderOffset + t * d + i] = w[l.decoderOffset + i]
            }
            for i in 0..<K * d {
                w[l.embedding + l.firstLevel[t] * d + i] = w[l.embedding + i]
                w[l.headWeight + d * l.firstLevel[t] + i] = w[l.headWeight + i]
            }
            if let map = l.fromLatent {
                let Z = l.mean.outputs
                for i in 0..<d * Z { w[l.mean.weight + t * d * Z + i] = w[l.mean.weight + i] }
                for z in 0..<map.inputs {
                    for i in 0..<d { w[map.weight + z * map.outputs + t * d + i] = w[map.weight + z * map.outputs + i] }
                }
            }
        }
        for k in 0..<levels { w[l.headBias + k] = 0 }
    }

    /// A table of yes and no in `columns` columns. The last row says yes everywhere.
    private func questions(_ columns: Int) throws -> Table {
        let fields = (0..<columns).map { #"{"name": "q\#($0)", "type": "boolean", "constraints": {"required": true}}"# }
        let schema = try Schema(json: #"{"fields": [\#(fields.joined(separator: ", "))]}"#)
        let table = try Table(schema: schema, rows: Self.rows + 1)
        for j in 0..<columns {
            var stream = CounterStream(seed: 8, row: UInt64(j), purpose: 77)
            try table.fill(j) { column in
                for i in 0..<Self.rows { column.put(i, stream.uniform() < 0.5 ? 0 : 1) }
                column.put(Self.rows, 1)
            }
        }
        return table
    }

    /// How far, over its clip, the last row of `questions` moves a release in which all its tokens are alike, so that
    /// almost all of its gradient's length comes from products of one token with another.
    private func movedByTokensAlike(_ preset: String, _ stage: StageID, columns: Int,
                                    _ kernels: [Kernels]) throws -> [Double] {
        let with = try questions(columns), D = try with.slice(first: 0, count: Self.rows)
        let plan = try plan(preset, with.schema), path = try checkpoint(plan, D, stage, step: 1)
        let clip = stage == .finetuning ? plan.settings.finetuning.clip : plan.settings.autoencoder.clip
        return try kernels.map { kernels in
            let a = try release(path, D, stage, kernels, .none, tokensAlike: true).gradient
            let b = try release(path, with, stage, kernels, .none, tokensAlike: true).gradient
            return zip(a, b).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot() / clip
        }
    }

    /// What is wrong with a release: how far the row moves the gradients over its clip, and whether moments of other
    /// pools than its own move.
    private func judge(_ preset: String, _ stage: StageID, _ kernels: Kernels, _ fault: Fault = .none,
                       trials: Int = 3) throws -> (moved: Double, strayed: Bool) {
        let all = try Fixture.table(rows: Self.rows + 20, seed: 3), plan = try plan(preset)
        let D = try all.slice(first: 0, count: Self.rows)
        let path = try checkpoint(plan, D, stage, step: stage == .autoencoder ? 2 : 1)
        let settings = plan.settings
        let clip = stage == .finetuning ? settings.finetuning.clip
            : stage == .diffusion ? settings.diffusion.clip : settings.autoencoder.clip
        let a = try release(path, D, stage, kernels, fault)
        var moved = 0.0, strayed = false
        for k in 0..<trials {
            let with = try neighbour(all, Self.rows + k), b = try release(path, with, stage, kernels, fault)
            let square = zip(a.gradient, b.gradient).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
            moved = max(moved, square.squareRoot() / clip)
            guard let grouping = plan.grouping, !a.moments.isEmpty else { continue }
            let g = grouping.group(with.columns.map { $0 }, plan.grids, row: Self.rows)
            for p in a.moments.indices where a.moments[p] != b.moments[p] { strayed = strayed || p != g }
            if a.moments[g] == b.moments[g] { strayed = true }
        }
        return (moved, strayed)
    }

    private static let places: [(preset: String, stage: StageID)] =
        [("published", .autoencoder), ("published", .diffusion), ("best", .finetuning)]

    func testTheRowAddsWhatWasChargedAndNoMore() throws {
        for (preset, stage) in Self.places {
            for kernels in Kernels.available {
                let found = try judge(preset, stage, kernels)
                XCTAssertLessThanOrEqual(found.moved, 1.001, "\(preset), \(stage.name), \(kernels.name)")
                XCTAssertGreaterThan(found.moved, 0.99, "the clip holds: \(preset), \(stage.name), \(kernels.name)")
                XCTAssertFalse(found.strayed, "\(preset), \(kernels.name)")
            }
        }
    }

    /// Weights that are used at every token: the length of a row's gradient has products of one token with another. Few
    /// columns take them from inner products, many from the gradient itself (RowGradientPlan.keeps).
    ///
    /// Without them the row that is added would move the release by more than its clip. It is alone in its micro-batch,
    /// whose sum the door then leaves out, as longer than its rows together can make it: the row moves nothing.
    func testProductsOfOneTokenWithAnotherCount() throws {
        for (preset, stage) in Self.places where stage != .diffusion {     // the denoiser has no weights of that kind
            for columns in [6, 12] {
                for kernels in Kernels.available {
                    let mutant = CrossTerms.dropped(from: kernels), what = "\(preset), \(columns), \(kernels.name)"
                    let moved = try movedByTokensAlike(preset, stage, columns: columns, [kernels, mutant])
                    XCTAssertEqual(moved[0], 1, accuracy: 1e-4, what)
                    XCTAssertEqual(moved[1], 0, what)
                }
            }
        }
    }

    func testMutantsAreSeen() throws {
        for kernels in Kernels.available {
            for (preset, stage) in Self.places {
                XCTAssertGreaterThan(try judge(preset, stage, kernels, .clip, trials: 1).moved, 1.005, kernels.name)
            }
            XCTAssertTrue(try judge("published", .autoencoder, kernels, .pool, trials: 1).strayed)
        }
    }

    /// The counts of `best`: the row is one more in one cell of every table.
    func testARowIsOneCountInEveryMarginal() throws {
        let all = try Fixture.table(rows: Self.rows + 20, seed: 3), plan = try plan("best")
        let D = try all.slice(first: 0, count: Self.rows), path = try checkpoint(plan, D, .marginals, step: 0)
        func counts(_ table: Table) throws -> [Buffer<Double>] {
            let trainer = try resume(path, table)
            try trainer.step(maxSteps: 1, maxSeconds: 1e9)
            return try XCTUnwrap(trainer.marginals).values
        }
        let before = try counts(D)
        for k in 0..<3 {
            let after = try counts(neighbour(all, Self.rows + k))
            XCTAssertEqual(before.count, after.count)
            for (a, b) in zip(before, after) {
                let moved = zip(a, b).map { $1 - $0 }.filter { abs($0) > 1e-9 }
                XCTAssertEqual(moved.count, 1)
                XCTAssertEqual(moved.first ?? 0, 1, accuracy: 1e-6)
            }
        }
    }
}

/// Kernels whose lengths of gradients leave out the products of different tokens.
private enum CrossTerms {
    nonisolated(unsafe) private static var original = Kernels.current.table
    nonisolated(unsafe) private static var lanes = 0

    static func dropped(from kernels: Kernels) -> Kernels {
        (original, lanes) = (kernels.table, kernels.lanes)
        var table = kernels.table
        table.gram_norm = { x, dy, _, _, square, tokens, inputs, outputs in
            CrossTerms.add(x, dy, square, tokens, inputs, outputs)
        }
        table.row_gradient = { x, dy, gradient, square, tokens, inputs, outputs in
            let before = Array(UnsafeBufferPointer(start: square, count: CrossTerms.lanes))
            CrossTerms.original.row_gradient(x, dy, gradient, square, tokens, inputs, outputs)
            for l in before.indices { square[l] = before[l] }
            CrossTerms.add(x, dy, square, tokens, inputs, outputs)
        }
        table.row_bias = { dy, gradient, square, tokens, outputs in
            let before = Array(UnsafeBufferPointer(start: square, count: CrossTerms.lanes))
            CrossTerms.original.row_bias(dy, gradient, square, tokens, outputs)
            for l in before.indices {
                square[l] = (0..<tokens).reduce(before[l]) { $0 + CrossTerms.length(dy, $1, outputs, l) }
            }
        }
        return Kernels(name: kernels.name, lanes: kernels.lanes, table: table)
    }

    /// square[lane] += sum over t of |x_t|^2 |dy_t|^2.
    private static func add(_ x: flip_rows, _ dy: flip_rows, _ square: MutableFloats, _ T: Int, _ A: Int, _ N: Int) {
        for l in 0..<lanes { for t in 0..<T { square[l] += length(x, t, A, l) * length(dy, t, N, l) } }
    }

    /// The squared length of one token's vector in one lane.
    private static func length(_ rows: flip_rows, _ t: Int, _ n: Int, _ lane: Int) -> Float {
        (0..<n).reduce(0) { sum, k in
            let v = rows.base[(t * rows.stride + k) * lanes + lane]
            return sum + v * v
        }
    }
}
