"""Between pandas data frames and tables, column by column.

The library checks every value; this module only brings types together.
"""

from __future__ import annotations

import decimal
import re
from typing import Any, Iterable, Mapping, Optional, Sequence

import numpy
import pandas

from ._columns import get_codes, get_float64, get_int64, get_reasons, set_codes, set_float64, set_int64, set_strings
from ._errors import SchemaError, quietly
from ._normal import DAY, Moments, equal_to_any, moments, nearest, plain, refuse_finer, whole_numbers
from ._text import (TIME_OF_DAY, cells_of, distinct, numbers_that_mean_missing, refusal, refuse_unusable,
                    text_of)

NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
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
    for field in schema["fields"]:
        gone = Missing(missing_values(field, schema), levels_of(field) or reasons_of(field, schema))
        quietly(cells_of(field["name"]), lambda: fill_column(table, field, frame[field["name"]], gone))


def missing_values(field: Mapping[str, Any], schema: Mapping[str, Any]) -> Sequence[Any]:
    """What means "missing" in a field: texts, or dicts with a value and a label."""
    texts: Sequence[Any] = field.get("missingValues", schema.get("missingValues", []))
    return texts


def reasons_of(field: Mapping[str, Any], schema: Mapping[str, Any]) -> list[str]:
    """The missing values of a field that say why, each a state beside the values; none of a field with levels, where
    they are levels."""
    if levels_of(field) is not None or field.get("flip:bought"):
        return []
    return [text["value"] for text in missing_values(field, schema)
            if isinstance(text, Mapping) and text["value"] and "label" in text]


def value_of_reason(text: str, kind: str) -> Any:
    """The value of a field's type that a reason's text is: a number, or a whole one in the units of get_int64. None
    where it is none."""
    if kind in ("integer", "number") and NUMBER.fullmatch(text.strip(" ")):
        number = decimal.Decimal(text.strip(" "))
        whole = number == number.to_integral_value() if kind == "integer" else False
        return int(number) if whole else float(number) if kind == "number" else None
    if kind in _UNIT:
        found = Missing([text]).micros()
        return None if not found else found[0] // DAY if kind == "date" else found[0]
    return None


class Missing:
    """What a schema's missingValues mean for cells that are no text.

    A number is missing where it is equal to one of them, and a date or moment where it is spelled by one of them, so
    that a frame means what its CSV file means.
    """

    def __init__(self, texts: Iterable[Any], levels: Iterable[Any] = ()) -> None:
        """texts: as a schema or a field has them: texts, or dicts with a value and a label. levels: the field's levels
        or reasons; a missing value that is one of them, as a labelled one is, is not missing and nothing else."""
        self.texts = {text["value"] if isinstance(text, Mapping) else text for text in texts} - set(levels)
        self.numbers = numbers_that_mean_missing(self.texts)

    def micros(self) -> list[int]:
        """The dates and moments among the texts, in microseconds since 1970."""
        found = []
        for text in self.texts:
            if len(text) >= 10 and text[4:5] == text[7:8] == "-":
                try:
                    found.append(int(numpy.datetime64(text.rstrip("Z")).astype("datetime64[us]").astype(numpy.int64)))
                except (ValueError, OverflowError):
                    pass
        return found

    def spells(self, value: Any, text: str) -> bool:
        """Whether a cell, with its text, is missing."""
        if text in self.texts:
            return True
        if not self.numbers or isinstance(value, (str, bool, numpy.bool_)):
            return False
        if isinstance(value, (int, decimal.Decimal, numpy.integer)):
            return decimal.Decimal(str(value)) in self.numbers
        if not isinstance(value, (float, numpy.floating)):
            return False
        return bool(equal_to_any(numpy.asarray([value]), self.numbers)[0])


def fill_column(table: Optional[int], field: Mapping[str, Any], column: Any, gone: Missing) -> None:
    """Sets one field from a pandas column. table: its pointer."""
    name, kind, rules = field["name"], field["type"], dict(field.get("constraints", {}))
    if "flip:multipleOf" in field:
        rules["multipleOf"] = field["flip:multipleOf"]
    column = plain(column)
    missing = column.isna().to_numpy(dtype=bool)
    dtype, types = column.dtype, pandas.api.types
    ordinary = levels_of(field) is None and not isinstance(dtype, pandas.CategoricalDtype)
    if levels_of(field) is None and kind in _UNIT:
        found = moments(column)
        if found is not None:
            return fill_moments(table, name, kind, found, missing=missing, gone=gone)
    numeric = types.is_numeric_dtype(dtype) and not types.is_complex_dtype(dtype)
    if ordinary and kind in ("integer", "number") and numeric:
        if types.is_integer_dtype(dtype):
            x = whole_numbers(column)
            if x is not None:                   # what int64 cannot hold crosses as text, exactly
                missing = missing | equal_to_any(x, gone.numbers)
                return set_int64(table, name, x, valid_of(missing))
        else:
            narrow = isinstance(dtype, numpy.dtype) and dtype.kind == "f" and dtype.itemsize < 8
            x = column.to_numpy(dtype=dtype if narrow else numpy.float64, na_value=numpy.nan)
            missing = missing | equal_to_any(x, gone.numbers)
            x = numpy.ascontiguousarray(nearest(x, rules) if narrow and kind == "number" else x.astype(numpy.float64))
            return set_float64(table, name, x, valid_of(missing))
    if ordinary and kind == "boolean" and types.is_bool_dtype(dtype) and not gone.texts & {"true", "false"}:
        return set_int64(table, name, whole_numbers(column), valid_of(missing))
    fill_texts(table, field, column, missing, gone)


def fill_moments(table: Optional[int], name: str, kind: str, found: Moments, *, missing: Any, gone: Missing) -> None:
    """Sets a field of dates or datetimes without levels. missing: bool, one a row."""
    refuse_finer(name, found)
    x = found.micros
    missing = missing | numpy.isin(x, numpy.array(gone.micros(), numpy.int64))
    if kind == "date":
        late = (x % DAY != 0) & ~missing
        if late.any():
            raise refusal(name, TIME_OF_DAY, int(late.argmax()))
        x = x // DAY
    set_int64(table, name, numpy.where(missing, 0, x).astype(numpy.int64), valid_of(missing))


def fill_texts(table: Optional[int], field: Mapping[str, Any], column: Any, missing: Any, gone: Missing) -> None:
    """Sets a field from cells that cross as text: each distinct value once. missing: bool, one a row."""
    name, kind = field["name"], field["type"]
    refuse_unusable(name, column, missing)
    codes, values = distinct(column)
    texts = [text_of(value, kind, name, field.get("decimalChar", ".")) for value in values]
    codes = codes.astype(numpy.int32)
    spelled = [i for i, (value, text) in enumerate(zip(values, texts)) if gone.spells(value, text)]
    if spelled:
        codes[numpy.isin(codes, spelled)] = -1
    if levels_of(field) is None and kind != "boolean":
        return set_strings(table, name, codes, texts)
    used = sorted(set(range(len(texts))) - set(spelled))
    remap = numpy.full(len(texts) + 1, -1, numpy.int32)     # the last entry serves code -1
    remap[used] = numpy.arange(len(used), dtype=numpy.int32)
    set_codes(table, name, numpy.ascontiguousarray(remap[codes]), [texts[i] for i in used])


def valid_of(missing: Any) -> Any:
    """uint8, 1 where a cell is there; None where none is missing. missing: bool."""
    return (~missing).astype(numpy.uint8) if missing.any() else None


def person_codes(persons: Any, rows: int) -> Any:
    """int64, one a row: a number for each person. SchemaError where a row belongs to nobody, or there are not `rows` of
    them."""
    codes = quietly("persons: their values cannot be read",
                    lambda: pandas.factorize(pandas.Series(persons))[0]).astype(numpy.int64)
    if len(codes) != rows or (codes < 0).any():
        raise SchemaError("persons: every row must belong to a person")
    return codes


def frame(table: Optional[int], rows: int, schema: Mapping[str, Any]) -> Any:
    """A data frame of `rows` rows with one column a field, in the schema's order. table: its pointer; schema: its
    schema, as a dict."""
    return pandas.DataFrame({
        field["name"]: read_column(table, rows, field, reasons_of(field, schema))
        for field in schema["fields"]
    })


def read_column(table: Optional[int], rows: int, field: Mapping[str, Any], reasons: Sequence[str] = ()) -> Any:
    """One field as what a pandas column is made of. A reason of missing values that is a value of the field's type
    stands there as that value, any other one as missing."""
    name, kind, levels = field["name"], field["type"], levels_of(field)
    if levels is not None:
        return pandas.Categorical.from_codes(get_codes(table, name, rows), categories=levels)
    if kind == "number":
        x = get_float64(table, name, rows)[0]
        for rows_of, value in _reasons(table, name, rows, kind, reasons):
            x[rows_of] = value
        return x
    x, valid = get_int64(table, name, rows)
    missing = valid == 0
    for rows_of, value in _reasons(table, name, rows, kind, reasons):
        x[rows_of] = value
        missing &= ~rows_of
    if kind in _UNIT:
        moments = x.astype(_UNIT[kind]).astype("datetime64[us]")
        moments[missing] = numpy.datetime64("NaT")
        return moments
    if kind == "boolean":
        return pandas.arrays.BooleanArray(x == 1, missing) if missing.any() else x == 1
    return pandas.arrays.IntegerArray(x, missing) if missing.any() else x


def _reasons(table: Optional[int], name: str, rows: int, kind: str,
             reasons: Sequence[str]) -> Iterable[tuple[Any, Any]]:
    """For each reason that is a value: which rows have it, and the value."""
    if not reasons:
        return
    places = get_reasons(table, name, rows)
    for place, text in enumerate(reasons):
        value = value_of_reason(text, kind)
        if value is not None:
            yield places == place, value
