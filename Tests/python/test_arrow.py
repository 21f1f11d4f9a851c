"""Arrow streams of other packages in and out. Hostile ones are made in Tests/C/arrow.c; here the producers are honest
and many."""
import datetime
import decimal
import gc
import os
import subprocess
import sys

import duckdb
import flip
import numpy
import pandas
import polars
import pyarrow as pa
import pytest
from conftest import ROOT, SCHEMA, make_frame


def schema_of(kind, **constraints):
    return {"fields": [{"name": "x", "type": kind, "constraints": constraints}]}


AGE = schema_of("integer", minimum=0, maximum=1000)
REAL = schema_of("number", minimum=-10, maximum=1000)
TENTHS = schema_of("number", minimum=0, maximum=1000, multipleOf=0.1)
TEXT = schema_of("string", enum=["a", "b", "Köln", "a text that is longer than twelve bytes"])
DAY = schema_of("date", minimum="2020-01-01", maximum="2021-12-31")
MOMENT = schema_of("datetime", minimum="2020-01-01", maximum="2021-12-31")
FLAG = {"fields": [{"name": "x", "type": "boolean"}]}


def cells(table):
    """Cells of the one column as Python values."""
    column = table.to_pandas()["x"]
    return [None if pandas.isna(v) else v.to_pydatetime() if isinstance(v, pandas.Timestamp) else v for v in column]


def arrow(values, kind=None):
    return pa.table({"x": pa.array(values, kind)})


INTEGERS = [
    pa.int8(),
    pa.uint8(),
    pa.int16(),
    pa.uint16(),
    pa.int32(),
    pa.uint32(),
    pa.int64(),
    pa.uint64(),
    pa.float16(),
    pa.float32(),
    pa.float64(),
    pa.decimal128(9, 0),
    pa.decimal128(12, 3),
    pa.string(),
    pa.large_string(),
    pa.string_view()
]


@pytest.mark.parametrize("kind", INTEGERS, ids=str)
@pytest.mark.parametrize("schema", [
    AGE, REAL, TENTHS,
    schema_of("integer", enum=[7, 100, 2]),
    schema_of("string", enum=["100", "2", "7", "100.000", "2.000", "7.000"])
], ids=["integer", "real", "step", "levels", "text levels"])
def test_numbers_of_every_width(kind, schema):
    whole = [7, None, 100, 2]
    values = [
        None if v is None else str(v) if "string" in str(kind) else
        decimal.Decimal(v) if "decimal" in str(kind) else numpy.float16(v) if "half" in str(kind) else v for v in whole
    ]
    assert [v if v is None else int(float(v))
            for v in cells(flip.Table.from_arrow(arrow(values, kind), schema))] == whole


@pytest.mark.parametrize("make", [
    lambda v: arrow(v),
    lambda v: arrow(v, pa.large_string()),
    lambda v: arrow(v, pa.string_view()),
    lambda v: pa.table({"x": pa.array(v).dictionary_encode()}),
    lambda v: pa.table({"x": pa.array(v, pa.large_string()).dictionary_encode()}),
    *(lambda v, i=i: pa.table({
        "x": pa.DictionaryArray.from_arrays(
            pa.array([None if t is None else sorted(set(v) - {None}).index(t)
                      for t in v], i), pa.array(sorted(set(v) - {None})))
    }) for i in (pa.int8(), pa.uint8(), pa.int16(), pa.uint16(), pa.int32(), pa.uint32(), pa.int64(), pa.uint64())),
    lambda v: polars.DataFrame({"x": v}),
    lambda v: polars.DataFrame({"x": v}, {"x": polars.Categorical}),
    lambda v: polars.DataFrame(
        {"x": v}, {"x": polars.Enum(["a", "zzz", "b", "Köln", "a text that is longer than twelve bytes"])}),
    lambda v: pandas.DataFrame({"x": v}),
    lambda v: pandas.DataFrame({"x": pandas.Series(v, dtype="category")}),
    lambda v: pandas.DataFrame({"x": pandas.Series(v, dtype="string[pyarrow]")}),
    lambda v: duckdb.from_arrow(arrow(v)),
])
def test_text_in_every_form(make):
    values = ["a", None, "Köln", "b", "a text that is longer than twelve bytes", "a"]
    assert cells(flip.Table.from_arrow(make(values), TEXT)) == values


def test_entries_of_a_dictionary_may_be_missing_unused_or_numbers():
    codes = pa.array([0, 1, None, 3], pa.int8())
    table = pa.table({"x": pa.DictionaryArray.from_arrays(codes, pa.array(["a", None, "Zebra-canary", "b"]))})
    assert cells(flip.Table.from_arrow(table, TEXT)) == ["a", None, None, "b"]
    numbers = pa.table({"x": pa.DictionaryArray.from_arrays(codes, pa.array([5, 6, 7, 8]))})
    assert cells(flip.Table.from_arrow(numbers, AGE)) == [5, 6, None, 8]
    used = pa.table(
        {"x": pa.DictionaryArray.from_arrays(pa.array([0, 2], pa.int8()), pa.array(["a", "b", "Zebra-canary"]))})
    with pytest.raises(flip.SchemaError, match='column "x", row 2') as refused:
        flip.Table.from_arrow(used, TEXT)
    assert "canary" not in str(refused.value)


@pytest.mark.parametrize("kind", [
    pa.date32(),
    pa.date64(),
    pa.timestamp("s"),
    pa.timestamp("ms"),
    pa.timestamp("us"),
    pa.timestamp("ns"),
    pa.string()
], ids=str)
def test_days(kind):
    days = [datetime.date(2020, 2, 29), None, datetime.date(2021, 12, 31)]
    values = [str(d) if d and kind == pa.string() else d for d in days]
    for schema in (DAY, MOMENT, schema_of("date", enum=["2021-12-31", "2020-02-29"])):
        made = pa.table({"x": pa.array(values).cast(kind)})
        assert [v and str(v)[:10] for v in cells(flip.Table.from_arrow(made, schema))] == [d and str(d) for d in days]


@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Berlin", "+05:00"])
@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_moments(unit, zone):
    moments = [datetime.datetime(2020, 2, 29, 12, 30, 15), None, datetime.datetime(2021, 12, 30, 23, 59, 59)]
    column = pa.array(moments, pa.timestamp(unit)).cast(pa.timestamp(unit, zone)) if zone is None else pa.array(
        moments, pa.timestamp(unit)).view(pa.int64()).view(pa.timestamp(unit, zone))
    assert cells(flip.Table.from_arrow(pa.table({"x": column}), MOMENT)) == moments


def test_booleans():
    values = [True, None, False, True] * 5
    assert cells(flip.Table.from_arrow(arrow(values), FLAG)) == values
    assert cells(flip.Table.from_arrow(arrow(values).slice(3, 7), FLAG)) == values[3:10]
    assert cells(flip.Table.from_arrow(arrow([None if v is None else int(v) for v in values]), FLAG)) == values
    assert cells(flip.Table.from_arrow(arrow([None if v is None else str(v) for v in values]), FLAG)) == values
    assert cells(flip.Table.from_arrow(arrow([None, None], pa.null()), FLAG)) == [None, None]


def test_numbers_that_are_not_exact():
    assert cells(flip.Table.from_arrow(arrow([0.1, 3.4, 99.9], pa.float32()), TENTHS)) == [0.1, 3.4, 99.9]
    assert cells(flip.Table.from_arrow(arrow([0.1], pa.float32()), schema_of("number", minimum=0,
                                                                             maximum=0.1))) == [0.1]
    assert cells(
        flip.Table.from_arrow(arrow([decimal.Decimal("3.4"), decimal.Decimal("-0.5")], pa.decimal128(5, 2)),
                              REAL)) == [3.4, -0.5]
    assert cells(flip.Table.from_arrow(arrow([float("nan"), 1.5]), REAL)) == [None, 1.5]


@pytest.mark.parametrize("values, kind, schema, part", [
    ([5, 1001], pa.int64(), AGE, "row 2: above the maximum 1000"),
    ([-1], pa.int8(), AGE, "row 1: below the minimum 0"),
    ([2**64 - 1], pa.uint64(), AGE, "above the maximum"),
    ([2**64 - 1], pa.uint64(), REAL, "above the maximum"),
    ([1.5], pa.float64(), AGE, "not a whole number"),
    ([float("inf")], pa.float64(), REAL, "not a finite number"),
    ([float("inf")], pa.float32(), TENTHS, "not a finite number"),
    ([0.15], pa.float64(), TENTHS, "not a multiple of 0.1"),
    ([0.15], pa.float32(), TENTHS, "not a multiple of 0.1"),
    (["Zebra-canary"], pa.string(), TEXT, "not one of the levels"),
    (["12x"], pa.string(), AGE, "not a whole number"),
    ([2], pa.int64(), FLAG, "not one of the declared true and false values"),
    ([datetime.datetime(2020, 5, 5, 1)], pa.timestamp("us"), DAY, "a date with a time"),
    ([1], pa.timestamp("ns"), MOMENT, "finer than a microsecond"),
    ([2**62], pa.timestamp("s"), MOMENT, "above the maximum"),
    ([-2**62], pa.timestamp("s"), DAY, "below the minimum"),
    ([-2**63], pa.timestamp("ns"), MOMENT, "finer than a microsecond"),
    ([-2**63], pa.timestamp("us"), MOMENT, "below the minimum"),
    ([-2**63], pa.timestamp("us"), DAY, "a date with a time"),
    ([2**63 - 1], pa.timestamp("ms"), DAY, "above the maximum"),
    ([-2**63], pa.timestamp("ms"), schema_of("string", enum=["a"]), "not one of the levels"),
    ([-2**31], pa.date32(), DAY, "below the minimum"),
    ([-2**31], pa.date32(), MOMENT, "below the minimum"),
    ([2**31 - 1], pa.date32(), schema_of("string", enum=["a"]), "not one of the levels"),
    ([18262], pa.int32(), DAY, "Arrow type int32 cannot fill a field of type date"),
    ([datetime.date(2020, 5, 5)], pa.date32(), AGE, "Arrow type date cannot fill a field of type integer"),
    ([[1]], pa.list_(pa.int64()), AGE, "not supported"),
    ([b"a"], pa.binary(), TEXT, "not supported"),
    ([datetime.time(1)], pa.time64("us"), MOMENT, "not supported"),
    ([], pa.int64(), AGE, "no rows"),
])
def test_what_is_refused(values, kind, schema, part):
    with pytest.raises(flip.SchemaError) as refused:
        flip.Table.from_arrow(arrow(values, kind), schema)
    assert part in str(refused.value) and "canary" not in str(refused.value) and ("no rows" == part or
                                                                                  '"x"' in str(refused.value))


def test_coercing_and_leaving_out():
    table = pa.table({"x": pa.array([-5, 500, 5000, None]), "y": [1, 2, 3, 4]})
    with pytest.raises(flip.SchemaError, match='"y"'):
        flip.Table.from_arrow(table, AGE)
    assert cells(flip.Table.from_arrow(table, AGE, extra="ignore", invalid="coerce")) == [0, 500, 1000, None]
    with pytest.raises(flip.SchemaError, match="lacks the column"):
        flip.Table.from_arrow(table.drop_columns("x"), AGE, extra="ignore")
    with pytest.raises(flip.ArgumentError, match="extra"):
        flip.Table.from_arrow(table, AGE, extra="perhaps")


def test_chunks_and_slices(frame, schema, table):
    whole = pa.Table.from_pandas(frame, preserve_index=False)
    cut = pa.concat_tables([whole.slice(0, 7), whole.slice(7, 0), whole.slice(7, 501), whole.slice(508)])
    pandas.testing.assert_frame_equal(flip.Table.from_arrow(cut, schema).to_pandas(), table.to_pandas())
    part = flip.Table.from_arrow(whole.slice(13, 300), schema).to_pandas()
    pandas.testing.assert_frame_equal(part, flip.Table.from_pandas(frame.iloc[13:313], schema).to_pandas())
    batch = whole.to_batches()[0].slice(5, 20)
    wanted = flip.Table.from_pandas(frame.iloc[5:25], schema).to_pandas()
    pandas.testing.assert_frame_equal(flip.Table.from_arrow(batch, schema).to_pandas(), wanted)
    nested = pa.StructArray.from_arrays(batch.columns,
                                        names=batch.schema.names).slice(2, 10)  # an offset of the struct itself
    pandas.testing.assert_frame_equal(
        flip.Table.from_arrow(OnlyArray(nested), schema).to_pandas(), wanted.iloc[2:12].reset_index(drop=True))


class OnlyArray:
    """Something that knows the array protocol alone."""

    def __init__(self, array):
        self.array = array

    def __arrow_c_array__(self, requested_schema=None):
        return self.array.__arrow_c_array__()


@pytest.mark.parametrize("make", [
    lambda f: f,
    lambda f: pa.Table.from_pandas(f, preserve_index=False),
    lambda f: polars.from_pandas(f),
    lambda f: duckdb.from_df(f),
    lambda f: pa.Table.from_pandas(f, preserve_index=False).to_reader(50),
    lambda f: OnlyArray(pa.Table.from_pandas(f, preserve_index=False).to_batches()[0]),
    lambda f: pa.Table.from_pandas(f, preserve_index=False).__arrow_c_stream__(),
], ids=["pandas", "pyarrow", "polars", "duckdb", "reader", "array", "capsule"])
def test_every_producer(make, frame, schema, table):
    pandas.testing.assert_frame_equal(flip.Table.from_arrow(make(frame), schema).to_pandas(), table.to_pandas())


def test_every_consumer(frame, schema, table):
    seen = pa.table(table)
    assert seen.num_rows == 600 and seen.column_names == schema.names
    assert [str(t) for t in seen.schema.types] == [
        "int64", "dictionary<values=string, indices=int32, ordered=0>",
        "dictionary<values=string, indices=int32, ordered=0>", "int64", "double", "double", "bool", "int64",
        "date32[day]", "timestamp[us, tz=UTC]"
    ]
    assert [f.nullable for f in seen.schema] == [False, False] + [True] * 8
    seen.validate(full=True)
    wanted = table.to_pandas()
    for name in schema.names:
        column = wanted[name]
        if str(column.dtype).startswith("datetime"):
            column = column.dt.tz_localize("UTC") if name == "seen" else column.dt.date
        ours = [None if v is None else v for v in seen[name].to_pylist()]
        assert ours == [None if pandas.isna(v) else v for v in column], name
    assert polars.DataFrame(table).shape == (600, 10)
    assert polars.DataFrame(table)["city"].to_list() == seen["city"].to_pylist()
    ours = table                                # found by name
    assert duckdb.sql("select count(*), count(city), min(age) from seen").fetchall() == [
        (600, 600 - seen["city"].null_count, int(frame["age"].min()))
    ]
    assert duckdb.from_arrow(ours).aggregate("count(*)").fetchall() == [(600,)]
    pandas.testing.assert_frame_equal(flip.Table.from_arrow(table, schema).to_pandas(), wanted)


def test_streams_outlive_their_table(frame, schema):
    table = flip.Table.from_pandas(make_frame(70_000), schema)
    ages = table.to_pandas()["age"].tolist()
    reader = pa.RecordBatchReader.from_stream(table)
    unread = table.__arrow_c_stream__()
    table.close()
    del table
    gc.collect()
    first = reader.read_next_batch()
    rest = reader.read_all()
    del reader
    gc.collect()
    assert first["age"].to_pylist() + rest["age"].to_pylist() == ages
    del unread                                  # releases itself
    gc.collect()
    half_set = flip.Table(flip._library.new("flip_table_create", schema._pointer, 3))
    with pytest.raises(flip.StateError, match="never set"):
        half_set.__arrow_c_stream__()


def test_what_is_taken_is_released(schema, frame):
    """The memory of a producer comes back on success and on failure."""
    whole = pa.Table.from_pandas(frame, preserve_index=False)
    rows = len(frame) // 2
    before = pa.total_allocated_bytes()
    for _ in range(5):
        copy = pa.table({
            name: pa.concat_arrays(
                [c.combine_chunks().dictionary_decode() if pa.types.is_dictionary(c.type) else c.combine_chunks()] * 2)
            for name, c in zip(whole.column_names, whole.columns)
        })
        flip.Table.from_arrow(copy, schema)
        flip.Table.from_arrow(OnlyArray(copy.to_batches()[0]), schema)
        with pytest.raises(flip.SchemaError):
            flip.Table.from_arrow(copy, AGE)
        with pytest.raises(flip.SchemaError):
            flip.Table.from_arrow(OnlyArray(copy.to_batches()[0]), AGE)
        stopped = []
        with pytest.raises(KeyboardInterrupt):
            flip.Table.from_arrow(copy.to_reader(rows), schema, progress=lambda p: stopped.append(p.step) or
                                  (_ for _ in ()).throw(KeyboardInterrupt))
        assert stopped == [0]
        del copy
        gc.collect()
    assert pa.total_allocated_bytes() == before


def test_a_stream_that_fails(schema, frame):
    batches = pa.Table.from_pandas(frame, preserve_index=False).to_batches(100)

    def some():
        yield batches[0]
        raise ValueError("Zebra-canary")

    with pytest.raises(flip.FileError) as failed:
        flip.Table.from_arrow(pa.RecordBatchReader.from_batches(batches[0].schema, some()), schema)
    assert "canary" not in str(failed.value)
    for other in (3, {"x": [1]}, [1, 2], None, (lambda: None)):
        with pytest.raises(TypeError, match="__arrow_c_stream__"):
            flip.Table.from_arrow(other, schema)
    taken = pa.table({"x": [1]}).__arrow_c_stream__()
    assert flip.Table.from_arrow(taken, AGE).rows == 1
    with pytest.raises(flip.ArgumentError, match="released"):
        flip.Table.from_arrow(taken, AGE)


def test_no_other_package_is_needed():
    """In a process in which nothing else can be imported, a table's own stream goes back in."""
    code = """
import sys
class Nothing:
    def find_spec(self, name, *_):
        if name.split('.')[0] in ('numpy', 'pandas', 'pyarrow', 'polars', 'duckdb'): raise ImportError(name)
sys.meta_path.insert(0, Nothing())
import flip, os, tempfile
schema = {"fields": [{"name": "x", "type": "integer", "constraints": {"minimum": 0, "maximum": 9}}]}
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "t.csv")
    open(path, "w").write("x\\n1\\n\\n5\\n")
    table = flip.Table.read_csv(path, schema)
    again = flip.Table.from_arrow(table, schema)
    again.to_csv(path)
    print(open(path).read().split())
keep = table.__arrow_c_stream__()       # released while the interpreter ends
sys.kept = keep
"""
    env = {**os.environ, "PYTHONPATH": os.path.join(ROOT, "bindings", "python")}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env)
    assert done.stdout.strip() == """['x', '1', '""', '5']""" and done.stderr == "" and done.returncode == 0
