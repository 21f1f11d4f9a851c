"""What Spark says of a frame: its columns, and the operators of its physical plan."""

from __future__ import annotations

import contextlib
import io
import re
from typing import TYPE_CHECKING, Optional

from ._errors import SchemaError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

# Operators of a physical plan that read the same rows every time they run.
_PLAIN = {"FileScan", "BatchScan", "ColumnarToRow", "Project", "Filter", "Union", "LocalTableScan", "Range", "Scan"}
_RANDOM = re.compile(r"\b(rand|randn|uuid|shuffle|monotonically_increasing_id|current_timestamp|ExistingRDD)\b", re.I)


def quoted(name: str) -> str:
    """A column's name as Spark takes it, whatever is in it."""
    return "`" + name.replace("`", "``") + "`"


def columns(df: DataFrame, names: list[str], person: Optional[str], extra: Optional[str]) -> DataFrame:
    """The columns of the schema, and the person's."""
    missing = [name for name in names + ([] if person is None else [person]) if name not in df.columns]
    if missing:
        raise SchemaError("the frame lacks " + ", ".join(map(repr, missing)))
    if person in names:
        raise SchemaError(f"column {person!r}: says who a row belongs to: leave it out of the schema")
    more = [name for name in df.columns if name not in names and name != person]
    if more and extra != "ignore":
        raise SchemaError("the frame has " + ", ".join(map(repr, more))
                          + ', not in the schema; extra="ignore" skips them')
    return df.select(*[quoted(name) for name in names + ([] if person is None else [person])])


def operators(df: DataFrame) -> list[tuple[str, str]]:
    """The operators of the physical plan, each with its line."""
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        df.explain()
    lines = [line for line in text.getvalue().splitlines() if line.strip() and not line.startswith("==")]
    return [(re.sub(r"^[\s:+\-|*]*(\(\d+\)\s*)?", "", line).split("(")[0].split(" ")[0], line) for line in lines]


def is_plain(df: DataFrame) -> bool:
    """Whether the physical plan reads the same rows whenever a task is run."""
    found = operators(df)
    return bool(found) and all(name in _PLAIN and not _RANDOM.search(line) for name, line in found)
