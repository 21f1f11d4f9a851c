"""flip.spark on a real Spark of two worker processes. Skipped where there is no Java or no pyspark; `make test-spark`
has both. The tests marked long run there alone (FLIP_TEST_SPARK=long); test_spark_faults.py kills executors."""
import os
import shutil
import subprocess
import sys

import flip
import pytest

pytest.importorskip("pyspark", reason="pyspark is not installed: `make test-spark` installs it")
if not shutil.which("java"):
    pytest.skip("there is no Java here: Spark cannot run", allow_module_level=True)

import flip.spark  # noqa: E402
import numpy  # noqa: E402
import pandas  # noqa: E402
import pyarrow  # noqa: E402
import pyspark  # noqa: E402
from flip import _spark_frame  # noqa: E402
from spark_cluster import (ROOT, ROWS, SCHEMA, SKETCH, cluster, domain_budget, local_domain, local_model,  # noqa: E402
                           make_plan, make_rows, released, seeded, texts, write_rows)

long = pytest.mark.skipif(os.environ.get("FLIP_TEST_SPARK") != "long", reason="a long test: `make test-spark` runs it")
CANARY = "Wagner-Kanarienvogel"


@pytest.fixture(scope="module")
def spark(tmp_path_factory):
    yield from cluster(tmp_path_factory.mktemp("spark"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_rows(tmp_path_factory.mktemp("rows"))


@pytest.fixture(scope="module")
def local():
    return local_model()


def test_training_gives_the_bytes_of_one_machine(spark, folder, local):
    assert flip.spark.probe(spark, 4)
    frame = spark.read.parquet(folder)
    assert _spark_frame.is_plain(_spark_frame.columns(frame, list(frame.columns), None, None))
    assert flip.spark.train(frame, make_plan(), progress=False).to_bytes() == local


def test_sampling_gives_the_rows_of_one_machine(spark, local):
    model = flip.Model.from_bytes(local)
    wanted = texts(pyarrow.table(model.sample(2000, seed=5)).to_pandas())
    found = texts(flip.spark.sample(spark, model, 2000, seed=5, parts=7).toPandas())
    assert found.equals(wanted[list(found.columns)])


def test_a_domain_is_that_of_one_machine(spark, folder, tmp_path, monkeypatch):
    seeded(monkeypatch)
    want = local_domain(make_rows(), tmp_path, domain_budget(tmp_path, "one"))
    assert '"a"' in want
    frame = spark.read.parquet(folder)
    for k, (rows, options) in enumerate([(frame, {}), (frame.repartition(11, "age"), {}), (frame, {"read": "files"})]):
        budget = domain_budget(tmp_path, f"b{k}")
        assert released(flip.spark.release_domain(rows, SKETCH, budget, share=0.5, **options), budget) == want
    bad = frame.selectExpr("sex", f"if(age = 7, '{CANARY}', cast(age as string)) as age", "income", "ward", "day")
    budget = domain_budget(tmp_path, "bad")
    with pytest.raises(flip.SchemaError) as refused:
        flip.spark.release_domain(bad, SKETCH, budget, share=0.5)
    assert CANARY not in str(refused.value) and '"age"' in str(refused.value) and budget.spent == 0


@long
def test_a_domain_of_persons(spark, tmp_path, monkeypatch):
    seeded(monkeypatch)
    r = numpy.random.default_rng(3)
    rows = make_rows().append_column("who", pyarrow.array([f"p{k}" for k in r.integers(0, 900, ROWS)]))
    options = {"person": "who", "max_rows_per_person": 2}
    one, there = (domain_budget(tmp_path, name, max_rows_per_person=2) for name in ("one", "b"))
    want = local_domain(rows, tmp_path, one, **options)
    cells = pandas.read_csv(tmp_path / "_all.csv", dtype=str, keep_default_na=False)
    frame = spark.createDataFrame(cells.astype(object)).repartition(3)
    assert released(flip.spark.release_domain(frame, SKETCH, there, share=0.5, **options), there) == want


@long
def test_executors_read_plain_files(spark, folder, local, tmp_path):
    at = tmp_path / "a bä"                       # a name that an address must quote
    at.mkdir()
    write_rows(at, make_rows().append_column("more", pyarrow.array(range(ROWS))))
    frame = spark.read.parquet(str(at))
    assert flip.spark.train(frame, make_plan(), read="files", extra="ignore", progress=False).to_bytes() == local
    with pytest.raises(flip.SchemaError, match="more"):
        flip.spark.train(frame, make_plan(), read="files", progress=False)
    plain = spark.read.parquet(folder)
    plain.createOrReplaceTempView("plain")
    for more in (plain.where("age < 50"), plain.selectExpr("ward as sex", "sex as ward", "age", "income", "day"),
                 plain.selectExpr("sex", "age + 1 as age", "income", "ward", "day"), plain.union(plain),
                 plain.repartition(3), plain.limit(10), spark.createDataFrame(plain.limit(10).collect(), plain.schema),
                 spark.sql("select * from plain where ward is not null")):
        with pytest.raises(flip.Unsupported, match="nothing but a scan"):
            flip.spark.train(more, make_plan(), read="files", progress=False)


@long
def test_a_shared_budget_holds_the_charge(spark, folder, tmp_path):
    budget = flip.Budget(tmp_path / "b", epsilon=4, delta=1e-5)
    plan = make_plan(budget=budget, share=0.5)
    model = flip.spark.train(spark.read.parquet(folder), plan, progress=False)
    assert 0 < budget.spent <= 4 and len(budget.report()["runs"]) == 1
    other = make_plan(budget=flip.Budget(tmp_path / "c", epsilon=4, delta=1e-5), share=0.5)
    assert model.sample(50, seed=1).to_pandas().equals(
        flip.Model.from_bytes(local_model(plan=other)).sample(50, seed=1).to_pandas())


@long
def test_dealt_anew_gives_the_same_bytes(spark, folder, local):
    frame = spark.read.parquet(folder).repartition(5, "age")
    assert not _spark_frame.is_plain(frame)
    assert flip.spark.train(frame, make_plan(), progress=False).to_bytes() == local


@long
@pytest.mark.parametrize("more, protected", [({}, []), ({"marginals": {"pairs": "selected", "count": 3}}, ["sex"]),
                                             ({"focus": ["age"]}, ["sex"])])
def test_other_plans(spark, folder, more, protected):
    plan = make_plan(more, protected)
    assert flip.spark.train(spark.read.parquet(folder), plan, progress=False).to_bytes() == local_model(plan=plan)


@long
def test_persons_are_dealt_by_name(spark):
    rows = make_rows()
    r = numpy.random.default_rng(3)
    rows = rows.append_column("who", pyarrow.array([f"p{k}" for k in r.integers(0, 900, ROWS)]))
    plan = make_plan({"max_rows_per_person": 2})
    table = flip.Table.from_arrow(rows.drop_columns(["who"]), SCHEMA).bound_persons(rows["who"].to_pandas(), 2)
    here = flip.train(table, plan, progress=False).to_bytes()
    frame = spark.createDataFrame(rows.to_pandas()).repartition(3)
    assert flip.spark.train(frame, plan, person="who", progress=False).to_bytes() == here
    with pytest.raises(flip.ArgumentError):
        flip.spark.train(frame.drop("who"), plan, progress=False)


@long
def test_a_bad_cell_is_in_no_exception(spark, folder):
    frame = spark.read.parquet(folder).selectExpr("sex", f"if(age = 7, '{CANARY}', cast(age as string)) as age",
                                                  "income", "ward", "day")
    with pytest.raises(flip.SchemaError) as refused:
        flip.spark.train(frame, make_plan(), progress=False)
    assert CANARY not in str(refused.value) and '"age"' in str(refused.value)
    found = flip.spark.check(frame, SCHEMA)
    assert found["rows"] == ROWS and [p["column"] for p in found["problems"]] == ["age"]
    assert CANARY not in str(found)


@long
def test_what_spark_reads_is_collected(spark, folder):
    frame = spark.read.parquet(folder)
    plan = flip.plan(SCHEMA, epsilon=2, delta=1e-5, preset="published")
    told = flip.spark.foresee(frame, SCHEMA, plan)
    assert told["rows"] == ROWS and told["steps"] == 800
    assert told["training_bytes"] == plan.memory(ROWS)
    assert told["arriving_bytes"] > 20 * ROWS and ROWS * 8 < told["table_bytes"] < ROWS * 40
    assert told["peak_bytes"] > told["arriving_bytes"] + told["table_bytes"]
    with pytest.raises(flip.OutOfMemory, match="4000 rows"):
        flip.spark.collect(frame, SCHEMA, most_bytes=1000)
    assert len(flip.spark.collect(frame, SCHEMA)) == ROWS


@long
def test_frames_that_do_not_fit(spark, folder):
    frame = spark.read.parquet(folder)
    with pytest.raises(flip.SchemaError):
        flip.spark.train(frame.drop("age"), make_plan(), progress=False)
    with pytest.raises(flip.SchemaError):
        flip.spark.train(frame.withColumnRenamed("age", "years"), make_plan(), progress=False)
    with pytest.raises(flip.Unsupported):
        flip.spark.train(frame, flip.plan(SCHEMA, epsilon=2, delta=1e-5, preset="published"), progress=False)
    with pytest.raises(flip.SchemaError):
        flip.spark.train(frame.where("age < 0"), make_plan(), progress=False)


CONNECT = """
import sys
sys.path.insert(0, {folder!r})
import flip, flip.spark, spark_cluster
from pyspark.sql import SparkSession
spark = SparkSession.builder.remote("local[2]").config("spark.ui.enabled", "false").getOrCreate()
assert "connect" in type(spark).__module__
model = flip.spark.train(spark.read.parquet({rows!r}), spark_cluster.make_plan(), progress=False)
open({out!r}, "wb").write(model.to_bytes())
again = flip.spark.train(spark.read.parquet({rows!r}), spark_cluster.make_plan(), read="files", progress=False)
assert again.to_bytes() == model.to_bytes()
assert len(flip.spark.collect(spark.read.parquet({rows!r}), spark_cluster.SCHEMA)) == spark_cluster.ROWS
budget = spark_cluster.domain_budget({folder_out!r}, "budget")
found = flip.spark.release_domain(spark.read.parquet({rows!r}), spark_cluster.SKETCH, budget, share=0.5)
assert abs(found.report["rows"] - spark_cluster.ROWS) < 20 * found.report["deviation"]
rows = flip.spark.sample(spark, model, 300, seed=5, parts=3).toPandas()
assert rows.age.tolist() == model.sample(300, seed=5).to_pandas().age.tolist()
spark.stop()
"""


@long
def test_through_connect(folder, local, tmp_path):
    pytest.importorskip("grpc", reason="pyspark[connect] is not installed")
    if int(pyspark.__version__.split(".")[0]) < 4:
        pytest.skip("the package of pyspark 3.5 holds no Connect server")
    out = str(tmp_path / "model")
    program = CONNECT.format(folder=os.path.dirname(os.path.abspath(__file__)), rows=folder, out=out,
                             folder_out=str(tmp_path))
    environment = {**os.environ, "PYSPARK_PYTHON": sys.executable,
                   "PYTHONPATH": os.path.join(ROOT, "bindings", "python")}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert open(out, "rb").read() == local
