"""Conditional sampling: every way to say what rows must meet, and what is refused."""
import datetime

import flip
import numpy
import pandas
import pytest


@pytest.mark.parametrize("where, column, holds", [
    ({"sex": "Female"}, "sex", lambda c: c == "Female"),
    ({"city": ["Köln", None]}, "city", lambda c: c.isna() | (c == "Köln")),
    ({"city": None}, "city", lambda c: c.isna()),
    ({"city": {"Bonn", 'Trier, "Süd"'}}, "city", lambda c: c.isin(["Bonn", 'Trier, "Süd"'])),
    ({"age": range(30, 40)}, "age", lambda c: c.between(30, 39)),
    ({"age": {"minimum": numpy.int64(40), "maximum": 60.0}}, "age", lambda c: c.between(40, 60)),
    ({"stay": numpy.arange(5, 20)}, "stay", lambda c: c.between(5, 19)),
    ({"stay": [float("nan"), pandas.NA]}, "stay", lambda c: c.isna()),
    ({"income": {"minimum": 500.5}}, "income", lambda c: c >= 500.5),
    ({"weight": {"minimum": None, "maximum": 100}}, "weight", lambda c: c <= 100),
    ({"member": True}, "member", lambda c: c.fillna(False).astype(bool)),
    ({"member": numpy.bool_(False)}, "member", lambda c: ~c.fillna(True).astype(bool)),
    ({"ward": [3, 9]}, "ward", lambda c: c.isin([3, 9])),
    ({"joined": {"minimum": datetime.date(2020, 3, 1), "maximum": "2020-06-30"}}, "joined", lambda c:
     (c >= "2020-03-01") & (c <= "2020-06-30")),
    ({"joined": {"minimum": numpy.datetime64("2020-09-01")}}, "joined", lambda c: c >= "2020-09-01"),
    ({"joined": pandas.NaT}, "joined", lambda c: c.isna()),
    ({"seen": {"minimum": datetime.datetime(2020, 7, 1, 12)}}, "seen", lambda c: c >= "2020-07-01T12:00"),
    ({"seen": {"maximum": datetime.datetime(2020, 7, 1, 2, tzinfo=datetime.timezone(datetime.timedelta(hours=2)))}
      }, "seen", lambda c: c <= "2020-07-01"),
    ({"seen": {"minimum": numpy.datetime64("2020-03-01T00:00:00", "ns"), "maximum": pandas.Timestamp("2020-10-01")}
      }, "seen", lambda c: (c >= "2020-03-01") & (c <= "2020-10-01")),
    ({"seen": {"minimum": datetime.date(2020, 5, 1)}}, "seen", lambda c: c >= "2020-05-01"),
])
def test_every_row_meets_it(model, where, column, holds):
    rows = model.sample(150, seed=2, where=where).to_pandas()
    assert len(rows) == 150 and holds(rows[column]).all(), rows[column]


def test_several_columns(model):
    rows = model.sample(60, seed=3, where={"sex": "Male", "age": {"maximum": 60}, "city": ["Bonn", "Köln"]}).to_pandas()
    assert (rows.sex == "Male").all() and (rows.age <= 60).all() and rows.city.isin(["Bonn", "Köln"]).all()


def test_rows_do_not_depend_on_chunks(model):
    where = {"sex": "Female", "age": {"minimum": 30, "maximum": 70}}
    whole = model.sample(8, seed=4, where=where).to_pandas()
    part = model.sample(5, seed=4, first=3, where=where, threads=1).to_pandas()
    long = model.sample(700, seed=4, where=where, threads=2).to_pandas()
    last = model.sample(300, seed=4, first=400, where=where).to_pandas()
    for some, others in ((part, whole[3:]), (whole, long[:8]), (last, long[400:])):
        # A type that can hold missing values is used where there are some.
        pandas.testing.assert_frame_equal(some, others.reset_index(drop=True), check_dtype=False)


def test_no_condition_is_none(model):
    plain = model.sample(50, seed=5).to_pandas()
    for nothing in (None, {}):
        pandas.testing.assert_frame_equal(model.sample(50, seed=5, where=nothing).to_pandas(), plain)


@pytest.mark.parametrize("where, error, part", [
    ({"gender": "Female"}, flip.ArgumentError, "gender"),
    ({"sex": "female"}, flip.ArgumentError, "sex"),
    ({"sex": None}, flip.ArgumentError, "never missing"),
    ({"sex": []}, flip.ArgumentError, "empty"),
    ({"sex": {"minimum": "Female"}}, flip.ArgumentError, "no order"),
    ({"age": 200}, flip.ArgumentError, "age"),
    ({"age": {"minimum": 60, "maximum": 40}}, flip.ArgumentError, "above"),
    ({"age": {"least": 60}}, flip.ArgumentError, "least"),
    ({"joined": datetime.date(1999, 1, 1)}, flip.ArgumentError, "joined"),
])
def test_what_is_refused(model, where, error, part):
    with pytest.raises(error, match=part):
        model.sample(5, seed=1, where=where)


def test_a_value_of_no_measurable_probability(model):
    """Drawn given the condition: the very value, in every row."""
    rows = model.sample(50, seed=5, where={"weight": 71.123456789, "sex": "Male"}).to_pandas()
    assert (rows.weight == 71.123456789).all() and (rows.sex == "Male").all() and rows.age.nunique() > 5


def test_rare_rows_do_not_depend_on_chunks_or_threads(model):
    where = {"age": [20, 21], "city": "Bonn", "member": True, "ward": 9, "stay": {"maximum": 5}}
    whole = model.sample(90, seed=4, where=where, threads=1).to_pandas()
    assert whole.age.isin([20, 21]).all() and (whole.city == "Bonn").all() and (whole.stay <= 5).all()
    for first, rows in ((0, 1), (17, 50), (64, 26)):
        part = model.sample(rows, seed=4, first=first, where=where, threads=3).to_pandas()
        pandas.testing.assert_frame_equal(part, whole.iloc[first:first + rows].reset_index(drop=True))


def test_requests_with_a_row_count_each(model):
    asked = [{"where": {"sex": "Female"}, "rows": 30}, {"where": {"age": {"minimum": 89}}, "rows": 12}, {"rows": 5}]
    rows = model.sample(where=asked, seed=6).to_pandas()
    assert len(rows) == 47 and (rows.sex[:30] == "Female").all() and (rows.age[30:42] >= 89).all()
    plain = model.sample(30, seed=6, where={"sex": "Female"}).to_pandas()
    # As objects: pandas has another type for booleans where any of the 47 rows misses one.
    pandas.testing.assert_frame_equal(rows.iloc[:30].astype(object), plain.astype(object))
    for bad in ([], [{"where": {}}], [{"rows": 0}], [{"rows": 5, "with": 1}]):
        with pytest.raises((flip.ArgumentError, KeyError)):
            model.sample(where=bad, seed=1)


def test_half_rows_are_completed(model, frame):
    half = frame.head(80).astype(object).copy()
    r = numpy.random.default_rng(2)
    for name in half:
        half[name] = half[name].where(pandas.Series(r.random(80) < .5))
    half = half.drop(columns=["income"])
    table = flip.Table.from_pandas(half, {"fields": [
        {**f, "constraints": {k: v for k, v in f.get("constraints", {}).items() if k != "required"}}
        for f in model.schema.fields if f["name"] != "income"]})
    given, rows = table.to_pandas(), model.complete(half, seed=1).to_pandas()
    assert len(rows) == 80
    for name in given:
        kept = given[name].notna()
        assert (rows[name][kept].astype(str) == given[name][kept].astype(str)).all(), name
    assert rows.age.notna().all() and rows.sex.notna().all()
    pandas.testing.assert_frame_equal(rows, model.complete(table, seed=1, threads=1).to_pandas())
    with pytest.raises(flip.SchemaError):
        model.complete(pandas.DataFrame({"age": [17]}), seed=1)
