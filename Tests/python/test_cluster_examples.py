"""The examples for clusters, run as they stand: Spark with a Parquet folder, and Ray with a worker that is killed. Each
is skipped where its engine is not installed."""
import importlib.util
import json
import os
import shutil
import subprocess
import sys

import flip
import pytest

if os.environ.get("FLIP_TEST_SPARK") != "long":
    pytest.skip("long tests: `make test-spark` runs them", allow_module_level=True)

import numpy  # noqa: E402
import pyarrow  # noqa: E402
import pyarrow.parquet  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SCHEMA = {"fields": [
    {"name": "sex", "type": "string", "constraints": {"enum": ["f", "m"], "required": True}},
    {"name": "age", "type": "integer", "constraints": {"minimum": 0, "maximum": 99, "required": True}}]}
SMALL = {"projection": {"rows": 60, "steps": 20}, "diffusion": {"hidden": 16, "layers": 1, "batch": 64, "steps": 3,
                                                                "sampler_steps": 4},
         "autoencoder": {"width": 8, "heads": 2, "feed_forward": 16, "latent": 4, "batch": 64, "steps": 3},
         "rake": {"pool": 1000, "steps": 2}, "test_seed": 3, "threads": 1}


@pytest.fixture()
def folder(tmp_path):
    """Five Parquet files and a schema; the words that the examples share; the bytes of one machine."""
    r = numpy.random.default_rng(1)
    rows = pyarrow.table({"sex": r.choice(["f", "m"], 1000), "age": r.integers(0, 100, 1000)})
    (tmp_path / "rows").mkdir()
    for k in range(5):
        pyarrow.parquet.write_table(rows.slice(200 * k, 200), tmp_path / "rows" / f"{k}.parquet")
    (tmp_path / "s.json").write_text(json.dumps(SCHEMA))
    plan = flip.plan(SCHEMA, protected=["sex"], epsilon=4, delta=1e-5, config=SMALL)
    model = flip.train(flip.Table.from_arrow(rows, SCHEMA), plan, progress=False)
    return tmp_path, model


def run(program, folder, target, **environment):
    words = [sys.executable, os.path.join(ROOT, "examples", "python", program), folder / "rows", folder / "s.json",
             target, "--epsilon", "4", "--delta", "1e-5", "--protected", "sex", "--config", json.dumps(SMALL)]
    path = os.pathsep.join([os.path.join(ROOT, "bindings", "python"), *environment.pop("more", [])])
    done = subprocess.run(words, capture_output=True, text=True,
                          env={**os.environ, "PYTHONPATH": path, "PYSPARK_PYTHON": sys.executable, **environment})
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.mark.skipif(not importlib.util.find_spec("pyspark") or not shutil.which("java"),
                    reason="Spark needs pyspark and Java: `make test-spark` has both")
def test_cluster_py(folder):
    at, model = folder
    assert "rows in" in run("cluster.py", at, at / "out")
    names = sorted(name for name in os.listdir(at / "out") if name.endswith(".parquet"))
    found = pyarrow.concat_tables(pyarrow.parquet.read_table(at / "out" / name) for name in names)
    wanted = pyarrow.table(model.sample(100_000, seed=1))
    assert found["age"].to_pylist() == wanted["age"].to_pylist()
    assert found["sex"].to_pylist() == wanted["sex"].to_pylist()


KILLS = """
import os, signal, flip.remote
count = flip.remote.add_file
def add_file(sums, part, path, *more):
    mark = {mark!r}
    if part == 3 and not os.path.exists(mark):
        open(mark, "w").close()
        os.kill(os.getpid(), signal.SIGKILL)
    count(sums, part, path, *more)
flip.remote.add_file = add_file
"""


@pytest.mark.skipif(not importlib.util.find_spec("ray"), reason="Ray is not installed: `pip install ray`")
def test_ray_sums_py_with_a_worker_that_is_killed(folder):
    at, model = folder
    (at / "site").mkdir()
    (at / "site" / "sitecustomize.py").write_text(KILLS.format(mark=str(at / "killed")))
    run("ray_sums.py", at, at / "m.h5", more=[str(at / "site")])
    assert (at / "killed").exists()
    assert flip.load(at / "m.h5").to_bytes() == model.to_bytes()
