"""No error that the package raises holds a cell: not in its text, not in its attributes, not in an error that it came
from."""
import datetime
import decimal
import traceback

import flip
import numpy
import pandas
import pyarrow as pa
import pytest

CANARY = "4711.0815"
LONE = CANARY + "\ud800"


class Loud:
    """A cell whose text is an error that holds it."""

    def __str__(self):
        raise ValueError(CANARY)

    __repr__ = __str__

    def __hash__(self):
        raise RuntimeError(CANARY)

    def __eq__(self, other):
        raise RuntimeError(CANARY)


CELLS = {
    "a lone surrogate": pandas.Series(["a", LONE], dtype=object),
    "only lone surrogates": pandas.Series([LONE, "\udcff" + CANARY], dtype=object),
    "a NUL": ["a", CANARY + "\0"],
    "text": ["a", CANARY],
    "text and numbers": ["a", float(CANARY)],
    "numbers and text": [1, CANARY],
    "bytes": [b"a", CANARY.encode()],
    "lists": [[1], [CANARY]],
    "dicts": [{}, {"a": CANARY}],
    "loud objects": ["a", Loud()],
    "complex": [1, complex(float(CANARY), 1)],
    "decimals": [decimal.Decimal(1), decimal.Decimal(CANARY)],
    "not a number": [decimal.Decimal("1"), decimal.Decimal("sNaN4711")],
    "whole numbers too large": [1, 47110815 * 10**30],
    "a year": [datetime.datetime(2020, 1, 1), datetime.datetime(4711, 8, 15)],
    "a year of NumPy": [numpy.datetime64("2020-01-01"), numpy.datetime64("47110-08-15")],
    "dates and text": [datetime.date(2020, 1, 1), CANARY],
    "times": [datetime.time(1), datetime.time(4, 7, 11, 815)],
    "a zone that fails": [
        datetime.datetime(1, 1, 1, tzinfo=datetime.timezone(datetime.timedelta(hours=14))),
        datetime.datetime(2020, 1, 1)
    ],
    "categories": pandas.Categorical([CANARY, "a"]),
    "categories with a lone surrogate": pandas.Categorical.from_codes([0, 1], pandas.Index(["a", LONE], dtype=object)),
    "intervals": pandas.interval_range(float(CANARY), periods=2),
    "periods": pandas.period_range("4711-08-15", periods=2),
    "lists of pyarrow": pandas.array([[1], None], dtype=pandas.ArrowDtype(pa.list_(pa.float64()))),
    "bytes of pyarrow": pandas.array([b"a", CANARY.encode()], dtype=pandas.ArrowDtype(pa.binary())),
    "decimals of pyarrow": pandas.array([decimal.Decimal(1), decimal.Decimal(CANARY)],
                                        dtype=pandas.ArrowDtype(pa.decimal128(38, 4))),
}
KINDS = {
    "string": {"enum": ["a", "b"]}, "integer": {"minimum": 0, "maximum": 9}, "number": {"minimum": 0, "maximum": 9},
    "boolean": {}, "date": {"minimum": "2000-01-01", "maximum": "2030-01-01"},
    "datetime": {"minimum": "2000-01-01T00:00:00Z", "maximum": "2030-01-01T00:00:00Z"}
}


def told(raised):
    """All that an error and those it came from say."""
    seen, waiting, said = set(), [raised], []
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        said += [
            str(one),
            repr(one),
            repr(one.args),
            repr(vars(one)),
            repr(getattr(one, "object", "")),
            repr(getattr(one, "__notes__", ""))
        ]
        waiting += [one.__cause__, one.__context__]
    return "\n".join(said + traceback.format_exception(type(raised), raised, raised.__traceback__))


def ways(cells):
    """Everything that may read the cells."""
    frame = pandas.DataFrame({"x": pandas.Series(cells)})
    plain = pandas.DataFrame({"y": [1] * len(frame)})
    counts = {"fields": [{"name": "y", "type": "integer", "constraints": {"minimum": 0, "maximum": 9}}]}
    yield "infer", lambda: flip.Schema.infer(frame)
    yield "fit", lambda: flip.Synthesizer(epsilon=1.0, domain="assume-public", delta=1.0, progress=False).fit(
        frame)  # delta: no training
    yield "persons", lambda: flip.Table.from_pandas(plain, counts).bound_persons(frame.x, 1)
    yield "person", lambda: flip.Table.from_pandas(plain.assign(x=frame.x), counts, person="x", max_rows_per_person=1)
    for kind, rules in KINDS.items():
        schema = flip.Schema(
            {"fields": [{"name": "x", "type": kind, "constraints": rules}], "missingValues": ["", "-9"]})
        yield f"from_pandas, {kind}", lambda schema=schema: flip.Table.from_pandas(frame, schema)
        yield f"from_arrow, {kind}", lambda schema=schema: flip.Table.from_arrow(frame, schema)
        yield f"check, {kind}", lambda schema=schema: schema.check(frame)
        yield f"evaluate, {kind}", lambda schema=schema: flip.evaluate(frame, frame, schema)


@pytest.mark.parametrize("cells", CELLS.values(), ids=CELLS)
def test_no_refusal_holds_a_cell(cells):
    refused = 0
    for name, call in ways(cells):
        try:
            call()
        except Exception as raised:
            said = told(raised)
            assert isinstance(raised, flip.FlipError), (name, type(raised))
            assert not any(part in said for part in ("4711", "0815")), (name, said)
            assert raised.__cause__ is None and raised.__context__ is None, (name, raised.__context__)
            refused += 1
    assert refused > 3


def test_the_walk_sees_a_cell():
    def chained():
        try:
            LONE.encode()
        except UnicodeEncodeError:
            raise flip.SchemaError("text that is not Unicode") from None

    with pytest.raises(flip.SchemaError) as caught:
        chained()
    assert CANARY in told(caught.value)         # `from None` hides the cell and keeps it
    assert CANARY not in told(flip.SchemaError("column"))


def test_what_is_refused_is_named():
    schema = flip.Schema({"fields": [{"name": "x", "type": "string", "constraints": {"enum": ["a"]}}]})
    for cells in (CELLS["a lone surrogate"], CELLS["categories with a lone surrogate"]):
        with pytest.raises(flip.SchemaError, match='column "x": text that is not Unicode'):
            flip.Table.from_pandas(pandas.DataFrame({"x": cells}), schema)
    with pytest.raises(flip.SchemaError, match='column "x": its cells cannot be read'):
        flip.Table.from_pandas(pandas.DataFrame({"x": [[1], [2]]}), schema)
    mixed = pandas.DataFrame({"n": [1, 2], "x": [1, "a"]})
    with pytest.raises(flip.SchemaError, match="gives no Arrow stream"):
        flip.Table.from_arrow(mixed, schema)


def test_names_of_columns_that_are_not_unicode():
    frame = pandas.DataFrame([["a"]] * 30, columns=pandas.Index(["a\ud800"], dtype=object))
    for refused in (lambda: flip.Schema.infer(frame),
                    lambda: flip.Table.from_pandas(frame, {"fields": [{"name": "a", "type": "boolean"}]})):
        with pytest.raises(flip.SchemaError):
            refused()
