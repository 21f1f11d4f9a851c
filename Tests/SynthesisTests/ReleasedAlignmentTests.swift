// Independence on released rows: it reads no private row, it is deterministic, and what it draws is what the relaxed
// table holds.

import XCTest
@testable import Synthesis
import Basics
import Compute
import Networks
import Privacy
@testable import Projection
import Tables

final class ReleasedAlignmentTests: XCTestCase {
    private static let small = #"""
    "test_seed": 11, "autoencoder": {"width": 8, "heads": 2, "feed_forward": 8, "latent": 4, "batch": 128,
    "steps": 24, "warmup": 4},
    "diffusion": {"hidden": 16, "layers": 1, "noise_levels": 2, "batch": 64, "steps": 6, "sampler_steps": 4},
    "projection": {"rows": 64, "steps": 40}, "rake": {"pool": 2000, "steps": 10}
    """#
    private static let on = #""independence": {"start": 4, "ramp": 6, "latent_fourier": 3, "latent_covariance": 0.5, "#
        + #""adversary": 12, "anchor": 0.1, "repair": 0.5, "latent_mean": 30, "latent_discrepancy": 60, "#
        + #""parity": 250, "conditionals": 0}"#
    private static let off = #""independence": {"latent_mean": 0, "latent_discrepancy": 0, "adversary": 0, "repair": "#
        + #"0, "parity": 0, "conditionals": 0}"#

    private static func plan(_ more: String, threads: Int = 2, strength: Double = 1,
                             protected: [String] = ["sex"]) throws -> Plan {
        try Plan(schema: Fixture.schema(), protected: protected, epsilon: 4, delta: 1e-5, preset: "best",
                 config: Fixture.merged("\(small), \"threads\": \(threads), \"fairness\": {\"strength\": \(strength)}",
                                        more))
    }

    /// Sex decides the ward nearly always: a column that tells the group.
    private static func table(rows: Int = 900) throws -> Table {
        let t = try Fixture.table(rows: rows)
        for i in 0..<rows { t.columns[1].put(i, t.columns[0].offset(i) * 2 + (i % 10 == 0 ? 1 : 0)) }
        for k in t.columns.indices { try t.fill(k) { _ in } }
        return t
    }

    private static let aligned = Result { try Fixture.train(plan(on), table()) }

    func testTheDoorDoesNotSeeIt() throws {
        let a = try Self.aligned.get(), b = try Fixture.train(Self.plan(Self.off), Self.table())
        // The same releases, charges and values with the terms and without: nothing of them asks the door.
        XCTAssertEqual(a.ledger.json.text, b.ledger.json.text)
        XCTAssertEqual(a.ledger.releases.map(\.name), ["histograms", "marginals"])
        XCTAssertEqual(a.statistics.counts.map { Array($0) }, b.statistics.counts.map { Array($0) })
        XCTAssertEqual(a.marginals?.values.map { Array($0) }, b.marginals?.values.map { Array($0) })
        XCTAssertNotEqual(Fixture.cells(try a.sample(count: 50, seed: 1)),
                          Fixture.cells(try b.sample(count: 50, seed: 1)))
    }

    func testTheSameForASeedWhateverTheThreads() throws {
        let a = try Self.aligned.get(), b = try Fixture.train(Self.plan(Self.on, threads: 3), Self.table())
        XCTAssertEqual(Fixture.cells(try a.sample(count: 200, seed: 5)),
                       Fixture.cells(try b.sample(count: 200, seed: 5)))
    }

    func testCheckpointsKeepAdversaryAndAnchor() throws {
        let table = try Self.table(), whole = try Self.aligned.get()
        for stop in [2, 6, 15, 27] {
            let path = NSTemporaryDirectory() + "aligned-\(stop).ckpt"
            defer { try? FileManager.default.removeItem(atPath: path) }
            let first = try Trainer(plan: Self.plan(Self.on), table: table)
            while first.done < stop { try first.step(maxSteps: 1, maxSeconds: 1e9) }
            try first.checkpoint(path)
            let second = try Trainer.resume(path, table: table)
            while !second.isFinished { try second.step(maxSteps: 100, maxSeconds: 1e9) }
            XCTAssertEqual(Fixture.cells(try second.finish().sample(count: 100, seed: 2)),
                           Fixture.cells(try whole.sample(count: 100, seed: 2)), "stopped at \(stop)")
        }
    }

    func testTheTiltMeetsWhatParityLeftAndFilesKeepAll() throws {
        let m = try Self.aligned.get(), tilt = try XCTUnwrap(m.tilt), alone = (1..<8).map { [$0] }
        XCTAssertEqual(m.plan.modelled, Array(1..<8))
        XCTAssertEqual(tilt.columns, m.plan.heads(of: alone + (1..<8).flatMap { a in (a + 1..<8).map { [a, $0] } }))
        XCTAssertEqual(m.plan.heads(of: [[1], [3, 7]]), [[0], [2, 6]])
        // the table that is fitted knows the group
        XCTAssert(try XCTUnwrap(m.marginals).columns.contains { $0.contains(0) })
        let bytes = try m.bytes(), again = try Model.load(UnsafeRawBufferPointer(start: bytes.base, count: bytes.count))
        XCTAssertEqual(Fixture.cells(try m.sample(count: 100, seed: 3)),
                       Fixture.cells(try again.sample(count: 100, seed: 3)))
        // Without parity released pairs would bring the group back.
        let plain = try Self.plan(#""independence": {"parity": 0, "conditionals": 0}"#)
        XCTAssertEqual(plain.tiltColumns(plain.marginalRequests(pairs: plain.allPairs)), alone)
    }

    func testParityIsOfTheTableThatNetworksLearnFromAndTheTiltMeets() throws {
        let m = try Self.aligned.get(), released = try XCTUnwrap(m.marginals),
            targets = try released.targets(plan: m.plan, statistics: m.statistics)
        let fair = try released.projectedRows(plan: m.plan, statistics: m.statistics, threads: 1, stop: { false })
        let plain = try Self.plan(#""independence": {"parity": 0, "conditionals": 0}"#),
            rows = try released.projectedRows(plan: plain, statistics: m.statistics, threads: 2, stop: { false })
        let pair = try XCTUnwrap(targets.first { $0.columns == [1, 2] })
        let a = try fair.marginal(pair, total: m.statistics.rows), b = try rows.marginal(pair, total: m.statistics.rows)
        XCTAssertEqual(a.values.reduce(0, +), m.statistics.rows, accuracy: 0.01 * m.statistics.rows)
        XCTAssertEqual(a.standardDeviation, pair.standardDeviation)
        // Drawn rows have these shares, in each table's own way.
        for (r, want) in [(fair, a), (rows, b)] {
            let n = 20_000, T = 7, codes = try Buffer<UInt16>(count: n * T, for: "a test"), K = r.levels[2]
            var found = [Double](repeating: 0, count: want.values.count)
            for i in 0..<n {
                r.draw(seed: 8, row: UInt64(i), codes: codes.base + i, targets: nil, stride: n)
                found[Int(codes[i]) * K + Int(codes[n + i])] += m.statistics.rows / Double(n)
            }
            for (x, y) in zip(found, want.values) { XCTAssertEqual(x, y, accuracy: 0.015 * m.statistics.rows) }
        }
        XCTAssertGreaterThan(zip(a.values, b.values).map { abs($0 - $1) }.max()!, 0)
        // The tilt meets pairs as they are in this table, never as they were released, and columns alone as all
        // releases tell them.
        let goals = try released.tiltTargets(plan: m.plan, statistics: m.statistics) { fair }
        XCTAssertEqual(m.plan.heads(of: goals.map(\.columns)), try XCTUnwrap(m.tilt).columns)
        for g in goals {
            let was = try XCTUnwrap(targets.first { $0.columns == g.columns })
            if g.columns.count == 1 {
                let own = try released.columnCounts(plan: m.plan, statistics: m.statistics)[g.columns[0]]
                XCTAssertEqual(Array(g.values), Array(own.values))
            } else {
                XCTAssertEqual(Array(g.values), Array(try fair.marginal(was, total: m.statistics.rows).values))
            }
        }
        // Groups stay where they are.
        XCTAssertEqual(try XCTUnwrap(fair.groupShares).shares, try XCTUnwrap(rows.groupShares).shares)
        // Strength 0 knows no parity.
        XCTAssertEqual(try Self.plan(Self.on, strength: 0).parity, 0)
        XCTAssertEqual(try Self.plan(Self.on, strength: 2).parity, 2 * m.plan.settings.independence.parity)
    }

    func testParityWhereOnlyChosenPairsWereBought() throws {
        let m = try Fixture.train(Self.plan(#""marginals": {"pairs": "selected", "count": 6}"#), Self.table()),
            estimated = try XCTUnwrap(m.marginals).columns
        XCTAssertEqual(estimated.count, 6)
        XCTAssertEqual(try XCTUnwrap(m.tilt).columns,
                       m.plan.heads(of: (1..<8).map { [$0] } + estimated.filter { !$0.contains(0) }))
        let bytes = try m.bytes(), again = try Model.load(UnsafeRawBufferPointer(start: bytes.base, count: bytes.count))
        XCTAssertEqual(Fixture.cells(try m.sample(count: 60, seed: 3)),
                       Fixture.cells(try again.sample(count: 60, seed: 3)))
    }

    func testRowsOfEachStage() throws {
        let m = try Self.aligned.get()
        func share(_ stage: Model.IntermediateStage?) throws -> Double {
            let t = try m.sample(count: 3000, seed: 7, stage: stage, threads: 2)
            XCTAssertEqual(Fixture.cells(try m.sample(first: 100, count: 20, seed: 7, stage: stage, threads: 1))
                .prefix(20), Fixture.cells(t)[100..<120])
            // How often the ward is one of the group's.
            return Double((0..<3000).reduce(0) { $0 + (t.columns[1].offset($1) / 2 == t.columns[0].offset($1) ? 1
                : 0) }) / 3000
        }
        XCTAssertGreaterThan(try share(.projection), 0.65)                              // as it was fitted
        // the group is drawn beside
        for stage in [Model.IntermediateStage.autoencoder, .diffusion, nil] {
            XCTAssertEqual(try share(stage), 0.5, accuracy: 0.12)
        }
        let published = try Fixture.train(Fixture.plan(), Fixture.table(rows: 300))
        XCTAssertThrowsError(try published.sample(count: 5, stage: .projection)) {
            XCTAssertEqual(($0 as? Failure)?.code, .argument)
        }
        XCTAssertEqual(try published.sample(count: 5, stage: .diffusion).rows, 5)
    }

    // MARK: groups of a relaxed table

    /// Two components: one is mostly of group 0 with ward a, the other of group 1 with ward c.
    private func rows(repair: Double, _ more: String = "") throws -> (ProjectedRows, Plan) {
        let schema = try Schema(json: #"""
        {"fields": [{"name": "sex", "type": "string", "constraints": {"enum": ["f", "m"], "required": true}},
                    {"name": "ward", "type": "string", "constraints": {"enum": ["a", "b", "c"], "required": true}},
                    {"name": "age", "type": "integer", "constraints": {"minimum": 0, "maximum": 3, "required": true}}]}
        """#)
        let plan = try Plan(schema: schema, protected: ["sex"], epsilon: 1, delta: 1e-6, preset: "best",
                            config: JSON.parse("{\"fairness\": {\"strength\": 1}\(more)}"))
        let p: [Float] = [0.9, 0.1,  0.7, 0.2, 0.1,  0.4, 0.3, 0.2, 0.1,
                          0.2, 0.8,  0.1, 0.2, 0.7,  0.1, 0.2, 0.3, 0.4]
        let b = try Buffer<Float>(count: p.count, for: "a test")
        for (i, x) in p.enumerated() { b[i] = x }
        return (try ProjectedRows(RelaxedTable(levels: [2, 3, 4], rows: 2, probabilities: b, steps: 0, floorRatio: 0),
                                  plan: plan, repair: repair), plan)
    }

    private func shares(_ rows: ProjectedRows, group: Int?, column t: Int, levels K: Int, goals: Bool = false) throws
        -> [Double] {
        let n = 40_000, codes = try Buffer<UInt16>(count: 2 * n, for: "a test"),
            second = try Buffer<UInt16>(count: 2 * n, for: "a test")
        var count = [Double](repeating: 0, count: K)
        for i in 0..<n {
            let g = rows.draw(seed: 3, row: UInt64(i), group: group, codes: codes.base + i, targets: second.base + i,
                              stride: n)
            if let group { XCTAssertEqual(g, group) }
            count[Int((goals ? second : codes)[t * n + i])] += 1 / Double(n)
        }
        return count
    }

    func testRowsOfAGroupAreThoseOfTheTable() throws {
        let (r, _) = try rows(repair: 0), groups = try XCTUnwrap(r.groupShares)
        XCTAssertEqual(groups.shares[0], 0.55, accuracy: 1e-6)
        XCTAssertEqual(groups.present, [0, 1])
        // P(component 0 | f) = .9 / 1.1
        let f = 0.9 / 1.1, wardOfF = [0.7 * f + 0.1 * (1 - f), 0.2, 0.1 * f + 0.7 * (1 - f)]
        for goals in [false, true] {
            for (x, y) in zip(try shares(r, group: 0, column: 0, levels: 3, goals: goals), wardOfF) {
                XCTAssertEqual(x, y, accuracy: 0.012)
            }
        }
        let drawn = (0..<40_000).reduce(0) { s, i in
            var c = [UInt16](repeating: 0, count: 2)
            return s + c.withUnsafeMutableBufferPointer {
                r.draw(seed: 4, row: UInt64(i), codes: $0.baseAddress!, targets: nil, stride: 1)
            }
        }
        XCTAssertEqual(Double(drawn) / 40_000, 0.45, accuracy: 0.01)
    }

    func testRepairedColumnsAreAlikeInAllGroupsAndKeepTheirShares() throws {
        let (r, _) = try rows(repair: 1)
        for (t, K, pooled) in [(0, 3, [0.4, 0.2, 0.4]), (1, 4, [0.25, 0.25, 0.25, 0.25])] {
            for g in 0...1 {
                for (x, y) in zip(try shares(r, group: g, column: t, levels: K), pooled) {
                    XCTAssertEqual(x, y, accuracy: 0.012, "group \(g), column \(t)")
                }
            }
        }
        // Half of the rows repaired: half of the way.
        let (h, _) = try rows(repair: 0.5)
        let f = 0.9 / 1.1, a = 0.7 * f + 0.1 * (1 - f)
        XCTAssertEqual(try shares(h, group: 0, column: 0, levels: 3)[0], (a + 0.4) / 2, accuracy: 0.012)
    }

    func testRowsWeighAsTheTableDoes() throws {
        let (r, plan) = try rows(repair: 0), vae = try VAE(shape: plan.autoencoderShape(levels: [3, 4]), seed: 1)
        let a = try ReleasedAlignment(plan: plan, groups: XCTUnwrap(r.groupShares), network: vae)
        XCTAssertEqual((0..<6).map { a.wanted($0) }, [0, 1, 0, 1, 0, 1])
        XCTAssertEqual(a.weight(of: 0), 1.1, accuracy: 1e-5)
        XCTAssertEqual(a.weight(of: 1), 0.9, accuracy: 1e-5)
        XCTAssertEqual(a.ramp(0), 0)
        XCTAssertEqual(a.ramp(plan.settings.independence.start + plan.settings.independence.ramp), 1)
    }

    // MARK: behind the latent

    /// Terms at the decoder and the heads: their gradient by every weight against differences of their value.
    func testTermsBehindTheLatentPullDownhill() throws {
        let (r, plan) = try rows(repair: 0, #"""
        , "autoencoder": {"width": 4, "heads": 1, "feed_forward": 4, "latent": 3, "batch": 48},
        "independence": {"start": 0, "ramp": 0, "latent_mean": 0, "latent_discrepancy": 0,
          "adversary": 0, "decoder_mean": 2, "decoder_discrepancy": 3, "heads_mean": 4, "heads_fourier": 1,
          "heads_covariance": 0.5}
        """#)
        let vae = try VAE(shape: plan.autoencoderShape(levels: [3, 4]), seed: 1), scratch = try VAEScratch(vae), n = 48,
            L = 3, P = vae.parameters.trainable
        var random = NormalStream(seed: 3, stream: 1)
        for i in 0..<vae.parameters.count { vae.parameters.base[i] += 0.3 * random.next() }
        let a = try ReleasedAlignment(plan: plan, groups: XCTUnwrap(r.groupShares), network: vae),
            taps = try XCTUnwrap(a.hooks(vae))
        let codes = try Buffer<UInt16>(count: 2 * n, for: "a test"),
            normals = try Buffer<Float>(count: n * L, for: "a test")
        for i in 0..<n {
            let g = r.draw(seed: 3, row: UInt64(i), group: a.wanted(i), codes: codes.base + i, targets: nil, stride: n)
            (a.group[i], a.weight[i]) = (Int32(g), a.weight(of: g))
            for l in 0..<L { normals[i * L + l] = random.next() }
        }
        let batch = CodeRows(bins: codes.base, stride: n, count: n)
        func value() throws -> Double {
            a.collect(vae, batch, at: 0, normals: normals.base, hooks: taps, scratch)
            return try a.computeTermGradients(step: 0, normals: normals.base)
        }
        func gradient(_ hooks: ActivationHooks?) throws -> Buffer<Float> {
            let sum = try Buffer<Float>(count: P, for: "a test")
            let options = VAE.GradientOptions(weights: a.weight.base, addedMeanGradient: a.termGradient.base,
                                              hooks: hooks)
            vae.gradientSum(batch, noise: normals.base, beta: 0.5, into: sum.base, options: options,
                            scratch) { first, count in
                if let hooks { a.addTermGradients(to: hooks, at: first, count: count) }
            }
            return sum
        }
        XCTAssertGreaterThan(abs(try value()), 0.05)        // unbiased terms may be below 0
        let with = try gradient(taps), without = try gradient(nil), got = (0..<P).map {
            Double(with[$0] - without[$0]) / Double(n)
        }
        let size = got.map(abs).max() ?? 0
        XCTAssertGreaterThan(size, 0.01)
        for p in 0..<P {
            let w = vae.parameters.base[p], h: Float = 4e-3
            vae.parameters.base[p] = w + h
            let up = try value()
            vae.parameters.base[p] = w - h
            let down = try value()
            vae.parameters.base[p] = w
            XCTAssertEqual(got[p], (up - down) / Double(2 * h), accuracy: 6e-3 * size, "weight \(p)")
        }
    }

    func testTrainingWithThemIsTheSameWhateverTheThreads() throws {
        let more = #""independence": {"start": 2, "ramp": 2, "decoder_mean": 2, "heads_mean": 4, "#
            + #""heads_discrepancy": 1}"#, table = try Self.table()
        let a = try Fixture.train(Self.plan(more, threads: 1), table),
            b = try Fixture.train(Self.plan(more, threads: 3), table)
        XCTAssertEqual(Fixture.cells(try a.sample(count: 100, seed: 5)),
                       Fixture.cells(try b.sample(count: 100, seed: 5)))
        XCTAssertNotEqual(Fixture.cells(try a.sample(count: 100, seed: 5)),
                          Fixture.cells(try Self.aligned.get().sample(count: 100, seed: 5)))
        XCTAssertGreaterThan(try Self.plan(more).memory(rows: 900), try Self.plan(Self.off).memory(rows: 900))
        XCTAssertGreaterThan(try Self.plan(Self.off).memory(rows: 900),
                             try Self.plan(Self.off, strength: 0).memory(rows: 900))
    }

    /// Ward and age go together in the released tables, and hardly in networks of few steps: the tilt of an aligned
    /// model leaves it so.
    func testTheTiltDoesNotBringBackWhatIsGone() throws {
        func share(_ m: Model, _ stage: Model.IntermediateStage?) throws -> Double {
            let t = try m.sample(count: 3000, seed: 7, stage: stage)
            let both = (0..<3000).filter { t.columns[1].offset($0) >= 0 }
            return Double(both.filter {
                (0..<30).contains(Int(t.columns[2].double($0)) - 20 * Int(t.columns[1].offset($0))) }.count) / Double(
                    both.count)
        }
        func gain(strength: Double) throws -> Double {
            let m = try Fixture.train(Self.plan(Self.off
                + #", "rows": {"guess": 4000}, "autoencoder": {"width": 8, "heads": 2, "feed_forward": 8, "latent": "#
                + #"4, "batch": 128, "steps": 3}, "rake": {"pool": 4000, "steps": 60, "rate": 0.3, "floor": 0.1}"#,
                                                strength: strength), Fixture.table(rows: 4000))
            XCTAssertGreaterThan(try share(m, .projection), 0.6)
            return try share(m, nil) - share(m, .autoencoder)
        }
        XCTAssertGreaterThan(try gain(strength: 0), 0.15)
        XCTAssertLessThan(try gain(strength: 1), 0.05)
    }
}
