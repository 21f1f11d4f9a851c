// A training whose rows are in other processes: it asks for the sums that its next release needs, and is answered.
// From the true counts on everything is as with a table (Trainer.swift, Door.swift).

import Basics
import Budgets
import Privacy
import Tables

extension Trainer {
    /// A training without a table. Under a shared budget as with one.
    /// - Throws: `.unsupported` for a plan whose releases are not all counts of rows; otherwise as with a table.
    package convenience init(plan: Plan, elsewhere options: RemoteOptions, shared: SharedBudget? = nil,
                             name: String = "training") throws {
        try Self.requireCounts(plan)
        try self.init(plan: plan, rows: .elsewhere(options), shared: shared, name: name)
    }

    /// - Throws: `.unsupported`.
    static func requireCounts(_ plan: Plan) throws {
        guard let stage = plan.stages.first(where: { $0.steps > 0 && $0.sampled != nil }) else { return }
        throw Failure(.unsupported, "stage \(stage.id.name) samples single rows, and these are elsewhere: use the "
            + "preset \"best\" without finetuning, or gather the rows in one table")
    }

    /// What the next step needs of the rows, dealt into `parts` parts; nil when it needs none. Asked again before an
    /// answer it is a new ask, and the old one is void: nothing was charged for it.
    /// - Throws: `.state` for a training with a table; `.argument`; `.entropy`.
    package func ask(parts: Int) throws -> Ask? {
        guard run.elsewhere != nil else {
            throw Failure(.state, "this training has its rows here: it asks for no sums")
        }
        if let refusal { throw refusal }
        guard let (stage, request) = try nextCounts() else { return nil }
        return Ask(stage: stage, tag: try run.door.ask(request, parts: parts), request: request,
                   subject: .training(plan))
    }

    /// Does the step that was asked for, from sums of all parts: checks, charges, makes durable, draws. The sums are
    /// wiped, unless they are refused before anything is charged; the ask then stays open.
    /// - Throws: what `Door.accept` and `step` throw.
    @discardableResult
    package func answer(_ sums: Sums) throws -> Progress {
        guard let options = run.elsewhere else {
            throw Failure(.state, "this training has its rows here: it asks for no sums")
        }
        try run.door.accept(sums, strict: options.invalid == .refuse && ledger.releases.isEmpty)
        defer {
            run.door.dismissAnswer()
            hasAnswer = false
        }
        guard options.rollCall == .never else {
            run.elsewhere?.rollCall = .never
            return progress
        }
        hasAnswer = true
        return try step(maxSteps: 1, maxSeconds: .infinity)
    }

    /// The counts that the next step needs, and for what; nil: none.
    func nextCounts() throws -> (stage: String, request: CountRequest)? {
        guard let options = run.elsewhere, !isFinished else { return nil }
        let place = plan.place(of: done)
        guard let request = try stages[place.index].counts(run) else { return nil }
        guard options.rollCall == .never else {
            return (Ask.rollCall, CountRequest(tables: [], codes: []))
        }
        return (place.stage.name, request)
    }
}
