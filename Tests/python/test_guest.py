"""The package as a guest in a process: threads, fork, spawn, and beside packages that bring runtimes and an HDF5 of
their own."""
import importlib.util
import json
import multiprocessing
import os
import subprocess
import sys
import threading

import flip
import pandas
import pytest
from conftest import ROOT, SCHEMA, SMALL, make_frame


def run(code, **environment):
    env = {
        **os.environ, "PYTHONPATH": os.pathsep.join(
            [os.path.dirname(os.path.dirname(flip.__file__)),
             os.path.dirname(__file__)]), **environment
    }
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_many_threads_train_and_sample_at_once(schema, model, tmp_path):
    wanted = model.sample(300, seed=5).to_pandas()
    failures, ledgers = [], []

    def work(k):
        try:
            for turn in range(3):
                rows = model.sample(300, seed=5, threads=2).to_pandas()          # one model, many threads
                pandas.testing.assert_frame_equal(rows, wanted)
                table = flip.Table.from_pandas(make_frame(200, seed=k),
                                               schema)  # tables, files and streams of their own
                table.write_hdf5(tmp_path / f"{k}.h5")
                assert flip.Table.read_hdf5(tmp_path / f"{k}.h5").to_pandas().equals(table.to_pandas())
                assert len(flip.Table.from_arrow(table, schema)) == 200
                with pytest.raises(flip.SchemaError, match="no column|columns"):  # errors are each thread's own
                    flip.Table.from_pandas(pandas.DataFrame({f"x{k}": [1]}), schema)
                with pytest.raises(flip.ArgumentError):
                    flip.plan(schema, epsilon=-1.0, delta=1e-5)
            trained = flip.train(table, flip.plan(schema, protected=["sex"], epsilon=4.0, delta=1e-5, config=SMALL),
                                 progress=False)
            ledgers.append(trained.ledger["epsilon"])
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures
    assert ledgers == [4.0] * 8


def test_one_plan_and_one_table_serve_many_threads(plan, table):
    models = []
    threads = [
        threading.Thread(target=lambda: models.append(flip.train(table, plan, progress=False))) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(models) == 3


def child_of(queue):
    """In a spawned process: everything is new."""
    from conftest import SCHEMA, SMALL, make_frame
    schema = flip.Schema(SCHEMA)
    model = flip.train(flip.Table.from_pandas(make_frame(), schema),
                       flip.plan(schema, protected=["sex"], epsilon=4.0, delta=1e-5, config=SMALL), progress=False)
    queue.put((model.to_bytes(), len(model.sample(10))))


def sample_in_child(model, queue):
    queue.put(model.sample(20, seed=2).to_pandas())


def in_process(context, target, *arguments):
    queue = context.Queue()
    process = context.Process(target=target, args=(*arguments, queue))
    process.start()
    answer = queue.get(timeout=100)
    process.join(100)
    assert process.exitcode == 0
    return answer


def test_spawned_processes(model):
    context = multiprocessing.get_context("spawn")
    data, rows = in_process(context, child_of)
    assert rows == 10 and len(flip.Model.from_bytes(data).sample(5)) == 5
    pandas.testing.assert_frame_equal(in_process(context, sample_in_child, model),
                                      model.sample(20, seed=2).to_pandas())  # pickled


FORK = """
import os, sys, flip
from conftest import SCHEMA, SMALL, make_frame
schema = flip.Schema(SCHEMA)
table = flip.Table.from_pandas(make_frame(), schema)
plan = flip.plan(schema, protected=["sex"], epsilon=4.0, delta=1e-5, config=SMALL)
model = flip.train(table, plan, progress=False)
data = model.to_bytes()
def child():
    for use in (lambda: model.sample(3), lambda: flip.train(table, plan, progress=False), lambda: schema.json,
                lambda: table.to_pandas(), table.__arrow_c_stream__):
        try:
            use()
            return 1
        except flip.StateError as refused:
            if "before fork" not in str(refused): return 2
    new = flip.Schema(SCHEMA)                       # what is made in the child works there
    rows = flip.Table.from_pandas(make_frame(), new)
    made = flip.train(rows, flip.plan(new, protected=["sex"], epsilon=4.0, delta=1e-5, config=SMALL), progress=False)
    if len(made.sample(5)) != 5: return 3
    return 0 if len(flip.Model.from_bytes(data).sample(5)) == 5 else 4
pid = os.fork()
if pid == 0:
    try:
        code = child()
    except BaseException as problem:
        print(problem, file=sys.stderr)
        code = 5
    os._exit(code)
_, status = os.waitpid(pid, 0)
assert len(model.sample(3)) == 3                    # the parent goes on
print(os.waitstatus_to_exitcode(status))
"""


def test_after_fork_handles_say_so_and_new_ones_work():
    assert run(FORK) == "0"


BESIDE = """
import sys
order = sys.argv[1:] if len(sys.argv) > 1 else {order!r}
for name in order:
    __import__(name)
import flip, tempfile, os
from conftest import SCHEMA, SMALL, make_frame
import numpy
schema = flip.Schema(SCHEMA)
table = flip.Table.from_pandas(make_frame(), schema)

def other():
    if "torch" in order:
        import torch
        x = torch.randn(256, 256, requires_grad=True)
        (x @ x).sum().backward()
    if "xgboost" in order:
        import xgboost
        r = numpy.random.default_rng(1)
        xgboost.XGBClassifier(n_estimators=5, n_jobs=2).fit(r.random((500, 4)), r.integers(0, 2, 500))
    if "h5py" in order:
        import h5py
        with tempfile.TemporaryDirectory() as folder:
            with h5py.File(os.path.join(folder, "a.h5"), "w") as file:
                file["x"] = numpy.arange(10)
                file.create_dataset("z", data=numpy.zeros(1000), compression="gzip")
                table.write_hdf5(os.path.join(folder, "t.h5"))          # while h5py has a file open
            with h5py.File(os.path.join(folder, "t.h5")) as file:
                assert "data" in file
            try:
                h5py.File(os.path.join(folder, "none.h5"))              # its errors stay its own
                raise SystemExit("no error")
            except OSError as missing:
                assert "none.h5" in str(missing)

other()
model = flip.train(table, flip.plan(schema, protected=["sex"], epsilon=4.0, delta=1e-5, config=SMALL), progress=False)
other()
again = flip.Model.from_bytes(model.to_bytes())
assert again.sample(20, seed=1).to_pandas().equals(model.sample(20, seed=1).to_pandas())
print("good")
"""


@pytest.mark.parametrize("first", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("name", ["h5py", "xgboost", "torch"])
def test_beside_other_runtimes(name, first):
    if importlib.util.find_spec(name) is None:
        pytest.skip(f"{name} is not installed")
    assert run(BESIDE.format(order=[name, "flip"] if first else ["flip", name])) == "good"


def test_beside_all_of_them():
    names = [name for name in ("xgboost", "h5py", "pyarrow", "sklearn", "torch") if importlib.util.find_spec(name)]
    assert run(BESIDE.format(order=names[:2] + ["flip"] + names[2:])) == "good"
