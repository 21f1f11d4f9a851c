"""Another generator from the releases of a model, and the curve of what fairness costs: from Python and the shell."""
import csv
import json
import os
import subprocess

import flip
import pytest
from conftest import SMALL, SMALL_BEST
from test_cli import FLIP

CONFIG = {**SMALL_BEST, "rake": {"steps": 4, "pool": 1000}, "projection": {"rows": 64, "steps": 20},
          "test_seed": 5}


def trained(table, **fairness):
    plan = flip.plan(table.schema, protected=["sex"], epsilon=4.0, delta=1e-5,
                     config={**CONFIG, "fairness": fairness})
    return flip.train(table, plan, progress=False)


@pytest.fixture(scope="module")
def aligned(table):
    return trained(table)


def rows(model):
    return model.sample(200, seed=3).to_pandas()


def test_a_refit_is_the_training_it_stands_for(table, aligned):
    seen = []
    made = aligned.refit({"fairness": {"strength": 3}}, progress=lambda *p: seen.append(p))
    assert rows(made).equals(rows(trained(table, strength=3)))
    assert not rows(made).equals(rows(aligned))
    assert made.ledger["releases"] == aligned.ledger["releases"] and made.ledger["epsilon"] == aligned.ledger["epsilon"]
    assert any("without rows" in a for a in made.ledger["assumptions"])
    assert flip.Model.from_bytes(made.to_bytes()).ledger == made.ledger


@pytest.mark.parametrize("config, error", [
    ({"encoder": {"bins": 9}}, flip.ArgumentError), ({"fairness": {"cuts": {}}}, flip.ArgumentError),
    ({"nothing": 1}, flip.ArgumentError), ({"autoencoder": {"nothing": 1}}, flip.ArgumentError)])
def test_what_the_releases_depend_on_is_refused(aligned, config, error):
    with pytest.raises(error):
        aligned.refit(config)


def test_other_protected_columns_and_none(aligned, tmp_path):
    plain = aligned.refit(protected=[])
    assert plain.info["plan"]["protected"] == [] and plain.info["plan"]["released_by"]["protected"] == ["sex"]
    assert plain.ledger["epsilon"] == aligned.ledger["epsilon"]
    again = plain.refit(protected="sex")
    assert rows(again).equals(rows(aligned)) and "released_by" not in again.info["plan"]
    assert plain.frontier([0, 2], protected="sex") == aligned.frontier([0, 2])
    with pytest.raises(flip.Unsupported):
        plain.frontier()
    path, other = str(tmp_path / "m.h5"), str(tmp_path / "n.h5")
    aligned.save(path)
    subprocess.run([FLIP, "refit", path, "--strength", "0", "--out", other], check=True)
    back = subprocess.run([FLIP, "frontier", other, "--strengths", "0,2", "--json", "--protected", "sex"], check=True,
                          capture_output=True, text=True)
    assert json.loads(back.stdout)["points"] == aligned.frontier([0, 2])["points"]


def test_networks_without_the_protected_columns_are_not_refitted(table):
    plan = flip.plan(table.schema, protected=["sex"], epsilon=4.0, delta=1e-5,
                     config={**SMALL, "alignment": {"heads_mean": 1}})
    model = flip.train(table, plan, progress=False)
    with pytest.raises(flip.Unsupported):
        model.refit()
    with pytest.raises(flip.Unsupported):
        model.frontier()


def test_networks_that_saw_rows_teach_others(table, tmp_path):
    """Preset published: no rows and no cost for another strength, and back to the networks that saw rows."""
    plan = flip.plan(table.schema, protected=["sex"], epsilon=20.0, delta=1e-5, config={**SMALL, "test_seed": 5})
    model, path = flip.train(table, plan, progress=False), tmp_path / "m.h5"
    model.save(path)
    other = flip.load(path).refit({"fairness": {"strength": 3}, "student_autoencoder": {"steps": 9}})
    assert other.ledger["releases"] == model.ledger["releases"] and not rows(other).equals(rows(model))
    assert rows(other.refit({"fairness": {"strength": 1}, "student_autoencoder": {"steps": 8}})).equals(rows(model))
    plain = model.refit({"fairness": {"strength": 0}})
    assert rows(plain.refit({"fairness": {"strength": 1}})).equals(rows(model))
    assert model.frontier([0, 2]) == plain.frontier([0, 2], protected=["sex"])
    assert len(model.sample(50, seed=1, stage="projection")) == 50
    with pytest.raises(flip.ArgumentError):
        model.refit({"autoencoder": {"steps": 3}})


def test_the_curve_and_its_picture_from_the_shell(aligned, tmp_path):
    path, curve, picture, other = (str(tmp_path / n) for n in ("m.h5", "c.csv", "c.svg", "n.h5"))
    aligned.save(path)
    subprocess.run([FLIP, "frontier", path, "--strengths", "0,4", "--out", curve, "--picture", picture], check=True)
    with open(curve, newline="") as file:
        lines = list(csv.DictReader(file))
    points = aligned.frontier([0, 4])["points"]
    assert [float(x["strength"]) for x in lines] == [0, 4]
    for line, point in zip(lines, points):
        assert float(line["disparity"]) == pytest.approx(point["disparity"], abs=1e-5)
        assert float(line["auc"]) == pytest.approx(point["auc"], abs=1e-5)
    with open(picture) as file:
        svg = file.read()
    assert svg.startswith("<svg") and svg.count("<circle") == 2 and "script" not in svg
    subprocess.run([FLIP, "refit", path, "--strength", "3", "--out", other], check=True)
    assert rows(flip.load(other)).equals(rows(aligned.refit({"fairness": {"strength": 3}})))
    both = subprocess.run([FLIP, "refit", path, "--strength", "3", "--reduce", "0.5", "--out", other],
                          capture_output=True, text=True)
    assert both.returncode != 0 and "either" in both.stderr
    shown = subprocess.run([FLIP, "frontier", path, "--json", "--strengths", "1"], capture_output=True, text=True)
    assert json.loads(shown.stdout)["points"][0]["strength"] == 1 and os.path.exists(other)
