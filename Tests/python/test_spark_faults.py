"""flip.spark while executors are killed, tasks lag and rows are dealt anew: the bytes and rows of one machine, or a
refusal; and no value of a row in a log. Long: `make test-spark` runs it.

The eleven kinds of tests that rows elsewhere have, with the places where they are:

    1  the bytes of one machine           test_remote.py, test_spark.py, test_dask.py, RemoteTests, RemoteDomainTests
    2  neighbours                         SumsTests, DomainSumsTests
    3  a shut door                        SumsTests, DomainSumsTests, RemoteTests
    4  what is charged, and when          SumsTests, DomainSumsTests, RemoteTests, RemoteDomainTests, test_remote.py
    5  executors killed, a straggler      here, test_dask.py
    6  rows dealt anew, three ways        here
    7  canaries                           here, test_remote.py, test_spark.py
    8  words are wiped                    SumsTests, DomainSumsTests
    9  sampling                           here, test_spark.py, test_dask.py
    10 hostile bytes                      Tests/fuzz, surface "sums"
    11 persons                            test_persons.py, test_remote.py, test_spark.py
"""
import os
import shutil

import flip
import pytest

pytest.importorskip("pyspark", reason="pyspark is not installed: `make test-spark` installs it")
if not shutil.which("java"):
    pytest.skip("there is no Java here: Spark cannot run", allow_module_level=True)
if os.environ.get("FLIP_TEST_SPARK") != "long":
    pytest.skip("long tests: `make test-spark` runs them", allow_module_level=True)

import flip.remote  # noqa: E402
import flip.spark  # noqa: E402
import pyarrow  # noqa: E402
import pyarrow.parquet  # noqa: E402
from pyspark.sql import functions as F  # noqa: E402
from pyspark.sql.types import IntegerType  # noqa: E402
from spark_cluster import (NAMES, PARTIAL, ROWS, SKETCH, cluster, domain_budget, killer, local_model,  # noqa: E402
                           make_plan, make_rows, released, seeded, texts, write_rows)

CANARY = "Wagner-Kanarienvogel"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Where the cluster has its logs, events and scratch files."""
    return tmp_path_factory.mktemp("spark")


@pytest.fixture(scope="module")
def spark(place):
    yield from cluster(place)
    left = holding(place / "scratch")
    assert not left, f"scratch files with a value of a row outlive the session: {left}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_rows(tmp_path_factory.mktemp("rows"))


@pytest.fixture(scope="module")
def local():
    return local_model()


class Disturbed:
    """A frame as an engine whose passes have one more step: `disturb(batches)`, in the tasks that count, or with
    `together` in those that add partial sums up, `together` parts in each."""

    def __init__(self, frame, disturb, together=None, schema=PARTIAL):
        self.inner = flip.spark._Frame(frame, NAMES)
        self.disturb, self.together, self.schema = disturb, together, schema
        self.rows = []

    def parts(self):
        return self.inner.parts()

    def sums(self, ask):
        counted = self.inner.df.mapInArrow(flip.spark._counter(ask, 1, NAMES), PARTIAL)
        if self.together:
            counted = flip.spark._added(counted, ask, 1, self.together)
        self.rows = counted.mapInArrow(self.disturb, self.schema).collect()
        return [bytes(row["sums"]) for row in self.rows]


def trained(engine, **options):
    return flip.remote.train(engine, make_plan(), progress=False, **options).to_bytes()


def test_an_executor_is_killed_while_it_counts(spark, folder, local, tmp_path):
    frame = spark.read.parquet(folder).repartition(6, "age")
    assert trained(Disturbed(frame, killer(tmp_path / "killed", part=4))) == local
    assert (tmp_path / "killed").exists()


def test_an_executor_is_killed_after_the_map_stage(spark, folder, local, tmp_path):
    """Partial sums lie in shuffle files when the executor that wrote some of them ends: its tasks are run again."""
    frame = spark.read.parquet(folder).repartition(6, "age")
    assert trained(Disturbed(frame, killer(tmp_path / "killed"), together=2)) == local
    assert (tmp_path / "killed").exists()


def test_an_executor_is_killed_under_a_domain(spark, folder, tmp_path, monkeypatch):
    """Its counts and texts are those of an undisturbed pass, and it is charged once."""
    seeded(monkeypatch)
    frame = spark.read.parquet(folder).repartition(6, "age")
    calm, budget = domain_budget(tmp_path, "calm"), domain_budget(tmp_path, "b")
    want = flip.spark.release_domain(frame, SKETCH, calm, share=0.5)
    found = flip.remote.release_domain(Disturbed(frame, killer(tmp_path / "killed"), together=2), SKETCH, budget,
                                       share=0.5)
    assert (tmp_path / "killed").exists()
    assert released(found, budget) == released(want, calm) and len(budget.report()["runs"]) == 1


def test_a_straggler_is_overtaken(spark, folder, local, tmp_path):
    over = str(tmp_path / "over")

    def lag(batches):
        import os
        import time
        import pyarrow
        from pyspark import TaskContext
        context = TaskContext.get()
        if context.partitionId() == 2 and context.attemptNumber() == 0:
            for _ in range(600):
                time.sleep(0.1)
                if os.path.exists(over):
                    break
        for batch in batches:
            yield batch.append_column("attempt", pyarrow.array([context.attemptNumber()] * batch.num_rows,
                                                               pyarrow.int32()))

    engine = Disturbed(spark.read.parquet(folder).repartition(4, "age"), lag, schema=PARTIAL + ", attempt int")
    try:
        assert trained(engine) == local
    finally:
        open(over, "w").close()
    assert {row["part"]: row["attempt"] for row in engine.rows}[2] > 0


# MARK: rows dealt anew

def by_a_random_column(spark, frame):
    """A function of batches adds a random key, and rows are dealt by it."""
    def add(batches):
        import os
        import pyarrow
        for batch in batches:
            keys = list(os.urandom(batch.num_rows))
            yield batch.append_column("key", pyarrow.array(keys, pyarrow.int32()))

    schema = ", ".join(f"{name} {kind}" for name, kind in frame.dtypes) + ", key int"
    return frame.mapInArrow(add, schema).repartition(6, "key").drop("key")


def by_a_function_that_is_random(spark, frame):
    """A function of a row that is random and does not say so."""
    dice = F.udf(lambda _: int.from_bytes(os.urandom(2), "little"), IntegerType())
    return frame.withColumn("key", dice("age")).repartition(6, "key").drop("key")


def by_partitions_of_an_rdd(spark, frame):
    """Keys drawn in an RDD."""
    dealt = frame.rdd.map(lambda row: (int.from_bytes(os.urandom(2), "little"), tuple(row))).partitionBy(6)
    return spark.createDataFrame(dealt.map(lambda pair: pair[1]), frame.schema)


@pytest.mark.parametrize("deal", [by_a_random_column, by_a_function_that_is_random, by_partitions_of_an_rdd])
@pytest.mark.parametrize("reading", ["roll call", "histograms"])
def test_rows_dealt_anew_are_refused_or_exact(spark, folder, local, tmp_path, deal, reading):
    """A key is drawn anew on every evaluation, and an executor ends while a reading runs: rows may be lost and doubled
    without a word from Spark. The bytes of one machine, or a refusal by Spark or by the trainer; never a third."""
    frame = deal(spark, spark.read.parquet(folder).repartition(4))
    assert flip.spark._Frame(frame, NAMES).roll_call == "once"
    mark = tmp_path / "killed"

    class Once(Disturbed):
        def sums(self, ask):
            self.disturb = killer(mark, part=4) if flip.remote.ask_info(ask)["stage"] == reading else lambda b: b
            return super().sums(ask)

    try:
        assert trained(Once(frame, None), roll_call="once") == local
    except flip.StateError as refused:
        assert "rows" in str(refused)
    except flip.FlipError:
        raise
    except Exception as refused:                        # Spark's own: it will not run such a stage again
        assert "indeterminate" in str(refused).lower(), str(refused)[:500]
    assert mark.exists()


def test_rows_that_are_chosen_anew_are_refused(spark, folder):
    """A random filter without any fault: other rows in every reading."""
    dice = F.udf(lambda _: int.from_bytes(os.urandom(2), "little"), IntegerType())
    kept = spark.read.parquet(folder).withColumn("key", dice("age")).where("key % 50 != 0").drop("key")
    with pytest.raises(flip.StateError):
        flip.spark.train(kept, make_plan(), progress=False)


# MARK: sampling

def test_an_executor_is_killed_while_it_samples(spark, local, tmp_path):
    model = flip.Model.from_bytes(local)
    for parts, where in ((3, None), (8, {"sex": "f"})):
        wanted = texts(pyarrow.table(model.sample(3000, seed=5, first=10, where=where)).to_pandas())
        frame = flip.spark.sample(spark, model, 3000, seed=5, first=10, parts=parts, where=where)
        mark = tmp_path / str(parts)
        found = texts(frame.mapInArrow(killer(mark, part=1), frame.schema).toPandas())
        assert mark.exists()
        assert found.equals(wanted[list(found.columns)])


# MARK: canaries

def holding(folder):
    """Files below a folder that hold the canary."""
    return [os.path.join(at, name) for at, _, names in os.walk(folder) for name in names
            if CANARY.encode() in open(os.path.join(at, name), "rb").read()]


def test_no_value_of_a_row_is_in_a_log(spark, place, tmp_path):
    """Cells that break the schema and names of persons: in no exception, no log of driver or executors, no event."""
    rows = make_rows()
    ward, income = rows["ward"].to_pylist(), rows["income"].cast(pyarrow.string()).to_pylist()
    ward[7], income[9] = CANARY, CANARY
    bad = rows.set_column(3, "ward", [ward]).set_column(2, "income", [income])
    who = [f"{CANARY}-{k % 900}" for k in range(ROWS)]
    frame = spark.read.parquet(write_rows(tmp_path, bad.append_column("who", [who])))
    with pytest.raises(flip.SchemaError) as refused:
        flip.spark.train(frame.drop("who"), make_plan(), progress=False)
    assert '"ward": 1' in str(refused.value) and '"income": 1' in str(refused.value)
    with pytest.raises(flip.SchemaError) as by_person:
        flip.spark.train(frame, make_plan({"max_rows_per_person": 2}), person="who", progress=False)
    found = flip.spark.check(frame.drop("who"), make_plan().dict["schema"])
    assert CANARY not in f"{refused.value} {by_person.value} {found}"
    assert flip.spark.train(frame.drop("who"), make_plan(), invalid="coerce", progress=False)
    for name in ("driver.log", "work", "events"):
        assert os.path.exists(place / name)
        assert os.path.isfile(place / name) or os.listdir(place / name)
    assert CANARY.encode() not in (place / "driver.log").read_bytes()
    assert not holding(place / "work") and not holding(place / "events")
