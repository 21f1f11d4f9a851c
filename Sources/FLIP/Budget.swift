// flip_budget: what several trainings and a host's own mechanisms spend together.

import Basics
import Budgets
import CFlip
import Privacy
import Synthesis

func budget(_ pointer: OpaquePointer?) throws -> SharedBudget { try object(pointer, .budget, as: SharedBudget.self) }

@_cdecl("flip_budget_create")
public func flip_budget_create(_ path: UnsafePointer<CChar>?, _ config: UnsafePointer<CChar>?, _ out: HandleOut,
                               _ err: ErrorOut) -> flip_status {
    create(.budget, out, err) {
        let r = try JSONReader(configuration(config), context: "budget")
        let terms = try SharedBudget.terms(epsilon: r.double("epsilon"), delta: r.double("delta"),
                                           order: r.optionalInt("order"),
                                           selection: r.optionalDouble("selection_delta") ?? 0,
                                               rowsPerPerson: r.optionalInt("max_rows_per_person") ?? 0)
        try r.finish()
        return try SharedBudget.create(text(path, "path"), terms)
    }
}

@_cdecl("flip_budget_open")
public func flip_budget_open(_ path: UnsafePointer<CChar>?, _ out: HandleOut, _ err: ErrorOut) -> flip_status {
    create(.budget, out, err) { try SharedBudget.open(text(path, "path")) }
}

@_cdecl("flip_budget_spent")
public func flip_budget_spent(_ handle: OpaquePointer?, _ epsilon: UnsafeMutablePointer<Double>?, _ err: ErrorOut)
    -> flip_status {
    give(epsilon, "epsilon", err) { try budget(handle).account().spent }
}

@_cdecl("flip_budget_remaining")
public func flip_budget_remaining(_ handle: OpaquePointer?, _ epsilon: UnsafeMutablePointer<Double>?, _ err: ErrorOut)
    -> flip_status {
    give(epsilon, "epsilon", err) { try budget(handle).account().remaining }
}

@_cdecl("flip_budget_charge")
public func flip_budget_charge(_ handle: OpaquePointer?, _ name: UnsafePointer<CChar>?, _ event: UnsafePointer<CChar>?,
                               _ err: ErrorOut) -> flip_status {
    attempt(err) {
        let budget = try budget(handle)
        try budget.charge(Ledger.Release(name: text(name, "name"), event: JSON.parse(text(event, "event"))))
    }
}

@_cdecl("flip_budget_settle")
public func flip_budget_settle(_ handle: OpaquePointer?, _ run: UnsafePointer<CChar>?, _ err: ErrorOut) -> flip_status {
    attempt(err) { try budget(handle).settle(run: text(run, "run")) }
}

@_cdecl("flip_budget_report")
public func flip_budget_report(_ handle: OpaquePointer?, _ json: HandleOut, _ err: ErrorOut) -> flip_status {
    giveJSON(json, err) { try budget(handle).account().report }
}

@_cdecl("flip_budget_free")
public func flip_budget_free(_ budget: OpaquePointer?) { free(budget, .budget) }

/// Every key of a new budget, for hosts.
let budgetSchema: JSON = [
    "epsilon": ["default": nil, "range": "above 0, at most 1000", "unit": "nats",
                "help": "what all runs together may cost; required"],
    "delta": ["default": nil, "range": "above 0, below 1 / rows", "unit": "probability",
              "help": "its failure probability; required"],
    "order": ["default": nil, "range": "2 to 64, 128, 256, 512, 1024", "unit": "",
              "help": .string("Rényi order at which divergences are added; fitted to trainings at a sampling rate of 0.03 "
                  + "when it is left out")],
    "selection_delta": ["default": 0, "range": "0 to delta", "unit": "probability",
                        "help": "part of delta that thresholded histograms may use"],
    "max_rows_per_person": ["default": 0, "range": "0 to 1024", "unit": "rows",
                            "help": "all runs are for persons with up to so many rows; 0: for rows"],
]
