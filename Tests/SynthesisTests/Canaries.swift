// Trainings of both presets on tables with canaries, and what an attacker makes of what they release. He chose the
// table but for the canaries' coins, the configuration, and the first release (which is public and may have come out as
// he likes); he sees every released sum and the model.
//
// published: canary k is the only row with level k of a column, so that nearly all of its gradient lies in weights of
// its own. His score is
//     Σ_t ⟨gradient of the row k at the weights of step t, sum released in step t⟩; the sums are read from the
//     optimiser, as from a checkpoint.
// best: canary k is one more row in cell k of a table of two columns whose other rows he knows. His score is the
// released count of that cell.

import Basics
import Compute
import Networks
@testable import Privacy
@testable import Synthesis
import Tables
import XCTest

/// What is broken on purpose.
enum Mutant: String, CaseIterable { case none = "as shipped", noise = "noise off", clipping = "clipping off" }

struct Canaries {
    let preset: String, epsilon: Double, mutant: Mutant
    var count = 1000, delta = 1e-6, steps = 20
    /// Of the coins, and of starting weights.
    var seed: UInt64 = 1
    /// Noise and batches from the seed as well, so that a test that passes passes again; the long form uses the
    /// system's.
    var repeatable = true
    /// Preset published: two groups with rates and an ε of their own.
    var balanced = false

    struct Result {
        /// From all released sums or tables, and from the finished model alone.
        var released: Audit, model: Audit?
        /// ε of the promise.
        var claim: Double
        /// For every group: what its own canaries prove, and its ε in the ledger.
        var groups: [(name: String, audit: Audit, claim: Double)] = []
    }

    private var testSeed: String { repeatable ? "\(seed)" : "null" }
    private func coins() -> [Bool] {
        (0..<count).map {
            var s = CounterStream(seed: seed, row: UInt64($0), purpose: 0x636f696e)
            return s.uniformDouble() < 0.5
        }
    }

    func run(finish: Bool = false) throws -> Result { try preset == "best" ? best(finish) : published(finish) }

    // MARK: published

    private func published(_ finish: Bool) throws -> Result {
        let included = coins(), levels = (0...count).map { "\"l\($0)\"" }.joined(separator: ", "), background = 50
        let schema = try Schema(json: """
            {"fields": [{"name": "id", "type": "string", "constraints": {"enum": [\(levels)], "required": true}},
                        {"name": "flag", "type": "boolean", "constraints": {"required": true}}]}
            """)
        // A declared row count is an assumption that costs no privacy when it is wrong; here it keeps every level apart
        // from the others.
        let declared = 800 * count, batch = declared / 2
        func make(_ epsilon: Double, clip: Double, accountant: Ledger.Accounting? = nil) throws -> Plan {
            try Plan(schema: schema, protected: balanced ? ["flag"] : [], epsilon: epsilon,
                delta: delta, preset: "published",
                config: JSON.parse("""
                {"rows": {"declared": \(declared)},
                 "fairness": {"strength": 0, "sampling": "\(balanced ? "balanced" : "proportional")"},
                 "seed": \(seed), "test_seed": \(testSeed),
                 "encoder": {"share": 0.05}, "autoencoder": {"steps": \(steps), "batch": \(batch), "clip": \(clip),
                 "rate": 0.001},
                 "diffusion": {"steps": 3, "batch": \(batch), "share": 0.02, "sampler_steps": 4}}
                """), accountant: accountant)
        }
        let promised = try make(epsilon, clip: 0.15)
        // Without the clip a row adds up to twenty times as much, at the noise of the promise. Only a plan that
        // promises nothing carries that out: the ledger and the door of the other refuse.
        let plan = mutant == .clipping ? try make(1000, clip: 3, accountant: .renyi) : promised
        let members = included.indices.filter { included[$0] }
        let table = try Table(schema: schema, rows: members.count + background)
        for (i, k) in members.enumerated() { table.columns[0].put(i, Int64(k)); table.columns[1].put(i, Int64(k % 2)) }
        for i in members.count..<table.rows { table.columns[0].put(i, Int64(count)); table.columns[1].put(i, 0) }
        for k in table.columns.indices { try table.fill(k) { _ in } }

        let trainer = try Trainer(plan: plan, table: table)
        if mutant == .noise { trainer.door.noiseScale = 1e-3 }
        // The first release as he likes it: every level as frequent as the others.
        let counts = try plan.histograms.map { h in
            let size = plan.grids[h.column].histogramSize(divisor: h.divisor), b = try Buffer<Double>(count: size)
            for i in b.indices { b[i] = Double(declared) / Double(size) }
            return b
        }
        try trainer.begin(with: Statistics(plan: plan, counts: counts, groupCounts: plan.groups.count == 1
            ? [Double(declared)] : [0.8, 0.2].map { $0 * Double(declared) }))
        trainer.done = 1
        if mutant == .clipping, let counts = trainer.statistics?.groupRows {
            trainer.sampled = try zip(promised.batches(counts), trainer.sampled).map { own, loose in
                Batches(stage: own.stage, steps: own.steps, rates: own.rates, multipliers: loose.multipliers,
                        clips: loose.clips, noise: own.noise, momentClips: own.momentClips,
                        momentNoise: own.momentNoise, divisor: own.divisor, weights: own.weights,
                            expected: own.expected)
            }
        }
        guard let fit = trainer.autoencoder, let statistics = trainer.statistics, statistics.levels[0] == count + 1
            else { throw Failure(.internal, "levels were merged") }

        let vae = fit.network, P = vae.parameters.trainable, L = vae.latentCount, scratch = try VAEScratch(vae)
        let gradient = try Buffer<Float>(count: P), before = try Buffer<Float>(count: P),
            still = [Float](repeating: 0, count: L), clip = [Float(plan.settings.autoencoder.clip)]
        let start = try vae.parameters.copy()
        guard let head = vae.parameters.tensor("head")?.offset, let bias = vae.parameters.tensor("head.bias")?.offset
            else { throw Failure(.internal, "no head") }
        var scores = [Double](repeating: 0, count: count)
        /// ⟨gradient of canary k at the network's weights, x⟩ for all k, over the weights of its own level: what the
        /// others add to the rest is no sign of it.
        func along(_ network: VAE, _ x: (Int) -> Float, _ add: (Int, Double) -> Void) {
            for k in 0..<count {
                let codes = [statistics.encoders[0].binOfCell[k], statistics.encoders[1].binOfCell[k % 2]],
                    level = Int(codes[0])
                codes.withUnsafeBufferPointer { c in
                    guard let base = c.baseAddress else { return }
                    network.clippedGradientSum(CodeRows(bins: base, stride: 1, count: 1), noise: still, clips: clip,
                                               beta: Float(plan.settings.autoencoder.beta), into: gradient.base,
                                               scratch)
                }
                let own = (0..<vae.shape.width).map { head + $0 * (count + 1) + level } + [bias + level]
                add(k, own.reduce(0.0) { $0 + Double(gradient.base[$1]) * Double(x($1)) })
            }
        }
        for t in 0..<steps {
            let weights = try vae.parameters.copy()
            before.base.update(from: fit.adam.first.base, count: P)
            try trainer.step(maxSteps: 1, maxSeconds: 1e9)
            // Adam's first moment m_t = 0.9 m_{t−1} + 0.1 (sum / divisor).
            along(try VAE(vae, parameters: weights), { fit.adam.first.base[$0] - 0.9 * before.base[$0] }) {
                scores[$0] += $1
            }
        }
        var model: Audit?
        if finish {
            while !trainer.isFinished { try trainer.step(maxSteps: 100, maxSeconds: 1e9) }
            let final = try XCTUnwrap(trainer.finish().autoencoder).parameters
            var moved = [Double](repeating: 0, count: count)
            along(try VAE(vae, parameters: start), { start.base[$0] - final.base[$0] }) { moved[$0] = $1 }
            model = Audit(scores: moved, included: included, delta: delta)
        }
        let ledger = trainer.ledger
        var groups: [(name: String, audit: Audit, claim: Double)] = []
        for (g, name) in plan.groups.enumerated() where plan.groups.count > 1 {
            let own = (0..<count).filter { $0 % 2 == g }
            groups.append((name, Audit(scores: own.map { scores[$0] }, included: own.map { included[$0] },
                                       delta: delta), ledger.epsilon(name)))
        }
        return Result(released: Audit(scores: scores, included: included, delta: delta), model: model,
                      claim: promised.epsilon, groups: groups)
    }

    // MARK: best

    private func best(_ finish: Bool) throws -> Result {
        let included = coins(), side = 32, known = 20, copies = mutant == .clipping ? 40 : 1
        guard count <= side * side else { throw Failure(.argument, "more canaries than cells") }
        let levels = (0..<side).map { "\"l\($0)\"" }.joined(separator: ", ")
        let fields = ["a", "b"].map {
            #"{"name": "\#($0)", "type": "string", "constraints": {"enum": [\#(levels)], "required": true}}"#
        }
        let schema = try Schema(json: "{\"fields\": [\(fields.joined(separator: ", "))]}")
        let plan = try Plan(schema: schema, protected: [], epsilon: epsilon, delta: delta, preset: "best",
            config: JSON.parse("""
            {"seed": \(seed), "test_seed": \(testSeed), "projection": {"rows": 300, "steps": 300},
             "diffusion": {"enabled": false}, "rake": {"pool": 5000},
             "autoencoder": {"width": 8, "heads": 2, "feed_forward": 16, "latent": 4, "batch": 256, "steps": 200,
             "warmup": 20}}
            """))
        // Without a bound on what one row adds, a canary counts many times.
        var cells = (0..<side * side).flatMap { [Int](repeating: $0, count: known) }
        for k in included.indices where included[k] { cells += [Int](repeating: k, count: copies) }
        let table = try Table(schema: schema, rows: cells.count)
        for (i, c) in cells.enumerated() {
            table.columns[0].put(i, Int64(c / side))
            table.columns[1].put(i, Int64(c % side))
        }
        for k in table.columns.indices { try table.fill(k) { _ in } }

        let trainer = try Trainer(plan: plan, table: table)
        if mutant == .noise { trainer.door.noiseScale = 1e-3 }
        try trainer.step(maxSteps: 2, maxSeconds: 1e9)
        guard let statistics = trainer.statistics, statistics.levels == [side, side],
            let released = trainer.marginals?.values.first else { throw Failure(.internal, "levels were merged") }
        func score(_ counts: (Int) -> Double) -> [Double] {
            (0..<count).map { k in
                counts(Int(statistics.encoders[0].binOfCell[k / side]) * side
                    + Int(statistics.encoders[1].binOfCell[k % side]))
            }
        }
        var model: Audit?
        if finish {
            while !trainer.isFinished { try trainer.step(maxSteps: 100, maxSeconds: 1e9) }
            let rows = try trainer.finish().sample(count: 400_000, seed: 1)
            var seen = [Double](repeating: 0, count: side * side)
            for i in 0..<rows.rows { seen[Int(rows.columns[0].offset(i)) * side + Int(rows.columns[1].offset(i))] += 1 }
            model = Audit(scores: (0..<count).map { seen[$0] }, included: included, delta: delta)
        }
        return Result(released: Audit(scores: score { released[$0] }, included: included, delta: delta), model: model,
                      claim: trainer.ledger.epsilon)
    }
}
