// flip_domain_buy: a schema bought from a budget.

import Basics
import Budgets
import CFlip
import Privacy
import Synthesis
import Tables

@_cdecl("flip_domain_buy")
public func flip_domain_buy(_ budgetHandle: OpaquePointer?, _ sketch: UnsafePointer<CChar>?, _ size: Int,
                            _ path: UnsafePointer<CChar>?, _ config: UnsafePointer<CChar>?,
                            _ callback: Callback, _ user: UnsafeMutableRawPointer?, _ out: HandleOut,
                                _ report: HandleOut, _ err: ErrorOut) -> flip_status {
    report?.pointee = nil
    var found: JSON = .null
    let status = create(.schema, out, err) {
        let shared = try budget(budgetHandle), json = try pointer(sketch, "sketch")
        guard size >= 0, size <= longText else {
            throw Failure(.argument, "size: a schema has at most \(longText) bytes")
        }
        let sketch = try SchemaSketch(json: text(UnsafeRawPointer(json), size, "sketch"))
        let released = try buyDomain(sketch, csv: text(path, "path"), from: shared,
                                     domainOptions(configuration(config), shared),
                                     progress: Reporter(callback, user, "reading").report)
        found = released.report
        return SchemaBox(released.schema)
    }
    guard status == 0, report != nil else { return status }
    return giveJSON(report, err) { found }
}

private func domainOptions(_ json: JSON, _ shared: SharedBudget) throws -> DomainOptions {
    let r = try JSONReader(json, context: "domain"), share = try r.optionalDouble("share", in: 1e-9...1)
    guard r.has("epsilon") != (share != nil) else { throw Failure(.argument, "domain: give either epsilon or share") }
    var options = DomainOptions(epsilon: try share.map { try shared.epsilon(share: $0, key: "domain, share") }
        ?? r.double("epsilon", in: 1e-9...1000))
    options.name = try r.optionalString("name") ?? options.name
    options.other = try r.optionalString("other") ?? options.other
    options.selection = try r.optionalDouble("selection_delta", in: 1e-300...1)
    options.csv = try CSVOptions(r)
    if let v = r.optional("test_seed"), v != .null {
        options.testSeed = UInt64(try r.int64("test_seed", in: 0...Int64.max))
    }
    try r.finish()
    return options
}

/// Every key of `flip_domain_buy`, for hosts, beside those of reading CSV.
let domainSchema: JSON = [
    "epsilon": ["default": nil, "range": "above 0, at most 1000", "unit": "nats",
                "help": "what the domain may cost alone, at the budget's order; or share"],
    "share": ["default": nil, "range": "above 0, at most 1", "unit": "",
              "help": "the part of the budget that it may cost; or epsilon"],
    "selection_delta": ["default": nil, "range": "above 0, at most what the budget has left", "unit": "probability",
                        "help": .string("that a level shows which one row, or person, alone holds; all that is left when it "
                            + "is left out")],
    "other": ["default": "other", "range": "text", "unit": "",
              "help": "the level that stands for all that are not bought"],
    "name": ["default": "domain", "range": "text", "unit": "", "help": "of the run in the budget's report"],
    "test_seed": ["default": nil, "range": "null | 0 to 2^63 - 1", "unit": "",
                  "help": "tests only: deterministic noise, NOT private, recorded in the ledger"],
]
