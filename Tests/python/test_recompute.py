"""examples/python/recompute_epsilon.py on ledgers made by hand, on model files, and on files that leave things out."""
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
        "epsilon": target,
        "delta": DELTA,
        "order": ORDER,
        "accountant": "renyi",
        "neighbouring": "add/remove one row",
        "spent": max(groups.values()),
        "groups": groups,
        "assumptions": [],
        "releases": releases,
        "notes": [],
        **more,
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
        "name": name,
        "count": count,
        "groups": {g: {"sampling_rate": q, "noise_multiplier": s} for g, (q, s) in groups.items()},
    }


def sampled(q, sigma):
    """Rényi divergence of order 8 of a sampled Gaussian, term by term."""
    return (
        math.log1p(
            sum(
                math.comb(8, j) * q**j * (1 - q) ** (8 - j) * math.expm1((j * j - j) / (2 * sigma**2))
                for j in range(2, 9)
            )
        )
        / 7
    )


def mixture(q, sigma, k, order=8):
    """Rényi divergence of a person of k rows in one direction, by a sum over how many each of `order` batches holds."""
    p = [math.comb(k, j) * q ** j * (1 - q) ** (k - j) for j in range(k + 1)]
    # With S the sum of the copies' numbers and T that of their squares, E exp((S² − T) / 2σ²).
    states = {(0, 0): 1.0}
    for _ in range(order):
        following = {}
        for (s, t), weight in states.items():
            for j, x in enumerate(p):
                following[s + j, t + j * j] = following.get((s + j, t + j * j), 0) + weight * x
        states = following
    return math.log(sum(w * math.exp((s * s - t) / (2 * sigma ** 2)) for (s, t), w in states.items())) / (order - 1)


def test_it_is_short():
    assert len(open(SCRIPT, encoding="utf-8").readlines()) <= 230


def test_every_kind_of_entry(tmp_path):
    releases = [
        gaussian("counts", 1, f=(1, 10), m=(1, 10)),
        {"name": "pairs", "count": 2, "rho": 0.02},
        gaussian("steps", 5, f=(0.2, 3), m=(0, 3)),
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
    person = epsilon(9 * common + 5 * mixture(.2, 3, 3))
    assert (
        run(write(tmp_path / "m.h5", {"f": person, "m": person}, releases, target=person, max_rows_per_person=3))[0]
        == 0
    )
    # What earlier versions charged is a little more, and no false claim; less is one.
    for factor, code in [(1.05, 0), (.999, 1), (1.2, 1)]:
        stated = {"f": person * factor, "m": person * factor}
        assert run(write(tmp_path / "m.h5", stated, releases, max_rows_per_person=3, target=50))[0] == code
    # One release less, another figure, a smaller promise, a kind that nobody knows.
    for k in range(len(releases)):
        assert run(write(tmp_path / "m.h5", right, releases[:k] + releases[k + 1:]))[0] == 1
    assert run(write(tmp_path / "m.h5", {**right, "m": right["m"] * 1.001}, releases))[0] == 1
    assert run(write(tmp_path / "m.h5", right, releases, target=right["f"] * .999))[0] == 1
    for odd in (
        {"name": "x", "count": 1},
        {"name": "x", "count": 1, "rho": 1, "delta": 0},
        {"name": "x", "count": 1, "epsilon": 1},
    ):
        with pytest.raises(ValueError):
            recompute.recompute(recompute.read(write(tmp_path / "m.h5", right, releases + [odd])))


def test_a_model_file(model, tmp_path):
    model.save(tmp_path / "m.flip.h5")
    code, said = run(tmp_path / "m.flip.h5")
    said = json.loads(said)
    assert (
        code == 0
        and said["recomputed"] == pytest.approx(model.ledger["groups"], rel=1e-6)
        and said["private"]
        and said["promise"] == 4.0
    )


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


@pytest.mark.parametrize("rows", [5, 10, 20])
def test_models_of_persons(frame, schema, rows, tmp_path):
    """Trained for persons with up to so many rows: figures are what the releases cost, and no model is refused."""
    import flip
    from conftest import SMALL
    who = [i // rows for i in range(len(frame))]
    table = flip.Table.from_pandas(frame.assign(who=who), schema, person="who", max_rows_per_person=rows)
    model = flip.train(table, epsilon=4.0, delta=1e-5, config=SMALL, progress=False)
    model.save(tmp_path / "m.flip.h5")
    code, said = run(tmp_path / "m.flip.h5")
    said = json.loads(said)
    assert code == 0 and said["agrees"] and model.ledger["max_rows_per_person"] == rows
    assert model.ledger["accountant"] == "renyi"  # the rates follow from noisy counts
    assert said["recomputed"] == pytest.approx(model.ledger["groups"], rel=1e-6)
    # The same releases for persons of one row more cost more than the file says.
    ledger = {**model.ledger, "max_rows_per_person": rows + 1}
    with h5py.File(tmp_path / "m.flip.h5", "r+") as f:
        del f["ledger/json"]
        f["ledger/json"] = json.dumps(ledger)
    assert run(tmp_path / "m.flip.h5")[0] == 1


@pytest.mark.parametrize("preset, protected", [("best", None), ("best", "sex"), ("published", None)])
def test_trained_models_with_exact_prices(frame, schema, preset, protected, tmp_path):
    """Constants of the plan: composed anew within 1 % of the promise and not above it, risk and all."""
    import flip
    from conftest import NETWORKS
    config = {**NETWORKS, "preset": preset, "rows": {"declared": len(frame)}}
    table = flip.Table.from_pandas(frame, schema)
    plan = flip.plan(schema, protected=protected, epsilon=2.0, delta=1e-6, preset=preset, config=config)
    model = flip.train(table, plan, progress=False)
    ledger = model.ledger
    assert ledger["accountant"] == "exact" and 0.999 * 2 < ledger["spent"] <= 2 < ledger["renyi"]["spent"]
    model.save(tmp_path / "m.flip.h5")
    code, said = run(tmp_path / "m.flip.h5")
    said = json.loads(said)
    assert code == 0 and said["agrees"] and said["exact"]
    assert max(said["recomputed"].values()) == pytest.approx(2, rel=0.01)
    risk = ledger["risk"]
    assert set(risk["groups"]) == set(ledger["groups"]) and 0 < risk["whole"]["advantage"] < 1
    # A file whose noise is smaller than its price is not believed.
    for release in ledger["releases"]:
        for share in release["groups"].values():
            share["noise_multiplier"] *= 0.97
    with h5py.File(tmp_path / "m.flip.h5", "r+") as f:
        del f["ledger/json"]
        f["ledger/json"] = json.dumps(ledger)
    assert run(tmp_path / "m.flip.h5")[0] == 1


def test_the_exact_route(tmp_path):
    """Distributions of the privacy loss: closed forms, noise in whole steps, choices, and figures of risk."""
    from scipy.stats import norm

    def exact(releases, stated, target, groups=("all",), **more):
        renyi = recompute.recompute(
            {
                "releases": releases,
                "order": ORDER,
                "delta": DELTA,
                "accountant": "renyi",
                "groups": dict.fromkeys(groups),
            }
        )
        path = write(
            tmp_path / "m.h5", dict.fromkeys(groups, stated), releases, target=target, accountant="exact",
            renyi={"groups": renyi}, **more
        )
        code, said = run(path)
        return code, json.loads(said)

    def closed(mu, e):
        return norm.cdf(mu / 2 - e / mu) - math.exp(e) * norm.cdf(-mu / 2 - e / mu)

    low, high, mu = 0.0, 20.0, math.hypot(1 / 4, 1 / 2)
    while high - low > 1e-12:
        low, high = ((low + high) / 2, high) if closed(mu, (low + high) / 2) > DELTA else (low, (low + high) / 2)
    two = [gaussian("histograms", 1, all=(1, 4)), gaussian("marginals", 1, all=(1, 2))]
    code, said = exact(two, high, high)
    assert code == 0 and high * (1 - 1e-9) <= said["recomputed"]["all"] <= high * 1.005
    # A little more with noise in whole steps. Refused: 2 % less, noise of another share, a release left out.
    steps = [{**r, "sensitivity": c} for r, c in zip(two, (2, 3))]
    code, said = exact(steps, high, high)
    assert code == 0 and high * 1.0005 < said["recomputed"]["all"] < high * 1.01
    assert exact(two, high * .98, high)[0] == 1
    assert exact([two[0], gaussian("marginals", 1, all=(1, 1.9))], high, high)[0] == 1
    assert exact(two[1:], high, high)[0] == 1
    # Sampled steps and a choice: above the Gaussian of the choice's rho, below its conversion, and monotone.
    more = two + [gaussian("steps", 300, all=(.01, 1.5)), {"name": "pairs", "count": 1, "rho": .01}]
    found = recompute.recompute_exactly({"releases": more, "groups": {"all": 0}, "delta": DELTA})[0]["all"]
    without = recompute.recompute_exactly({"releases": more[:3], "groups": {"all": 0}, "delta": DELTA})[0]["all"]
    rho = recompute.recompute_exactly({"releases": more[3:], "groups": {"all": 0}, "delta": DELTA})[0]["all"]
    assert without < found < without + rho and found < recompute.recompute({**json.loads(json.dumps({
        "releases": more, "order": ORDER, "delta": DELTA, "accountant": "renyi", "groups": {"all": 0}}))})["all"]
    if said["risk"]:
        risk = {
            "advantage": 2 * norm.cdf(mu / 2) - 1,
            "true_positive_rates": [
                {"false_positive_rate": a, "true_positive_rate": norm.cdf(norm.ppf(a) + mu)} for a in recompute.RATES
            ],
            "guessing": [{"values": n, "probability": norm.cdf(norm.ppf(1 / n) + mu)} for n in recompute.VALUES],
        }
        assert exact(two, high, high, risk={"groups": {"all": risk}})[0] == 0
        assert exact(two, high, high, risk={"groups": {"all": {**risk, "advantage": risk["advantage"] - .01}}})[0] == 1
