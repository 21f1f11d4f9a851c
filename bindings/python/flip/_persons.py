"""Rows of persons: dealt by the name of the person, and bounded once all rows of a person are together."""

from __future__ import annotations

import ctypes
import zlib
from typing import Any, Iterable, Iterator, Optional

from ._arrow import Source
from ._errors import ArgumentError, SchemaError
from ._library import CALLBACK, config_bytes, new
from ._plan import Plan
from ._schema import Schema
from ._table import Table


def bounded(rows: Any, person: str, schema: Schema, max_rows: int) -> Any:
    """At most `max_rows` rows of each person of a pyarrow Table; which ones depends on that person's rows alone. Cells
    that break the schema are replaced and counted. No rows: an empty table of pyarrow."""
    import pyarrow as pa
    names = schema.names
    if not rows.num_rows:
        return rows.select(names)
    who = named(rows.column(person).combine_chunks())
    codes = (who if pa.types.is_dictionary(who.type) else who.dictionary_encode()).indices.cast(pa.int64())
    source = Source(rows.select(names))
    table = Table(new("flip_table_import", schema._pointer, source.address, config_bytes({"invalid": "coerce"}),
                      CALLBACK(0), None))
    numbers = (ctypes.c_int64 * len(codes)).from_buffer_copy(codes.buffers()[1], codes.offset * 8)
    return Table(new("flip_table_bound_persons", table._pointer, numbers, max_rows))


def dealt(batches: Iterable[Any], person: str, part: int, parts: int) -> Iterator[Any]:
    """The rows of those batches whose person belongs to a part: a function of the name alone."""
    import pyarrow as pa
    for batch in batches:
        who = named(batch.column(person))
        who = who if pa.types.is_dictionary(who.type) else who.dictionary_encode()
        mine = [zlib.crc32(str(name).encode()) % parts == part for name in who.dictionary.to_pylist()]
        chosen = pa.array(mine, pa.bool_()).take(who.indices)
        yield batch.filter(chosen)


def named(who: Any) -> Any:
    """The column that names persons. SchemaError where it names nobody in a row."""
    import pyarrow as pa
    import pyarrow.compute as compute
    texts = who.cast(who.type.value_type) if pa.types.is_dictionary(who.type) else who
    is_text = pa.types.is_string(texts.type) or pa.types.is_large_string(texts.type)
    if texts.null_count or is_text and compute.any(compute.equal(texts, "")).as_py():
        raise SchemaError("nobody is named in a row: every row must belong to a person")
    return who


def planned(plan: Plan, person: Optional[str]) -> tuple[list[str], dict[str, Any], int]:
    """The columns of a plan, its schema and how many rows of a person it keeps. ArgumentError where only one of the
    two says that there are persons."""
    record = plan.dict
    max_rows = int(record["config"].get("max_rows_per_person") or 0)
    if (person is None) != (max_rows == 0):
        raise ArgumentError("person and a plan with max_rows_per_person belong together")
    return [field["name"] for field in record["schema"]["fields"]], record["schema"], max_rows
