"""What the tests of flip.spark share: a standalone Spark of two worker processes on loopback addresses, and made-up
rows. Each worker has one core, so that an executor can be killed while the other goes on."""
import os
import shutil
import signal
import socket
import subprocess
import sys

import flip
import numpy
import pyarrow
import pyarrow.parquet
from flip import _domain, _domain_sums
from flip._library import config_bytes
from pyspark.sql import SparkSession

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ROWS = 4000
SCHEMA = {"fields": [
    {"name": "sex", "type": "string", "constraints": {"enum": ["f", "m"], "required": True}},
    {"name": "age", "type": "integer", "constraints": {"minimum": 0, "maximum": 99, "required": True}},
    {"name": "income", "type": "number", "constraints": {"minimum": -2, "maximum": 2}},
    {"name": "ward", "type": "string", "constraints": {"enum": ["a", "b", "c", "d"]}},
    {"name": "day", "type": "date", "constraints": {"minimum": "2020-01-01", "maximum": "2020-12-31"}}]}
NAMES = [field["name"] for field in SCHEMA["fields"]]
SKETCH = {"fields": [{"name": f["name"], "type": f["type"]} if f["name"] != "sex" else f for f in SCHEMA["fields"]]}
SMALL = {"projection": {"rows": 60, "steps": 20}, "diffusion": {"hidden": 16, "layers": 1, "batch": 64, "steps": 4,
                                                                "sampler_steps": 4},
         "autoencoder": {"width": 8, "heads": 2, "feed_forward": 16, "latent": 4, "batch": 64, "steps": 4},
         "rake": {"pool": 1000, "steps": 4}, "test_seed": 3, "threads": 1}
PARTIAL = "part int, slice int, sums binary"
LOGGING = """rootLogger.level = info
rootLogger.appenderRef.file.ref = file
appender.file.type = File
appender.file.name = file
appender.file.fileName = {path}
appender.file.layout.type = PatternLayout
appender.file.layout.pattern = %p %c: %m%n%ex
"""


def make_rows(n=ROWS, seed=1):
    r = numpy.random.default_rng(seed)
    return pyarrow.table({
        "sex": r.choice(["f", "m"], n), "age": r.integers(0, 100, n),
        "income": pyarrow.array(r.uniform(-2, 2, n), mask=r.random(n) < 0.1), "ward": r.choice(list("abcd"), n),
        "day": pyarrow.array((numpy.datetime64("2020-01-01") + r.integers(0, 366, n)).astype("datetime64[D]"))})


def make_plan(more=None, protected=("sex",), **options):
    promise = options if "budget" in options else {"epsilon": 4, "delta": 1e-5, **options}
    return flip.plan(SCHEMA, protected=list(protected), config={**SMALL, **(more or {})}, **promise)


def texts(frame):
    """A pandas frame's cells as texts, a missing one always the same: versions of pandas and Spark differ in those."""
    frame = frame.astype(object)
    return frame.where(frame.notna(), "missing").astype(str)


def write_rows(folder, rows=None):
    """The rows in six Parquet files, one of them without rows."""
    rows = make_rows() if rows is None else rows
    for k, (a, b) in enumerate([(0, 1), (1, 900), (900, 900), (900, 2000), (2000, 3999), (3999, ROWS)]):
        pyarrow.parquet.write_table(rows.slice(a, b - a), os.path.join(folder, f"{k}.parquet"))
    return str(folder)


def domain_budget(folder, name, **options):
    return flip.Budget(os.path.join(folder, name), epsilon=6, delta=1e-5, selection_delta=1e-6, **options)


def seeded(monkeypatch):
    """Releases of domains with noise of a seed."""
    for module in (_domain, _domain_sums):
        monkeypatch.setattr(module, "config_bytes", lambda options: config_bytes({**options, "test_seed": 5}))


def released(domain, budget):
    """A schema but for the names of its run and its budget, which are drawn."""
    (run,) = budget.report()["runs"]
    of = domain.schema.dict["flip:purchase"]["budget"]
    return domain.schema.json.replace(run["run"], "run").replace(of, "budget")


def local_domain(rows, folder, budget, **options):
    """The schema of one machine, from one CSV file."""
    import pyarrow.csv
    path = os.path.join(folder, "_all.csv")
    pyarrow.csv.write_csv(rows, path)
    return released(flip.release_domain(path, SKETCH, budget, share=0.5, **options), budget)


def local_model(rows=None, plan=None):
    """The bytes of the model of one machine."""
    rows = make_rows() if rows is None else rows
    return flip.train(flip.Table.from_arrow(rows, SCHEMA), plan or make_plan(), progress=False).to_bytes()


def cluster(folder):
    """A generator of one session; what it starts, it ends. Logs, events and scratch files lie below `folder`."""
    home, folder = os.path.dirname(sys.modules["pyspark"].__file__), str(folder)
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    for name in ("work", "scratch", "events"):
        os.makedirs(os.path.join(folder, name))
    with open(os.path.join(folder, "driver.properties"), "w") as file:
        file.write(LOGGING.format(path=os.path.join(folder, "driver.log")))
    environment = {**os.environ, "SPARK_HOME": home, "PYSPARK_PYTHON": sys.executable, "SPARK_NO_DAEMONIZE": "1",
                   "SPARK_WORKER_DIR": os.path.join(folder, "work"),
                   "SPARK_LOCAL_DIRS": os.path.join(folder, "scratch")}
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
               .config("spark.eventLog.enabled", "true").config("spark.eventLog.compress", "false")
               .config("spark.eventLog.dir", "file://" + os.path.join(folder, "events"))
               .config("spark.local.dir", os.path.join(folder, "scratch"))
               .config("spark.driver.extraJavaOptions",
                       "-Dlog4j2.configurationFile=file:" + os.path.join(folder, "driver.properties"))
               .getOrCreate())
    try:
        yield session
    finally:
        session.stop()
        for daemon in daemons:
            os.killpg(daemon.pid, signal.SIGTERM)
        for daemon in daemons:
            daemon.wait(30)
        shutil.rmtree(os.path.join(folder, "work"), ignore_errors=True)


def killer(mark, part=None, wait=0.0):
    """A function for mapInArrow that kills its own executor once, with the file `mark` as the sign that it did; in the
    task of one part, or in the first that comes. Then it hands its batches on."""
    mark = str(mark)

    def run(batches):
        import os
        import signal
        import time
        from pyspark import TaskContext
        if part in (None, TaskContext.get().partitionId()) and not os.path.exists(mark):
            open(mark, "w").close()
            time.sleep(wait)
            parent = os.getppid()                       # the daemon of Python workers; above it is the executor
            with open(f"/proc/{parent}/stat") as file:
                above = int(file.read().rsplit(")", 1)[1].split()[1])
            with open(f"/proc/{above}/cmdline") as file:
                assert "ExecutorBackend" in file.read()
            os.kill(above, signal.SIGKILL)
            time.sleep(60)
        yield from batches

    return run
