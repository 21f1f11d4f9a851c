"""Rows that stay where they are: training from sums.

    engine = flip.remote.Files("admissions/", "admissions.schema.json")           # Parquet or CSV, larger than memory
    plan = flip.plan("admissions.schema.json", protected=["sex"], epsilon=2, delta=1e-7)
    model = flip.remote.train(engine, plan)

The trainer says which sums over rows it needs next (an ask). An engine gathers them wherever the rows are: `part_sums`
makes those of one part, `merge` adds some up. The trainer charges, draws its noise and wipes them. flip.spark and
flip.dask are such engines. Sums are as secret as the rows; docs/CLUSTER.md says who may see what.
"""

from __future__ import annotations

import os
from ctypes import byref, sizeof
from typing import Any, Iterable, Iterator, Optional, Protocol, Union

from ._arrow import Source
from ._errors import ArgumentError
from ._library import CALLBACK, CProgress, Handle, Path, call, config_bytes, new, path_bytes, take_bytes, take_json
from ._model import Model
from ._plan import Plan
from ._progress import Progress, Report, from_c
from ._schema import Schema, SchemaLike
from ._table import Table
from ._train import Trainer, carry_out

__all__ = ["Engine", "Files", "Sums", "add_file", "ask_info", "merge", "part_sums", "train"]


class Engine(Protocol):
    """What gathers sums where the rows are."""

    def parts(self) -> int:
        """Into how many parts the rows are dealt; they are numbered from 0. Asked before every reading."""

    def sums(self, ask: bytes) -> Iterable[bytes]:
        """Exported sums that together hold every part of the ask once."""


class Sums(Handle):
    """What the rows of some parts add up to, for one ask. Secret; wiped when it is closed."""

    _free = "flip_sums_free"

    def __init__(self, ask: bytes) -> None:
        """Sums of nothing. FormatError for bytes that are no ask, VersionError for one of another library."""
        super().__init__(new("flip_sums_create", ask, len(ask)))

    def add(self, part: int, rows: Any, extra: Optional[str] = None) -> None:
        """Adds all rows of a part: a flip.Table, or anything with __arrow_c_stream__ or __arrow_c_array__, which may
        have no rows. Cells that break the schema are replaced and counted; the trainer refuses them before its first
        charge. extra: "ignore" leaves out columns that the schema does not name."""
        if isinstance(rows, Table):
            call("flip_sums_add_table", self._pointer, part, rows._pointer)
            return
        source = Source(rows)
        call("flip_sums_add_stream", self._pointer, part, source.address, config_bytes({"extra": extra}), CALLBACK(0),
             None)

    def add_csv(self, part: int, path: Path, delimiter: Optional[str] = None, extra: Optional[str] = None) -> None:
        """The same for the rows of a CSV file, which may be larger than memory."""
        call("flip_sums_add_csv", self._pointer, part, path_bytes(path),
             config_bytes({"delimiter": delimiter, "extra": extra}), CALLBACK(0), None)

    def merge(self, exported: bytes) -> None:
        """Adds exported sums of the same ask. FormatError for damaged ones, ArgumentError for those of another ask."""
        call("flip_sums_merge", self._pointer, exported, len(exported))

    def export(self, slice: int = 0, slices: int = 1) -> bytes:
        """The sums as bytes: secret. slices: 1, or the number that `ask_info` names."""
        return take_bytes("flip_sums_export", self._pointer, slice, slices)

    def __enter__(self) -> Sums:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def ask_info(ask: bytes) -> dict[str, Any]:
    """What an ask is: id, stage, parts, tables, words, slices, memory_bytes."""
    info: dict[str, Any] = take_json("flip_ask_json", ask, len(ask))
    return info


def part_sums(ask: bytes, part: int, rows: Any, extra: Optional[str] = None) -> bytes:
    """The exported sums of one part: what a worker does. rows: as in Sums.add."""
    with Sums(ask) as sums:
        sums.add(part, rows, extra)
        return sums.export()


def merge(ask: bytes, exported: Iterable[bytes], slice: int = 0, slices: int = 1) -> bytes:
    """Some exported sums added up, exported: a node of a tree of sums. With `slices` all of them are of one slice."""
    with Sums(ask) as total:
        for one in exported:
            total.merge(one)
        return total.export(slice, slices)


class RemoteTrainer(Trainer):
    """A plan being carried out on rows elsewhere: `step` asks the engine where a release needs sums."""

    def __init__(self, engine: Engine, pointer: int) -> None:
        """Used by `train`."""
        super().__init__(pointer, None)
        self.engine = engine

    def step(self, max_steps: int = 0, max_seconds: float = 0.1) -> Progress:
        """As Trainer.step; where the next step needs sums of rows, it is that step alone."""
        if not take_bytes("flip_trainer_ask", self._pointer, 1):
            return super().step(max_steps, max_seconds)
        ask = take_bytes("flip_trainer_ask", self._pointer, self.engine.parts())
        c = CProgress(size=sizeof(CProgress))
        with Sums(ask) as total:
            for exported in self.engine.sums(ask):
                total.merge(exported)
            call("flip_trainer_answer", self._pointer, total._pointer, byref(c))
        return from_c(c)


def train(engine: Engine, plan: Plan, *, checkpoint: Optional[Path] = None, resume: bool = False,
          progress: Report = None, roll_call: str = "auto", invalid: str = "refuse") -> Model:
    """Trains on rows that an engine reads, and returns the Model: the preset "best" without finetuning.

    checkpoint, resume, progress: as in flip.train.
    roll_call: "once" reads the rows once more, before anything is charged, so that rows which change while they are
    read are seen before the first charge rather than before the second; "none" does not; "auto" does what the engine
    advises, by its attribute `roll_call`.
    invalid: "refuse" or "coerce", for cells that break the schema.

    Refused before anything is charged: StateError for parts that are missing or come twice and for rows that changed
    between two readings, SchemaError for no rows and for cells that break the schema; after the first charge these are
    replaced. Unsupported for a plan that samples single rows. Otherwise the errors of flip.train.
    """
    if not isinstance(plan, Plan):
        raise TypeError("plan must be a flip.Plan")
    if roll_call == "auto":
        roll_call = getattr(engine, "roll_call", "none")
    config = config_bytes({"roll_call": roll_call, "invalid": invalid})

    def begin() -> Trainer:
        return RemoteTrainer(engine, new("flip_trainer_create_remote", plan._pointer, config))

    def go_on(path: Path) -> Trainer:
        budget = plan.budget._pointer if plan.budget else None
        return RemoteTrainer(engine, new("flip_trainer_resume_remote", path_bytes(path), budget, config))

    return carry_out(plan, begin, go_on, progress, checkpoint, resume)


class Files:
    """Rows in files of this machine, read batch by batch: they may be larger than memory. Each file is a part.

    paths: a folder, a file, or several files; CSV with a header, or Parquet (needs pyarrow), by their names. schema: a
    Schema, a dict or the path of one. delimiter, extra: as in Table.read_csv.
    """

    def __init__(self, paths: Union[Path, Iterable[Path]], schema: SchemaLike, delimiter: Optional[str] = None,
                 extra: Optional[str] = None) -> None:
        """FileError where there is no such file or folder, ArgumentError for a folder without CSV or Parquet files."""
        given = [paths] if isinstance(paths, (str, os.PathLike)) else list(paths)
        self.files = sorted({file for path in given for file in _files(os.fspath(path))})
        if not self.files:
            raise ArgumentError("there is no .csv or .parquet file in " + ", ".join(os.fspath(path) for path in given))
        self.schema = Schema.of(schema)
        self.delimiter = delimiter
        self.extra = extra

    def parts(self) -> int:
        """The number of files."""
        return len(self.files)

    def sums(self, ask: bytes) -> Iterator[bytes]:
        """Sums of all files."""
        with Sums(ask) as total:
            for part, file in enumerate(self.files):
                add_file(total, part, file, self.delimiter, self.extra)
            yield total.export()


def add_file(sums: Sums, part: int, path: str, delimiter: Optional[str] = None, extra: Optional[str] = None) -> None:
    """Adds the rows of a CSV or Parquet file as a part, batch by batch."""
    if _is_parquet(path):
        sums.add(part, _parquet(path), extra)
    else:
        sums.add_csv(part, path, delimiter, extra)


def _is_parquet(path: str) -> bool:
    return path.lower().endswith((".parquet", ".pq"))


def _files(path: str) -> list[str]:
    """The files that a path names, in the folders below it as well; hidden ones and those that Spark calls its own are
    none."""
    if not os.path.isdir(path):
        return [path]
    found = []
    for folder, folders, names in os.walk(path):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "_")))
        found += [os.path.join(folder, name) for name in sorted(names)
                  if not name.startswith((".", "_")) and (_is_parquet(name) or name.lower().endswith(".csv"))]
    return found


def _parquet(path: str) -> Any:
    """A Parquet file as a stream of batches; a few columns' pages are in memory at a time."""
    import pyarrow as pa
    import pyarrow.parquet as parquet
    with parquet.ParquetFile(path, memory_map=True) as plain:
        texts = [field.name for field in plain.schema_arrow if pa.types.is_string(field.type)]
    # Texts as dictionaries: each is read once in a batch, and rows hold its number.
    file = parquet.ParquetFile(path, memory_map=True, read_dictionary=texts)
    return pa.RecordBatchReader.from_batches(file.schema_arrow, file.iter_batches(batch_size=1 << 16))
