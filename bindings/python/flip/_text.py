"""Cells and levels of host columns as the text that a CSV file would hold, and what is refused of them."""

from __future__ import annotations

import datetime
import decimal
import re
from typing import Any, Iterable, Optional

import numpy
import pandas

from ._errors import SchemaError

FINER = "finer than a microsecond; a moment is kept to the microsecond: round it first"
TIME_OF_DAY = "a date with a time of day"
_UNUSABLE = re.compile("[\0\ud800-\udfff]")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def cells_of(column: Any) -> str:
    """How messages name the cells of a column that could not be read."""
    return f'column "{column}": its cells cannot be read'


def refusal(column: Any, rule: str, row: Optional[int] = None) -> SchemaError:
    """The error for a column, with the row (from 0) where one is to be named. It holds no cell."""
    return SchemaError(f'column "{column}"' + (f": {rule}" if row is None else f", row {row + 1}: {rule}"))


def numbers_that_mean_missing(texts: Iterable[str]) -> list[decimal.Decimal]:
    """Those missing values of a schema that are finite numbers, such as -9: a number that is equal to one is
    missing."""
    return [decimal.Decimal(text) for text in texts if len(text) < 64 and _NUMBER.fullmatch(text)]


def text_of(value: Any, kind: str = "", name: Any = "", point: str = ".") -> str:
    """A level or cell as a CSV file would hold it.

    kind: the type of the field that it is for, where there is one. point: the field's decimalChar.
    SchemaError, naming the column `name`, for a moment that is finer than a microsecond and for a date with a time of
    day.
    """
    text = _plain_text(value, kind, name)
    number = isinstance(value, (float, numpy.floating, decimal.Decimal))
    return text.replace(".", point) if number and point != "." else text


def _plain_text(value: Any, kind: str, name: Any) -> str:
    if isinstance(value, (bool, numpy.bool_)):
        return ("01" if kind in ("integer", "number") else ("false", "true"))[bool(value)]
    if isinstance(value, (float, numpy.floating)) and float(value).is_integer():
        return str(int(value))
    if isinstance(value, numpy.floating):
        return str(value.item() if value.dtype.itemsize > 4 else value)         # 0.1 of 32 bits is 0.1
    if isinstance(value, decimal.Decimal) and value.is_finite() and -400 < value.adjusted() < 400:
        return str(int(value)) if value == value.to_integral_value() else format(value, "f")
    if isinstance(value, (datetime.datetime, numpy.datetime64)):
        moment = moment_of(value, name)
        if kind != "date":
            return moment.isoformat()
        if moment.time() != datetime.time():
            raise refusal(name, TIME_OF_DAY)
        return moment.date().isoformat()
    return str(value)


def distinct(column: Any) -> tuple[Any, Any]:
    """(which of the distinct values each cell has, -1 where it is missing; those values)."""
    codes, values = pandas.factorize(column, use_na_sentinel=True)
    if pandas.api.types.is_float_dtype(values.dtype):
        values = numpy.asarray(values)
        if isinstance(column.dtype, numpy.dtype) and column.dtype.itemsize < values.dtype.itemsize:
            values = values.astype(column.dtype)        # factorize widens float16
    return codes, values


def moment_of(value: Any, name: Any) -> datetime.datetime:
    """A datetime or numpy.datetime64 as a datetime in UTC, without a zone. A moment without a zone is in UTC."""
    if isinstance(value, numpy.datetime64):
        whole = value.astype("datetime64[us]")
        if whole != value:
            raise refusal(name, FINER)
        value = whole.item()
    if getattr(value, "nanosecond", 0):                 # a pandas.Timestamp
        raise refusal(name, FINER)
    plain = datetime.datetime(value.year, value.month, value.day, value.hour, value.minute, value.second,
                              value.microsecond)
    zone: Optional[datetime.timedelta] = value.utcoffset()
    return plain if zone is None else plain - zone


def refuse_unusable(name: Any, column: Any, missing: Any = None) -> None:
    """SchemaError for a text that holds a NUL or is not Unicode (a lone surrogate).

    pandas takes texts that differ behind a NUL for equal ones, and UTF-8 has no bytes for a surrogate. missing: which
    cells of the column are missing (bool, one a row), where that is known.
    """
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
        found = _UNUSABLE.search("".join(there[first:first + (1 << 16)]))
        if found:
            raise refusal(
                name, "text with a NUL in it" if found[0] == "\0" else "text that is not Unicode (a lone surrogate)")
