"""Figures of a synthetic table beside a real one. NOT PRIVATE.

How near it is, how useful, how fair, and whether it remembers rows. The figures are computed from real rows as they
are. No guarantee of a model covers them, and they never enter a model file or a ledger.
"""

from __future__ import annotations

from typing import Any, Iterable, Mapping, Optional, Sequence, Union

from . import _extras
from ._errors import ArgumentError, SchemaError
from ._frames import has_arrow, is_path, package_of
from ._library import Path, config_bytes, names_of, take_json
from ._page import write_page
from ._schema import Schema, SchemaLike, is_hdf5
from ._table import Table
from ._types import EvaluatedColumn, EvaluationReport

_ONE = ("pmse_ratio", "target_auc", "tasks_auc", "cka")
_HALF = ("probe_synthetic", "probe_real", "dcr_share", "membership_auc")
_ZERO = ("tvd1", "tvd2", "association_mean", "association_max", "mean_shift", "mean_shift_max", "quantile_shift",
         "quantile_shift_max", "pmse", "target_dpd", "target_eod", "target_cdpd", "target_calibration", "tasks_dpd",
         "tasks_eod", "tasks_cdpd", "tasks_calibration", "hsic_linear", "hsic_rbf")
BEST = {key: best for best, keys in (("1", _ONE), ("0.5", _HALF), ("0", _ZERO)) for key in keys}


class Evaluation:
    """What flip.evaluate() gives. evaluation["target_auc"] is a figure of the summary; None was not measured. print()
    shows a table."""

    def __init__(self, result: EvaluationReport) -> None:
        self._result = result

    def to_dict(self) -> EvaluationReport:
        """The warning that it is not private, the summary, and figures by column, group, task and pair of groups."""
        return self._result

    def to_html(self, path: Optional[Path] = None, title: Optional[str] = None) -> str:
        """The figures with pictures as one page in HTML, marked NOT PRIVATE; written to `path` if there is one.
        `flip.compare()` puts several side by side."""
        return write_page({**self._result, **({} if title is None else {"title": title})}, path)

    @property
    def summary(self) -> dict[str, Optional[float]]:
        """{figure: value}; None was not measured."""
        return self._result["summary"]

    def __getitem__(self, key: str) -> Optional[float]:
        return self.summary[key]

    def __str__(self) -> str:
        r = self._result
        lines = [r["not_private"], "", f"{'measure':22}{'value':9}best"]
        lines += [
            f"{key:22}{value:<9.4f}{BEST.get(key, '')}".rstrip() for key, value in r["summary"].items()
            if value is not None
        ]
        lines += _numbers(r["columns"])
        if r["tasks"]:
            width = max([len(t["column"]) for t in r["tasks"]] + [4]) + 2
            lines += ["", f"{'task':{width}}{'auc':9}{'dpd':9}{'eod':9}calibration"]
            for t in r["tasks"]:
                figures = "".join(f"{_four(x):9}" for x in (t["auc"], t["dpd"], t["eod"]))
                lines.append(f"{t['column']:{width}}" + figures + _four(t["calibration"]))
        if len(r["groups"]) > 1:
            width = max([len(g["name"]) for g in r["groups"]] + [5]) + 2
            heading = f"{'group':{width}}{'real':9}{'holdout':9}{'synthetic':11}{'probe, synthetic':18}probe, real"
            lines += ["", heading]
            for g in r["groups"]:
                counts = f"{g['real']:<9}{g['holdout']:<9}{g['synthetic']:<11}"
                lines.append(f"{g['name']:{width}}{counts}{_four(g['probe_synthetic']):18}{_four(g['probe_real'])}")
        lines += [""] * bool(r["notes"]) + ["note: " + note for note in r["notes"]]
        return "\n".join(lines)

    def __repr__(self) -> str:
        keys = ("tvd2", "target_auc", "tasks_auc", "target_dpd", "tasks_dpd", "membership_auc")
        shown = [f"{key}={value:.4f}" for key, value in ((key, self[key]) for key in keys) if value is not None]
        return f"flip.Evaluation(NOT PRIVATE, {', '.join(shown)})"


def _numbers(columns: Sequence[EvaluatedColumn]) -> list[str]:
    """A line for each numerical column, with its means and the quantile that moved most."""
    lines: list[str] = []
    width = max([len(column["name"]) for column in columns] + [6]) + 2
    for column in columns:
        mean = column.get("mean")
        if mean is not None:
            shifts = [quantile["shift"] for quantile in column["quantiles"] or []]
            worst = max((shift for shift in shifts if shift is not None), key=abs, default=None)
            means = "".join("-".ljust(14) if x is None else f"{x:<14.6g}" for x in (mean["real"], mean["synthetic"]))
            lines.append(f"{column['name']:{width}}{means}{_four(mean['shift']):10}{_four(worst)}")
    heading = f"{'number':{width}}{'mean, real':14}{'synthetic':14}{'shift':10}worst quantile's shift"
    return ["", heading, *lines] if lines else []


def _four(value: Optional[float]) -> str:
    return "-" if value is None else f"{value:.4f}"


def as_table(rows: Any, schema: Optional[SchemaLike], group: Optional[str] = None) -> Table:
    """A Table from one, from the path of a CSV or HDF5 file, from a pandas data frame or from anything with an Arrow
    stream.

    group: where the dataframe is in an HDF5 file, "/data" unless given. SchemaError where a schema is needed and
    missing.
    """
    if isinstance(rows, Table):
        return rows
    if is_path(rows):
        if is_hdf5(rows):
            return Table.read_hdf5(rows, schema, group)
        if schema is None:
            raise SchemaError("a CSV file needs schema=")
        return Table.read_csv(rows, schema)
    if schema is None:
        raise SchemaError("a data frame needs schema=")
    if package_of(rows) != "pandas" and has_arrow(rows):
        return Table.from_arrow(rows, schema)
    return Table.from_pandas(rows, schema)


def evaluate(real: Any, synthetic: Any, schema: Optional[SchemaLike] = None,
             protected: Union[str, Iterable[str], None] = None, target: Optional[str] = None, holdout: Any = None,
             classifiers: str = "native", positive: Any = None, edges: Optional[Mapping[str, Sequence[float]]] = None,
             threads: Optional[int] = None, group: Union[str, Mapping[str, str], None] = None,
             extras: Union[str, Sequence[str]] = (),
             admissible: Union[str, Iterable[str], None] = None) -> Evaluation:
    """How good, how fair and how forgetful `synthetic` is beside `real`: an Evaluation. NOT PRIVATE.

    real, synthetic, holdout: a Table, the path of a CSV or HDF5 file, or a data frame; schema: for those that are no
    Table.
    protected: names of the protected columns. target: the column that is listed first among the tasks; positive: its
    level that counts as yes.
    holdout: real rows that nothing was learned from. Without it a third of the real rows serves, and what compares both
    is left out.
    classifiers: "native", "sklearn" (scikit-learn's trees, fairlearn's metrics; `pip install libflip[evaluation]`) or
    "none".
    admissible: columns that may explain a difference: conditional parity compares groups within their joint levels
    ("native" only). edges: {column: [ascending cuts]} of numerical protected and admissible columns; without them the
    real median. threads: None for all processors.
    group: where the dataframe is in HDF5 files, "/data" unless given; {"real": "/obs"} where the files differ ("real",
    "synthetic", "holdout").
    extras: "anonymeter" (its risks of singling out, linkability and inference) and "syntheval" (its fast list, and its
    statistical parity), computed by these packages where they are installed; to_dict()["extras"] has them.
    docs/EVALUATION.md defines every figure.
    """
    if classifiers not in ("native", "sklearn", "none"):
        raise ArgumentError('classifiers: must be "native", "sklearn" or "none"')
    if classifiers == "sklearn":
        from . import _sklearn                  # says what is missing before any work
    wanted = _extras.chosen(extras)
    checked = Schema.maybe(schema)
    places = dict(group) if isinstance(group, Mapping) else dict.fromkeys(("real", "synthetic", "holdout"), group)
    if not set(places) <= {"real", "synthetic", "holdout"}:
        raise ArgumentError('group: must be a text, or have the keys "real", "synthetic" and "holdout"')
    real = as_table(real, checked, places.get("real"))
    checked = checked or real.schema
    synthetic = as_table(synthetic, checked, places.get("synthetic"))
    holdout = None if holdout is None else as_table(holdout, checked, places.get("holdout"))
    protected = names_of(protected) or []
    options = config_bytes({
        "protected": protected, "admissible": names_of(admissible), "target": target, "positive": positive,
        "edges": edges, "threads": threads, "classifiers": "native" if classifiers == "native" else "none"
    })
    result: EvaluationReport = take_json("flip_evaluate", real._pointer, synthetic._pointer,
                                         None if holdout is None else holdout._pointer, options)
    if classifiers == "sklearn":
        _sklearn.fill(result, real, synthetic, holdout, protected=protected, target=target, positive=positive,
                      edges=edges or {})
    if wanted:
        result["extras"] = _extras.figures(wanted, real.to_pandas(), synthetic.to_pandas(),
                                           None if holdout is None else holdout.to_pandas(), target, protected,
                                           positive)
    return Evaluation(result)
