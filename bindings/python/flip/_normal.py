"""pandas columns in the few forms that the package knows, whatever holds their cells.

NumPy, masked arrays of pandas, and pyarrow hold cells in different ways; the rest of the package sees one of them.
"""

from __future__ import annotations

import datetime
import decimal
from typing import Any, Mapping, NamedTuple, Optional, Sequence

import numpy
import pandas

from ._frames import unpacked
from ._text import FINER, moment_of, refusal

DAY = 86_400_000_000
_MICROSECONDS = {"D": DAY, "h": 3_600_000_000, "m": 60_000_000, "s": 1_000_000, "ms": 1000, "us": 1}


class Moments(NamedTuple):
    """A column of dates or moments. micros: int64, microseconds since 1970 in UTC, 0 where missing; one a row.

    finer: bool, which rows are finer than a microsecond, or None for no row; their micros are rounded down.
    days: whether the column holds dates by its type.
    """

    micros: Any
    finer: Any
    days: bool

    @property
    def midnight(self) -> bool:
        """Whether every moment is a midnight."""
        return not (self.micros % DAY).any()


def plain(column: Any) -> Any:
    """The column with cells of NumPy or of pandas itself, except dates and texts of pyarrow, which stay.

    Whole numbers stay exact (int64, Int64, uint64, UInt64), floats keep their precision and are NaN where missing,
    decimals become objects, a dictionary becomes a Categorical. Runs of pyarrow are spelled out, and its extension
    types are what they are stored as. SchemaError for a type of pyarrow whose cells are no single values.
    """
    kind = column.dtype
    arrow = _arrow_type(column)
    if arrow is not None:
        import pyarrow
        types = pyarrow.types
        if isinstance(arrow, pyarrow.BaseExtensionType) or types.is_run_end_encoded(arrow):
            cells = unpacked(pyarrow.chunked_array(column.array.__arrow_array__()))
            return plain(pandas.Series(pandas.arrays.ArrowExtensionArray(cells), index=column.index, name=column.name))
        if types.is_nested(arrow):
            raise refusal(column.name, f"its Arrow type ({str(arrow).split('<')[0]}) is not supported; cast it to "
                          "integer, float, boolean, text, date or timestamp")
        if types.is_boolean(arrow):
            return column.astype("boolean")
        if types.is_integer(arrow):
            return column.astype("UInt64" if types.is_unsigned_integer(arrow) else "Int64")
        if types.is_floating(arrow):
            width = numpy.dtype(f"float{arrow.bit_width}")
            return pandas.Series(column.to_numpy(dtype=width, na_value=numpy.nan), index=column.index, name=column.name)
        if types.is_dictionary(arrow):
            return pandas.Series(_categorical(column, pyarrow), index=column.index, name=column.name)
        if types.is_decimal(arrow) or types.is_null(arrow):
            return column.astype(object)
        if str(arrow) == "string_view":         # pyarrow cannot sort out its values
            cells = pyarrow.chunked_array(column.array.__arrow_array__()).cast(pyarrow.large_string())
            return pandas.Series(pandas.arrays.ArrowExtensionArray(cells), index=column.index, name=column.name)
        return column
    if pandas.api.types.is_float_dtype(kind) and not isinstance(kind, numpy.dtype):
        width = getattr(kind, "numpy_dtype", numpy.dtype("float64"))            # Float32, Float64; Sparse[float64]
        return pandas.Series(column.to_numpy(dtype=width, na_value=numpy.nan), index=column.index, name=column.name)
    return column


def moments(column: Any) -> Optional[Moments]:
    """The dates or moments of a column; None for a column of anything else."""
    arrow, kind = _arrow_type(column), column.dtype
    if arrow is not None:
        import pyarrow
        cells = pyarrow.chunked_array(column.array.__arrow_array__())
        if pyarrow.types.is_date32(arrow):
            return _scaled(cells.cast(pyarrow.int32()).fill_null(0).to_numpy(), "D", True)
        if pyarrow.types.is_date64(arrow):
            return _scaled(cells.cast(pyarrow.int64()).fill_null(0).to_numpy(), "ms", True)
        if pyarrow.types.is_timestamp(arrow):
            return _scaled(cells.cast(pyarrow.int64()).fill_null(0).to_numpy(), arrow.unit, False)
        return None
    if pandas.api.types.is_datetime64_any_dtype(kind):
        if getattr(column.dt, "tz", None) is not None:
            column = column.dt.tz_convert("UTC").dt.tz_localize(None)
        values = column.to_numpy()
        raw = values.astype(numpy.int64)
        raw[numpy.isnat(values)] = 0
        return _scaled(raw, numpy.datetime_data(values.dtype)[0], False)
    if isinstance(kind, pandas.CategoricalDtype):
        found = moments(pandas.Series(column.cat.categories))
        if found is None:
            return None
        codes = column.cat.codes.to_numpy()
        finer = None if found.finer is None else numpy.append(found.finer, False)[codes]
        if finer is not None and not finer.any():
            finer = None                        # unused levels alone
        return Moments(numpy.append(found.micros, 0)[codes], finer, found.days)
    if kind == object and pandas.api.types.infer_dtype(column, skipna=True) in ("datetime", "datetime64", "date"):
        codes, distinct = pandas.factorize(column, use_na_sentinel=True)
        micros = [_micros(value, column.name) for value in distinct]
        days = not any(isinstance(value, (datetime.datetime, numpy.datetime64)) for value in distinct)
        return Moments(numpy.array([*micros, 0], numpy.int64)[codes], None, days)
    return None


def _categorical(column: Any, pyarrow: Any) -> Any:
    """A Categorical of a dictionary column of pyarrow, with its levels in their order."""
    place: dict[Any, int] = {}                  # each level, in the order of its first chunk
    found = [numpy.zeros(0, numpy.int64)]
    for chunk in pyarrow.chunked_array(column.array.__arrow_array__()).chunks:
        held = chunk.dictionary.to_pylist()
        codes = [-1 if level is None else place.setdefault(level, len(place)) for level in held]
        indices = chunk.indices.cast(pyarrow.int64()).fill_null(len(held)).to_numpy()
        found.append(numpy.array([*codes, -1], numpy.int64)[indices])                   # the last one: a missing cell
    return pandas.Categorical.from_codes(numpy.concatenate(found), categories=list(place))


def _arrow_type(column: Any) -> Any:
    """The pyarrow type of a column whose cells pyarrow holds, else None."""
    made = getattr(pandas, "ArrowDtype", None)
    return column.dtype.pyarrow_dtype if made is not None and isinstance(column.dtype, made) else None


def _scaled(raw: Any, unit: str, days: bool) -> Moments:
    """Moments of whole numbers in a unit. What int64 cannot hold in microseconds stays far outside of all calendars."""
    raw = raw.astype(numpy.int64)
    if unit == "ns":
        micros, rest = numpy.divmod(raw, 1000)
        return Moments(micros, rest != 0 if rest.any() else None, days)
    factor = _MICROSECONDS[unit]
    limit = (1 << 62) // factor
    return Moments(numpy.clip(raw, -limit, limit) * factor, None, days)


def _micros(value: Any, name: Any) -> int:
    if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
        return (value.toordinal() - 719_163) * DAY
    passed = moment_of(value, name) - datetime.datetime(1970, 1, 1)
    return (passed.days * 86_400 + passed.seconds) * 1_000_000 + passed.microseconds


def whole_numbers(column: Any) -> Optional[Any]:
    """int64 values of a column of integers, 0 where missing; None where one of them is above all int64."""
    if pandas.api.types.is_unsigned_integer_dtype(column.dtype):
        x = column.fillna(0).to_numpy(dtype=numpy.uint64)
        return None if (x > numpy.uint64((1 << 63) - 1)).any() else x.astype(numpy.int64)
    return numpy.ascontiguousarray(column.astype("Int64").to_numpy(dtype=numpy.int64, na_value=0))


def equal_to_any(x: Any, numbers: Sequence[decimal.Decimal]) -> Any:
    """Which entries of an array of numbers are equal to one of `numbers`, as its type holds them. Whole numbers stay
    exact."""
    if numpy.issubdtype(x.dtype, numpy.integer):
        held = [int(n) for n in numbers if n == n.to_integral_value() and -(1 << 63) <= n < 1 << 63]
        return numpy.isin(x, numpy.array(held, numpy.int64))
    with numpy.errstate(over="ignore"):
        return numpy.isin(x, numpy.array([float(n) for n in numbers]).astype(x.dtype)) & numpy.isfinite(x)


def nearest(x: Any, rules: Mapping[str, Any]) -> Any:
    """float64 values of an array of 16 or 32 bits: each is the value of the schema that it is nearest to, if there is
    one.

    0.1 of 32 bits is not the double 0.1: it counts as 0.1 where the schema's step or bounds have that value. rules: the
    field's constraints.
    """
    wide = x.astype(numpy.float64)
    low, high, step = (rules.get(key) for key in ("minimum", "maximum", "multipleOf"))
    with numpy.errstate(all="ignore"):
        if step:
            k = numpy.rint(wide / step)
            if low is not None and high is not None:
                k = numpy.clip(k, numpy.ceil(low / step - 1e-6), numpy.floor(high / step + 1e-6))
            candidates = [k * step]
        else:
            candidates = [numpy.full_like(wide, bound) for bound in (low, high) if bound is not None]
        for near in candidates:
            wide = numpy.where((near.astype(x.dtype) == x) & numpy.isfinite(x), near, wide)
    return wide


def refuse_finer(name: Any, found: Moments) -> None:
    """SchemaError where a moment is finer than a microsecond."""
    if found.finer is not None:
        raise refusal(name, FINER, int(found.finer.argmax()))
