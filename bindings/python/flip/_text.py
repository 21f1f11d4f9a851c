"""Cells and levels of pandas columns as the text that a CSV file would hold."""

from __future__ import annotations

import datetime
from typing import Any

import numpy
import pandas

from ._errors import SchemaError


def text_of(value: Any) -> str:
    """A level or cell as a CSV file would hold it."""
    if isinstance(value, (bool, numpy.bool_)):
        return "true" if value else "false"
    if isinstance(value, (float, numpy.floating)) and float(value).is_integer():
        return str(int(value))
    if isinstance(value, (datetime.datetime, numpy.datetime64)):
        return str(pandas.Timestamp(value).isoformat())
    return str(value)


def refuse_nul(name: str, column: Any, missing: Any = None) -> None:
    """Raises SchemaError for a text with a NUL in it, which pandas would take for its beginning when it looks for equal values.

    missing: which cells of the column are missing (bool, one a row), where that is known.
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
        if "\0" in "".join(there[first:first + (1 << 16)]):
            raise SchemaError(f"column {name!r}: text with a NUL in it")
