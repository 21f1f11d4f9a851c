"""flip.dask on a cluster of two worker processes, one of which is killed. Skipped where Dask is not installed."""

import flip
import pytest

pytest.importorskip("distributed", reason="Dask is not installed: `make test-spark` installs it")

import dask  # noqa: E402
import flip.dask  # noqa: E402
import flip.remote  # noqa: E402
import numpy  # noqa: E402
import pandas  # noqa: E402
from flip import _domain, _domain_sums  # noqa: E402
from flip._library import config_bytes  # noqa: E402
from distributed import Client, LocalCluster  # noqa: E402

SCHEMA = {"fields": [
    {"name": "sex", "type": "string", "constraints": {"enum": ["f", "m"], "required": True}},
    {"name": "age", "type": "integer", "constraints": {"minimum": 0, "maximum": 99, "required": True}},
    {"name": "income", "type": "number", "constraints": {"minimum": -2, "maximum": 2}}]}
NAMES = [field["name"] for field in SCHEMA["fields"]]
SMALL = {"projection": {"rows": 60, "steps": 20}, "diffusion": {"hidden": 16, "layers": 1, "batch": 64, "steps": 3,
                                                                "sampler_steps": 4},
         "autoencoder": {"width": 8, "heads": 2, "feed_forward": 16, "latent": 4, "batch": 64, "steps": 3},
         "rake": {"pool": 1000, "steps": 2}, "test_seed": 3, "threads": 1}


def make_rows(n=2000):
    r = numpy.random.default_rng(1)
    return pandas.DataFrame({"sex": r.choice(["f", "m"], n), "age": r.integers(0, 100, n),
                             "income": r.uniform(-2, 2, n)})


@pytest.fixture(scope="module")
def client():
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster:
        with Client(cluster) as client:
            yield client


@pytest.fixture(scope="module")
def plan():
    return flip.plan(SCHEMA, protected=["sex"], epsilon=4, delta=1e-5, config=SMALL)


@pytest.fixture(scope="module")
def here(plan):
    return flip.train(flip.Table.from_pandas(make_rows(), SCHEMA), plan, progress=False).to_bytes()


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Seven Parquet files."""
    folder, rows = tmp_path_factory.mktemp("rows"), make_rows()
    for k in range(7):
        rows[k::7].to_parquet(folder / f"{k}.parquet", index=False)
    return str(folder)


class Frame:
    """What dask.dataframe offers of its partitions: to_delayed."""

    def __init__(self, frames):
        self.frames = frames

    def to_delayed(self):
        return self.frames


def test_the_bytes_of_one_machine(client, plan, here, files):
    assert flip.dask.train(files, plan, progress=False).to_bytes() == here
    rows = make_rows()
    frame = Frame([dask.delayed(lambda k=k: rows[k::3])() for k in range(3)])
    assert flip.dask.train(frame, plan, progress=False).to_bytes() == here


def test_a_domain_is_that_of_one_machine(client, files, tmp_path, monkeypatch):
    import dask.dataframe
    for module in (_domain, _domain_sums):
        monkeypatch.setattr(module, "config_bytes", lambda options: config_bytes({**options, "test_seed": 5}))
    sketch = {"fields": [{"name": field["name"], "type": field["type"]} for field in SCHEMA["fields"]]}
    rows = make_rows()
    who = [f"p{k}" for k in numpy.random.default_rng(3).integers(0, 400, len(rows))]
    rows.assign(who=who).to_csv(tmp_path / "all.csv", index=False)

    def released(release, of, name, **options):
        bounded = {"max_rows_per_person": 2} if options else {}
        budget = flip.Budget(tmp_path / name, epsilon=6, delta=1e-5, selection_delta=1e-6, **bounded)
        found = release(of, sketch, budget, share=0.5, extra="ignore", **options, **bounded)
        (run,) = budget.report()["runs"]
        return found.schema.json.replace(run["run"], "").replace(found.schema.dict["flip:purchase"]["budget"], "")

    want = released(flip.release_domain, tmp_path / "all.csv", "a")
    assert released(flip.dask.release_domain, files, "b") == want
    frame = Frame([dask.delayed(lambda k=k: rows[k::3])() for k in range(3)])
    assert released(flip.dask.release_domain, frame, "c") == want
    texts = pandas.read_csv(tmp_path / "all.csv", dtype=str)
    dealt = dask.dataframe.from_pandas(texts, npartitions=3)
    assert (released(flip.dask.release_domain, dealt, "d", person="who")
            == released(flip.release_domain, tmp_path / "all.csv", "e", person="who"))


def test_persons_are_dealt_by_name(client):
    import dask.dataframe
    rows = make_rows()
    who = pandas.Series([f"p{k}" for k in numpy.random.default_rng(3).integers(0, 400, len(rows))])
    config = {**SMALL, "max_rows_per_person": 2}
    plan = flip.plan(SCHEMA, protected=["sex"], epsilon=4, delta=1e-5, config=config)
    here = flip.train(flip.Table.from_pandas(rows, SCHEMA).bound_persons(who, 2), plan, progress=False).to_bytes()
    frame = dask.dataframe.from_pandas(rows.assign(who=who, more=0), npartitions=3)
    assert flip.dask.train(frame, plan, person="who", extra="ignore", progress=False).to_bytes() == here
    with pytest.raises(flip.ArgumentError):
        flip.dask.train(frame, plan, progress=False)


def test_the_rows_of_one_machine(client, here):
    import pyarrow
    model = flip.Model.from_bytes(here)
    parts = dask.compute(*flip.dask.sample(model, 1000, seed=2, parts=3))
    found = pandas.concat([part.to_pandas().astype(object) for part in parts], ignore_index=True)
    assert found.equals(pyarrow.table(model.sample(1000, seed=2)).to_pandas().astype(object))


def test_a_worker_is_killed_while_it_counts(client, plan, here, files, tmp_path):
    mark = tmp_path / "killed"
    inner = flip.dask._Parts(files, NAMES)

    def count(ask, part, path):
        import os
        import signal
        if part == 3 and not os.path.exists(mark):
            open(mark, "w").close()
            os.kill(os.getpid(), signal.SIGKILL)                # this very worker, once
        return flip.dask._file_sums(ask, part, path, None)

    class Killing:
        def parts(self):
            return inner.parts()

        def sums(self, ask):
            return dask.compute(*[dask.delayed(count, pure=False)(ask, k, path) for k, path in enumerate(inner.rows)])

    assert flip.remote.train(Killing(), plan, progress=False).to_bytes() == here
    assert mark.exists()
