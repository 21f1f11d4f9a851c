// flip_plan.

import Basics
import Budgets
import CFlip
import Privacy
import Synthesis
import Tables

final class PlanBox {
    let plan: Plan
    /// The budget it was made under, and what its trainings are called there.
    let shared: SharedBudget?
    let name: String
    init(_ plan: Plan, shared: SharedBudget? = nil, name: String = "training") {
        (self.plan, self.shared, self.name) = (plan, shared, name)
    }

    func trainer(_ table: Table) throws -> Trainer { try Trainer(plan: plan, table: table, shared: shared, name: name) }

    func trainer(elsewhere options: RemoteOptions) throws -> Trainer {
        try Trainer(plan: plan, elsewhere: options, shared: shared, name: name)
    }
}

func planBox(_ pointer: OpaquePointer?) throws -> PlanBox { try object(pointer, .plan, as: PlanBox.self) }

func plan(_ pointer: OpaquePointer?) throws -> Plan { try object(pointer, .plan, as: PlanBox.self).plan }

@_cdecl("flip_plan_create")
public func flip_plan_create(_ handle: OpaquePointer?, _ config: UnsafePointer<CChar>?, _ out: HandleOut,
                             _ err: ErrorOut) -> flip_status {
    create(.plan, out, err) { try PlanBox(Plan(schema: schema(handle), options: configuration(config))) }
}

@_cdecl("flip_plan_create_under")
public func flip_plan_create_under(_ handle: OpaquePointer?, _ budgetHandle: OpaquePointer?,
                                   _ config: UnsafePointer<CChar>?, _ out: HandleOut,
                                   _ err: ErrorOut) -> flip_status {
    create(.plan, out, err) {
        try PlanBox(schema: schema(handle), options: configuration(config), under: budget(budgetHandle))
    }
}

@_cdecl("flip_plan_epsilon")
public func flip_plan_epsilon(_ handle: OpaquePointer?, _ accountant: UnsafePointer<CChar>?, _ delta: Double,
                              _ epsilon: UnsafeMutablePointer<Double>?, _ err: ErrorOut) -> flip_status {
    give(epsilon, "epsilon", err) {
        let plan = try plan(handle)
        return try plan.epsilon(delta: delta, by: accountantKind(accountant, "accountant"))
    }
}

@_cdecl("flip_plan_explain")
public func flip_plan_explain(_ handle: OpaquePointer?, _ json: HandleOut, _ err: ErrorOut) -> flip_status {
    giveObject(json, err) { try plan(handle).explain() }
}

@_cdecl("flip_plan_explanation")
public func flip_plan_explanation(_ handle: OpaquePointer?, _ text: HandleOut, _ err: ErrorOut) -> flip_status {
    create(.buffer, text, err) { try Bytes.of(plan(handle).explanation()) }
}

@_cdecl("flip_plan_json")
public func flip_plan_json(_ handle: OpaquePointer?, _ json: HandleOut, _ err: ErrorOut) -> flip_status {
    giveObject(json, err) { try plan(handle).json }
}

@_cdecl("flip_plan_memory")
public func flip_plan_memory(_ handle: OpaquePointer?, _ rows: Int64, _ peakBytes: UnsafeMutablePointer<Int64>?,
                             _ err: ErrorOut) -> flip_status {
    give(peakBytes, "peak_bytes", err) { try Int64(plan(handle).memory(rows: Int(rows))) }
}

@_cdecl("flip_plan_free")
public func flip_plan_free(_ plan: OpaquePointer?) { free(plan, .plan) }

extension PlanBox {
    convenience init(schema: Schema, options: JSON, under shared: SharedBudget) throws {
        var options = options.asObject ?? JSONObject()
        let name = options["name"]
        options["name"] = nil
        guard name == nil || name?.asString != nil else { throw Failure(.argument, "config, name: must be a string") }
        try self.init(Plan(schema: schema, options: options, under: shared), shared: shared, name: name?.asString
            ?? "training")
    }
}
