"""Between pandas data frames and tables, column by column. The library checks every value; this only brings types together."""

from __future__ import annotations

from typing import Any, Iterable, Mapping, Optional, Sequence

import numpy
import pandas

from ._columns import get_codes, get_float64, get_int64, set_codes, set_float64, set_int64, set_strings
from ._errors import SchemaError
from ._text import refuse_nul, text_of

_UNIT = {"date": "datetime64[D]", "datetime": "datetime64[us]"}


def levels_of(field: Mapping[str, Any]) -> Optional[Sequence[Any]]:
    """The declared levels of a field as the library's text, or None."""
    levels: Optional[Sequence[Any]] = field.get("constraints", {}).get("enum")
    return levels


def fill(table: Optional[int], frame: Any, schema: Mapping[str, Any]) -> None:
    """Sets every field of a new table (its pointer) from the frame's columns. schema: the table's, as a dict."""
    names = [field["name"] for field in schema["fields"]]
    for problem, columns in (("missing", [n for n in names if n not in frame.columns]),
                             ("not in the schema", [c for c in frame.columns if c not in names])):
        if columns:
            raise SchemaError(f"columns {problem}: " + ", ".join(map(str, columns)))
    if not frame.columns.is_unique:
        raise SchemaError("two columns have the same name")
    missing_texts = set(schema.get("missingValues", []))
    for field in schema["fields"]:
        fill_column(table, field, frame[field["name"]], missing_texts)


def fill_column(table: Optional[int], field: Mapping[str, Any], column: Any, missing_texts: set[str]) -> None:
    """Sets one field from a pandas column."""
    name, kind = field["name"], field["type"]
    missing = column.isna().to_numpy(dtype=bool)
    valid = None if not missing.any() else (~missing).astype(numpy.uint8)
    if levels_of(field) is None and kind in ("integer", "number") and pandas.api.types.is_numeric_dtype(column.dtype):
        if pandas.api.types.is_integer_dtype(column.dtype) and "uint64" not in str(column.dtype).lower():
            set_int64(table, name, whole(column), valid)
        else:
            x = numpy.ascontiguousarray(column.to_numpy(dtype=numpy.float64, na_value=numpy.nan))
            set_float64(table, name, x, valid)
    elif levels_of(field) is None and kind == "boolean" and pandas.api.types.is_bool_dtype(column.dtype) \
            and not isinstance(column.dtype, pandas.CategoricalDtype):
        set_int64(table, name, whole(column), valid)
    elif levels_of(field) is None and kind in _UNIT and pandas.api.types.is_datetime64_any_dtype(column.dtype):
        if getattr(column.dt, "tz", None) is not None:
            column = column.dt.tz_convert("UTC").dt.tz_localize(None)
        moments = column.to_numpy().astype("datetime64[us]")
        units = moments.astype(_UNIT[kind])
        if kind == "date" and (units.astype("datetime64[us]") != moments)[~missing].any():
            raise SchemaError(f"column {name!r}: a date with a time of day")
        x = units.astype(numpy.int64)
        x[missing] = 0
        set_int64(table, name, x, valid)
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
            set_codes(table, name, numpy.ascontiguousarray(remap[codes]), [texts[i] for i in used])
        else:
            set_strings(table, name, codes, texts)


def whole(column: Any) -> Any:
    """int64 values with 0 where missing."""
    return numpy.ascontiguousarray(column.astype("Int64").to_numpy(dtype=numpy.int64, na_value=0))


def person_codes(persons: Any, rows: int) -> Any:
    """int64, one a row: a number for each person. SchemaError where a row belongs to nobody, or there are not `rows` of them."""
    codes = numpy.ascontiguousarray(pandas.factorize(pandas.Series(persons))[0], dtype=numpy.int64)
    if len(codes) != rows or (codes < 0).any():
        raise SchemaError("persons: every row must belong to a person")
    return codes


def frame(table: Optional[int], rows: int, fields: Iterable[Mapping[str, Any]]) -> Any:
    """A data frame of `rows` rows with one column a field, in the schema's order. table: its pointer."""
    return pandas.DataFrame({field["name"]: read_column(table, rows, field) for field in fields})


def read_column(table: Optional[int], rows: int, field: Mapping[str, Any]) -> Any:
    """One field as what a pandas column is made of."""
    name, kind, levels = field["name"], field["type"], levels_of(field)
    if levels is not None:
        return pandas.Categorical.from_codes(get_codes(table, name, rows), categories=levels)
    if kind == "number":
        return get_float64(table, name, rows)[0]
    x, valid = get_int64(table, name, rows)
    missing = valid == 0
    if kind in _UNIT:
        moments = x.astype(_UNIT[kind]).astype("datetime64[us]")
        moments[missing] = numpy.datetime64("NaT")
        return moments
    if kind == "boolean":
        return pandas.arrays.BooleanArray(x == 1, missing) if missing.any() else x == 1
    return pandas.arrays.IntegerArray(x, missing) if missing.any() else x
