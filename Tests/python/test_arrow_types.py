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
