"""flip.spark on a real Spark: a standalone master and two workers on loopback addresses, each with one core, so that an
executor can be killed while the other goes on. Skipped where there is no Java or no pyspark; `make test-spark` has
both. The tests marked long run there alone (FLIP_TEST_SPARK=long)."""
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

import flip
import pytest

pytest.importorskip("pyspark", reason="pyspark is not installed: `make test-spark` installs it")
if not shutil.which("java"):
    pytest.skip("there is no Java here: Spark cannot run", allow_module_level=True)

import flip.remote  # noqa: E402
import flip.spark  # noqa: E402
import numpy  # noqa: E402
import pyarrow  # noqa: E402
import pyarrow.parquet  # noqa: E402
from pyspark.sql import SparkSession  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
long = pytest.mark.skipif(os.environ.get("FLIP_TEST_SPARK") != "long", reason="a long test: `make test-spark` runs it")
ROWS = 4000
SCHEMA = {"fields": [
    {"name": "sex", "type": "string", "constraints": {"enum": ["f", "m"], "required": True}},
    {"name": "age", "type": "integer", "constraints": {"minimum": 0, "maximum": 99, "required": True}},
    {"name": "income", "type": "number", "constraints": {"minimum": -2, "maximum": 2}},
    {"name": "ward", "type": "string", "constraints": {"enum": ["a", "b", "c", "d"]}},
    {"name": "day", "type": "date", "constraints": {"minimum": "2020-01-01", "maximum": "2020-12-31"}}]}
SMALL = {"projection": {"rows": 60, "steps": 20}, "diffusion": {"hidden": 16, "layers": 1, "batch": 64, "steps": 4,
                                                                "sampler_steps": 4},
         "autoencoder": {"width": 8, "heads": 2, "feed_forward": 16, "latent": 4, "batch": 64, "steps": 4},
         "rake": {"pool": 1000, "steps": 4}, "test_seed": 3, "threads": 1}
CANARY = "Wagner-Kanarienvogel"


def make_rows(n=ROWS, seed=1):
    r = numpy.random.default_rng(seed)
    return pyarrow.table({
        "sex": r.choice(["f", "m"], n), "age": r.integers(0, 100, n),
        "income": pyarrow.array(r.uniform(-2, 2, n), mask=r.random(n) < 0.1), "ward": r.choice(list("abcd"), n),
        "day": pyarrow.array((numpy.datetime64("2020-01-01") + r.integers(0, 366, n)).astype("datetime64[D]"))})


def make_plan(more=None, protected=("sex",), **options):
    return flip.plan(SCHEMA, protected=list(protected), epsilon=4, delta=1e-5, config={**SMALL, **(more or {})},
                     **options)


@pytest.fixture(scope="module")
def spark():
    """A session on a cluster of two worker processes; what it starts, it ends."""
    home = os.path.dirname(sys.modules["pyspark"].__file__)
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    environment = {**os.environ, "SPARK_HOME": home, "PYSPARK_PYTHON": sys.executable, "SPARK_NO_DAEMONIZE": "1",
                   "SPARK_WORKER_DIR": "/tmp/flip-spark-work"}
    run = os.path.join(home, "bin", "spark-class")
    deploy = "org.apache.spark.deploy."

    def start(*words):
        return subprocess.Popen([run, *words], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                start_new_session=True)

    master = f"spark://127.0.0.1:{port}"
    daemons = [start(deploy + "master.Master", "--host", "127.0.0.1", "--port", str(port), "--webui-port", "0")]
    for host in ("127.0.0.2", "127.0.0.3"):
        daemons.append(start(deploy + "worker.Worker", "--host", host, "--cores", "1", "--memory", "1g", "--webui-port",
                             "0", master))
    os.environ["PYSPARK_PYTHON"] = sys.executable
    session = (SparkSession.builder.master(master).appName("flip").config("spark.ui.enabled", "false")
               .config("spark.driver.host", "127.0.0.1").config("spark.driver.bindAddress", "127.0.0.1")
               .config("spark.executor.memory", "600m").config("spark.executor.cores", "1")
               .config("spark.sql.shuffle.partitions", "4").config("spark.task.maxFailures", "8")
               .config("spark.executorEnv.PYTHONPATH", os.path.join(ROOT, "bindings", "python"))
               .config("spark.sql.execution.arrow.maxRecordsPerBatch", "300")
               .config("spark.speculation", "true").config("spark.speculation.multiplier", "3")
               .getOrCreate())
    try:
        yield session
    finally:
        session.stop()
        for daemon in daemons:
            os.killpg(daemon.pid, signal.SIGTERM)
        for daemon in daemons:
            daemon.wait(30)
        shutil.rmtree("/tmp/flip-spark-work", ignore_errors=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The rows in six Parquet files, one of them without rows."""
    at, rows = tmp_path_factory.mktemp("rows"), make_rows()
    for k, (a, b) in enumerate([(0, 1), (1, 900), (900, 900), (900, 2000), (2000, 3999), (3999, ROWS)]):
        pyarrow.parquet.write_table(rows.slice(a, b - a), at / f"{k}.parquet")
    return str(at)


@pytest.fixture(scope="module")
def local():
    """The model of one machine."""
    return flip.train(flip.Table.from_arrow(make_rows(), SCHEMA), make_plan(), progress=False).to_bytes()


def test_training_gives_the_bytes_of_one_machine(spark, folder, local):
    assert flip.spark.probe(spark, 4)
    frame = spark.read.parquet(folder)
    assert flip.spark._is_plain(flip.spark._columns(frame, list(frame.columns), None, None))
    assert flip.spark.train(frame, make_plan(), progress=False).to_bytes() == local


def test_sampling_gives_the_rows_of_one_machine(spark, local):
    model = flip.Model.from_bytes(local)
    wanted = pyarrow.table(model.sample(2000, seed=5)).to_pandas().astype(object)
    found = flip.spark.sample(spark, model, 2000, seed=5, parts=7).toPandas().astype(object)
    assert found.astype(str).equals(wanted[list(found.columns)].astype(str))


@long
def test_dealt_anew_gives_the_same_bytes(spark, folder, local):
    frame = spark.read.parquet(folder).repartition(5, "age")
    assert not flip.spark._is_plain(frame)
    assert flip.spark.train(frame, make_plan(), progress=False).to_bytes() == local


@long
@pytest.mark.parametrize("more, protected", [({}, []), ({"marginals": {"pairs": "selected", "count": 3}}, ["sex"]),
                                             ({"focus": ["age"]}, ["sex"])])
def test_other_plans(spark, folder, more, protected):
    plan = make_plan(more, protected)
    here = flip.train(flip.Table.from_arrow(make_rows(), SCHEMA), plan, progress=False).to_bytes()
    assert flip.spark.train(spark.read.parquet(folder), plan, progress=False).to_bytes() == here


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
    assert len(flip.spark.collect(spark.read.parquet(folder), SCHEMA)) == ROWS


def executors():
    """Process numbers of the executors of this test's workers."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                words = open(f"/proc/{name}/cmdline", "rb").read()
            except OSError:
                continue
            if b"CoarseGrainedExecutorBackend" in words and b"--worker-url" in words and b"127.0.0" in words:
                found.append(int(name))
    return sorted(found)


class Slow:
    """An engine whose tasks take a while, so that something can happen to them; counts what reached the driver."""

    def __init__(self, frame, plan, seconds, straggler=None):
        self.inner = flip.spark._Frame(frame, plan, None, None)
        self.roll_call = self.inner.roll_call
        self.seconds, self.straggler = seconds, straggler

    def parts(self):
        return self.inner.parts()

    def sums(self, ask):
        count = flip.spark._counter(ask, 1, self.inner.names, self.inner.schema, None, 0)
        seconds, straggler = self.seconds, self.straggler

        def run(batches):
            import time
            from pyspark import TaskContext
            context = TaskContext.get()
            if straggler is None:
                time.sleep(seconds)
            elif context.partitionId() == straggler and context.attemptNumber() == 0:
                time.sleep(20)
            yield from count(batches)

        for row in self.inner.df.mapInArrow(run, "part int, slice int, sums binary").collect():
            yield bytes(row["sums"])


@long
def test_an_executor_is_killed_while_it_counts(spark, folder, local):
    plan = make_plan()
    frame = spark.read.parquet(folder).repartition(6, "age")
    before = executors()
    assert before

    def kill():
        time.sleep(4)
        os.kill(before[0], signal.SIGKILL)

    thread = threading.Thread(target=kill)
    thread.start()
    model = flip.remote.train(Slow(frame, plan, 1.0), plan, progress=False)
    thread.join()
    assert before[0] not in executors()
    assert model.to_bytes() == local


@long
def test_a_straggler_is_overtaken(spark, folder, local):
    plan = make_plan()
    frame = spark.read.parquet(folder).repartition(4, "age")
    assert flip.remote.train(Slow(frame, plan, 0, straggler=2), plan, progress=False).to_bytes() == local


@long
def test_rows_dealt_anew_are_refused_or_exact(spark, folder):
    """A key that is random and does not say so: every evaluation deals the rows anew. Each pass counts other parts, and
    the rows of all parts are the same; with a random filter they are not."""
    from pyspark.sql import functions as F
    from pyspark.sql.types import IntegerType
    dice = F.udf(lambda _: int.from_bytes(os.urandom(2), "little"), IntegerType())
    frame = spark.read.parquet(folder).withColumn("key", dice("age"))
    kept = frame.where("key % 50 != 0").drop("key")
    with pytest.raises(flip.StateError):
        flip.spark.train(kept, make_plan(), progress=False)


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
import flip, flip.spark, test_spark
from pyspark.sql import SparkSession
spark = SparkSession.builder.remote("local[2]").config("spark.ui.enabled", "false").getOrCreate()
assert "connect" in type(spark).__module__
model = flip.spark.train(spark.read.parquet({rows!r}), test_spark.make_plan(), progress=False)
open({out!r}, "wb").write(model.to_bytes())
rows = flip.spark.sample(spark, model, 300, seed=5, parts=3).toPandas()
assert rows.age.tolist() == model.sample(300, seed=5).to_pandas().age.tolist()
spark.stop()
"""


@long
def test_through_connect(folder, local, tmp_path):
    pytest.importorskip("grpc", reason="pyspark[connect] is not installed")
    out = str(tmp_path / "model")
    program = CONNECT.format(folder=os.path.dirname(os.path.abspath(__file__)), rows=folder, out=out)
    environment = {**os.environ, "PYSPARK_PYTHON": sys.executable,
                   "PYTHONPATH": os.path.join(ROOT, "bindings", "python")}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert open(out, "rb").read() == local
