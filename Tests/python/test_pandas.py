"""pandas columns in all their types: each means what its CSV file and its Arrow stream mean, or is refused by name."""
import datetime
import decimal

import flip
import numpy
import pandas
import pyarrow as pa
import pytest
from conftest import rules_of
from flip import _text

DAY = datetime.datetime(2020, 1, 1)


def schema(name, kind, **rules):
    return flip.Schema({"fields": [{"name": name, "type": kind, "constraints": rules}]})


DATES = schema("d", "date", minimum="2000-01-01", maximum="2030-01-01")
TIMES = schema("t", "datetime", minimum="2000-01-01T00:00:00Z", maximum="2030-01-01T00:00:00Z")


def read(schema, cells, way=flip.Table.from_pandas):
    """The cells of the only column, None where missing."""
    column = way(pandas.DataFrame({schema.names[0]: cells}), schema).to_pandas().iloc[:, 0]
    return [None if gap else value for value, gap in zip(column.tolist(), column.isna())]


# Dates and moments

DATE_COLUMNS = {
    "date32": pandas.Series([DAY.date(), None]).astype(pandas.ArrowDtype(pa.date32())),
    "date64": pandas.Series([DAY.date(), None]).astype(pandas.ArrowDtype(pa.date64())),
    "timestamps of pyarrow": pandas.Series([DAY, None]).astype(pandas.ArrowDtype(pa.timestamp("s"))),
    "timestamps with a zone of pyarrow": pandas.Series([DAY, None]).astype(pandas.ArrowDtype(pa.timestamp("ns",
                                                                                                          "UTC"))),
    "objects of datetime": pandas.Series([DAY, None], dtype=object),
    "objects of Timestamp": pandas.Series([pandas.Timestamp(DAY, tz="UTC"), None], dtype=object),
    "objects of datetime64": pandas.Series([numpy.datetime64(DAY), None], dtype=object),
    "objects of date": pandas.Series([DAY.date(), None], dtype=object),
    "categories": pandas.Series(pandas.Categorical([DAY, None])),
    "categories of dates": pandas.Series(pandas.Categorical([DAY.date(), None])),
    "datetime64[s]": pandas.Series(numpy.array([DAY, "NaT"], "datetime64[s]")),
    "text": pandas.Series(["2020-01-01", None]),
}


@pytest.mark.parametrize("cells", DATE_COLUMNS.values(), ids=DATE_COLUMNS)
def test_dates_in_all_their_types(cells):
    assert read(DATES, cells) == [pandas.Timestamp(DAY), None]
    frame = pandas.DataFrame({"d": cells})
    found = flip.Schema.infer(frame)
    assert found.fields == [{
        "name": "d", "type": "date", "constraints": {"minimum": "2020-01-01", "maximum": "2020-01-01"}
    }]
    assert found.check(frame)["fits"] and DATES.check(frame)["fits"]
    late = pandas.DataFrame({"d": pandas.Series([DAY, DAY + datetime.timedelta(hours=1)])})
    with pytest.raises(flip.SchemaError, match='column "d", row 2: a date with a time of day'):
        flip.Table.from_pandas(late, DATES)
    with pytest.raises(flip.SchemaError, match='column "d", row 2: a date with a time of day'):
        flip.Table.from_arrow(late, DATES)


def test_dates_beyond_all_calendars():
    years = numpy.array([2 ** 31 - 1, -2 ** 31], "int32")
    far = pandas.Series(pa.array(years).cast(pa.date32()), dtype=pandas.ArrowDtype(pa.date32()))
    for cells, schema in ((far, DATES), (far, TIMES),
                          (pandas.Series(numpy.array([2**61], "int64").view("datetime64[s]")), TIMES)):
        with pytest.raises(flip.SchemaError, match="row 1: above the maximum"):
            flip.Table.from_pandas(pandas.DataFrame({schema.names[0]: cells}), schema)


MOMENT = "2020-01-02T03:04:05.123456"
TIME_COLUMNS = {
    "datetime64[ns]": lambda text: pandas.Series(numpy.array([text, "NaT"], "datetime64[ns]")),
    "zone": lambda text: pandas.Series(numpy.array([text, "NaT"], "datetime64[ns]")).dt.tz_localize("UTC").dt.
    tz_convert("Asia/Kolkata"),
    "timestamp[ns] of pyarrow": lambda text: pandas.Series(numpy.array([text, "NaT"], "datetime64[ns]")).astype(
        pandas.ArrowDtype(pa.timestamp("ns"))),
    "objects of Timestamp": lambda text: pandas.Series([pandas.Timestamp(text), None], dtype=object),
    "objects of datetime64": lambda text: pandas.Series([numpy.datetime64(text, "ns"), None], dtype=object),
    "categories": lambda text: pandas.Series(pandas.Categorical(numpy.array([text, "NaT"], "datetime64[ns]"))),
}


@pytest.mark.parametrize("make", TIME_COLUMNS.values(), ids=TIME_COLUMNS)
def test_moments_are_exact_to_the_microsecond_or_refused(make):
    assert read(TIMES, make(MOMENT + "000")) == [pandas.Timestamp(MOMENT), None]
    assert TIMES.check(pandas.DataFrame({"t": make(MOMENT + "000")}))["fits"]
    frame = pandas.DataFrame({"t": pandas.concat([make(MOMENT + "000"), make(MOMENT + "001")], ignore_index=True)})
    if isinstance(make(MOMENT).dtype, pandas.CategoricalDtype):
        frame = frame.astype("category")
    for refused in (lambda: flip.Table.from_pandas(frame, TIMES), lambda: flip.Schema.infer(frame)):
        with pytest.raises(flip.SchemaError, match='column "t".*: finer than a microsecond') as caught:
            refused()
        assert "123" not in str(caught.value)
    problems = None if frame.t.dtype == object else TIMES.check(frame)["problems"]
    assert problems in (None, [{"column": "t", "rule": _text.FINER, "count": 1, "first_row": 3}])


# Numbers


@pytest.mark.parametrize(
    "dtype", ["float32", "Float32", "float16",
              pandas.ArrowDtype(pa.float32()),
              pandas.ArrowDtype(pa.float16())], ids=str)
def test_narrow_floats_are_the_value_of_the_schema_that_they_are_nearest_to(dtype):
    cells = pandas.Series(
        numpy.array([.1, .7, .3], "float16" if "16" in str(dtype) or "half" in str(dtype) else "float32")).astype(dtype)
    assert read(schema("x", "number", minimum=0, maximum=1, multipleOf=.1), cells) == [.1, .7, .3]
    assert read(schema("x", "number", minimum=.1, maximum=.7), cells)[:2] == [.1, .7]
    with pytest.raises(flip.SchemaError, match="row 1: not a multiple"):
        read(schema("x", "number", minimum=0, maximum=1, multipleOf=.3), cells)
    with pytest.raises(flip.SchemaError, match="row 1"):
        read(schema("x", "number", minimum=0, maximum=1, multipleOf=.1),
             pandas.Series([numpy.inf] * 3).astype("float32"))
    assert read(schema("x", "number", enum=[.7, .1, .3]), cells) == [.1, .7, .3]
    assert read(schema("x", "string", enum=["0.7", "0.1", "0.3"]), cells) == ["0.1", "0.7", "0.3"]
    assert rules_of(flip.Schema.infer(pandas.DataFrame({"x": cells})).fields[0]) == {
        "required": True, "minimum": .1, "maximum": .7, "multipleOf": .1}


@pytest.mark.parametrize("dtype", ["<f2", ">f2", "<f4", ">f4"])
def test_narrow_floats_of_hdf5_are_those_values_too(dtype, tmp_path):
    import h5py
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        file["data/x"] = numpy.array([.1, .7, numpy.nan, .3]).astype(dtype)
    for rules, kind in (({"minimum": 0, "maximum": 1, "multipleOf": .1}, "number"), ({"enum": [.7, .1, .3]}, "number"),
                        ({"enum": ["0.7", "0.1", "0.3"]}, "string")):
        found = flip.Table.read_hdf5(path, schema("x", kind, **rules)).to_pandas().x
        assert [None if gap else value for value, gap in zip(found, found.isna())] == [
            text if kind == "string" else None if text is None else float(text) for text in ("0.1", "0.7", None, "0.3")]
    assert rules_of(flip.Schema.infer(path).fields[0]) == {"minimum": .1, "maximum": .7, "multipleOf": .1}
    codes = flip.Schema({"fields": [{"name": "x", "type": "number", "constraints": {"minimum": 0, "maximum": 1}}],
                         "missingValues": ["", "0.7"]})
    assert flip.Table.read_hdf5(path, codes).to_pandas().x.isna().tolist() == [False, True, True, False]


BIG = 2 ** 53 + 1


@pytest.mark.parametrize(
    "cells", [
        pandas.Series([BIG], dtype="uint64"),
        pandas.Series([BIG, None], dtype="UInt64"),
        pandas.Series([BIG], dtype=object),
        pandas.Series([BIG, None], dtype=pandas.ArrowDtype(pa.uint64())),
        pandas.Series([BIG], dtype="int64"),
        pandas.Series([decimal.Decimal(BIG), None]),
        pandas.Series([decimal.Decimal(f"{BIG}.00")]),
        pandas.Series([BIG], dtype=pandas.ArrowDtype(pa.decimal128(20, 0))),
        pandas.Series([BIG], dtype=pandas.ArrowDtype(pa.decimal128(24, 2))),
    ], ids=[
        "uint64", "UInt64", "object", "uint64 of pyarrow", "int64", "Decimal", "Decimal with digits", "decimal128",
        "decimal128 with digits"
    ])
def test_large_whole_numbers_are_exact(cells):
    rule = schema("x", "integer", minimum=0, maximum=2 ** 60)
    assert read(rule, cells)[0] == BIG
    assert flip.Schema.infer(pandas.DataFrame({"x": cells})).fields[0]["constraints"]["maximum"] >= BIG


def test_what_no_int64_holds_is_refused_by_its_rule():
    rule = schema("x", "integer", minimum=0, maximum=2 ** 61)
    for cells in (pandas.Series([2**64 - 1], dtype="uint64"), pandas.Series([2**64 - 1, None], dtype="UInt64"),
                  pandas.Series([2**70], dtype=object), pandas.Series([decimal.Decimal(2)**70])):
        with pytest.raises(flip.SchemaError, match="row 1: above the maximum"):
            read(rule, cells)
    with pytest.raises(flip.SchemaError, match="row 1: not a whole number"):
        read(rule, pandas.Series([decimal.Decimal("1.5")]))
    with pytest.raises(flip.SchemaError):
        read(rule, pandas.Series([1 + 2j]))


# Missing values

NINE = pandas.Series([1, -9])


@pytest.mark.parametrize("cells", [
    NINE,
    NINE.astype("float64"),
    NINE.astype("float32"),
    NINE.astype("Int8"),
    NINE.astype(object),
    NINE.astype(pandas.ArrowDtype(pa.int16())),
    NINE.map(decimal.Decimal),
    NINE.astype(str),
    NINE.astype("category")
], ids=lambda cells: str(cells.dtype))
@pytest.mark.parametrize("rules", [{"minimum": 1, "maximum": 9}, {"minimum": -5, "maximum": 9}, {"enum": [3, 1]}],
                         ids=str)
@pytest.mark.parametrize("kind", ["integer", "number"])
def test_numbers_that_are_a_missing_value_are_missing(cells, rules, kind, tmp_path):
    rule = {"fields": [{"name": "x", "type": kind, "constraints": dict(rules)}], "missingValues": ["", "-9", "n/a"]}
    frame = pandas.DataFrame({"x": cells})
    column = flip.Table.from_pandas(frame, rule).to_pandas()["x"]
    assert column.isna().tolist() == [False, True] and column[0] == 1
    NINE.to_frame("x").to_csv(tmp_path / "x.csv", index=False)
    assert flip.Table.read_csv(tmp_path / "x.csv", rule).to_pandas()["x"].isna().tolist() == [False, True]
    assert flip.Schema(rule).check(frame)["fits"]
    rule["fields"][0]["constraints"]["required"] = True
    with pytest.raises(flip.SchemaError, match='column "x", row 2'):
        flip.Table.from_pandas(frame, rule)


def test_dates_and_booleans_that_are_a_missing_value_are_missing():
    rule = {
        "fields": [{"name": "d", "type": "date", "constraints": {"minimum": "1900-01-01", "maximum": "2030-01-01"}},
                   {"name": "b", "type": "boolean", "falseValues": ["no"]}], "missingValues": ["1900-01-01", "false"]
    }
    frame = pandas.DataFrame({"d": numpy.array(["1900-01-01", "2020-01-01"], "datetime64[s]"), "b": [True, False]})
    found = flip.Table.from_pandas(frame, rule).to_pandas()
    assert found.d.isna().tolist() == [True, False] and found.b.isna().tolist() == [False, True]


# Levels

def test_declared_levels_stay_levels_in_their_order():
    def field(cells):
        return flip.Schema.infer(pandas.DataFrame({"x": cells})).fields[0]

    codes = pandas.Categorical(["1", "99", "2"] * 30, categories=["99", "1", "2", "7"])
    assert field(codes) == {
        "name": "x", "type": "string", "constraints": {"required": True, "enum": ["99", "1", "2", "7"]}
    }
    arrow = pandas.Series(codes).astype(pandas.ArrowDtype(pa.dictionary(pa.int8(), pa.string())))
    assert field(arrow)["type"] == "string" and set(field(arrow)["constraints"]["enum"]) >= {"99", "1", "2"}
    parts = pa.chunked_array([pa.DictionaryArray.from_arrays(pa.array(codes, pa.uint8()), levels) for codes, levels in (
        ([0, None, 1], ["b", "a"]), ([1, 2, 0], pa.array(["c", "a", None])))])
    parts = pa.table({"x": pa.chunked_array(parts.chunks * 9)})
    assert flip.Schema.infer(parts).fields == [{
        "name": "x", "type": "string", "constraints": {"enum": ["b", "a", "c"]}
    }]
    whole = pandas.Categorical([1, 99, None] * 30, categories=[99, 1, 2])
    assert field(whole) == {"name": "x", "type": "integer", "constraints": {"enum": [99, 1, 2]}}
    real = pandas.Categorical([.5, .25] * 30, categories=[.5, .25])
    assert field(real) == {"name": "x", "type": "number", "constraints": {"required": True, "enum": [.5, .25]}}
    assert read(flip.Schema.infer(pandas.DataFrame({"x": codes})), codes)[:3] == ["1", "99", "2"]
    assert read(flip.Schema.infer(pandas.DataFrame({"x": whole})), whole)[:3] == [1, 99, None]
    with pytest.raises(flip.SchemaError, match='"x".*levels'):
        flip.Schema.infer(pandas.DataFrame({"x": codes}), levels=2)


def test_texts_that_look_like_numbers_stay_texts_where_they_are_few():
    def field(cells, **options):
        return flip.Schema.infer(pandas.DataFrame({"x": cells}), **options).fields[0]

    for dtype in (object, "string", "str", pandas.ArrowDtype(pa.string()), pandas.ArrowDtype(pa.string_view())):
        cells = pandas.Series(["10", "9", "NA", "10"] * 20, dtype=dtype)
        assert field(cells) == {"name": "x", "type": "string", "constraints": {"enum": ["9", "10"]}}, dtype
    many = pandas.Series([str(i) for i in range(500)])
    assert field(many)["type"] == "integer"
    assert field(pandas.Series([str(i) for i in range(30)] * 2), levels=20)["type"] == "integer"
    assert field(pandas.Series([10, 9] * 20))["type"] == "integer"


# Other frames

def test_an_index_without_a_name_is_no_column():
    import polars
    rule = schema("x", "integer", minimum=0, maximum=9)
    frame = pandas.DataFrame({"x": [1, 2, 3, 7, 9]})
    part = frame[frame.x > 1]
    odd = part.set_index(pandas.Index([5, 2, 9, 2 ** 40]))
    deep = part.set_index(pandas.MultiIndex.from_tuples([(1, "a"), (2, "b"), (3, "c"), (4, "d")]))
    twice = part.set_index(part.x.rename("x"), drop=False)
    for other in (part, odd, deep, twice, pa.table(odd), polars.DataFrame(pa.table(odd))):
        assert len(flip.Table.from_arrow(other, rule)) == 4
        assert flip.Schema.infer(other).names == ["x"] and rule.check(other)["fits"]
    with pytest.raises(flip.SchemaError, match='"patient"'):
        flip.Table.from_arrow(part.set_index(pandas.Index([5, 2, 9, 1], name="patient")), rule)
    kept = schema("__index_level_0__", "integer", minimum=0, maximum=9)
    assert len(flip.Table.from_arrow(pa.table({"__index_level_0__": [1, 2]}), kept)) == 2


def test_schemas_of_frames_of_other_packages():
    import duckdb
    import polars
    frame = polars.DataFrame({
        "word": ["b", None] * 30, "n": [1, 4] * 30, "size": polars.Series(["s", "l"] * 30,
                                                                          dtype=polars.Enum(["s", "m", "l"])),
        "day": [DAY.date()] * 60, "x": polars.Series([.1, .4] * 30, dtype=polars.Float32), "yes": [True, False] * 30,
        "price": polars.Series(["1.50", "2.25"] * 30).cast(polars.Decimal(10, 2))
    })
    relation = duckdb.from_arrow(pa.table(frame))
    for other in (frame, pa.table(frame), relation):
        found = flip.Schema.infer(other)
        assert [field["type"]
                for field in found.fields] == ["string", "integer", "string", "date", "number", "boolean", "number"]
        rules = {field["name"]: rules_of(field) for field in found.fields}
        assert rules["size"]["enum"] == (["l", "s"] if other is relation else ["s", "m", "l"]
                                         )  # duckdb forgets that they are levels
        assert rules["word"] == {"enum": ["b"]}
        assert rules["x"] == {"required": True, "minimum": .1, "maximum": .4, "multipleOf": .1}
        assert found.assumed and found.check(other)["fits"] and len(flip.Table.from_arrow(other, found)) == 60
    assert flip.Schema.infer(frame, skip=["x", "price"]).names == ["word", "n", "size", "day", "yes"]
    broken = found.check(frame.with_columns(n=polars.lit(7)))["problems"]
    assert [(p["column"], p["count"], p["first_row"]) for p in broken] == [("n", 60, 1)]


def test_columns_that_arrow_packs():
    import pyarrow.compute as compute
    runs = {"x": compute.run_end_encode(pa.array([1, 1, None, 2])), "s": pa.chunked_array([
        compute.run_end_encode(pa.array(["a"])), compute.run_end_encode(pa.array(["b", None, "b"]))]),
            "f": compute.run_end_encode(pa.array([.1, .1, None, .2], pa.float32())),
            "b": pa.ExtensionArray.from_storage(pa.bool8(), pa.array([0, 1, None, 5], pa.int8()))}
    found = flip.Schema.infer(pa.table(runs))
    assert [field["type"] for field in found.fields] == ["integer", "string", "number", "boolean"]
    assert rules_of(found.fields[2]) == {"minimum": .1, "maximum": .2, "multipleOf": .1}
    assert found.check(pa.table(runs))["fits"] and len(flip.Table.from_arrow(pa.table(runs), found)) == 4
    for cells, kind in (([[1], [2]], "list"), ([{"a": 1}] * 2, "struct")):
        for call in (flip.Schema.infer, schema("x", "string", enum=["a"]).check):
            with pytest.raises(flip.SchemaError, match=rf'column "x": its Arrow type \({kind}\) is not supported'):
                call(pa.table({"x": cells}))


def test_what_is_no_frame_is_said_to_be_none():
    rule = schema("x", "integer", minimum=0, maximum=9)
    for bad in (3, None, {"x": [1]}, [1]):
        for call in (flip.Schema.infer, rule.check, lambda bad: flip.Table.from_pandas(bad, rule),
                     lambda bad: flip.evaluate(bad, bad, rule)):
            with pytest.raises(flip.ArgumentError, match=type(bad).__name__):
                call(bad)


# check, infer and from_pandas mean one thing

MIXED = [[5, 1, None], [True, False], [-9, 9], [0.1, -9.0], [2**64 - 1, 3], ["5", "5.0", " 5"], ["true", "-9", None],
         ["2020-01-01", "2020-01-01T00:00:00Z"], [DAY, None], [DAY, 5], [DAY.date(), "a"],
         [decimal.Decimal("0.5"), True], [numpy.float32(.1), numpy.uint64(5)], [datetime.time(1), b"a"], [1j, 2],
         [[1], {}], []]
DTYPES = [
    None, object, "Int64", "UInt8", "Float32", "float16", "float64", "boolean", "string", "category", "datetime64[ns]",
    "Sparse[float64]", "timedelta64[ns]"
] + [
    pandas.ArrowDtype(kind) for kind in (pa.uint64(), pa.float32(), pa.large_string(), pa.date32(),
                                         pa.timestamp("s", "UTC"), pa.time64("us"), pa.bool_(), pa.decimal128(20, 3))
]
RULES = {
    "string": {"enum": ["5", "true", "a"]}, "integer": {"minimum": 0, "maximum": 9}, "number": {"enum": [5, .1, 1]},
    "boolean": {}, "date": {"minimum": "2000-01-01", "maximum": "2030-01-01"},
    "datetime": {"minimum": "2000-01-01T00:00:00Z", "maximum": "2030-01-01T00:00:00Z"}
}


def answer(call):
    """What a call gives, None where it refuses; every refusal is a FlipError."""
    try:
        return call()
    except flip.FlipError:
        return None


def test_a_frame_fits_exactly_if_it_can_be_read():
    tried = read_by_schema = 0
    for cells in MIXED:
        for dtype in DTYPES:
            try:
                frame = pandas.DataFrame({"x": pandas.Series(cells, dtype=dtype)})
            except Exception:                   # pandas cannot hold them so
                continue
            drafted = answer(lambda: flip.Schema.infer(frame))
            if drafted is not None:
                assert len(flip.Table.from_pandas(frame, drafted)) == len(cells), (cells, dtype)
                read_by_schema += 1
            for kind, rules in RULES.items():
                rule = flip.Schema(
                    {"fields": [{"name": "x", "type": kind, "constraints": rules}], "missingValues": ["", "-9"]})
                fits = (answer(lambda: rule.check(frame)) or {"fits": False})["fits"]
                assert fits == (answer(lambda: flip.Table.from_pandas(frame, rule)) is not None), (cells, dtype, kind)
                tried += 1
    assert tried > 500 and read_by_schema > 50
