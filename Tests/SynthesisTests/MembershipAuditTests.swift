// P11 for whole trainings: 1 000 canaries in one training of each preset. What the attacker proves, at 95 %, stays
// below the ε that was promised; with the noise or the clipping switched off it exceeds it, so the audit can fail. The
// long form (`make audit`: several ε, several coins, the finished models) writes one JSON object a line to the file
// that FLIP_AUDIT names.

import Basics
import Glibc
@testable import Synthesis
import XCTest

final class MembershipAuditTests: XCTestCase {
    private func check(_ preset: String) throws {
        // One row's place among the gradients of a batch drawn at rate ½ hides a missing clip from this attack on whole
        // trainings of `published`: what it proves is printed. On the sums themselves the mutant is caught: AuditTests,
        // MechanismAuditTests.
        for mutant in Mutant.allCases {
            let r = try Canaries(preset: preset, epsilon: 2, mutant: mutant).run()
            print("audit of \(preset), \(mutant.rawValue): ε ≥ \(short(r.released.bound, 3)) from "
                + "\(r.released.correct) of \(r.released.guesses) guesses; promised \(short(r.claim, 3))")
            if mutant == .none {
                XCTAssertLessThanOrEqual(r.released.bound, r.claim)
                // More than half are right: the attack works at all.
                XCTAssertGreaterThan(Double(r.released.correct), 0.5 * Double(r.released.guesses))
            } else if mutant != .clipping || preset == "best" {
                XCTAssertGreaterThan(r.released.bound, r.claim, mutant.rawValue)
            }
        }
    }

    func testPublished() throws { try check("published") }
    func testBest() throws { try check("best") }

    /// Two groups, the smaller one drawn more often: the canaries of each against the ε of each.
    func testEveryGroup() throws {
        for mutant in [Mutant.none, .noise] {
            let r = try Canaries(preset: "published", epsilon: 2, mutant: mutant, balanced: true).run()
            XCTAssertEqual(r.groups.count, 2)
            for g in r.groups {
                print("audit of published, group \(g.name), \(mutant.rawValue): ε ≥ \(short(g.audit.bound, 3)); its "
                    + "ε is \(short(g.claim, 3))")
                XCTAssertLessThanOrEqual(g.claim, r.claim)
                if mutant == .none {
                    XCTAssertLessThanOrEqual(g.audit.bound, g.claim)
                } else {
                    XCTAssertGreaterThan(g.audit.bound, g.claim, "\(g.name), \(mutant.rawValue)")
                }
            }
        }
    }

    func testLongForm() throws {
        guard let path = getenv("FLIP_AUDIT") else { throw XCTSkip("the long form runs under `make audit`") }
        guard let file = fopen(path, "a") else { return XCTFail("FLIP_AUDIT: cannot be opened") }
        defer { fclose(file) }
        for preset in ["published", "best"] {
            for epsilon in [0.5, 1.0, 2] {
                for mutant in Mutant.allCases {
                    for seed in UInt64(1)...3 {
                        let r = try Canaries(preset: preset, epsilon: epsilon, mutant: mutant, seed: seed,
                                             repeatable: false).run(finish: true)
                        for (sees, audit) in [("every release", r.released), ("the model", r.model)] {
                            guard let audit else { continue }
                            let line = JSON.object(JSONObject([("audit", .string("one run")),
                                                               ("preset", .string(preset)),
                                                               ("mutant", .string(mutant.rawValue)),
                                                               ("sees", .string(sees)),
                                                               ("epsilon", .number(r.claim)), ("delta", .number(1e-6)),
                                                                   ("lower_bound", .number(audit.bound)),
                                                                       ("canaries", 1000),
                                                               ("guesses", .int(Int64(audit.guesses))),
                                                                   ("correct", .int(Int64(audit.correct))),
                                                                       ("seed", .int(Int64(seed)))]))
                            fputs(line.text + "\n", file)
                            if mutant == .none { XCTAssertLessThanOrEqual(audit.bound, r.claim) }
                            if mutant == .noise || (mutant == .clipping && preset == "best"), sees == "every release" {
                                XCTAssertGreaterThan(audit.bound, r.claim, "\(preset) \(epsilon) \(mutant)")
                            }
                        }
                    }
                }
            }
        }
    }
}
