"""Tasks and probes of an evaluation with scikit-learn and fairlearn. NOT PRIVATE.

Gradient-boosted trees answer the questions of the library's own tasks and probes, under the same keys: see
docs/EVALUATION.md. Only flip.evaluate(classifiers="sklearn") comes here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Mapping, Optional, Sequence

try:
    import numpy
    from fairlearn.metrics import demographic_parity_difference, equalized_odds_difference
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.metrics import roc_auc_score
    from threadpoolctl import threadpool_limits
except ImportError as missing:
    raise ImportError(
        f'classifiers="sklearn" needs scikit-learn and fairlearn ({missing}): pip install "libflip[evaluation]"'
    ) from missing

from ._columns import get_codes, get_float64

if TYPE_CHECKING:
    from ._table import Table
    from ._types import EvaluationReport, Task, TaskGroup

SEED = 20_240_229                               # public: who wins a tie, which third is set aside
MIN_ROWS, MIN_LABELS, MAX_LEVELS = 30, 10, 50


class Column:
    """One column of a table: `codes` (-1 for missing) and `levels`, or `values` (NaN for missing)."""

    def __init__(self, table: Table, field: Mapping[str, Any]) -> None:
        self.name: str = field["name"]
        levels = field.get("constraints", {}).get("enum", ["false", "true"] if field["type"] == "boolean" else None)
        self.levels: Optional[list[str]] = None if levels is None else [_text(level) for level in levels]
        if self.levels is not None:
            self.x: Any = get_codes(table._pointer, self.name, table.rows)
        else:
            self.x = get_float64(table._pointer, self.name, table.rows)[0]

    def take(self, rows: Any) -> Column:
        """The cells of some rows."""
        out: Column = object.__new__(Column)
        out.name, out.levels, out.x = self.name, self.levels, self.x[rows]
        return out


def _text(level: Any) -> str:
    return level if isinstance(level, str) else str(int(level)) if float(level).is_integer() else repr(level)


def columns_of(table: Table) -> list[Column]:
    """All columns of a table."""
    return [Column(table, field) for field in table.schema.fields]


def features(columns: Sequence[Column], leave_out: set[str]) -> tuple[Any, list[bool]]:
    """(matrix, which of its columns are levels): numbers and codes, NaN for missing; lists of more than 50 levels count
    as numbers."""
    used = [c for c in columns if c.name not in leave_out]
    parts = [c.x if c.levels is None else numpy.where(c.x < 0, numpy.nan, c.x) for c in used]
    matrix = numpy.column_stack(parts) if parts else numpy.zeros((len(columns[0].x), 1))
    return matrix, [c.levels is not None and len(c.levels) <= MAX_LEVELS for c in used] or [False]


def groups_of(columns: Sequence[Column], real: Sequence[Column], protected: Sequence[str],
              edges: Mapping[str, Sequence[float]]) -> Any:
    """The name of every row's group; the names are the library's."""
    by_name, reference = {c.name: c for c in columns}, {c.name: c for c in real}
    parts = []
    for name in protected:
        c = by_name[name]
        if c.levels is not None:
            parts.append(numpy.array(c.levels + [f"{name} missing"], object)[c.x])
            continue
        known = reference[name].x[~numpy.isnan(reference[name].x)]
        cuts = [float(cut) for cut in edges.get(name, [numpy.median(known)] if len(known) else [])]
        labels = [name]
        if cuts:
            between = [f"{a} <= {name} < {b}" for a, b in zip(cuts, cuts[1:])]
            labels = [f"{name} < {cuts[0]}", *between, f"{name} >= {cuts[-1]}"]
        place = numpy.where(numpy.isnan(c.x), len(labels), numpy.searchsorted(cuts, c.x, side="right"))
        parts.append(numpy.array(labels + [f"{name} missing"], object)[place])
    if not parts:
        return numpy.full(len(columns[0].x), "all", object)
    return numpy.array([", ".join(row) for row in zip(*parts)], object)


def question(real: Column, target: bool, positive: Any) -> tuple[Any, Callable[[Column], Any]]:
    """(what "yes" is, function from columns to labels) of one column."""
    if real.levels is None:
        known = real.x[~numpy.isnan(real.x)]
        middle = float(numpy.median(known)) if len(known) else 0.0
        return {"above": middle}, lambda c: (c.x > middle).astype(int)
    if target:
        level = positive if positive is not None else max(real.levels, key=lambda text: text.encode())
    else:
        counts = numpy.bincount(real.x[real.x >= 0], minlength=len(real.levels))
        level = min((-count, text.encode(), text) for count, text in zip(counts, real.levels))[2]
    place = real.levels.index(level)
    return level, lambda c: (c.x == place).astype(int)


def learn(features: tuple[Any, list[bool]], y: Any, rows: Any = slice(None)) -> Callable[..., Any]:
    """A function from features to the probability of label 1, learned from `rows`."""
    if y.min() == y.max():
        return lambda other, rows=slice(None): numpy.full(len(other[0][rows]), float(y[0]))
    x, levels = features
    model = HistGradientBoostingClassifier(max_iter=80, max_depth=4, learning_rate=0.2, max_leaf_nodes=None,
                                           early_stopping=False, random_state=0,
                                           categorical_features=levels if any(levels) else None).fit(x[rows], y)
    return lambda other, rows=slice(None): model.predict_proba(other[0][rows])[:, 1]


def select(score: Any, count: int) -> Any:
    """1 for the `count` highest scores; a fixed public shuffle decides ties."""
    chosen = numpy.zeros(len(score), int)
    order = numpy.lexsort((numpy.random.default_rng(SEED).random(len(score)), -score))
    chosen[order[:count]] = 1
    return chosen


def calibration_error(y: Any, score: Any) -> float:
    """Expected calibration error in ten equal cells of probability."""
    place = numpy.minimum((score * 10).astype(int), 9)
    return sum(float(abs(score[place == k].sum() - y[place == k].sum())) for k in range(10)) / len(y)


def auc(y: Any, score: Any) -> Optional[float]:
    """The area under the ROC curve; None where only one label is there."""
    return float(roc_auc_score(y, score)) if 0 < y.sum() < len(y) else None


def disparity(y: Any, score: Any, groups: Any) -> Task:
    """The task's disparities and one entry a group of at least 30 rows. Selection is at the real base rate.

    y: labels, 0 or 1; score: the probability of 1; groups: names. One entry a row each. The task's column is left
    empty.
    """
    chosen = select(score, int(y.sum()))
    rows: list[TaskGroup] = []
    large, fair = numpy.zeros(len(y), bool), numpy.zeros(len(y), bool)
    for name in sorted(set(groups)):
        mine = groups == name
        n, ones = int(mine.sum()), int(y[mine].sum())
        if n < MIN_ROWS:
            continue
        large |= mine
        if min(ones, n - ones) >= MIN_LABELS:
            fair |= mine
        rows.append({
            "name": name, "rows": n, "base_rate": float(y[mine].mean()), "selected": float(chosen[mine].mean()),
            "true_positive": float(chosen[mine & (y == 1)].mean()) if ones >= MIN_LABELS else None,
            "false_positive": float(chosen[mine & (y == 0)].mean()) if n - ones >= MIN_LABELS else None,
            "mean_score": float(score[mine].mean()), "calibration_error": float(calibration_error(y[mine], score[mine]))
        })
    errors = [row["calibration_error"] or 0.0 for row in rows] or [0.0]
    dpd = eod = 0.0
    if large.any():
        dpd = demographic_parity_difference(y[large], chosen[large], sensitive_features=groups[large])
    if fair.any():
        eod = equalized_odds_difference(y[fair], chosen[fair], sensitive_features=groups[fair])
    return {"column": "", "yes": "", "base_rate": None, "auc": None, "dpd": float(dpd), "eod": float(eod),
            "cdpd": None, "worst": {"dpd": None, "eod": None, "cdpd": None},    # of the native classifier alone
            "calibration": max(errors) - min(errors), "calibration_worst": max(errors), "groups": rows}


def mean(values: Sequence[Optional[float]]) -> Optional[float]:
    """The mean of what was measured."""
    there = [value for value in values if value is not None]
    return float(numpy.mean(there)) if there else None


def fill(result: EvaluationReport, real: Table, synthetic: Table, holdout: Optional[Table], *, protected: Sequence[str],
         target: Optional[str], positive: Any, edges: Mapping[str, Sequence[float]]) -> None:
    """Puts tasks and probes, and their part of the summary, into the library's result."""
    with threadpool_limits(1):  # many small fits: threads that wait for each other cost more than they bring
        _fill(result, real, synthetic, holdout, protected=protected, target=target, positive=positive, edges=edges)


def _fill(result: EvaluationReport, real: Table, synthetic: Table, holdout: Optional[Table], *,
          protected: Sequence[str], target: Optional[str], positive: Any, edges: Mapping[str, Sequence[float]]) -> None:
    whole, made = columns_of(real), columns_of(synthetic)
    if holdout is not None:
        learned, test = whole, columns_of(holdout)
    else:
        order = numpy.random.default_rng(SEED).permutation(real.rows)
        cut = real.rows - real.rows // 3
        learned, test = [c.take(order[:cut]) for c in whole], [c.take(order[cut:]) for c in whole]
    groups, ours = groups_of(test, whole, protected, edges), groups_of(made, whole, protected, edges)
    grouped = len(result["groups"]) > 1
    for group in result["groups"]:
        group["holdout"] = int((groups == group["name"]).sum())

    place = {c.name: i for i, c in enumerate(whole)}
    others = [c.name for c in whole if c.name != target and c.name not in protected]
    for name in others if target is None else [target, *others]:
        i = place[name]
        yes, labels = question(learned[i], name == target, positive)
        if name != target and not 0.05 <= labels(learned[i]).mean() <= 0.95:
            continue
        leave_out = set(protected) | {name}
        y = labels(test[i])
        score = learn(features(made, leave_out), labels(made[i]))(features(test, leave_out))
        task = disparity(y, score, groups)
        task.update({"column": name, "yes": yes, "base_rate": float(y.mean()), "auc": auc(y, score)})
        if not grouped:
            task.update({"dpd": None, "eod": None, "calibration": None})
        result["tasks"].append(task)

    if protected:
        x, z = features(made, set(protected)), features(test, set(protected))
        half = len(ours) // 2
        for group in result["groups"]:
            y, real_y = (ours == group["name"]).astype(int), (groups == group["name"]).astype(int)
            if real_y.sum() < MIN_ROWS:
                continue
            if min(y[:half].sum(), y[half:].sum()) > 10:
                group["probe_synthetic"] = auc(y[half:], learn(x, y[:half], slice(half))(x, slice(half, None)))
            group["probe_real"] = auc(real_y, learn(x, y)(z))

    tasks: list[Mapping[str, Any]] = [{**task} for task in result["tasks"]]
    probes: list[Mapping[str, Any]] = [{**group} for group in result["groups"]]
    summary = result["summary"]
    for key in ("auc", "dpd", "eod", "calibration"):
        summary["target_" + key] = tasks[0][key] if target is not None else None
        summary["tasks_" + key] = mean([task[key] for task in tasks])
    for key in ("probe_synthetic", "probe_real"):
        summary[key] = mean([group[key] for group in probes])
    result["classifiers"] = "sklearn"
