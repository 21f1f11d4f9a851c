"""Rows that are drawn batch by batch are the rows of one call, whoever reads them."""
import subprocess

import flip
import pytest
from test_cli import FLIP

pyarrow = pytest.importorskip("pyarrow")


def read(stream):
    return pyarrow.RecordBatchReader.from_stream(stream).read_all()


def test_the_rows_of_one_call(model):
    whole = pyarrow.table(model.sample(1000, seed=5, first=7))
    for batch in (None, 1, 333, 1000, 5000):
        stream = model.stream(1000 if batch != 1 else 40, seed=5, first=7, batch_rows=batch)
        rows = read(stream)
        assert rows.to_pylist() == whole.slice(0, rows.num_rows).to_pylist() and rows.schema == whole.schema
    assert read(stream).equals(read(stream)), "every reader starts anew"
    batches = [b.num_rows for b in pyarrow.RecordBatchReader.from_stream(model.stream(1000, seed=5, batch_rows=300))]
    assert batches == [300, 300, 300, 100]


def test_conditions_threads_and_fresh_seeds(model):
    asked = {"sex": "Female"}
    whole = pyarrow.table(model.sample(500, seed=2, where=asked))
    assert read(model.stream(500, seed=2, where=asked, batch_rows=64, threads=1)).to_pylist() == whole.to_pylist()
    one, two = model.stream(50), model.stream(50)
    assert one.seed != two.seed and "50 rows" in repr(one)
    assert read(one).to_pylist() == pyarrow.table(model.sample(50, seed=one.seed)).to_pylist()


def test_it_outlives_the_model_and_may_be_left(model):
    copy = flip.Model.from_bytes(model.to_bytes())
    reader = pyarrow.RecordBatchReader.from_stream(copy.stream(200, seed=1, batch_rows=50))
    copy.close()
    assert reader.read_all().to_pylist() == pyarrow.table(model.sample(200, seed=1)).to_pylist()
    left = pyarrow.RecordBatchReader.from_stream(model.stream(10**12, seed=1, batch_rows=10))
    assert left.read_next_batch().num_rows == 10
    left.close()


def test_what_is_wrong_is_said_at_once(model):
    for wrong in (dict(rows=0), dict(rows=5, first=-1), dict(rows=5, batch_rows=0), dict(rows=5, seed=-1),
                  dict(rows=5, where={"sexe": "Female"})):
        with pytest.raises(flip.ArgumentError):
            model.stream(**wrong)


def test_files_of_the_command_line_are_drawn_in_batches(model, tmp_path):
    """More rows than a batch has, as CSV and as HDF5: byte for byte what is written from one table."""
    path, rows = str(tmp_path / "m.h5"), 70_000
    model.save(path)
    whole = model.sample(rows, seed=3)
    whole.to_csv(tmp_path / "a.csv")
    whole.write_hdf5(tmp_path / "a.h5")
    for kind in ("csv", "h5"):
        out = tmp_path / f"b.{kind}"
        subprocess.run([FLIP, "sample", path, "--rows", str(rows), "--seed", "3", "--out", out, "--quiet"], check=True)
        assert out.read_bytes() == (tmp_path / f"a.{kind}").read_bytes(), kind
