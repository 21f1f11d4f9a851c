"""examples/python/recompute_epsilon.py on ledgers made by hand, on model files, and on files that leave something
out."""
import contextlib, importlib.util, io, json, math, os, shutil

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


def write(path, groups, releases, target=8.0, **more):
    ledger = {
        "epsilon": target, "delta": DELTA, "order": ORDER, "accountant": "renyi", "neighbouring": "add/remove one row",
        "spent": max(groups.values()), "groups": groups, "assumptions": [], "releases": releases, "notes": [], **more
    }
    with h5py.File(path, "w") as f:
        f["ledger/json"] = json.dumps(ledger)
    return str(path)


def run(path):
    """(exit code, what was printed)"""
    with contextlib.redirect_stdout(io.StringIO()) as said:
        return recompute.main([str(path)]), said.getvalue()


def gaussian(name, count, **groups):
    return {
        "name": name, "count": count,
        "groups": {g: {"sampling_rate": q, "noise_multiplier": s} for g, (q, s) in groups.items()}
    }


def sampled(q, sigma):
    """Rényi divergence of order 8 of a sampled Gaussian, term by term."""
    return math.log1p(
        sum(math.comb(8, j) * q**j * (1 - q)**(8 - j) * math.expm1((j * j - j) / (2 * sigma**2))
            for j in range(2, 9))) / 7


def test_it_is_short():
    assert len(open(SCRIPT, encoding="utf-8").readlines()) <= 60


def test_every_kind_of_entry(tmp_path):
    releases = [
        gaussian("counts", 1, f=(1, 10), m=(1, 10)), {"name": "pairs", "count": 2, "rho": .02},
        gaussian("steps", 5, f=(.2, 3), m=(0, 3))
    ]
    common = 8 / 200 + 2 * 8 * .02
    right = {"f": epsilon(common + 5 * sampled(.2, 3)), "m": epsilon(common)}
    path = write(tmp_path / "m.h5", right, releases)
    assert run(path)[0] == 0 and recompute.recompute(recompute.read(path)) == pytest.approx(right, rel=1e-9)
    # A threshold that fails with a probability: that part of delta is set aside, whether or not all of it was used.
    d = 4e-6
    failing = {g: epsilon(e - epsilon(0), DELTA - d) - math.log1p(-d) for g, e in right.items()}
    levels = {"name": "levels", "count": 1, "selection_delta": d / 2}
    assert run(write(tmp_path / "m.h5", failing, releases + [levels], selection_delta=d))[0] == 0
    with pytest.raises(ValueError):
        run(write(tmp_path / "m.h5", failing, releases + [levels], selection_delta=d / 4))
    # Persons of up to three rows: at rate 1 three times the distance, at others the mixture over how many were drawn.
    p = [math.comb(3, j) * .2 ** j * .8 ** (3 - j) for j in (1, 2, 3)]
    mixture = math.log(sum(x * math.exp(7 * sampled(sum(p), 3 / j)) for j, x in zip((1, 2, 3), p)) / sum(p)) / 7
    person = epsilon(9 * common + 5 * mixture)
    assert run(write(tmp_path / "m.h5", {"f": person, "m": person}, releases, target=person,
                     max_rows_per_person=3))[0] == 0
    # One release less, another figure, a smaller promise, a kind that nobody knows.
    for k in range(len(releases)):
        assert run(write(tmp_path / "m.h5", right, releases[:k] + releases[k + 1:]))[0] == 1
    assert run(write(tmp_path / "m.h5", {**right, "m": right["m"] * 1.001}, releases))[0] == 1
    assert run(write(tmp_path / "m.h5", right, releases, target=right["f"] * .999))[0] == 1
    for odd in ({"name": "x", "count": 1}, {"name": "x", "count": 1, "rho": 1,
                                            "delta": 0}, {"name": "x", "count": 1, "epsilon": 1}):
        with pytest.raises(ValueError):
            recompute.recompute(recompute.read(write(tmp_path / "m.h5", right, releases + [odd])))


def test_a_model_file(model, tmp_path):
    model.save(tmp_path / "m.flip.h5")
    code, said = run(tmp_path / "m.flip.h5")
    said = json.loads(said)
    assert code == 0 and said["recomputed"] == pytest.approx(model.ledger["groups"],
                                                             rel=1e-6) and said["private"] and said["promise"] == 4.0


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
            assert run(path)[0] == 1, (k, edit)
