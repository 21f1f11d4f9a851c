// flip_trainer, and flip_train, which is the same calls in a loop.

import Basics
import Budgets
import CFlip
import Synthesis
import Tables

func trainer(_ pointer: OpaquePointer?) throws -> Trainer { try object(pointer, .trainer, as: Trainer.self) }

func makeProgress(_ p: Synthesis.Progress) -> flip_progress {
    makeProgress(stage: p.stage.number, name: p.stage.name, step: p.step, total: p.total, epsilon: p.epsilon,
                 seconds: p.seconds)
}

@_cdecl("flip_trainer_create")
public func flip_trainer_create(_ planHandle: OpaquePointer?, _ tableHandle: OpaquePointer?, _ out: HandleOut,
                                _ err: ErrorOut) -> flip_status {
    create(.trainer, out, err, .reading(tableHandle, .table)) { try planBox(planHandle).trainer(complete(tableHandle)) }
}

@_cdecl("flip_trainer_step")
public func flip_trainer_step(_ handle: OpaquePointer?, _ maxSteps: Int64, _ maxSeconds: Double,
                              _ progress: UnsafeMutablePointer<flip_progress>?, _ err: ErrorOut) -> flip_status {
    attempt(err, .changing(handle, .trainer)) {
        let trainer = try trainer(handle)
        try checkSize(progress)
        guard maxSteps >= 0 else { throw Failure(.argument, "max_steps: must be 0 (no limit) or more") }
        guard maxSeconds >= 0 else { throw Failure(.argument, "max_seconds: must be 0 (no limit) or more") }
        let state = try trainer.step(maxSteps: maxSteps == 0 ? .max : Int(maxSteps), maxSeconds: maxSeconds == 0
            ? .infinity : maxSeconds)
        if let progress { write(makeProgress(state), to: progress) }
    }
}

@_cdecl("flip_trainer_checkpoint")
public func flip_trainer_checkpoint(_ handle: OpaquePointer?, _ path: UnsafePointer<CChar>?, _ err: ErrorOut)
    -> flip_status {
    attempt(err, .changing(handle, .trainer)) { try trainer(handle).checkpoint(text(path, "path")) }
}

@_cdecl("flip_trainer_resume")
public func flip_trainer_resume(_ path: UnsafePointer<CChar>?, _ tableHandle: OpaquePointer?, _ out: HandleOut,
                                _ err: ErrorOut) -> flip_status {
    create(.trainer, out, err, .reading(tableHandle, .table)) {
        try Trainer.resume(text(path, "path"), table: complete(tableHandle))
    }
}

@_cdecl("flip_trainer_resume_under")
public func flip_trainer_resume_under(_ path: UnsafePointer<CChar>?, _ tableHandle: OpaquePointer?,
                                      _ budgetHandle: OpaquePointer?, _ out: HandleOut,
                                      _ err: ErrorOut) -> flip_status {
    create(.trainer, out, err, .reading(tableHandle, .table)) {
        try Trainer.resume(text(path, "path"), table: complete(tableHandle), shared: budget(budgetHandle))
    }
}

@_cdecl("flip_trainer_plan")
public func flip_trainer_plan(_ handle: OpaquePointer?, _ out: HandleOut, _ err: ErrorOut) -> flip_status {
    create(.plan, out, err, .changing(handle, .trainer)) {
        let trainer = try trainer(handle)
        return PlanBox(trainer.plan, shared: trainer.sharedBudget)
    }
}

@_cdecl("flip_trainer_ledger")
public func flip_trainer_ledger(_ handle: OpaquePointer?, _ json: HandleOut, _ err: ErrorOut) -> flip_status {
    giveObject(json, err, .changing(handle, .trainer)) { try trainer(handle).ledger.hostJSON() }
}

@_cdecl("flip_trainer_finish")
public func flip_trainer_finish(_ handle: OpaquePointer?, _ out: HandleOut, _ err: ErrorOut) -> flip_status {
    create(.model, out, err, .changing(handle, .trainer)) { try trainer(handle).finish() }
}

@_cdecl("flip_trainer_cancel")
public func flip_trainer_cancel(_ handle: OpaquePointer?) { (try? trainer(handle))?.cancel() }

@_cdecl("flip_trainer_free")
public func flip_trainer_free(_ trainer: OpaquePointer?) { free(trainer, .trainer) }

@_cdecl("flip_train")
public func flip_train(_ planHandle: OpaquePointer?, _ tableHandle: OpaquePointer?, _ callback: Callback,
                       _ user: UnsafeMutableRawPointer?,
                       _ out: HandleOut, _ err: ErrorOut) -> flip_status {
    create(.model, out, err, .reading(tableHandle, .table)) {
        let trainer = try planBox(planHandle).trainer(complete(tableHandle))
        let reporter = Reporter(callback, user, "training")
        while !trainer.isFinished {
            let state = try trainer.step(maxSteps: .max, maxSeconds: 0.1)
            guard reporter.report(makeProgress(state)) else {
                throw Failure(.cancelled, "the callback stopped the training")
            }
        }
        return try trainer.finish()
    }
}
