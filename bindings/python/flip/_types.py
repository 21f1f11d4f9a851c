"""The JSON objects that the library gives, as typed dicts.

docs/JSON.md has their grammar, and a test compares the two. Epsilons are in nats, divergences are Rényi divergences in
nats at the order that stands beside them, probabilities lie between 0 and 1. A member of a class with an underscore may
be missing: its comment says when it is there. A later version of the library may add members.
"""

from __future__ import annotations

from typing import Any, Literal, Optional, TypedDict, Union


class Versioned(TypedDict, total=False):
    """An object that a function returns as a whole."""

    schema_version: int  # version of the object's grammar; an older library leaves it out


class PlannedStage(TypedDict):
    """A stage of a plan."""

    stage: str  # its name
    steps: int  # how many steps it has
    free: bool  # True: it reads released values only


class GroupSteps(TypedDict):
    """How a stage of DP-SGD treats a group."""

    sampling_rate: float  # that a row of the group is in a batch (probability)
    noise_multiplier: float  # noise over the group's clipping norm (sensitivity of a release)
    clip: float  # clipping norm of a row's gradient
    rows_expected: float  # expected rows of the group in a batch
    influence: float  # the most the group can pull on the expected sum: expected rows times clipping norm
    weight: float  # factor on its rows before the clip; 1 without `fairness.reweight`


class _PlannedRelease(TypedDict, total=False):
    sampling_rate: float  # sums: that a row takes part; the highest of all groups (probability)
    noise_multiplier: float  # sums: noise for the group with that rate (sensitivity of a release)
    histograms: int  # stage histograms: how many are released
    count_noise_rows: float  # stage histograms: standard deviation of the noise of one count (rows)
    pairs: int  # stage selection: pairs that are chosen
    rho: float  # stage selection: what the choice costs (ρ of zCDP)
    marginals: int  # stage marginals, without a choice: how many are released
    marginals_at_most: int  # stage marginals, after a choice: how many may be released
    cell_noise_rows: float  # stage marginals: standard deviation of the noise of one cell (rows)
    cells_at_most: int  # stage marginals, where known: cells of all marginals together
    batch_rows: int  # stages of DP-SGD: expected rows in a batch
    groups: dict[str, GroupSteps]  # stages of DP-SGD, with protected columns: each group, at guessed shares


class PlannedRelease(_PlannedRelease):
    """A release that costs, before it is made."""

    stage: str  # the stage that makes it
    releases: int  # how many releases
    share_of_budget: float  # part of all divergences at the order; shares add up
    epsilon_alone: float  # what the release would cost with nothing beside it; these do not add up (nats)


class ReleasedBy(TypedDict):
    """Which groups the releases of a model were counted by that was made again with other protected columns."""

    protected: list[str]  # protected columns of the training; none where groups were not aligned
    aligned: bool  # whether that training aligned groups


class _PlanRecord(Versioned, total=False):
    released_by: ReleasedBy  # made again with other protected columns: which groups the releases were counted by
    # where not the Rényi filter keeps the promise: "exact": all rates and noise are constants; "gaussian": under a
    # shared budget with that filter
    accountant: Literal["exact", "gaussian"]
    # columns whose cells grow with the distance from zero (encoder.grid)
    power_grids: list[str]
    # each labelled missing value of a field without levels has a cell of its own
    missing_reasons: bool
    # not in plans of older files: numerical columns have mass only near cells that stand out of the noise
    mass_support: Literal["above_noise"]
    # where above 0: part of δ that thresholded histograms of the shared budget may use (probability)
    selection_delta: float


class PlanRecord(_PlanRecord):
    """`Plan.dict`: all that fixes a training."""

    schema: dict[str, Any]  # the public schema
    protected: list[str]  # the protected columns
    epsilon: float  # the promise (nats)
    delta: float  # the promise (probability)
    preset: str  # the recipe
    config: dict[str, Any]  # every option of the preset, as resolved
    order: int  # α*, the order at which divergences are added
    ceiling: float  # R*, what all releases together may cost at that order (nats)
    histogram_noise_multiplier: float  # noise of the histograms (sensitivity of a release)
    # noise multiplier of the diffusion over that of the autoencoder; 1 where it is not trained on rows
    diffusion_weight: float
    marginal_noise_multiplier: float  # noise of the marginals; 0 where none are released (sensitivity of a release)
    selection_rho: float  # cost of choosing pairs; 0 where none are chosen (ρ of zCDP)
    neighbours: str  # what neighbouring tables differ by


class RuleSavings(TypedDict):
    """What rules between columns save a training."""

    computed: list[str]  # columns that are computed and not learned
    changed: list[str]  # columns that are learned as a distance or as one of a group
    marginals: int  # marginals that are released; 0: none
    marginals_without: int  # pairs of all declared columns; 0: no marginals are released
    impossible_cells: int  # cells of marginals of columns with levels that no row can be in (cells)
    cells: int  # all cells of those marginals (cells)


class _Explanation(Versioned, total=False):
    rules: RuleSavings  # what the rules save


class Explanation(_Explanation):
    """`Plan.explain()`: stages, releases and what they cost. It depends on no row."""

    epsilon: float  # the promise (nats)
    delta: float  # the promise (probability)
    # what keeps the promise: "exact" prices where all rates and noise are constants of the plan, "gaussian"
    # under a shared budget with that filter, else "renyi"
    accountant: Literal["renyi", "exact", "gaussian"]
    order: int  # α*
    ceiling: float  # R* of the Rényi filter (nats)
    preset: str  # the recipe
    protected: list[str]  # the protected columns
    groups: list[str]  # every combination of declared levels; `["all"]` without protected columns
    rows: dict[str, int]  # `{"declared": n}` or `{"guess": n}` (rows)
    count_noise_rows: float  # standard deviation of the noise of one count (rows)
    histograms: int  # histograms, the row count among them
    group_epsilons: dict[str, float]  # what a row of each group pays when all is done (nats)
    renyi_epsilon: float  # what all releases cost by Rényi divergences at the order (nats)
    memory_bytes: int  # upper estimate for those rows, besides the table (bytes)
    stages: list[PlannedStage]  # the stages, in order
    releases: list[PlannedRelease]  # every release that costs, in order
    assumptions: list[str]  # what the promise takes for granted
    config: dict[str, Any]  # every option of the preset, as resolved


class Share(TypedDict):
    """The parameters of a release for a row of one group."""

    sampling_rate: float  # that a row of the group takes part (probability)
    noise_multiplier: float  # standard deviation of the noise over what one row can add (sensitivity of a release)


class _LedgerDomain(TypedDict, total=False):
    sensitivity: float  # under the filter "gaussian": the most that one row moves the sum, L2 norm (steps of the noise)


class LedgerDomain(_LedgerDomain):
    """What a schema cost that was estimated under a budget."""

    run: str  # the run of the budget that released the schema
    noise_multiplier: float  # noise of that release (sensitivity of a release)
    selection_delta: float  # its part of δ; 0 where no levels were estimated (probability)
    epsilon: float  # of the schema's release alone (nats)
    epsilon_together: float  # of schema and training together: what whoever holds the model has (nats)


class _Release(TypedDict, total=False):
    groups: dict[str, Share]  # Gaussian sums: the parameters for a row of each group
    # discrete Gaussian sums over all rows: the most that one row moves the sum, L2 norm (steps of the noise)
    sensitivity: float
    rho: float  # choices, and charges of a host: cost for a row of any group (ρ of zCDP)
    # thresholded histograms: that a level shows what one row, or person, alone holds (probability)
    selection_delta: float


class Release(_Release):
    """Equal releases in a row. One of `groups`, `rho` and `selection_delta` is there."""

    name: str  # the stage, or what a host called its charge
    count: int  # how many equal releases


class RenyiFigures(TypedDict):
    """What the releases cost by Rényi divergences at the order α*: never less than their exact composition."""

    spent: float  # what all releases cost, for the group that pays most (nats)
    groups: dict[str, float]  # what the releases cost a row of each group (nats)


class TruePositiveRate(TypedDict):
    """A point of the trade-off curve."""

    false_positive_rate: float  # of a membership test (probability)
    true_positive_rate: float  # the largest that any test can have (probability)


class Guess(TypedDict):
    """How well a cell of a known row can be guessed."""

    values: int  # how many values are equally likely before
    probability: float  # the largest of a right guess (probability)


class EpsilonAt(TypedDict):
    """ε at another δ."""

    delta: float  # (probability)
    epsilon: Optional[float]  # None where the releases allow none (nats)


class Risk(TypedDict):
    """What somebody who knows all other rows can gain from everything in the file: upper bounds."""

    advantage: float  # true-positive rate minus false-positive rate of the best membership test (probability)
    true_positive_rates: list[TruePositiveRate]  # at false-positive rates of 10 %, 1 % and 0.1 %
    guessing: list[Guess]  # for 2, 10 and 100 equally likely values
    epsilons: list[EpsilonAt]  # at five δ


class LedgerRisk(TypedDict):
    """Figures of risk."""

    whole: Risk  # the largest of all groups
    groups: dict[str, Risk]  # for a row of each group


class _Ledger(Versioned, total=False):
    max_rows_per_person: int  # where the promise is for persons: bound on the rows of a person
    selection_delta: float  # where above 0: part of δ that thresholded histograms may use (probability)
    domain: LedgerDomain  # where the schema was estimated under a budget: what the schema cost
    # where the schema was estimated under a budget: the promise of the training alone (nats)
    epsilon_of_training: float
    # where the accountant is "exact": what the same releases cost by Rényi divergences
    renyi: RenyiFigures
    risk: LedgerRisk  # not in a checkpoint or a budget: what an attacker gains


class Ledger(_Ledger):
    """`Model.ledger`, `Trainer.ledger`: the promise and every release, from which anybody can compute `spent` again."""

    epsilon: float  # the promise (nats)
    delta: float  # the promise (probability)
    order: int  # α*
    # "exact" where all rates and noise were constants of the plan, "gaussian" where a shared budget added Gaussian
    # releases alone, else "renyi": divergences at the order
    accountant: Literal["renyi", "exact", "gaussian"]
    neighbouring: str  # what neighbouring tables differ by
    spent: float  # what all releases cost by the accountant, for the group that pays most (nats)
    groups: dict[str, float]  # what the releases cost a row of each group; `all` without protected columns (nats)
    assumptions: list[str]  # what the promise takes for granted
    releases: list[Release]  # every release, in order; equal ones in a row are one entry
    notes: list[str]  # what epsilon does not cover


class TiltFigures(TypedDict, total=False):
    """How the tilt works on generated rows."""

    tables: int  # tables of counts that heads are tilted to
    distance_in_noise: float  # of generated tables from them: root mean square (standard deviations of the noise)
    effective_sample_size: float  # equal rows that the weighted ones are worth (share of rows)
    acceptance_rate: float  # that a generated row is accepted (probability)
    distinct_rows: float  # rows that are not made twice (share of rows)


class ModelGroups(TypedDict):
    """The groups as they were trained."""

    rows: dict[str, float]  # noisy count of each group (rows)
    stages: dict[str, dict[str, GroupSteps]]  # for each stage of DP-SGD and each group, at the noisy counts
    epsilon: dict[str, float]  # what a row of each group pays (nats)
    warnings: list[str]  # groups that are small, pooled or at the cap


class _ReleasedColumn(TypedDict, total=False):
    cell_shares: list[float]  # columns with levels, or with at most 256 cells: each cell's share (share of rows)


class ReleasedColumn(_ReleasedColumn):
    """The noisy histogram of a column."""

    name: str  # the column
    cells: int  # cells of its public grid, with one for missing where it may be missing
    bins: int  # bins that the networks see
    bin_shares: list[float]  # each bin's share of the noisy histogram (share of rows)


class Released(TypedDict):
    """What was released about rows and columns."""

    rows: float  # noisy row count (rows)
    count_noise_rows: float  # standard deviation of its noise (rows)
    columns: list[ReleasedColumn]  # the columns, in the schema's order


class Weights(TypedDict):
    """How many weights each network has."""

    autoencoder: int  # weights of the autoencoder (numbers)
    diffusion: int  # weights of the denoiser; 0 without a diffusion (numbers)


class _ModelRecord(Versioned, total=False):
    rake: TiltFigures  # preset best, with the tilt enabled: how the tilt works on generated rows
    groups: ModelGroups  # with protected columns: the groups as they were trained
    disparity: Disparity  # with `fairness.reduce`: what the reduction came to
    warnings: list[str]  # where there are any: a declared row count that is contradicted, a reduction that is missed


class ModelRecord(_ModelRecord):
    """`Model.info`: the plan, what was released, the networks."""

    plan: PlanRecord  # the plan that was carried out
    released: Released  # what was released about rows and columns
    weights: Weights  # numbers of weights


class _Disparity(TypedDict, total=False):
    generated: float  # not in older files: with conditionals that were learned from generated rows
    generated_error: float  # with `generated`: standard deviation of that mean
    auc_generated: float  # with `generated`: with those conditionals
    auc_generated_error: float  # with `generated`: standard deviation of that mean


class Disparity(_Disparity):
    """What `fairness.reduce` came to, estimated from released values on rows before alignment."""

    strength: float  # that the reduction needed
    before: float  # disparity, mean over columns, as it was released
    before_error: float  # standard deviation of that mean
    after: float  # with the conditionals that rows are drawn from
    after_error: float  # standard deviation of that mean
    auc_before: float  # area under the ROC curve, mean over columns, as it was released
    auc_before_error: float  # standard deviation of that mean
    auc_after: float  # with the conditionals that rows are drawn from
    auc_after_error: float  # standard deviation of that mean
    columns: float  # that the means are over


class _Estimated(TypedDict, total=False):
    level: Optional[str]  # share, cells: the level; None: missing
    with_level: Optional[str]  # cells: the level of the second column; None: missing
    group: Optional[str]  # with `by`: the group; None: missing
    term: str  # linear, logistic: the coefficient
    kind: Literal["difference", "ratio"]  # of a contrast
    reference: Optional[str]  # of a contrast: the group that `group` is compared with
    estimate_date: Optional[str]  # of dates: `estimate`, to the nearest day or microsecond
    low_date: Optional[str]  # of dates: `low`
    high_date: Optional[str]  # of dates: `high`


class Estimated(_Estimated):
    """One figure with its interval."""

    estimate: Optional[float]  # the figure; None: it cannot be told (the column's)
    low: Optional[float]  # lower end of the interval; None: without bound (the column's)
    high: Optional[float]  # upper end of the interval; None: without bound (the column's)
    standard_error: Optional[float]  # of sample and noise together (the column's)
    sampling_error: Optional[float]  # standard error of the rows as a sample (the column's)
    noise_error: Optional[float]  # standard error of the noise of the guarantee (the column's)
    told: bool  # False: the rows are too few beside the noise to say anything


# "with" is a keyword, so this class is written as a call.
_EstimateParts = TypedDict("_EstimateParts", {
    "with": str, "by": str, "quantile": float, "outcome": str, "unit": str,
    "contrasts": "list[Estimated]"}, total=False)


class Estimate(Versioned, _EstimateParts):
    """`Model.estimate()`: figures of the population with intervals."""

    what: Literal["mean", "share", "quantile", "cells", "linear", "logistic"]  # the question
    column: str  # what was asked about
    confidence: float  # of the intervals
    epsilon: float  # of the model (nats)
    delta: float  # of the model
    rows: float  # released row count (rows)
    estimates: list[Estimated]  # the answers
    notes: list[str]  # what to know of them, in words


class FrontierPoint(TypedDict):
    """One strength of fairness, estimated from the releases."""

    strength: float  # of fairness
    disparity: float  # largest difference of selection between groups, mean over columns
    disparity_error: float  # standard deviation of that mean
    auc: float  # area under the ROC curve of a column's prediction, mean over columns
    auc_error: float  # standard deviation of that mean
    columns: int  # that the means are over


class Frontier(Versioned):
    """`Model.frontier()`: what strengths of fairness cost and gain."""

    notion: Literal["parity", "odds"]  # which rows of the groups are compared
    protected: list[str]  # columns whose groups are compared
    points: list[FrontierPoint]  # one a strength


class Run(TypedDict):
    """A run under a budget."""

    run: str  # its identifier, for `flip_budget_settle`
    name: str  # what it is called
    kind: Literal["training", "domain", "own"]  # own: charges of a host
    open: bool  # True: it may still spend what was set aside
    epsilon: float  # what it spent, alone (nats)
    share: float  # what it spent (share of R*)
    committed_share: float  # what it spent or may still spend (share of R*)
    ledger: Ledger  # its releases


class BudgetReport(Versioned):
    """`Budget.report()`: what was spent by which run. Shares add up, epsilons do not."""

    epsilon: float  # what all runs together may cost (nats)
    delta: float  # its δ (probability)
    order: int  # α*, fixed when the file was made
    ceiling: float  # R* (nats)
    filter: Literal["renyi", "gaussian"]  # what runs may release
    selection_delta: float  # part of δ that thresholded histograms may use (probability)
    max_rows_per_person: int  # all runs are for persons with up to so many rows; 0: for rows
    spent: float  # epsilon of all that was spent or set aside (nats)
    remaining: float  # largest epsilon that one further training may be given (nats)
    spent_share: float  # spent or set aside (share of R*)
    remaining_share: float  # what is left (share of R*)
    selection_spent: float  # part of `selection_delta` that was used (probability)
    runs: list[Run]  # every run, in order
    notes: list[str]  # how to read the figures


class DomainReport(Versioned):
    """The report of a schema that was estimated under a budget."""

    run: str  # its run in the budget
    epsilon: float  # what it spent, alone (nats)
    delta: float  # its δ (probability)
    selection_delta: float  # its part of δ for levels; 0 where no levels were estimated (probability)
    rows: float  # noisy row count, at least 1 (rows)
    deviation: float  # standard deviation of the noise of one count (rows)
    # noisy count above which a text becomes a level; None where no levels were estimated (rows)
    threshold: Optional[int]
    ledger: Ledger  # its releases


class EvaluatedRows(TypedDict):
    """Sizes of the tables."""

    real: int  # rows learned from
    synthetic: int  # synthetic rows
    holdout: int  # rows set aside


class ComparedMean(TypedDict):
    """The means of a numerical column."""

    real: Optional[float]  # mean of the real values
    synthetic: Optional[float]  # mean of the synthetic values
    shift: Optional[float]  # synthetic mean less real mean, over the real standard deviation (standard deviations)


class ComparedQuantile(TypedDict):
    """A quantile of a numerical column."""

    share: float  # which quantile (share of rows)
    real: Optional[float]  # of the real values
    synthetic: Optional[float]  # of the synthetic values
    shift: Optional[float]  # synthetic quantile less real one, over the real interquartile range (interquartile ranges)


class EvaluatedColumn(TypedDict):
    """Figures of a column."""

    name: str  # the column
    tvd: Optional[float]  # total variation distance of the column
    mean: Optional[ComparedMean]  # means of a numerical column; None for other columns
    quantiles: Optional[list[ComparedQuantile]]  # quantiles of a numerical column; None for other columns


class EvaluatedGroup(TypedDict):
    """Figures of a group."""

    name: str  # the group
    real: int  # its rows learned from
    holdout: int  # its rows set aside
    synthetic: int  # its synthetic rows
    probe_synthetic: Optional[float]  # telling the group, within synthetic rows
    probe_real: Optional[float]  # telling the group of real rows, learned from synthetic ones


class Above(TypedDict):
    """A threshold."""

    above: Optional[float]  # values above it are yes


class TaskGroup(TypedDict):
    """Figures of a task for one group."""

    name: str  # the group
    rows: int  # its rows set aside
    base_rate: Optional[float]  # of them, yes (share of rows)
    selected: Optional[float]  # of them, predicted yes (share of rows)
    true_positive: Optional[float]  # of the yes, predicted yes (share of rows)
    false_positive: Optional[float]  # of the others, predicted yes (share of rows)
    mean_score: Optional[float]  # mean of the predicted probability
    calibration_error: Optional[float]  # expected calibration error (probability)


class WorstPair(TypedDict):
    """The largest difference between two groups, with a 95 % interval that holds for all pairs together."""

    low: Optional[float]  # lower end of the interval
    high: Optional[float]  # upper end
    least: Optional[str]  # the group with the least rate; none for a mean over parts
    most: Optional[str]  # the group with the largest rate


class TaskWorst(TypedDict):
    """Intervals of a task's disparities: what the worst pair of groups meets."""

    dpd: Optional[WorstPair]  # of the shares selected
    eod: Optional[WorstPair]  # of true and false positive rates
    cdpd: Optional[WorstPair]  # of the shares selected within admissible parts


class Task(TypedDict):
    """A column that is predicted from the others."""

    column: str  # the column that is predicted
    yes: Union[str, Above]  # what counts as yes: a level, or values above a threshold
    base_rate: Optional[float]  # real rows set aside that are yes (share of rows)
    auc: Optional[float]  # learned from synthetic rows, tested on real ones
    dpd: Optional[float]  # demographic parity difference
    eod: Optional[float]  # equalised odds difference
    cdpd: Optional[float]  # conditional parity difference, within admissible parts
    calibration: Optional[float]  # difference of the groups' calibration errors
    calibration_worst: Optional[float]  # largest calibration error of a group
    worst: TaskWorst  # intervals of the disparities
    groups: list[TaskGroup]  # figures by group


class GroupPair(TypedDict):
    """Figures of two groups."""

    first: str  # a group
    second: str  # another group
    cka: Optional[float]  # covariance CKA in the synthetic table
    hsic_linear: Optional[float]  # HSIC of row and group, linear kernel
    hsic_rbf: Optional[float]  # HSIC of row and group, Gaussian kernel
    cka_of_real: Optional[float]  # `cka` in the real table
    hsic_linear_of_real: Optional[float]  # `hsic_linear` in the real table
    hsic_rbf_of_real: Optional[float]  # `hsic_rbf` in the real table


class _EvaluationReport(Versioned, total=False):
    extras: dict[str, Any]  # by choice, in Python: figures of other packages, by package


class EvaluationReport(_EvaluationReport):
    """`Evaluation.to_dict()`. NOT PRIVATE. None was not measured; docs/EVALUATION.md defines every figure."""

    not_private: str  # the warning
    rows: EvaluatedRows  # sizes of the tables
    holdout: Literal["given", "split"]  # where the rows set aside come from
    protected: list[str]  # protected columns
    admissible: list[str]  # columns within whose levels groups may differ
    target: Optional[str]  # the task that is listed first
    classifiers: Literal["native", "none", "sklearn"]  # none: tasks and probes are left out
    summary: dict[str, Optional[float]]  # figures of the whole table, by name
    columns: list[EvaluatedColumn]  # figures by column
    groups: list[EvaluatedGroup]  # figures by group
    tasks: list[Task]  # each column as a task
    pairs: list[GroupPair]  # figures by pair of groups
    notes: list[str]  # what the figures leave out


class _FileCheck(Versioned, total=False):
    problem: str  # where it is not usable: the sentence that loading it would fail with
    format_version: str  # where known: format it was written in
    min_reader: str  # where known: oldest format that a reader must know
    writer: str  # where known: the library that wrote it
    sha256: str  # where it could be computed: digest of the content, in hexadecimal
    # where it could be computed: whether the stored digest is that of the content
    digest: Literal["verified", "mismatch", "missing"]


class FileCheck(_FileCheck):
    """`file_check()`: what a file is."""

    kind: Literal["flip-model", "flip-checkpoint", "flip-budget", "unknown"]  # what the file says it is
    usable: bool  # True: it can be loaded


class _Problem(TypedDict, total=False):
    first_line: int  # CSV files: line of the first, from 1
    first_row: int  # columns in memory: row of the first, from 1


class Problem(_Problem):
    """A rule that a table breaks. It never holds a value."""

    column: Optional[str]  # the column; None for whole records
    rule: str  # what is broken; never a value
    count: int  # how often (cells or records)


class TableCheck(Versioned):
    """`Schema.check()`: all that a table breaks of a schema."""

    fits: bool  # True: the table keeps to the schema
    rows: int  # rows that were read
    missing_columns: list[str]  # in the schema, not in the table
    # in the table, not in the schema; their number where the first line does not look like a header
    unknown_columns: Union[list[str], int]
    problems: list[Problem]  # broken rules, by column


class TableReading(Versioned):
    """How a table was read."""

    rows: int  # rows that were read
    replaced: dict[str, int]  # cells that invalid="coerce" replaced, by column; columns without any are left out
    dropped: int  # rows that invalid="coerce" left out because they broke a rule between columns (rows)


class HDF5(TypedDict):
    """Versions of HDF5."""

    compiled: str  # version it was compiled with
    loaded: str  # version that was loaded


class BuildInfo(Versioned):
    """`build_info()`: how the library was made and what it found."""

    version: str  # version of the library
    compiler: str  # what compiled it
    architecture: str  # processor family
    kernels: str  # instruction set of the kernels in use
    processors: int  # processors that this process may use
    hdf5: HDF5  # versions of HDF5


class _ConfigOption(TypedDict, total=False):
    default_by_preset: dict[str, Any]  # where the presets differ: preset to default


class ConfigOption(_ConfigOption):
    """A key of a configuration, as `config_schema()` describes it."""

    default: Any  # value where the key is left out; None for none
    range: str  # what the value may be
    unit: str  # its unit, or empty
    help: str  # what it does
