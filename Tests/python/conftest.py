"""What the tests share: a small schema, a made-up table, a plan that trains in a second."""
import os

import flip
import numpy
import pandas
import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

SCHEMA = {
    "fields": [
        {"name": "age", "type": "integer", "constraints": {"minimum": 18, "maximum": 90, "required": True}},
        {"name": "sex", "type": "string", "constraints": {"enum": ["Female", "Male"], "required": True}},
        {"name": "city", "type": "string", "constraints": {"enum": ["Bonn", "Köln", 'Trier, "Süd"']}},
        {"name": "stay", "type": "integer", "constraints": {"minimum": 0, "maximum": 60}},
        {"name": "income", "type": "number", "constraints": {"minimum": 0, "maximum": 1000, "multipleOf": 0.5}},
        {"name": "weight", "type": "number", "constraints": {"minimum": 0, "maximum": 200}},
        {"name": "member", "type": "boolean"},
        {"name": "ward", "type": "integer", "constraints": {"enum": [3, 5, 9]}},
        {"name": "joined", "type": "date", "constraints": {"minimum": "2020-01-01", "maximum": "2020-12-31"}},
        {
            "name": "seen", "type": "datetime",
            "constraints": {"minimum": "2020-01-01T00:00:00Z", "maximum": "2021-01-01T00:00:00Z", "multipleOf": 60}
        },
    ], "missingValues": ["", "NA"]
}

NETWORKS = {"rows": {"guess": 600}, "threads": 2,
            "autoencoder": {"width": 4, "heads": 1, "feed_forward": 8, "latent": 4, "batch": 64, "steps": 12},
            "diffusion": {"hidden": 16, "layers": 1, "noise_levels": 2, "batch": 64, "steps": 12, "sampler_steps": 4}}
SMALL_BEST = {"preset": "best", **NETWORKS}
SMALL = {"preset": "published", **NETWORKS,
         "student_autoencoder": {"width": 4, "heads": 1, "feed_forward": 8, "latent": 4, "batch": 64, "steps": 8},
         "student_diffusion": {"hidden": 16, "layers": 1, "noise_levels": 2, "batch": 64, "steps": 8,
                               "sampler_steps": 4}}
LONG = {**SMALL, "autoencoder": {**SMALL["autoencoder"], "steps": 500000}}


def rules_of(field):
    """A field's constraints with its step, wherever the schema has it."""
    step = {"multipleOf": field["flip:multipleOf"]} if "flip:multipleOf" in field else {}
    return {**field.get("constraints", {}), **step}


def make_frame(rows=600, seed=1):
    r = numpy.random.default_rng(seed)

    def gaps(values):
        column = pandas.Series(values)
        return column.mask(pandas.Series(r.random(rows) < 0.1))

    minutes = r.integers(0, 366 * 1440, rows).astype("timedelta64[m]")
    return pandas.DataFrame({
        "age": r.integers(18, 91, rows),
        "sex": r.choice(["Female", "Male"], rows),
        "city": gaps(r.choice(["Bonn", "Köln", 'Trier, "Süd"'], rows)),
        "stay": gaps(pandas.array(r.integers(0, 61, rows), dtype="Int64")),
        "income": gaps(r.integers(0, 2001, rows) / 2),
        "weight": r.random(rows) * 200,
        "member": gaps(pandas.array(r.random(rows) < 0.5, dtype="boolean")),
        "ward": gaps(pandas.array(r.choice([3, 5, 9], rows), dtype="Int64")),
        "joined": gaps(numpy.datetime64("2020-01-01") + r.integers(0, 366, rows).astype("timedelta64[D]")),
        "seen": gaps((numpy.datetime64("2020-01-01T00:00") + minutes).astype("datetime64[us]")),
    })


@pytest.fixture(scope="session")
def schema():
    return flip.Schema(SCHEMA)


@pytest.fixture(scope="session")
def frame():
    return make_frame()


@pytest.fixture(scope="session")
def table(frame, schema):
    return flip.Table.from_pandas(frame, schema)


@pytest.fixture(scope="session")
def plan(schema):
    return flip.plan(schema, protected=["sex"], epsilon=4.0, delta=1e-5, config=SMALL)


@pytest.fixture(scope="session")
def model(table, plan):
    return flip.train(table, plan, progress=False)


@pytest.fixture
def csv(table, tmp_path):
    """A CSV file and its schema file."""
    import json
    path, domain = str(tmp_path / "rows.csv"), str(tmp_path / "rows.schema.json")
    table.to_csv(path)
    with open(domain, "w") as file:
        json.dump(SCHEMA, file)
    return path, domain
