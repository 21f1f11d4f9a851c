"""Training and sampling on Spark: rows stay on the executors, sums come to the driver. Needs libflip[spark].

    import flip, flip.spark
    plan = flip.plan("rows.schema.json", protected=["sex"], epsilon=2, delta=1e-8)
    flip.spark.probe(spark)                                     # is libflip on every executor?
    model = flip.spark.train(spark.read.parquet("rows"), plan)
    flip.spark.sample(spark, model, 1_000_000_000, seed=1).write.parquet("synthetic")

Classic Spark and Spark Connect, 3.5 and 4; the DataFrame interface alone. docs/CLUSTER.md says who sees what and what
an operator has to switch on.
"""

from __future__ import annotations

import json
import secrets
from itertools import chain
from typing import TYPE_CHECKING, Any, Callable, Iterable, Iterator, Mapping, Optional, Union

from ._budget import Budget
from ._domain import Domain
from ._domain_sums import sketch_names
from ._errors import ArgumentError, SchemaError, StateError
from ._library import Path
from ._model import Model
from ._persons import bounded, planned
from ._plan import Plan
from ._progress import Report
from ._schema import Schema, SchemaLike
from ._spark_collect import collect, foresee
from ._spark_frame import columns, is_plain, operators, quoted
from . import _spark_files, remote

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

__all__ = ["check", "collect", "foresee", "probe", "release_domain", "sample", "train"]

_PARTIAL = "part int, slice int, sums binary"
# Sums that the driver takes at once, and that one task adds up.
_TOGETHER = 64 << 20


def train(df: DataFrame, plan: Plan, *, person: Optional[str] = None, read: str = "spark", roll_call: str = "auto",
          invalid: str = "refuse", extra: Optional[str] = None, checkpoint: Optional[Path] = None,
          resume: bool = False, progress: Report = None) -> Model:
    """Trains on a DataFrame's rows and returns the Model, as flip.remote.train does; the preset "best".

    person: a column outside the schema that says who a row belongs to, for a plan with "max_rows_per_person". Rows are
    dealt by it, so that all rows of a person are in one task.
    read: "files" has the executors' Python read the files of a plain scan of Parquet, which costs less than half of
    what Spark's way to Python does. Executors need access to the storage by pyarrow. Unsupported for a frame that is
    more than a scan: filters, views and policies of Spark would not be applied.
    roll_call: "auto" reads the rows once more, before anything is charged, where Spark's plan is more than a scan of
    files with filters and projections, since such a plan may give other rows when a task is run again.
    extra: "ignore" leaves out columns that the schema does not name.
    Other arguments and errors: flip.remote.train. SchemaError for columns that are missing or unknown.
    """
    names, schema, max_rows = planned(plan, person)
    bound = None if person is None else (json.dumps(schema), max_rows)
    return remote.train(_engine(df, names, person, extra, read, bound), plan, roll_call=roll_call, invalid=invalid,
                        checkpoint=checkpoint, resume=resume, progress=progress)


def release_domain(df: DataFrame, sketch: Union[Mapping[str, Any], str, Path], budget: Budget, *,
                   epsilon: Optional[float] = None, share: Optional[float] = None,
                   selection_delta: Optional[float] = None, other: Optional[str] = None, name: Optional[str] = None,
                   invalid: Optional[str] = None, extra: Optional[str] = None, person: Optional[str] = None,
                   max_rows_per_person: Optional[int] = None, read: str = "spark", roll_call: str = "auto") -> Domain:
    """Estimates under a budget what `sketch` leaves open, from a DataFrame's rows: flip.remote.release_domain on Spark.

    person, max_rows_per_person: as the budget has them; rows are dealt by the person, as in train. read, roll_call,
    extra: as in train. Executors add up the texts of open columns with their exact counts; these come to the driver.
    Other arguments and errors: flip.remote.release_domain.
    """
    engine = _engine(df, sketch_names(sketch), person, extra, read, None, gathers_texts=True)
    return remote.release_domain(engine, sketch, budget, epsilon=epsilon, share=share, selection_delta=selection_delta,
                                 other=other, name=name, invalid=invalid, person=person,
                                 max_rows_per_person=max_rows_per_person, roll_call=roll_call)


# The schema's JSON and how many rows of a person are kept.
_Bound = Optional[tuple[str, int]]


def _engine(df: DataFrame, names: list[str], person: Optional[str], extra: Optional[str], read: str, bound: _Bound,
            gathers_texts: bool = False) -> remote.Engine:
    """The frame as an engine. bound: None where the library bounds the rows of persons, or there are none."""
    if read not in ("spark", "files"):
        raise ArgumentError('read: must be "spark" or "files"')
    if read == "spark":
        return _Frame(df, names, person, extra, bound, gathers_texts)
    return _FilesOf(df, names, person, extra, gathers_texts)


class _Frame:
    """A DataFrame as an engine of flip.remote."""

    def __init__(self, df: DataFrame, names: list[str], person: Optional[str] = None, extra: Optional[str] = None,
                 bound: _Bound = None, gathers_texts: bool = False) -> None:
        self.names, self.person, self.bound, self.gathers_texts = names, person, bound, gathers_texts
        self.df = columns(df, self.names, person, extra)
        self.roll_call = "none" if person is None and is_plain(self.df) else "once"
        if person is not None:
            self.df = self.df.repartition(max(_parts(self.df), 1), quoted(person))

    def parts(self) -> int:
        """Tasks of a pass."""
        return _parts(self.df)

    def sums(self, ask: bytes) -> Iterator[bytes]:
        """One job: the sums of each task, or of some of them together where they are large."""
        return _gathered(ask, self.gathers_texts, lambda slices: self.df.mapInArrow(
            _counter(ask, slices, self.names, self.person, self.bound), _PARTIAL))


class _FilesOf:
    """The files of a DataFrame as an engine: each is a part, and executors read them past Spark."""

    roll_call = "none"

    def __init__(self, df: DataFrame, names: list[str], person: Optional[str] = None, extra: Optional[str] = None,
                 gathers_texts: bool = False) -> None:
        if person is not None:
            raise ArgumentError('person: rows are dealt by person with read="spark" alone')
        self.names, self.gathers_texts = names, gathers_texts
        columns(df, self.names, None, extra)
        self.files = _spark_files.plain_files(df, operators(df))
        self.spark = df.sparkSession

    def parts(self) -> int:
        """Files."""
        return len(self.files)

    def sums(self, ask: bytes) -> Iterator[bytes]:
        """One job with a task a file."""
        numbers = self.spark.range(0, len(self.files), 1, len(self.files))
        return _gathered(ask, self.gathers_texts, lambda slices: numbers.mapInArrow(
            _spark_files.counter(ask, slices, self.files, self.names), _PARTIAL))


def _gathered(ask: bytes, gathers_texts: bool, counted: Callable[[int], DataFrame]) -> Iterator[bytes]:
    """Sums of all parts, from a frame of partial sums in so many slices. How many texts there will be nobody knows:
    executors add up eight parts at a time, and the driver takes one of these after the other."""
    info = remote.ask_info(ask)
    parts, slices, size = info["parts"], info["slices"], 8 * info["words"]
    if gathers_texts and parts > 1:
        rows: Iterable[Any] = _added(counted(1), ask, 1, 8).toLocalIterator()
    elif parts * size <= _TOGETHER:
        rows = counted(1).collect()
    else:
        rows = _added(counted(slices), ask, slices, max(1, _TOGETHER // (size // slices + 1))).toLocalIterator()
    for row in rows:
        if row["slice"] < 0:
            raise StateError("Spark dealt the rows into another number of parts than before; nothing was charged")
        yield bytes(row["sums"])


def _parts(df: DataFrame) -> int:
    """How many tasks a pass over the frame has; reads at most a batch in each."""
    def count(batches: Iterator[Any]) -> Iterator[Any]:
        import pyarrow as pa
        from pyspark import TaskContext
        yield pa.RecordBatch.from_pydict({"part": pa.array([TaskContext.get().partitionId()], pa.int32())})

    return len({row["part"] for row in df.mapInArrow(count, "part int").collect()})


def _counter(ask: bytes, slices: int, names: list[str], person: Optional[str] = None,
             bound: _Bound = None) -> Callable[[Iterator[Any]], Iterator[Any]]:
    """What a task does: the sums of its rows, a row of (part, slice, sums) for each slice."""
    def run(batches: Iterator[Any]) -> Iterator[Any]:
        import pyarrow as pa
        from pyspark import TaskContext
        from flip import remote, spark
        part = TaskContext.get().partitionId()
        if part >= remote.ask_info(ask)["parts"]:
            yield spark._partial(part, -1, b"")
            return
        with remote.Sums(ask) as sums:
            spark._add(sums, part, batches, names, person, bound)
            for k in range(slices):
                yield spark._partial(part, k, sums.export(k, slices))

    return run


def _partial(part: int, slice: int, sums: bytes) -> Any:
    import pyarrow as pa
    return pa.RecordBatch.from_pydict({"part": pa.array([part], pa.int32()), "slice": pa.array([slice], pa.int32()),
                                       "sums": pa.array([sums], pa.binary())})


def _add(sums: remote.Sums, part: int, batches: Iterator[Any], names: list[str], person: Optional[str],
         bound: _Bound) -> None:
    """Adds a task's batches."""
    import pyarrow as pa
    first = next((batch for batch in batches if batch.num_rows), None)
    if first is None:
        there = [*names, person] if person is not None and bound is None else names
        sums.add(part, pa.table({name: pa.nulls(0) for name in there}))
    elif person is None or bound is None:
        sums.add(part, pa.RecordBatchReader.from_batches(first.schema, chain([first], batches)))
    else:
        rows = pa.Table.from_batches(list(chain([first], batches)))
        sums.add(part, bounded(rows, person, Schema.of(json.loads(bound[0])), bound[1]))


def _added(counted: DataFrame, ask: bytes, slices: int, together: int) -> DataFrame:
    """Partial sums added up slice by slice, by the executors: no task and no message holds much more than 64 MB."""
    if not hasattr(counted.groupBy("slice"), "applyInArrow"):                 # Spark 3.5
        return counted.repartition(slices, "slice")

    def add(rows: Any) -> Any:
        from flip import remote, spark
        k = rows.column("slice")[0].as_py()
        if k < 0:
            return rows.slice(0, 1).drop_columns(["bucket"])
        import pyarrow as pa
        total = remote.merge(ask, (one.as_py() for one in rows.column("sums")), k, slices)
        return pa.Table.from_batches([spark._partial(0, k, total)])

    bucketed = counted.selectExpr("*", f"cast(part / {together} as int) as bucket")
    return bucketed.groupBy("slice", "bucket").applyInArrow(add, _PARTIAL)


def sample(spark: SparkSession, model: Model, rows: int, *, seed: Optional[int] = None, first: int = 0,
           parts: Optional[int] = None, where: Optional[Mapping[str, Any]] = None) -> DataFrame:
    """`rows` synthetic rows as a DataFrame: lazy, and the same rows whenever it is evaluated, those of
    model.sample(rows, seed=seed, first=first, where=where) whatever the parts.

    seed: public; a random one unless given. parts: tasks; at most 100,000 rows in each unless given. Free of privacy
    cost, as all sampling.
    """
    if rows < 1 or first < 0 or parts is not None and parts < 1:
        raise ArgumentError("rows and parts: at least 1; first: at least 0")
    from pyspark.sql.pandas.types import from_arrow_schema
    count = parts or max(-(-rows // 100_000), min(16, -(-rows // 1000)))
    chosen = secrets.randbits(62) if seed is None else seed
    data = model.to_bytes()
    condition = None if where is None else dict(where)

    def run(batches: Iterator[Any]) -> Iterator[Any]:
        from flip import spark
        own = spark._opened(data)
        for batch in batches:
            for k in batch.column(0).to_pylist():
                low, high = first + k * rows // count, first + (k + 1) * rows // count
                yield from spark._batches(own, low, high, chosen, condition)

    schema = from_arrow_schema(next(_batches(model, 0, 1, 0, None)).schema)
    return spark.range(0, count, 1, count).mapInArrow(run, schema)


_model: tuple[bytes, Optional[Model]] = b"", None


def _opened(data: bytes) -> Model:
    """The model of some bytes, opened once in a process for all its tasks."""
    global _model
    held, model = _model
    if model is None or held != data:
        model = Model.from_bytes(data)
        _model = data, model
    return model


def _batches(model: Model, low: int, high: int, seed: int, where: Optional[Mapping[str, Any]]) -> Iterator[Any]:
    """Rows low ... high - 1 as record batches without dictionaries, which Spark does not read."""
    import pyarrow as pa
    for at in range(low, high, 8192):
        table = pa.table(model.sample(min(8192, high - at), seed=seed, first=at, where=where, threads=1))
        plain = [c.cast(c.type.value_type) if pa.types.is_dictionary(c.type) else c for c in table.columns]
        yield from pa.table(plain, names=table.column_names).combine_chunks().to_batches()


def check(df: DataFrame, schema: SchemaLike, extra: Optional[str] = None) -> dict[str, Any]:
    """Everything in the rows that breaks the schema: {"rows", "problems": [{"column", "rule", "count"}]}. NOT private:
    for whoever may see the rows."""
    checked = Schema.of(schema)
    text, names = checked.json, checked.names

    def run(batches: Iterator[Any]) -> Iterator[Any]:
        import json
        import pyarrow as pa
        import flip
        own = flip.Schema.of(json.loads(text))
        for batch in batches:
            if batch.num_rows:
                found = own.check(pa.Table.from_batches([batch]), extra="ignore")
                yield pa.RecordBatch.from_pydict({"found": pa.array([json.dumps(
                    [batch.num_rows, [[p["column"], p["rule"], p["count"]] for p in found["problems"]]])])})

    rows, counts = 0, dict[tuple[str, str], int]()
    for row in columns(df, names, None, extra).mapInArrow(run, "found string").toLocalIterator():
        n, problems = json.loads(row["found"])
        rows += n
        for column, rule, count in problems:
            counts[column, rule] = counts.get((column, rule), 0) + count
    return {"rows": rows, "problems": [{"column": c, "rule": r, "count": n} for (c, r), n in sorted(counts.items())]}


def probe(spark: SparkSession, tasks: int = 16) -> list[dict[str, Any]]:
    """What the executors' Python has: a dict for each process that answered, with host, python, flip, glibc, processor
    and memory. Call it before anything is read.

    tasks: how many small tasks are sent out. StateError names what an executor lacks.
    """
    def run(batches: Iterator[Any]) -> Iterator[Any]:
        import json
        import os
        import platform
        import pyarrow as pa
        for _ in batches:
            pass
        found = {"host": platform.node(), "pid": os.getpid(), "python": platform.python_version(),
                 "glibc": platform.libc_ver()[1], "processor": platform.machine(),
                 "memory": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")}
        try:
            import flip
            found["flip"] = flip.__version__
        except Exception as problem:
            found["problem"] = str(problem).split("\n")[0][:500]
        yield pa.RecordBatch.from_pydict({"found": pa.array([json.dumps(found)])})

    from ._library import __version__
    answers = [json.loads(row["found"]) for row in
               spark.range(0, tasks, 1, tasks).mapInArrow(run, "found string").collect()]
    found = list({(a["host"], a["pid"]): a for a in answers}.values())
    for one in found:
        if "problem" in one:
            raise StateError(f"the Python {one['python']} of host {one['host']} (glibc {one['glibc']}, "
                             f"{one['processor']}) cannot load flip: {one['problem']}. Install libflip there, or "
                             "ship it with spark.archives (docs/CLUSTER.md)")
        if one["flip"] != __version__:
            raise StateError(f"host {one['host']} has libflip {one['flip']}, the driver {__version__}: install one "
                             "version")
    return found
