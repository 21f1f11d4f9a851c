"""Model: public. It can be saved, sent and sampled, and nothing more is spent."""

from __future__ import annotations

import csv
import ctypes
import secrets
from typing import Any, Iterable, Mapping, Optional, Sequence, Union, cast

from ._condition import condition
from ._errors import ArgumentError
from ._frames import as_pandas, is_path
from ._library import Handle, Path, call, config_bytes, names_of, new, path_bytes, take_bytes, take_json
from ._page import write_page
from ._progress import Callback, Report, reporter
from ._schema import Schema
from ._stream import RowStream
from ._table import Table
from ._types import Estimate, Frontier, Ledger, ModelRecord


class Model(Handle):
    """Weights, encoders, plan and ledger of a completed training. Never changes; pickles as the bytes of its file."""

    _free = "flip_model_free"

    @classmethod
    def load(cls, path: Path) -> Model:
        """The model in the file at `path`. FormatError for a file that is damaged or foreign, VersionError for one of a
        newer library."""
        return cls(new("flip_model_load", path_bytes(path)))

    @classmethod
    def from_bytes(cls, data: bytes) -> Model:
        """The model whose file has this content."""
        data = bytes(data)
        return cls(new("flip_model_from_bytes", ctypes.cast(ctypes.c_char_p(data), ctypes.c_void_p), len(data)))

    def save(self, path: Path) -> None:
        """Writes one HDF5 file: the old one or the complete new one."""
        call("flip_model_save", self._pointer, path_bytes(path))

    def to_bytes(self) -> bytes:
        """The saved file as bytes."""
        return take_bytes("flip_model_to_bytes", self._pointer)

    def sample(self, rows: Optional[int] = None, seed: Optional[int] = None, first: int = 0,
               threads: Optional[int] = None, progress: Report = False,
               where: Union[Mapping[str, Any], Sequence[Mapping[str, Any]], None] = None,
               stage: Optional[str] = None) -> Table:
        """A Table of `rows` rows, at least 1, from row `first` of the endless table that a seed stands for.

        seed: 0 to 2^63 - 1; None: fresh randomness. Row k depends on seed and k alone, not on the number of threads or
        on how many rows are asked for at once. Sampling costs no privacy: the model is public already.
        threads: None for all processors. progress: as in flip.train(); it counts rows.
        where: what every row must meet, such as {"sex": "Female", "ward": ["a", None], "age": {"minimum": 30}}. For
        each column a value, a list of values, None for a missing one, or, for a column with an order, bounds that count
        as inside. Days and moments are date, datetime or text. Rows have the model's own distribution given the
        condition; a rare condition takes little longer than a common one. A list, [{"where": {...}, "rows": 500}, ...],
        gives the rows of each request after those of the one before; `rows` is then their sum, and may be left out.
        stage: rows as a stage of the preset "best" leaves them, to see which stage loses what. "projection": rows of
        the table that is fitted to the released marginals. "autoencoder": such rows through encoder and decoder.
        "diffusion": generated rows before the tilt.

        ArgumentError for an unknown column or a value that it cannot have, Unsupported when no row can meet the
        condition, or a row could not be made to keep a rule of the schema.
        """
        if where is not None and not isinstance(where, Mapping):
            asked: Any = [{**request, "where": condition(request.get("where"))} for request in where]
            if rows is None:
                rows = sum(request["rows"] for request in asked)
        else:
            asked = condition(where)
        if rows is None:
            raise TypeError("rows is missing")
        callback = Callback(reporter(progress))
        options = config_bytes({"seed": seed, "threads": threads, "where": asked, "stage": stage})
        return callback.run(
            lambda: Table(new("flip_model_sample", self._pointer, first, rows, options, callback.c, None)))

    def stream(self, rows: int, seed: Optional[int] = None, first: int = 0, threads: Optional[int] = None,
               where: Optional[Mapping[str, Any]] = None, batch_rows: Optional[int] = None) -> RowStream:
        """The rows of `sample`, drawn batch by batch when they are read: for more rows than memory holds.

            reader = pyarrow.RecordBatchReader.from_stream(model.stream(10_000_000, seed=1))
            pyarrow.dataset.write_dataset(reader, "rows", format="parquet")

        Everything reads it that reads an Arrow stream, such as polars and duckdb. batch_rows: rows that are drawn at a
        time, 65 536 unless given; peak memory grows with it. seed: fresh and kept in `.seed` when it is left out.
        ArgumentError and Unsupported as `sample`, the latter while the stream is read.
        """
        seed = secrets.randbits(63) if seed is None else seed
        return RowStream(self, rows, seed, first, threads, condition(where), batch_rows)

    def sample_many(self, m: int = 20, rows: Optional[int] = None, seed: Optional[int] = None,
                    threads: Optional[int] = None, progress: Report = False) -> list[Table]:
        """m tables of `rows` rows each, whose spread carries what the rows as a sample and the noise leave open.

        Each comes from a table that is fitted to the releases with sample and noise drawn anew, so that shares and
        their differences, counted in every table and put together by `flip.combine()`, have an honest interval. One
        synthetic table alone has none. Means and regressions have it from `estimate` (docs/PUBLISHING.md). rows: as
        many as the released row count unless given. The preset "best" only; each table costs one fit, a small part of
        a training.
        """
        count = max(1, round(self.info["released"]["rows"])) if rows is None else rows
        if m < 2:
            raise ArgumentError("m: must be at least 2")
        callback, options = Callback(reporter(progress)), config_bytes({"seed": seed, "threads": threads})

        def one(k: int) -> Table:
            return callback.run(lambda: Table(new("flip_model_replicate", self._pointer, k, count, options, callback.c,
                                                  None)))
        return [one(k) for k in range(1, m + 1)]

    def refit(self, config: Optional[Mapping[str, Any]] = None, progress: Report = False,
              protected: Union[str, Iterable[str], None] = None) -> Model:
        """Another model from the releases that this one keeps, without rows and at no cost: other networks or seeds,
        another strength, reduction or notion of fairness. It equals what a training with that configuration makes of
        the same releases, and its ledger is this model's.

        config: {"fairness": {"strength": 0.5}}, or {"fairness": {"reduce": 0.5}}, or options of the networks, as in
        `plan`. protected: other protected columns, [] for none; with the default strength where this model has none.
        Networks that saw private rows and every column (preset "published") stay and teach others, whose options are
        "student_autoencoder" and "student_diffusion". ArgumentError for an option that the releases depend on;
        Unsupported for a model whose networks saw private rows but no protected column (`alignment` of "published",
        `finetuning` of "best"), and for protected columns whose groups the releases do not tell: parts that share a
        bin, or several columns that were not protected together.
        """
        wanted = dict(config or {})
        if protected is not None:
            wanted["protected"] = names_of(protected)
        callback, options = Callback(reporter(progress)), config_bytes(wanted)
        return callback.run(lambda: Model(new("flip_model_refit", self._pointer, options, callback.c, None)))

    def frontier(self, strengths: Sequence[float] = (0, 0.25, 0.5, 1, 2, 4), threads: Optional[int] = None,
                 protected: Union[str, Iterable[str], None] = None) -> Frontier:
        """What strengths of fairness cost and gain, estimated from the releases alone, so it may be published.

        A point holds the mean over columns of the disparity that whoever predicts a column from the others would see
        ("disparity"), of the area under the ROC curve of that prediction ("auc"), and the error of both. Strength 0 is
        the table as it was released, or the networks that saw private rows. protected: the model's columns unless
        given. Unsupported for a model with neither tables of several columns nor such networks that see every column,
        without protected columns, and where the releases do not tell the groups.
        """
        options = config_bytes({"strengths": list(strengths), "protected": names_of(protected), "threads": threads})
        return cast(Frontier, take_json("flip_model_frontier", self._pointer, options))

    def report(self, path: Optional[Path] = None, title: Optional[str] = None, rows: Optional[int] = None) -> str:
        """The page of what may be published, in HTML, written to `path` if there is one: what was promised and spent,
        what an attacker gains, every column's released counts beside generated rows with the error bars of the noise,
        all pairs in units of their noise, what is too noisy, groups, rules and limits. It is made from the model alone,
        costs nothing and may be handed to anybody who may have the model. rows: generated for the comparison."""
        return write_page(self.report_record(title=title, rows=rows), path)

    def report_record(self, title: Optional[str] = None, rows: Optional[int] = None) -> dict[str, Any]:
        """What the page of `report` shows, as a dict (docs/JSON.md, Report)."""
        record: dict[str, Any] = take_json("flip_model_report", self._pointer,
                                           config_bytes({"title": title, "rows": rows}))
        return record

    def complete(self, half: Any, seed: Optional[int] = None, threads: Optional[int] = None,
                 progress: Report = False) -> Table:
        """Half rows made whole: missing cells are drawn given the others, given ones stay. Row k of the Table belongs
        to row k of `half`.

        half: a pandas data frame, anything with an Arrow stream, the path of a CSV file, or a Table. A column of the
        model that it lacks is missing in every row. seed, threads, progress: as in `sample`.

        SchemaError for a cell or column that is not the model's; ArgumentError where the given cells of a row break a
        rule by themselves; Unsupported where a row cannot be completed.
        """
        if not isinstance(half, Table):
            if is_path(half):
                with open(half, newline="", encoding="utf-8-sig") as file:
                    names = next(csv.reader(file), [])
                half = Table.read_csv(half, _optional(self.schema.dict, names))
            elif hasattr(half, "columns") and hasattr(half, "iloc"):
                half = Table.from_pandas(half, _optional(self.schema.dict, list(half.columns)))
            else:
                frame = as_pandas(half)
                half = Table.from_pandas(frame, _optional(self.schema.dict, list(frame.columns)))
        table, callback = half, Callback(reporter(progress))
        options = config_bytes({"seed": seed, "threads": threads})
        return callback.run(
            lambda: Table(new("flip_model_complete", self._pointer, table._pointer, options, callback.c, None)))

    def estimate(self, what: str, column: str, *, by: Optional[str] = None, level: Optional[str] = None,
                 quantile: Optional[float] = None, with_: Optional[str] = None,
                 predictors: Optional[Sequence[str]] = None, contrast: Optional[str] = None,
                 reference: Optional[str] = None, confidence: float = 0.95) -> Estimate:
        """A figure of the population that the rows are a sample of, with an interval that holds the error of the
        sample and the noise of the guarantee. It follows from released counts, not from generated rows, and is free.

        what: "mean", "share" (of each level, or of `level`), "quantile" (`quantile`, the median unless given), "cells"
        (two-way shares of `column` and `with_`), "linear" (least squares of `column`, or of its `level`, on
        `predictors`) or "logistic" (of `level`, the last one unless given).
        Means and quantiles of dates come as numbers ("unit") and as dates ("estimate_date", "low_date", "high_date").
        by: a column whose levels are the groups; contrast: "difference" or "ratio" of every group and `reference`, the
        largest group unless given. confidence: of the intervals.

        ArgumentError for a column or level that there is not; Unsupported for columns that were not released together,
        which the message names. docs/PUBLISHING.md says what the intervals hold and where they do not.
        """
        options = config_bytes({"what": what, "column": column, "by": by, "level": level, "quantile": quantile,
                                "with": with_, "predictors": None if predictors is None else list(predictors),
                                "contrast": contrast, "reference": reference, "confidence": confidence})
        answer: Estimate = take_json("flip_model_estimate", self._pointer, options)
        return answer

    @property
    def ledger(self) -> Ledger:
        """The promise, every release with its parameters, what they cost together and for each group, what was assumed
        and what epsilon does not cover (flip.Ledger)."""
        ledger: Ledger = take_json("flip_model_ledger", self._pointer)
        return ledger

    def ledger_report(self) -> str:
        """The ledger as text for people who answer for the data: what was promised, what was spent where and for each
        group, what a changed row and several rows of one person cost, what was assumed, what is not covered, how to
        check it."""
        return take_bytes("flip_model_ledger_report", self._pointer).decode()

    def trade_off(self, rates: Iterable[float], group: Optional[str] = None) -> list[float]:
        """For each false-positive rate (from 0 to 1) the largest true-positive rate that a membership test can have,
        whatever it computes from the model: an upper bound.

        group: whose row is looked for; the group that pays most unless given.
        """
        asked = [float(rate) for rate in rates]
        given, found = (ctypes.c_double * len(asked))(*asked), (ctypes.c_double * len(asked))()
        call("flip_model_trade_off", self._pointer, None if group is None else group.encode(), given, len(asked), found)
        return list(found)

    def plot_risk(self, path: Path, group: Optional[str] = None) -> None:
        """The trade-off curve as a picture (PNG, SVG, PDF by the name of the file). Needs matplotlib."""
        from ._risk import draw
        draw(self.ledger, lambda rates: self.trade_off(rates, group), path, group)

    @property
    def info(self) -> ModelRecord:
        """The plan, what was released about rows and columns, how many weights the networks have and, where there are
        groups, how each of them was trained (flip.ModelRecord)."""
        info: ModelRecord = take_json("flip_model_json", self._pointer)
        return info

    @property
    def schema(self) -> Schema:
        """The schema of the rows it samples."""
        return Schema(new("flip_model_schema", self._pointer))

    def __reduce__(self) -> tuple[Any, ...]:
        return Model.from_bytes, (self.to_bytes(),)

    def __repr__(self) -> str:
        ledger = self.ledger
        mark = "NOT PRIVATE, " if any("not private" in a for a in ledger["assumptions"]) else ""
        promise = f"epsilon={ledger['epsilon']:g}, delta={ledger['delta']:g}"
        return f"flip.Model({mark}{promise}, {len(self.schema.fields)} columns)"


def _optional(schema: dict[str, Any], names: Sequence[Any]) -> dict[str, Any]:
    """A schema of the named columns in which every cell may be missing, and without rules."""
    fields = [{**field, "constraints": {key: rule for key, rule in field.get("constraints", {}).items()
                                        if key != "required"}}
              for field in schema["fields"] if field["name"] in names]
    kept = {key: value for key, value in schema.items() if key not in ("flip:rules", "fields")}
    return {**kept, "fields": fields}


def load(path: Path) -> Model:
    """The model in the file at `path`."""
    return Model.load(path)
