"""Arrow's rarer types: every width of decimals, runs, one-byte booleans, halves, nanoseconds."""
import decimal

import flip
import pandas
import pyarrow
import pytest


def column(type_, **constraints):
    return {"fields": [{"name": "x", "type": type_, "constraints": constraints}]}


def read(array, schema, **options):
    return flip.Table.from_arrow(pyarrow.table({"x": array}), schema, **options).to_pandas()["x"]


@pytest.mark.parametrize("make", [pyarrow.decimal128, pyarrow.decimal256] + [
    getattr(pyarrow, name) for name in ("decimal32", "decimal64") if hasattr(pyarrow, name)])
def test_decimals_are_exact(make):
    values = [decimal.Decimal("-12.34"), None, decimal.Decimal("0.10")]
    schema = column("number", minimum=-100, maximum=100, multipleOf=0.01)
    assert read(pyarrow.array(values, make(6, 2)), schema).tolist()[::2] == [-12.34, 0.1]


def test_big_decimals_and_unsigned_are_exact_or_refused():
    x = 2 ** 53 + 1
    schema = column("integer", minimum=0, maximum=2 ** 60)
    for array in (pyarrow.array([x], pyarrow.uint64()), pyarrow.array([decimal.Decimal(x)], pyarrow.decimal128(20, 0)),
                  pyarrow.array([decimal.Decimal(x)], pyarrow.decimal256(50, 0))):
        assert int(read(array, schema).iloc[0]) == x
    with pytest.raises(flip.SchemaError, match="above the maximum"):
        read(pyarrow.array([decimal.Decimal(10 ** 40)], pyarrow.decimal256(50, 0)), schema)
    with pytest.raises(flip.SchemaError, match="2\\^53"):
        read(pyarrow.array([float(2 ** 53 + 2)]), schema)


@pytest.mark.parametrize("ends", [pyarrow.int16(), pyarrow.int32(), pyarrow.int64()])
def test_runs(ends):
    runs = pyarrow.RunEndEncodedArray.from_arrays(pyarrow.array([2, 3, 7], ends), pyarrow.array(["b", None, "a"]))
    schema = column("string", enum=["a", "b"])
    want = ["b", "b", None, "a", "a", "a", "a"]
    assert [None if pandas.isna(v) else v for v in read(runs, schema)] == want
    for first in range(7):
        assert [None if pandas.isna(v) else v for v in read(runs.slice(first, 3), schema)] == want[first:first + 3]
    nested = pyarrow.RunEndEncodedArray.from_arrays(pyarrow.array([2], ends), pyarrow.array([[1]]))
    with pytest.raises(flip.SchemaError, match="run-end encoded list"):
        read(nested, schema)


@pytest.mark.skipif(not hasattr(pyarrow, "bool8"), reason="pyarrow before 18")
def test_one_byte_booleans():
    array = pyarrow.ExtensionArray.from_storage(pyarrow.bool8(), pyarrow.array([1, 0, 5, None], pyarrow.int8()))
    words = read(array, column("string", enum=["true", "false"]))
    assert [None if pandas.isna(v) else v for v in words] == ["true", "false", "true", None]
    assert read(array, {"fields": [{"name": "x", "type": "boolean"}]}).isna().tolist() == [False, False, False, True]


def test_unsupported_types_are_named():
    for values, name in (([[1]], "list"), ([{"a": 1}], "struct"), ([b"x"], "binary")):
        with pytest.raises(flip.SchemaError, match=name):
            read(pyarrow.array(values), column("integer", minimum=0, maximum=9))


def test_nanoseconds():
    schema = column("datetime", minimum="2020-01-01T00:00:00Z", maximum="2021-01-01T00:00:00Z")
    exact = pyarrow.array([1588291200123456000], pyarrow.timestamp("ns"))
    finer = pyarrow.array([1588291200123456789], pyarrow.timestamp("ns"))
    assert str(read(exact, schema)[0]) == "2020-05-01 00:00:00.123456"
    with pytest.raises(flip.SchemaError, match="finer than a microsecond"):
        read(finer, schema)
    assert str(read(finer, schema, invalid="coerce")[0]) == "2020-05-01 00:00:00.123457"


def test_halves_and_singles_meet_the_step():
    for kind in (pyarrow.float16(), pyarrow.float32()):
        values = pyarrow.array([.1, .2, .7]).cast(kind)
        assert read(values, column("number", minimum=0, maximum=1, multipleOf=0.1)).tolist() == [.1, .2, .7]


def test_coercion_makes_up_no_required_cell():
    schema = column("string", enum=["F", "M"], required=True)
    with pytest.raises(flip.SchemaError, match="not one of the levels"):
        read(pyarrow.array(["F", "X"]), schema, invalid="coerce")


@pytest.mark.parametrize("kind", [pyarrow.int8(), pyarrow.int16(), pyarrow.int32(), pyarrow.int64()])
@pytest.mark.parametrize("low, high", [(0, 1), (-7, 100), (-100, 100), (-128, 127), (-2, 300), (-30_000, 60_000),
                                       (-2**31, 2**31 - 1), (-2**40, 2**60), (100, 5 * 10**9)])
def test_ranges_of_whole_numbers(kind, low, high):
    """Every width of cells in ranges of every width: missing ones, those at the bounds, and those beyond them."""
    least, most = -2 ** (kind.bit_width - 1), 2 ** (kind.bit_width - 1) - 1
    inside = [v for v in (low, low + 1, 0, 5, high - 1, high) if max(low, least) <= v <= min(high, most)]
    outside = [v for v in (low - 1, high + 1, least, most) if least <= v <= most and not low <= v <= high]

    def taken(values, required=False, **options):
        schema = {"fields": [{"name": "x", "type": "integer",
                              "constraints": {"minimum": low, "maximum": high, "required": required}}]}
        rows = pyarrow.table({"x": pyarrow.array([3, *values, 3], kind)}).slice(1, len(values))
        return pyarrow.table(flip.Table.from_arrow(rows, schema, **options))["x"].to_pylist()

    values = [*inside, None] * 3
    if inside:
        assert taken(values) == values
        assert taken(inside, required=True) == inside
        with pytest.raises(flip.SchemaError):
            taken(values, required=True)
    for v in outside:
        with pytest.raises(flip.SchemaError):
            taken([*inside, v])
        with pytest.warns(UserWarning):
            assert taken([*inside, v, None], invalid="coerce") == [*inside, min(max(v, low), high), None]
