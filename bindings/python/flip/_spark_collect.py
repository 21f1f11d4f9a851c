"""Rows of a Spark frame gathered on the driver, and what that will take, said before it is done."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Optional

from ._errors import OutOfMemory
from ._plan import Plan
from ._schema import Schema, SchemaLike
from ._spark_frame import columns
from ._table import Table

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_LOOK = 10_000


def foresee(df: DataFrame, schema: SchemaLike, plan: Optional[Plan] = None,
            extra: Optional[str] = None) -> dict[str, Any]:
    """What `collect` will take, found by counting the rows and looking at some of them: rows, arriving_bytes (the rows
    as Spark sends them), table_bytes (at most), peak_bytes (both and a tenth), free_bytes (of this machine). With a
    plan also training_bytes, which come on top of the table, steps, and batch_rows, the rows that all steps together
    read, on average; a step also runs over all rows to draw its batch. NOT private: for whoever may see the rows."""
    checked = Schema.of(schema)
    frame = columns(df, checked.names, None, extra)
    rows = int(frame.count())
    some = _arrow(frame.limit(_LOOK))
    arriving = rows * some.nbytes // max(some.num_rows, 1)
    table = rows * sum(map(_cell_bytes, checked.fields))
    found: dict[str, Any] = {"rows": rows, "arriving_bytes": arriving, "table_bytes": table,
                             "peak_bytes": (arriving + table) * 11 // 10, "free_bytes": _free()}
    if plan is not None:
        sampled = [release for release in plan.explain()["releases"] if "batch_rows" in release]
        found |= {"training_bytes": plan.memory(rows), "steps": sum(one["releases"] for one in sampled),
                  "batch_rows": sum(one["releases"] * one["batch_rows"] for one in sampled)}
    return found


def collect(df: DataFrame, schema: SchemaLike, extra: Optional[str] = None, most_bytes: Optional[int] = None) -> Table:
    """The rows as a flip.Table on the driver, for the preset "published", which samples single rows. They must fit into
    its memory, once as they arrive and once as a table.

    most_bytes: what that may take; the free memory of this machine unless given. OutOfMemory with the figures of
    `foresee` where it would take more; nothing was collected then.
    """
    checked = Schema.of(schema)
    told = foresee(df, checked, extra=extra)
    most = told["free_bytes"] if most_bytes is None else most_bytes
    if told["peak_bytes"] > most:
        raise OutOfMemory(f"{told['rows']} rows take about {told['peak_bytes'] / 1e9:.1f} GB here (as they arrive "
                          f"{told['arriving_bytes'] / 1e9:.1f}, as a table {told['table_bytes'] / 1e9:.1f}), and "
                          f'{most / 1e9:.1f} GB may be taken; train the preset "best" with flip.spark.train instead')
    return Table.from_arrow(_arrow(columns(df, checked.names, None, extra)), checked)


def _arrow(frame: DataFrame) -> Any:
    if hasattr(frame, "toArrow"):
        return frame.toArrow()
    import pyarrow as pa                                                      # Spark 3.5
    from pyspark.sql.pandas.types import to_arrow_schema
    return pa.Table.from_batches(frame._collect_as_arrow(), to_arrow_schema(frame.schema))


def _cell_bytes(field: dict[str, Any]) -> int:
    """Bytes of a cell in a table, at most."""
    levels = 2 if field["type"] == "boolean" else len(field.get("constraints", {}).get("enum", ()))
    return 8 if not levels or levels > 60_000 else 1 if levels < 200 else 2


def _free() -> int:
    """Memory of this machine that a process may have."""
    try:
        with open("/proc/meminfo") as file:
            words = dict(line.split(":") for line in file)
        return int(words["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES")
