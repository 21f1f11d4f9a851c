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
        return try SharedBudget.create(text(path, "path"), BudgetOptions(configuration(config)).terms())
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
    giveObject(json, err) { try budget(handle).account().report }
}

@_cdecl("flip_budget_free")
public func flip_budget_free(_ budget: OpaquePointer?) { free(budget, .budget) }
