"""Between pandas data frames and tables, column by column. The library checks every value; this only brings types together."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any, Mapping, Optional, Sequence

import numpy
import pandas

from ._errors import SchemaError
from ._schema import Schema

if TYPE_CHECKING:
    from ._table import Table

_UNIT = {"date": "datetime64[D]", "datetime": "datetime64[us]"}


def levels_of(field: Mapping[str, Any]) -> Optional[Sequence[Any]]:
    """The declared levels of a field as the library's text, or None."""
    levels: Optional[Sequence[Any]] = field.get("constraints", {}).get("enum")
    return levels


def text_of(value: Any) -> str:
    """A level or cell as a CSV file would hold it."""
    if isinstance(value, (bool, numpy.bool_)):
        return "true" if value else "false"
    if isinstance(value, (float, numpy.floating)) and float(value).is_integer():
        return str(int(value))
    if isinstance(value, (datetime.datetime, numpy.datetime64)):
        return str(pandas.Timestamp(value).isoformat())
    return str(value)


def fill(table: Table, frame: Any, schema: Schema) -> Table:
    """Sets every field of a new table from the frame's columns."""
    names = schema.names
    for problem, columns in (("missing", [n for n in names if n not in frame.columns]),
                             ("not in the schema", [c for c in frame.columns if c not in names])):
        if columns:
            raise SchemaError(f"columns {problem}: " + ", ".join(map(str, columns)))
    if not frame.columns.is_unique:
        raise SchemaError("two columns have the same name")
    missing_texts = set(schema.dict.get("missingValues", []))
    for field in schema.fields:
        fill_column(table, field, frame[field["name"]], missing_texts)
    return table


def fill_column(table: Table, field: Mapping[str, Any], column: Any, missing_texts: set[str]) -> None:
    """Sets one field from a pandas column."""
    name, kind = field["name"], field["type"]
    missing = column.isna().to_numpy(dtype=bool)
    valid = None if not missing.any() else (~missing).astype(numpy.uint8)
    if levels_of(field) is None and kind in ("integer", "number") and pandas.api.types.is_numeric_dtype(column.dtype):
        if pandas.api.types.is_integer_dtype(column.dtype) and "uint64" not in str(column.dtype).lower():
            table._set_int64(name, whole(column), valid)
        else:
            table._set_float64(name, numpy.ascontiguousarray(column.to_numpy(dtype=numpy.float64, na_value=numpy.nan)), valid)
    elif levels_of(field) is None and kind == "boolean" and pandas.api.types.is_bool_dtype(column.dtype) and not isinstance(column.dtype, pandas.CategoricalDtype):
        table._set_int64(name, whole(column), valid)
    elif levels_of(field) is None and kind in _UNIT and pandas.api.types.is_datetime64_any_dtype(column.dtype):
        if getattr(column.dt, "tz", None) is not None:
            column = column.dt.tz_convert("UTC").dt.tz_localize(None)
        moments = column.to_numpy().astype("datetime64[us]")
        units = moments.astype(_UNIT[kind])
        if kind == "date" and (units.astype("datetime64[us]") != moments)[~missing].any():
            raise SchemaError(f"column {name!r}: a date with a time of day")
        x = units.astype(numpy.int64)
        x[missing] = 0
        table._set_int64(name, x, valid)
    else:                                       # anything else crosses as text: each distinct value once
        refuse_nul(name, column, missing)
        codes, distinct = pandas.factorize(column, use_na_sentinel=True)
        texts = [text_of(value) for value in distinct]
        codes = codes.astype(numpy.int32)
        gone = [i for i, t in enumerate(texts) if t in missing_texts]
        if gone:
            codes[numpy.isin(codes, gone)] = -1
        used = [i for i in range(len(texts)) if i not in set(gone)]
        if levels_of(field) is not None or kind == "boolean":
            remap = numpy.full(len(texts) + 1, -1, numpy.int32)     # the last entry serves code -1
            remap[used] = numpy.arange(len(used), dtype=numpy.int32)
            table._set_codes(name, numpy.ascontiguousarray(remap[codes]), [texts[i] for i in used])
        else:
            table._set_strings(name, codes, texts)


def refuse_nul(name: str, column: Any, missing: Any = None) -> None:
    """pandas takes texts that differ behind a NUL only for equal ones, so they are looked for before it sorts values out. missing: which cells
    of the column are, where that is known."""
    values = column.cat.categories if isinstance(column.dtype, pandas.CategoricalDtype) else column
    if not (values.dtype == object or isinstance(values.dtype, pandas.StringDtype)):
        return
    if missing is None or values is not column:
        missing = numpy.asarray(values.isna(), dtype=bool)
    there: Any = numpy.asarray(values, dtype=object)
    if missing.any():
        there = there[~missing]
    if pandas.api.types.infer_dtype(there, skipna=False) != "string":
        there = [value for value in there if isinstance(value, str)]
    for first in range(0, len(there), 1 << 16):         # joined: one look at many cells
        if "\0" in "".join(there[first:first + (1 << 16)]):
            raise SchemaError(f"column {name!r}: text with a NUL in it")


def whole(column: Any) -> Any:
    """int64 values with 0 where missing."""
    return numpy.ascontiguousarray(column.astype("Int64").to_numpy(dtype=numpy.int64, na_value=0))


def frame(table: Table) -> Any:
    """A data frame with one column a field, in the schema's order."""
    columns = {field["name"]: read_column(table, field) for field in table.schema.fields}
    return pandas.DataFrame(columns)


def read_column(table: Table, field: Mapping[str, Any]) -> Any:
    """One field as what a pandas column is made of."""
    name, kind, rows, levels = field["name"], field["type"], table.rows, levels_of(field)
    if levels is not None:
        codes = numpy.empty(rows, numpy.int32)
        table._get("codes", name, codes)
        return pandas.Categorical.from_codes(codes, categories=levels)
    valid = numpy.empty(rows, numpy.uint8)
    if kind == "number":
        x = numpy.empty(rows, numpy.float64)
        table._get("float64", name, x, valid)
        return x
    x = numpy.empty(rows, numpy.int64)
    table._get("int64", name, x, valid)
    missing = valid == 0
    if kind in _UNIT:
        moments = x.astype(_UNIT[kind]).astype("datetime64[us]")
        moments[missing] = numpy.datetime64("NaT")
        return moments
    if kind == "boolean":
        return pandas.arrays.BooleanArray(x == 1, missing) if missing.any() else x == 1
    return pandas.arrays.IntegerArray(x, missing) if missing.any() else x
