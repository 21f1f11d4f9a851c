"""Persons: one person more moves the bounded table by that person's rows alone, by every way in."""
import random

import flip
import pandas
import pytest

SCHEMA = {"fields": [{"name": "x", "type": "integer", "constraints": {"minimum": 0, "maximum": 9999}},
                     {"name": "y", "type": "string", "constraints": {"enum": ["a", "b", "c"]}}]}


def visits():
    """Five rows of each of 200 persons, persons in order of appearance."""
    r = random.Random(4)
    rows = [{"who": f"p{p:03}", "x": r.randrange(10000), "y": r.choice("abc")} for p in range(200) for _ in range(5)]
    return pandas.DataFrame(rows)


def with_person(frame, place, rows=1):
    new = pandas.DataFrame({"who": "new", "x": [7 * i for i in range(rows)], "y": "b"})
    return pandas.concat([frame[:place], new, frame[place:]], ignore_index=True)


def from_pandas(frame, most, tmp_path):
    return flip.Table.from_pandas(frame, SCHEMA, person="who", max_rows_per_person=most)


def bound_persons(frame, most, tmp_path):
    return flip.Table.from_pandas(frame.drop(columns="who"), SCHEMA).bound_persons(frame.who, most)


def from_arrow(frame, most, tmp_path):
    return flip.Table.from_arrow(frame.drop(columns="who"), SCHEMA).bound_persons(frame.who, most)


def read_csv(frame, most, tmp_path):
    frame.to_csv(tmp_path / "t.csv", index=False)
    return flip.Table.read_csv(tmp_path / "t.csv", SCHEMA, person="who", max_rows_per_person=most)


WAYS = [from_pandas, bound_persons, from_arrow, read_csv]


def contents(table):
    return table.to_pandas().value_counts()


def distance(a, b):
    return int(a.subtract(b, fill_value=0).abs().sum())


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("most", [1, 3])
def test_one_person_more_moves_its_own_rows(way, most, tmp_path):
    frame = visits()
    before = contents(way(frame, most, tmp_path))
    for place in (0, len(frame) // 2, len(frame)):
        for rows in (1, 4):
            after = contents(way(with_person(frame, place, rows), most, tmp_path))
            assert distance(before, after) == min(rows, most)


@pytest.mark.parametrize("way", WAYS)
def test_neither_names_nor_order_choose(way, tmp_path):
    frame = visits()
    before = contents(way(frame, 2, tmp_path))
    renamed = frame.assign(who=[f"{hash(w) % 1000003}-{w}" for w in frame.who])
    assert distance(before, contents(way(renamed, 2, tmp_path))) == 0
    assert distance(before, contents(way(frame.sample(frac=1, random_state=3), 2, tmp_path))) == 0


def test_every_way_in_keeps_the_same_rows(tmp_path):
    tables = [contents(way(visits(), 2, tmp_path)) for way in WAYS]
    assert all(distance(tables[0], other) == 0 for other in tables[1:])
