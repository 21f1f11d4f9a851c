"""examples/python/recompute_epsilon.py on ledgers made by hand, on model files, and on files that leave something out."""
import importlib.util, json, math, os, shutil

import h5py
import pytest
from conftest import ROOT

pytest.importorskip("dp_accounting")
SCRIPT = os.path.join(ROOT, "examples", "python", "recompute_epsilon.py")
spec = importlib.util.spec_from_file_location("recompute_epsilon", SCRIPT)
recompute = importlib.util.module_from_spec(spec)
spec.loader.exec_module(recompute)

ORDER, DELTA = 8, 1e-5


def epsilon(rdp, delta=DELTA):
    return rdp + math.log((ORDER - 1) / ORDER) - (math.log(delta) + math.log(ORDER)) / (ORDER - 1)


def write(path, groups, releases, target=8.0):
    ledger = {"epsilon": target, "delta": DELTA, "order": ORDER, "accountant": "renyi", "neighbouring": "add/remove one row", "spent": max(groups.values()),
              "groups": groups, "assumptions": [], "releases": releases, "notes": []}
    with h5py.File(path, "w") as f:
        f["ledger/json"] = json.dumps(ledger)
    return str(path)


def gaussian(name, count, **groups):
    return {"name": name, "count": count, "groups": {g: {"sampling_rate": q, "noise_multiplier": s} for g, (q, s) in groups.items()}}


def test_it_is_short():
    assert len(open(SCRIPT, encoding="utf-8").readlines()) <= 60


def test_every_kind_of_entry(tmp_path):
    sampled = math.log1p(sum(math.comb(8, k) * .2 ** k * .8 ** (8 - k) * math.expm1((k * k - k) / 18) for k in range(2, 9))) / 7
    laplace = math.log(8 / 15 * math.exp(7 / 20) + 7 / 15 * math.exp(-8 / 20)) / 7
    releases = [gaussian("counts", 1, f=(1, 10), m=(1, 10)), {"name": "pairs", "count": 2, "rho": .02}, gaussian("steps", 5, f=(.2, 3), m=(0, 3)),
                {"name": "own", "count": 3, "laplace": 20.0}]
    common = 8 / 200 + 2 * 8 * .02 + 3 * laplace
    right = {"f": epsilon(common + 5 * sampled), "m": epsilon(common)}
    path = write(tmp_path / "m.h5", right, releases)
    assert recompute.main([path]) == 0 and recompute.recompute(recompute.read(path)) == pytest.approx(right, rel=1e-9)
    # A choice that fails with a probability takes that from delta.
    d = 4e-6
    failing = {g: epsilon(e - epsilon(0), DELTA - d) - math.log1p(-d) for g, e in right.items()}
    assert recompute.main([write(tmp_path / "m.h5", failing, releases + [{"name": "levels", "count": 2, "delta": d / 2}])]) == 0
    # One release less, another figure, a smaller promise, a kind that nobody knows.
    for k in range(len(releases)):
        assert recompute.main([write(tmp_path / "m.h5", right, releases[:k] + releases[k + 1:])]) == 1
    assert recompute.main([write(tmp_path / "m.h5", {**right, "m": right["m"] * 1.001}, releases)]) == 1
    assert recompute.main([write(tmp_path / "m.h5", right, releases, target=right["f"] * .999)]) == 1
    for odd in ({"name": "x", "count": 1}, {"name": "x", "count": 1, "rho": 1, "delta": 0}, {"name": "x", "count": 1, "epsilon": 1}):
        with pytest.raises(ValueError):
            recompute.main([write(tmp_path / "m.h5", right, releases + [odd])])


def test_a_model_file(model, tmp_path, capsys):
    model.save(tmp_path / "m.flip.h5")
    assert recompute.main([str(tmp_path / "m.flip.h5")]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["recomputed"] == pytest.approx(model.ledger["groups"], rel=1e-6) and said["private"] and said["promise"] == 4.0


def test_a_model_file_that_leaves_something_out_is_seen(model, tmp_path):
    """Each release in turn missing from the file, or with more noise than there was, and the claim as it was."""
    model.save(tmp_path / "m.flip.h5")
    for k in range(len(model.ledger["releases"])):
        for edit in ("drop", "noise"):
            ledger = model.ledger
            if edit == "drop":
                del ledger["releases"][k]
            else:
                for share in ledger["releases"][k]["groups"].values():
                    share["noise_multiplier"] *= 1.5
            path = shutil.copy(tmp_path / "m.flip.h5", tmp_path / "edited.h5")
            with h5py.File(path, "r+") as f:
                del f["ledger/json"]
                f["ledger/json"] = json.dumps(ledger)
            assert recompute.main([str(path)]) == 1, (k, edit)
