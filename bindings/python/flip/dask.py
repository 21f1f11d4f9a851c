"""Training and sampling on Dask: rows stay with the workers, sums come here. Needs libflip[dask].

    import dask.dataframe, flip, flip.dask
    model = flip.dask.train(dask.dataframe.read_parquet("rows"), plan)        # or a list of Parquet and CSV files
    flip.dask.sample(model, 10_000_000, seed=1)                               # delayed pyarrow tables, in order

What is said of secrets in docs/CLUSTER.md holds here as well: sums pass through workers and scheduler.
"""

from __future__ import annotations

import secrets
from typing import Any, Iterator, Mapping, Optional, Union

from ._budget import Budget
from ._domain import Domain
from ._domain_sums import sketch_names
from ._errors import ArgumentError
from ._files import named_files
from ._library import Path
from ._model import Model
from ._persons import bounded, planned
from ._plan import Plan
from ._progress import Report
from ._schema import Schema
from . import remote

__all__ = ["release_domain", "sample", "train"]


def train(rows: Any, plan: Plan, *, person: Optional[str] = None, roll_call: str = "auto", invalid: str = "refuse",
          extra: Optional[str] = None, checkpoint: Optional[Path] = None, resume: bool = False,
          progress: Report = None) -> Model:
    """Trains on rows that the workers of the present Dask client read, and returns the Model; the preset "best".

    rows: a dask.dataframe, whose partitions are the parts, or paths of Parquet and CSV files that every worker can
    read, each of them a part.
    person: a column of a dask.dataframe, outside the schema, that says who a row belongs to, for a plan with
    "max_rows_per_person". Rows are dealt by it (DataFrame.shuffle), so that all rows of a person are in one partition.
    roll_call: "auto" reads the rows once more, before anything is charged, for a dask.dataframe, whose graph may give
    other rows when a task is run again; files are read as they are.
    Other arguments and errors: flip.remote.train.
    """
    names, schema, max_rows = planned(plan, person)
    engine = _Parts(rows, names, extra, person, None if person is None else (schema, max_rows))
    return remote.train(engine, plan, roll_call=roll_call, invalid=invalid, checkpoint=checkpoint, resume=resume,
                        progress=progress)


def release_domain(rows: Any, sketch: Union[Mapping[str, Any], str, Path], budget: Budget, *,
                   epsilon: Optional[float] = None, share: Optional[float] = None,
                   selection_delta: Optional[float] = None, other: Optional[str] = None, name: Optional[str] = None,
                   invalid: Optional[str] = None, extra: Optional[str] = None, person: Optional[str] = None,
                   max_rows_per_person: Optional[int] = None, roll_call: str = "auto") -> Domain:
    """Estimates under a budget what `sketch` leaves open: flip.remote.release_domain on Dask.

    rows, person, extra, roll_call: as in train; person and max_rows_per_person as the budget has them. Workers add up
    the texts of open columns with their exact counts. Other arguments and errors: flip.remote.release_domain.
    """
    engine = _Parts(rows, sketch_names(sketch), extra, person)
    return remote.release_domain(engine, sketch, budget, epsilon=epsilon, share=share, selection_delta=selection_delta,
                                 other=other, name=name, invalid=invalid, person=person,
                                 max_rows_per_person=max_rows_per_person, roll_call=roll_call)


class _Parts:
    """Delayed parts as an engine of flip.remote."""

    def __init__(self, rows: Any, names: list[str], extra: Optional[str] = None, person: Optional[str] = None,
                 bound: Optional[tuple[dict[str, Any], int]] = None) -> None:
        """bound: the schema and how many rows of a person are kept; None where the library bounds them."""
        self.extra, self.person, self.bound = extra, person, bound
        self.is_frame = hasattr(rows, "to_delayed")
        if person is not None:
            if not self.is_frame:
                raise ArgumentError("person: rows are dealt by person for a dask.dataframe alone, not for files")
            rows = (rows[[*names, person]] if extra == "ignore" else rows).shuffle(on=person)
        self.roll_call = "once" if self.is_frame else "none"
        self.rows = rows.to_delayed() if self.is_frame else named_files(rows)

    def parts(self) -> int:
        """Partitions, or files."""
        return len(self.rows)

    def sums(self, ask: bytes) -> Iterator[bytes]:
        """Sums of all parts, added up by the workers to at most four."""
        import dask
        if self.person is not None and self.bound is not None:
            count = dask.delayed(_person_sums, pure=False)
            level = [count(ask, k, rows, self.person, *self.bound) for k, rows in enumerate(self.rows)]
        else:
            count = dask.delayed(_frame_sums if self.is_frame else _file_sums, pure=False)
            level = [count(ask, k, rows, self.extra) for k, rows in enumerate(self.rows)]
        add = dask.delayed(remote.merge, pure=False)
        while len(level) > 4:                                                  # a tree: no worker holds many sums
            level = [add(ask, level[k:k + 4]) for k in range(0, len(level), 4)]
        yield from dask.compute(*level)


def _frame_sums(ask: bytes, part: int, frame: Any, extra: Optional[str]) -> bytes:
    import pyarrow as pa
    return remote.part_sums(ask, part, pa.Table.from_pandas(frame, preserve_index=False), extra)


def _person_sums(ask: bytes, part: int, frame: Any, person: str, schema: dict[str, Any], max_rows: int) -> bytes:
    import pyarrow as pa
    rows = pa.Table.from_pandas(frame, preserve_index=False)
    return remote.part_sums(ask, part, bounded(rows, person, Schema.of(schema), max_rows))


def _file_sums(ask: bytes, part: int, path: str, extra: Optional[str]) -> bytes:
    with remote.Sums(ask) as sums:
        remote.add_file(sums, part, path, extra=extra)
        return sums.export()


def sample(model: Model, rows: int, *, seed: Optional[int] = None, first: int = 0, parts: Optional[int] = None,
           where: Optional[Mapping[str, Any]] = None) -> list[Any]:
    """`rows` synthetic rows as delayed pyarrow tables in order, those of model.sample whatever the parts.

    parts: at most 100,000 rows in each unless given. dask.dataframe.from_delayed takes their to_pandas().
    """
    import dask
    if rows < 1 or first < 0 or parts is not None and parts < 1:
        raise ArgumentError("rows and parts: at least 1; first: at least 0")
    count = parts or -(-rows // 100_000)
    chosen = secrets.randbits(62) if seed is None else seed
    data = dask.delayed(model.to_bytes())
    make = dask.delayed(_sampled, pure=True)
    return [make(data, first + k * rows // count, first + (k + 1) * rows // count, chosen, where)
            for k in range(count)]


def _sampled(data: bytes, low: int, high: int, seed: int, where: Optional[Mapping[str, Any]]) -> Any:
    import pyarrow as pa
    return pa.table(Model.from_bytes(data).sample(high - low, seed=seed, first=low, where=where, threads=1))
