"""Columns of a table as NumPy arrays, in and out.

The library checks every value; these functions only cross into C. `table` is the pointer of a table. Arrays are
contiguous, one entry a row, of the type that a function names.
"""

from __future__ import annotations

from ctypes import POINTER, c_char_p, c_double, c_int32, c_int64, c_uint8, cast
from typing import Any, Optional, Sequence

import numpy

from ._errors import SchemaError
from ._library import call


def pointer(array: Any, kind: Any) -> Any:
    """A pointer to an array's memory, or None for None; `array` must live longer. array.ctypes would take ten times as
    long."""
    return None if array is None else cast(array.__array_interface__["data"][0], POINTER(kind))


def set_float64(table: Optional[int], name: str, x: Any, valid: Any) -> None:
    """Sets a number or integer field. x: float64, NaN is missing; valid: uint8, 0 is missing, or None."""
    call("flip_table_set_float64", table, name.encode(), pointer(x, c_double), pointer(valid, c_uint8))


def set_int64(table: Optional[int], name: str, x: Any, valid: Any) -> None:
    """Sets an integer, number, boolean (0, 1), date (days since 1970) or datetime (microseconds since 1970, UTC) field.

    x: int64; valid: uint8, 0 is missing, or None.
    """
    call("flip_table_set_int64", table, name.encode(), pointer(x, c_int64), pointer(valid, c_uint8))


def set_codes(table: Optional[int], name: str, codes: Any, levels: Sequence[str]) -> None:
    """Sets a field with levels. Row i is levels[codes[i]]; code -1 is missing. codes: int32."""
    if any("\0" in level for level in levels):
        raise SchemaError(f"column {name!r}: text with a NUL in it")
    texts = (c_char_p * max(1, len(levels)))(*[level.encode() for level in levels])
    call("flip_table_set_codes", table, name.encode(), pointer(codes, c_int32), texts, len(levels))


def set_strings(table: Optional[int], name: str, codes: Any, texts: Sequence[str]) -> None:
    """Sets a field of any type from text. Row i is texts[codes[i]]; code -1 is missing. codes: int32."""
    encoded = [text.encode() for text in texts] + [b""]
    lengths = numpy.array([len(text) for text in encoded], numpy.int64)
    offsets = numpy.zeros(len(codes) + 1, numpy.int64)
    numpy.cumsum(lengths[codes], out=offsets[1:])
    valid = numpy.ascontiguousarray(codes >= 0, dtype=numpy.uint8)
    data = b"".join(encoded[code] for code in codes)
    call("flip_table_set_strings", table, name.encode(), data, pointer(offsets, c_int64), pointer(valid, c_uint8))


def get_float64(table: Optional[int], name: str, rows: int) -> tuple[Any, Any]:
    """(float64 values with NaN where missing, uint8 that is 0 where missing) of an integer, number, boolean, date or
    datetime field."""
    x, valid = numpy.empty(rows, numpy.float64), numpy.empty(rows, numpy.uint8)
    call("flip_table_get_float64", table, name.encode(), 0, rows, pointer(x, c_double), pointer(valid, c_uint8))
    return x, valid


def get_int64(table: Optional[int], name: str, rows: int) -> tuple[Any, Any]:
    """(int64 values, uint8 that is 0 where missing) of an integer, boolean, date or datetime field."""
    x, valid = numpy.empty(rows, numpy.int64), numpy.empty(rows, numpy.uint8)
    call("flip_table_get_int64", table, name.encode(), 0, rows, pointer(x, c_int64), pointer(valid, c_uint8))
    return x, valid


def get_codes(table: Optional[int], name: str, rows: int) -> Any:
    """int32 indices into the levels of a field, -1 where missing."""
    codes = numpy.empty(rows, numpy.int32)
    call("flip_table_get_codes", table, name.encode(), 0, rows, pointer(codes, c_int32))
    return codes


def get_reasons(table: Optional[int], name: str, rows: int) -> Any:
    """int32 places among the labelled missing values of a field, -1 where there is a value or no reason."""
    reasons = numpy.empty(rows, numpy.int32)
    call("flip_table_get_reasons", table, name.encode(), 0, rows, pointer(reasons, c_int32))
    return reasons


def packed(cells: Sequence[Optional[str]]) -> tuple[bytes, Any, Any]:
    """bytes, offsets and valid of a call that takes texts; None is missing."""
    encoded = [b"" if text is None else text.encode() for text in cells]
    offsets = numpy.zeros(len(cells) + 1, numpy.int64)
    numpy.cumsum([len(text) for text in encoded], out=offsets[1:])
    valid = numpy.array([text is not None for text in cells] + [False], dtype=numpy.uint8)
    return b"".join(encoded), _pinned(offsets, c_int64), _pinned(valid, c_uint8)


def _pinned(array: Any, kind: Any) -> Any:
    """A pointer to the array's memory that keeps the array alive."""
    made = array.ctypes.data_as(POINTER(kind))
    made._array = array
    return made
