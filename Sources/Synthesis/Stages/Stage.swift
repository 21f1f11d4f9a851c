// A stage of a training: its steps, its cost and memory, what it says of itself, what one step does, and what it keeps
// in files. A preset is a list of stages. Stages hold no state: what they make goes into `StageRun.artefacts`, which is
// public under the guarantee.

import Basics
import Privacy
import Storage

package protocol Stage: Sendable {
    var id: StageID { get }
    /// Steps of a training; 0: the plan leaves the stage out.
    func steps(_ plan: Plan) -> Int
    /// A release whose rate and noise are constants of the plan; nil: none. Asked once the budget was divided.
    func release(_ plan: Plan) -> FixedRelease?
    /// How private rows are sampled; nil: not at all.
    func sampling(_ plan: Plan) -> SampledSteps?
    /// An upper estimate of the bytes that the stage takes beside rows and table, for a training with `threads`
    /// workers.
    func memory(_ plan: Plan, threads: Int) throws -> Int
    /// Price and gain in words, of a stage that does not sample private rows.
    func cost(_ plan: Plan) -> StageCost
    /// What the ledger's report says of the stage's releases; nil: it has none.
    var ledgerWords: String? { get }

    /// Makes what the stage needs from the start: called once, when the statistics are released.
    func prepare(_ run: StageRun) throws
    /// The true counts that the stage's step begins with; nil: it needs none of the rows.
    func counts(_ run: StageRun) throws -> CountRequest?
    /// Step t of the stage, from 0.
    func step(_ t: Int, _ run: StageRun) throws

    /// Writes the stage's artefacts into a checkpoint.
    func write(_ run: StageRun, to root: GroupWriter) throws
    /// Reads them back. - isOver: whether all steps of the stage were done.
    func read(_ run: StageRun, from root: GroupReader, isOver: Bool) throws

    /// Writes the stage's part of a model: networks into `weights`.
    func write(_ generator: Generator, weights: GroupWriter) throws
    /// Writes the stage's part of a model: what is not a network.
    func write(_ generator: Generator, of plan: Plan, to root: GroupWriter) throws
    /// Reads both parts back.
    func read(_ generator: inout Generator, of plan: Plan, from root: GroupReader, weights: GroupReader?) throws
}

extension Stage {
    package func release(_ plan: Plan) -> FixedRelease? { nil }
    package func sampling(_ plan: Plan) -> SampledSteps? { nil }
    package func memory(_ plan: Plan, threads: Int) throws -> Int { 0 }
    package var ledgerWords: String? { nil }
    package func cost(_ plan: Plan) -> StageCost {
        StageCost(id, steps: steps(plan), text: "works on what was released")
    }
    package func prepare(_ run: StageRun) throws {}
    package func counts(_ run: StageRun) throws -> CountRequest? { nil }
    package func write(_ run: StageRun, to root: GroupWriter) throws {}
    package func read(_ run: StageRun, from root: GroupReader, isOver: Bool) throws {}
    package func write(_ generator: Generator, weights: GroupWriter) throws {}
    package func write(_ generator: Generator, of plan: Plan, to root: GroupWriter) throws {}
    package func read(_ generator: inout Generator, of plan: Plan, from root: GroupReader,
                      weights: GroupReader?) throws {}
}
