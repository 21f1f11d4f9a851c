"""The trade-off curve: one training for each strength of fairness, each evaluated, as a CSV file and a picture.

    python -m flip.tradeoff TABLE.csv --schema S.json --protected A[,B] --target T --epsilon E --delta D --budget EPS
        [--strengths 0,0.5,1,2] [--repeats 1] [--test HOLDOUT.csv] [--rows N] [--config JSON or FILE] [--preset P]
        [--positive LEVEL] [--classifiers native|sklearn] [--group G] [--out curve.csv] [--picture curve.png]
        [--budget-file curve.csv.budget]

Every training reads the rows again, so their ledgers compose: who sees all models (or all of the curve's choices) has
the composed epsilon, not the epsilon of one. All trainings spend from one flip.Budget, kept in a file: nothing runs if
they would overspend it, and a second curve goes on spending from the same file. The curve itself is NOT PRIVATE: its
figures come from real rows without noise, and a strength that is chosen by them is chosen by looking at the rows.
Choose on public tables.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import os
import sys
from typing import Any, Callable, Iterable, Iterator, Mapping, Optional, Sequence, Union

from ._budget import Budget
from ._errors import BudgetError, FlipError
from ._evaluate import as_table, evaluate
from ._plan import Plan, plan as make_plan
from ._progress import Report
from ._schema import Schema, SchemaLike
from ._table import Table
from ._train import train

NOT_PRIVATE = "NOT PRIVATE"
FIGURES = [
    "tvd1", "tvd2", "association_mean", "target_auc", "target_dpd", "target_eod", "target_calibration", "tasks_auc",
    "tasks_dpd", "tasks_eod", "tasks_calibration", "probe_synthetic", "probe_real", "cka", "hsic_linear", "hsic_rbf",
    "dcr_share", "membership_auc"
]


def budget_for(path: str, epsilon: float, schema: SchemaLike, protected: Union[str, Iterable[str]], part: float,
               delta: float, preset: Optional[str] = None, config: Optional[Mapping[str, Any]] = None) -> Budget:
    """A budget file for trainings of epsilon `part`, made at the order that suits one of them, or opened when it is
    there."""
    order = None
    if not os.path.lexists(path):
        order = make_plan(schema, protected=protected, epsilon=part, delta=delta, preset=preset,
                          config=config).dict["order"]
    return Budget(path, epsilon=epsilon, delta=delta, order=order)


def plans_for(schema: SchemaLike, strengths: Iterable[float], repeats: int, protected: Union[str, Iterable[str]],
              epsilon: float, delta: float, preset: Optional[str] = None, config: Optional[Mapping[str, Any]] = None,
              budget: Optional[Budget] = None) -> list[tuple[float, int, Plan]]:
    """One plan a training, in order; the library says which strengths it knows."""
    made: list[tuple[float, int, Plan]] = []
    for strength in strengths:
        options = dict(config or {})
        options["fairness"] = {**options.get("fairness", {}), "strength": strength}
        try:
            plan = make_plan(schema, protected=protected, epsilon=epsilon, delta=delta, preset=preset, config=options,
                             budget=budget, name=None if budget is None else f"strength {strength:g}")
        except FlipError as refused:
            raise type(refused)(f"strength {strength:g}: {refused}") from None
        made += [(strength, repeat, plan) for repeat in range(1, repeats + 1)]
    return made


def curve(table: Table, *, protected: Union[str, Iterable[str]], target: str, epsilon: float, delta: float,
          budget: Budget, strengths: Iterable[float] = (0, 0.5, 1, 2), repeats: int = 1,
          holdout: Optional[Table] = None, rows: Optional[int] = None, preset: Optional[str] = None,
          config: Optional[Mapping[str, Any]] = None, positive: Any = None, classifiers: str = "native",
          report: Optional[Callable[[str], object]] = None, progress: Report = False) -> Iterator[dict[str, Any]]:
    """Yields one dict a training: not_private, strength, repeat, epsilon, composed_epsilon (of all that was spent from
    the budget so far) and the figures. budget: a flip.Budget.

    Raises BudgetError before the first training when all of them together may cost more than is left.
    """
    runs = plans_for(table.schema, strengths, repeats, protected, epsilon=epsilon, delta=delta, preset=preset,
                     config=config, budget=budget)
    if not runs:
        raise BudgetError("no strength was given")
    before = budget.report()
    asked = sum(plan.dict["ceiling"] for _, _, plan in runs) / before["ceiling"]
    if asked > before["remaining_share"]:
        raise BudgetError(
            f"{len(runs)} trainings of epsilon {epsilon:g} ask for {100 * asked:.4g} % of the budget of epsilon "
            f"{before['epsilon']:g}, of which {100 * before['remaining_share']:.4g} % is left: ask for fewer strengths "
            "or repeats, a smaller epsilon, or a larger budget")
    # Whatever is wrong with the questions shows now, before anything is paid for.
    evaluate(table, table, protected=protected, target=target, holdout=holdout, positive=positive, classifiers="none")
    if report:
        report(
            f"{len(runs)} trainings: together they take at most {100 * asked:.4g} % of the budget of epsilon "
            f"{before['epsilon']:g} at delta {delta:g}")
    for strength, repeat, plan in runs:
        try:
            model = train(table, plan, progress=progress)
        except BaseException:
            if report:
                report(f"stopped; epsilon {budget.spent:.4g} was spent so far")
            raise
        synthetic = model.sample(rows or len(table), seed=repeat)
        found = evaluate(table, synthetic, protected=protected, target=target, holdout=holdout, positive=positive,
                         classifiers=classifiers)
        row = {
            "not_private": NOT_PRIVATE, "strength": strength, "repeat": repeat, "epsilon": model.ledger["spent"],
            "delta": delta, "composed_epsilon": budget.spent, **{key: found[key] for key in FIGURES}
        }
        if report:
            report(f"strength {strength:g}: " +
                   ", ".join(f"{key} {row[key]:.4f}"
                             for key in ("target_auc", "target_dpd", "tasks_auc", "tasks_dpd") if row[key] is not None))
        yield row


def draw(rows: Sequence[Mapping[str, Any]], path: str) -> None:
    """The curve as a picture: disparities over strength, and usefulness over disparity. Says that it is not private."""
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot

    strengths = sorted({row["strength"] for row in rows})

    def means(key: str) -> list[float]:
        values = [[row[key] for row in rows if row["strength"] == s and row[key] is not None] for s in strengths]
        return [sum(v) / len(v) if v else math.nan for v in values]

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(11, 4.5))
    for key, label in (("target_dpd", "demographic parity, target"), ("target_eod", "equalised odds, target"),
                       ("tasks_dpd", "demographic parity, all columns")):
        line, = left.plot(strengths, means(key), marker="o", label=label)
        points = [(row["strength"], row[key]) for row in rows if row[key] is not None]
        left.scatter([s for s, _ in points], [v for _, v in points], s=12, alpha=0.5, color=line.get_color())
    left.set(xlabel="strength", ylabel="difference between groups (0 is best)", ylim=(0, None))
    left.legend()
    for prefix, label in (("target", "target"), ("tasks", "all columns")):
        right.plot(means(prefix + "_dpd"), means(prefix + "_auc"), marker="o", label=label)
        for s, x, y in zip(strengths, means(prefix + "_dpd"), means(prefix + "_auc")):
            if not math.isnan(x + y):
                right.annotate(f"{s:g}", (x, y), textcoords="offset points", xytext=(4, 4))
    right.set(xlabel="demographic parity difference (0 is best)", ylabel="area under the ROC curve (1 is best)")
    right.legend()
    together = f"{len(rows)} trainings compose to ε {rows[-1]['composed_epsilon']:.3g}"
    figure.suptitle(f"{NOT_PRIVATE}: computed from real rows without noise. {together}")
    figure.tight_layout()
    figure.savefig(path, dpi=150)
    pyplot.close(figure)


def _numbers(text: str) -> list[float]:
    try:
        out = [float(part) for part in text.split(",")]
    except ValueError:
        out = []
    if not out or not all(math.isfinite(x) and x >= 0 for x in out) or len(set(out)) != len(out):
        raise argparse.ArgumentTypeError("must be different numbers of 0 or more, with commas between")
    return out


def _positive(kind: Callable[[str], Any]) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        value = kind(text)
        if not (math.isfinite(value) and value > 0):
            raise ValueError
        return value
    read.__name__ = "number above 0"
    return read


def main(words: Optional[Sequence[str]] = None) -> None:
    """The command."""
    p = argparse.ArgumentParser(prog="python -m flip.tradeoff",
                                description="the trade-off between usefulness and fairness; the curve is NOT PRIVATE")
    p.add_argument("table")
    p.add_argument("--schema")
    p.add_argument("--group", help="where the dataframe is in HDF5 files: /data")
    p.add_argument("--protected", required=True, help="names, with commas between")
    p.add_argument("--target", required=True)
    p.add_argument("--epsilon", type=_positive(float), required=True, help="of one training")
    p.add_argument("--delta", type=_positive(float), required=True)
    p.add_argument("--budget", type=_positive(float), required=True,
                   help="most epsilon that all trainings together may cost at delta")
    p.add_argument("--budget-file", help="where it is kept: OUT.budget")
    p.add_argument("--strengths", type=_numbers, default=[0.0, 0.5, 1.0, 2.0])
    p.add_argument("--repeats", type=_positive(int), default=1, help="trainings a strength; each is paid for")
    p.add_argument("--test", help="rows that are not learned from")
    p.add_argument("--rows", type=_positive(int), help="synthetic rows; as many as the table has")
    p.add_argument("--preset")
    p.add_argument("--config", help="JSON or a file of it")
    p.add_argument("--positive", help="the target's level that counts as yes")
    p.add_argument("--classifiers", choices=["native", "sklearn"], default="native")
    p.add_argument("--out", default="curve.csv")
    p.add_argument("--picture")
    a = p.parse_args(words)

    def say(text: str) -> None:
        print(f"tradeoff: {text}", file=sys.stderr, flush=True)

    try:
        if a.picture:
            try:
                import matplotlib  # noqa: F401
            except ImportError as missing:
                raise SystemExit(f'tradeoff: --picture needs matplotlib ({missing}): pip install "libflip[evaluation]"')
        if a.classifiers == "sklearn":
            from . import _sklearn  # noqa: F401
        config = None
        if a.config:
            text = a.config
            if not text.lstrip().startswith("{"):
                with open(text, encoding="utf-8") as file:
                    text = file.read()
            config = json.loads(text)
        schema = Schema.maybe(a.schema)
        table = as_table(a.table, schema, a.group)
        holdout = None if a.test is None else as_table(a.test, table.schema, a.group)
        rows: list[dict[str, Any]] = []
        for path in filter(None, (a.out, a.picture)):       # what cannot be written is not worked for
            with open(f"{path}.part", "w"):
                pass
            os.remove(f"{path}.part")
        protected = a.protected.split(",")
        budget = budget_for(a.budget_file or f"{a.out}.budget", a.budget, table.schema, protected, part=a.epsilon,
                            delta=a.delta, preset=a.preset, config=config)
        say(f"{NOT_PRIVATE}: every figure is computed from real rows without noise")
        for row in curve(table, protected=protected, target=a.target, epsilon=a.epsilon, delta=a.delta, budget=budget,
                         strengths=a.strengths, repeats=a.repeats, holdout=holdout, rows=a.rows, preset=a.preset,
                         config=config, positive=a.positive, classifiers=a.classifiers, report=say,
                         progress=sys.stderr.isatty()):
            rows.append(row)
            write(rows, a.out)                  # after every training: what was paid for is never lost
        if a.picture:
            draw(rows, a.picture)
    except (FlipError, ImportError, OSError, json.JSONDecodeError) as failed:
        raise SystemExit(f"tradeoff: {failed}")
    except KeyboardInterrupt:
        raise SystemExit(130)
    say(f"{a.out}" + (f" and {a.picture}" if a.picture else "") +
        f"; all trainings together cost epsilon {rows[-1]['composed_epsilon']:.4g}")


def write(rows: Sequence[Mapping[str, Any]], path: str) -> None:
    """The rows as CSV, replacing `path` when complete."""
    part = f"{path}.part"
    with open(part, "w", newline="", encoding="utf-8") as file:
        out = csv.DictWriter(file, list(rows[0]))
        out.writeheader()
        out.writerows(rows)
    os.replace(part, path)


if __name__ == "__main__":
    main()
