// Cells of marginals that rules make impossible: no row that keeps the rules is in one of them, and what is plainly
// impossible is found, also for distances and for columns whose cells hold many values.

import Basics
import Compute
import Projection
import Tables
import XCTest
@testable import Synthesis

final class StructuralZerosTests: XCTestCase {
    private static let schema = """
        {"fields": [
          {"name": "in", "type": "date", "constraints": {"minimum": "2020-01-01", "maximum": "2020-12-31",
           "required": true}},
          {"name": "out", "type": "date", "constraints": {"minimum": "2020-01-01", "maximum": "2021-01-10"}},
          {"name": "a", "type": "integer", "constraints": {"minimum": 0, "maximum": 100000, "required": true}},
          {"name": "b", "type": "integer", "constraints": {"minimum": 0, "maximum": 100000}},
          {"name": "x", "type": "number", "constraints": {"minimum": 0, "maximum": 1, "required": true}},
          {"name": "y", "type": "number", "constraints": {"minimum": 0, "maximum": 1, "required": true}},
          {"name": "sex", "type": "string", "constraints": {"enum": ["f", "m"], "required": true}},
          {"name": "pregnant", "type": "string", "constraints": {"enum": ["no", "yes"]}}],
         "flip:rules": [
          {"name": "stay", "order": ["in", "out"], "gap": {"minimum": 0, "maximum": 90}},
          {"name": "ab", "order": ["a", "b"], "gap": {"minimum": 0, "maximum": 60000}},
          {"name": "xy", "order": ["x", "y"], "gap": {"minimum": 0.25}},
          {"name": "men", "forbid": {"sex": "m", "pregnant": "yes"}}]}
        """

    func testNoRowIsInAnImpossibleCellAndThereAreSome() throws {
        let plan = try Plan(schema: Schema(json: Self.schema), protected: [], epsilon: 1, delta: 1e-5, preset: "best")
        let zeros = try XCTUnwrap(StructuralZeros(plan)), shape = plan.shape, grids = plan.grids
        let probes = try plan.schema.fields.map { try Column.probe($0) }, m = grids.count
        let y = try Buffer<Double>(count: m), x = try Buffer<Double>(count: plan.declared.fields.count)
        var marked: [String: Double] = [:]
        for i in 0..<m {
            for j in 0..<i {
                // Bins of 64 cells where there are many.
                let width = [j, i].map { grids[$0].numerical && grids[$0].body > 1000 ? 64 : 1 }
                func bin(_ t: Int, _ c: Int) -> Int {
                    let grid = grids[[j, i][t]], whole = (grid.body + width[t] - 1) / width[t]
                    return c < grid.body ? c / width[t] : whole + c - grid.body
                }
                let bins = [j, i].enumerated().map { bin($0.offset, grids[$0.element].count - 1) + 1 }
                guard let none = zeros.impossible([j, i], bins: bins, bin: bin) else { continue }
                let names = [j, i].map { plan.schema.fields[$0].name }.joined(separator: " ")
                marked[names] = Double(none.filter { $0 }.count) / Double(none.count)
                var stream = CounterStream(seed: 4, row: UInt64(i * m + j), purpose: 77), kept = 0
                for _ in 0..<20_000 {
                    var cells = [Int](repeating: 0, count: m)
                    for t in 0..<m {
                        cells[t] = min(Int(stream.uniformDouble() * Double(grids[t].count)), grids[t].count - 1)
                        y[t] = cellValue(grids[t], probes[t], cells[t], stream.uniformDouble())
                    }
                    let isKept = shape.declare(y.base, x.base) == nil && plan.declared.rules.broken(x.base) == nil
                    guard isKept else { continue }
                    kept += 1
                    XCTAssertFalse(none[bin(0, cells[j]) * bins[1] + bin(1, cells[i])], names)
                }
                XCTAssertGreaterThan(kept, 100)
            }
        }
        XCTAssertEqual(Set(marked.keys), ["in out", "a b", "x y", "sex pregnant"])
        XCTAssertEqual(marked["sex pregnant"] ?? 0, 1.0 / 6, accuracy: 1e-9)      // pregnant may be missing
        // Beyond 2021-01-10: of the days after 10 October those too far away.
        XCTAssertEqual(marked["in out"] ?? 0, 80.0 * 81 / 2 / (366 * 92), accuracy: 0.01)
        // The plane without the strip that is left, but for the cells that its edges run through.
        XCTAssertEqual(marked["a b"] ?? 0, 0.5 + 0.4 * 0.4 / 2, accuracy: 0.05)
        XCTAssertEqual(marked["x y"] ?? 0, 1 - 0.75 * 0.75 / 2, accuracy: 0.05)
    }

    private static let small = """
        {"fields": [
          {"name": "a", "type": "string", "constraints": {"enum": ["x", "y"], "required": true}},
          {"name": "b", "type": "string", "constraints": {"enum": ["p", "q", "r"], "required": true}},
          {"name": "c", "type": "string", "constraints": {"enum": ["u", "v"], "required": true}}],
         "flip:rules": [{"name": "two", "forbid": {"a": "x", "b": "p"}},
                        {"name": "three", "forbid": {"a": "y", "b": "q", "c": "v"}}]}
        """
    private static let networks = """
        "autoencoder": {"width": 4, "heads": 1, "feed_forward": 4, "latent": 2, "batch": 64, "steps": 10},
        "diffusion": {"hidden": 8, "layers": 1, "noise_levels": 2, "batch": 64, "steps": 10, "sampler_steps": 3},
        "test_seed": 3, "rows": {"declared": 600}
        """
    private static let fits = """
        , "projection": {"rows": 64, "steps": 40}, "rake": {"pool": 2000, "steps": 20}
        """

    /// Heads that were barred break no rule about two or three columns, before any row is drawn again; heads that were
    /// not break them. Both presets, trained or read from a file.
    func testBarredHeadsBreakNoRuleBetweenThem() throws {
        let schema = try Schema(json: Self.small), table = try Table(schema: schema, rows: 600)
        for i in 0..<600 {
            let a = i % 2, b = a == 0 ? 1 + i / 2 % 2 : i / 2 % 3
            for (column, level) in [a, b, a == 1 && b == 1 ? 0 : i / 6 % 2].enumerated() {
                table.columns[column].put(i, Int64(level))
            }
        }
        for j in table.columns.indices { try table.fill(j) { _ in } }
        for (preset, more) in [("published", ""), ("best", Self.fits)] {
            let plan = try Plan(schema: schema, protected: [], epsilon: 8, delta: 1e-5, preset: preset,
                                config: JSON.parse("{\(Self.networks)\(more)}"))
            let trained = try Fixture.train(plan, table), bytes = try trained.bytes()
            let read = try withExtendedLifetime(bytes) {
                try Model.load(UnsafeRawBufferPointer(start: bytes.base, count: bytes.count))
            }
            for model in [trained, read] {
                let own = try XCTUnwrap(model.generator.barred)
                XCTAssertEqual(try Self.broken(model, own), 0, preset)
                XCTAssertGreaterThan(try Self.broken(model, nil), 10, preset)
            }
        }
    }

    /// Rows of 2 560 that break a rule, as the heads draw them with a tilt.
    private static func broken(_ model: Model, _ tilt: HeadTilt?) throws -> Int {
        let g = model.generator
        let rows = RowAttempts(plan: model.plan, statistics: g.statistics,
                               source: .networks(try XCTUnwrap(g.autoencoder), g.denoiser, g.latents), tilt: tilt,
                               rowTilt: nil)
        let w = try rows.space(), chunk = DrawSpace.chunk
        var count = 0
        for k in 0..<10 {
            rows.draw(RowPlace(seed: 9, row: UInt64(k * chunk)), count: chunk, nil, w)
            for i in 0..<chunk {
                let row = g.statistics.encoders.enumerated().map { t, e in
                    e.cell(bin: Int(w.bins[t * chunk + i]), u: 0.5)
                }
                if row[0] == 0 && row[1] == 0 || row == [1, 1, 1] { count += 1 }
            }
        }
        return count
    }
}
