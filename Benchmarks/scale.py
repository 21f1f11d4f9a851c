#!/usr/bin/env python3
"""Rows that stay where they are: processor seconds and peak memory of passes over made-up rows of 15 columns.

    python3 Benchmarks/scale.py files FOLDER [--rows 8000000]    flip.remote.Files: both passes, one core, by Parquet
    python3 Benchmarks/scale.py spark FOLDER                     a pass of flip.spark beside an empty mapInArrow, and
                                                                 beside one whose executors read the files themselves
    python3 Benchmarks/scale.py sample FOLDER                    sampling on Spark beside one process, by row
    python3 Benchmarks/scale.py domain FOLDER                    bounds and levels of the same rows, under a budget
    python3 Benchmarks/scale.py wide                             six partial sums of 200 columns added up here
    python3 Benchmarks/scale.py wide-spark                       and on Spark

FOLDER holds the rows and is filled when it is empty (files: half a minute). Each figure is a line of JSON. Seconds are
those of the processor, of this process and its children, so that other programs disturb them little; Spark runs in
local[2].
"""
import argparse
import json
import os
import resource
import sys
import tempfile
import time

import flip
import flip.remote
import numpy
import pyarrow
import pyarrow.parquet

LEVELS = {"workclass": 8, "education": 16, "marital": 7, "occupation": 14, "relationship": 6, "race": 5, "sex": 2,
          "country": 41, "income": 2}
NUMBERS = {"age": 90, "weight": 1_500_000, "years": 16, "gain": 99_999, "loss": 4_356, "hours": 99}
SCHEMA = {"fields": [{"name": name, "type": "string", "constraints": {"enum": [f"{name} {k}" for k in range(n)],
                                                                    "required": True}} for name, n in LEVELS.items()]
          + [{"name": name, "type": "integer", "constraints": {"minimum": 0, "maximum": n, "required": True}}
             for name, n in NUMBERS.items()]}


def say(**figures):
    print(json.dumps(figures), flush=True)


def cpu():
    """Processor seconds of this process and of the children that it waited for."""
    own, others = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + others.ru_utime + others.ru_stime


def family_cpu():
    """Processor seconds of this process and of all below it that live."""
    parents, used = {}, {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            fields = open(f"/proc/{name}/stat").read().rsplit(")", 1)[1].split()
        except OSError:
            continue
        parents[int(name)], used[int(name)] = int(fields[1]), sum(map(int, fields[11:15]))
    mine, found = {os.getpid()}, True
    while found:
        found = {p for p, parent in parents.items() if parent in mine} - mine
        mine |= found
    return sum(used.get(p, 0) for p in mine) / os.sysconf("SC_CLK_TCK")


def peak():
    """Peak memory of this process in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def fill(folder, rows, files=32):
    """Makes the rows where there are none."""
    os.makedirs(folder, exist_ok=True)
    if any(name.endswith(".parquet") for name in os.listdir(folder)):
        return
    r = numpy.random.default_rng(0)
    for k in range(files):
        n = rows // files
        columns = {name: pyarrow.DictionaryArray.from_arrays(
            pyarrow.array(r.integers(0, m, n), pyarrow.int8()),
            pyarrow.array([f"{name} {i}" for i in range(m)])).cast(pyarrow.string()) for name, m in LEVELS.items()}
        columns |= {name: pyarrow.array((r.random(n) ** 3 * m).astype(numpy.int64)) for name, m in NUMBERS.items()}
        pyarrow.parquet.write_table(pyarrow.table(columns), os.path.join(folder, f"{k:03}.parquet"))


def the_plan():
    return flip.plan(SCHEMA, epsilon=2, delta=1e-9, config={"threads": 1})


class Counted(flip.remote.Files):
    """Files whose passes are measured."""

    def sums(self, ask):
        begun, wall = cpu(), time.monotonic()
        yield from super().sums(ask)
        say(what="pass", stage=flip.remote.ask_info(ask)["stage"], cpu_s=round(cpu() - begun, 2),
            wall_s=round(time.monotonic() - wall, 2), peak_mb=round(peak()))


class Enough(Exception):
    """The passes are over; what follows needs no rows."""


def files(folder):
    begun = cpu()

    def stop(progress):
        if progress.stage_name not in ("histograms", "marginals"):
            raise Enough

    try:
        flip.remote.train(Counted(folder, SCHEMA), the_plan(), progress=stop)
    except Enough:
        pass
    rows = sum(pyarrow.parquet.ParquetFile(os.path.join(folder, name)).metadata.num_rows for name in
               os.listdir(folder))
    say(what="files", rows=rows, cpu_s=round(cpu() - begun, 2), peak_mb=round(peak()))


def domain(folder):
    sketch = {"fields": [{"name": field["name"], "type": field["type"]} for field in SCHEMA["fields"]]}
    begun = cpu()
    with tempfile.TemporaryDirectory() as place:
        budget = flip.Budget(os.path.join(place, "b"), epsilon=3, delta=1e-9, selection_delta=5e-10)
        found = flip.remote.release_domain(folder, sketch, budget, share=0.3)
    say(what="domain", rows=found.report["rows"], cpu_s=round(cpu() - begun, 2), peak_mb=round(peak()))


def session():
    from pyspark.sql import SparkSession
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    return (SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
            .config("spark.driver.memory", "1g").getOrCreate())


def asked(engine):
    """The first ask of a training on an engine."""
    found = []

    class First:
        parts = staticmethod(engine.parts)

        def sums(self, ask):
            found.append(ask)
            raise Enough

    try:
        flip.remote.train(First(), the_plan(), progress=False)
    except Enough:
        pass
    return found[0]


def spark(folder, turns=5):
    import flip.spark
    s = session()
    frame = s.read.parquet(folder)
    engine = flip.spark._Frame(frame, flip.Schema(SCHEMA).names)
    ask, rows = asked(engine), 0

    def empty(batches):
        n = sum(batch.num_rows for batch in batches)
        yield pyarrow.RecordBatch.from_pydict({"n": pyarrow.array([n])})

    def of(work):
        begun = family_cpu()
        return work(), family_cpu() - begun

    past_spark = flip.spark._FilesOf(frame, flip.Schema(SCHEMA).names)
    passes = {"empty": lambda: sum(row["n"] for row in engine.df.mapInArrow(empty, "n long").collect()),
              "flip": lambda: len(list(engine.sums(ask))),
              "files": lambda: len(list(past_spark.sums(asked(past_spark))))}
    taken = {name: [] for name in passes}
    for turn in range(turns):
        for name, work in passes.items():
            count, seconds = of(work)
            taken[name].append(seconds)
            rows = count if name == "empty" else rows
        say(what="spark pass", turn=turn, rows=rows, **{name + "_cpu_s": round(s[-1], 2) for name, s in taken.items()})
    later = {name: sum(seconds[1:]) for name, seconds in taken.items()}        # the first turn warms Java up
    say(what="spark passes", turns=turns - 1, rows=rows, ratio=round(later["flip"] / later["empty"], 3),
        files_ratio=round(later["files"] / later["empty"], 3))
    s.stop()


def sample(folder, rows):
    import flip.spark
    some = pyarrow.parquet.read_table(os.path.join(folder, "000.parquet")).slice(0, 20000)
    model = flip.train(flip.Table.from_arrow(some, SCHEMA),
                       flip.plan(SCHEMA, epsilon=2, delta=1e-6, preset="published",
                                 config={"threads": 1, "autoencoder": {"steps": 50}, "diffusion": {"steps": 50}}),
                       progress=False)
    begun = cpu()
    for at in range(0, rows, 8192):
        model.sample(min(8192, rows - at), seed=1, first=at, threads=1)
    one = (cpu() - begun) / rows
    s = session()

    def job(n, parts):
        begun = family_cpu()
        flip.spark.sample(s, model, n, seed=1, parts=parts).write.mode("overwrite").parquet(folder + "-sampled")
        return family_cpu() - begun

    job(50_000, 8)                                              # Java warms up, and workers start
    few, all_ = job(rows // 10, 8), job(rows, 8)
    say(what="sample", rows=rows, one_process_us=round(1e6 * one, 1), spark_us=round(1e6 * all_ / rows, 1),
        spark_us_each_further=round(1e6 * (all_ - few) / (rows - rows // 10), 1))
    s.stop()


def wide_rows(n=60_000):
    """A schema of 200 columns and made-up rows."""
    fields = [{"name": f"c{k}", "type": "number", "constraints": {"minimum": 0, "maximum": 1}} if k % 4 == 0 else
              {"name": f"c{k}", "type": "integer", "constraints": {"minimum": 0, "maximum": (120, 7, 29)[k % 4 - 1]}}
              for k in range(200)]
    r = numpy.random.default_rng(0)
    return {"fields": fields}, pyarrow.table({f["name"]: r.random(n) if f["type"] == "number" else
                                              r.integers(0, f["constraints"]["maximum"] + 1, n) for f in fields})


def wide_plan(schema):
    return flip.plan(schema, epsilon=50, delta=1e-6, config={"threads": 1})


def wide():
    (schema, rows), n = wide_rows(), 60_000

    class Six:
        def parts(self):
            return 6

        def sums(self, ask):
            parts = [flip.remote.part_sums(ask, k, rows.slice(k * n // 6, n // 6)) for k in range(6)]
            begun = cpu()
            flip.remote.merge(ask, parts)
            say(what="wide", stage=flip.remote.ask_info(ask)["stage"], mb=round(len(parts[0]) / 1e6, 1),
                six_added_cpu_s=round(cpu() - begun, 2))
            yield from parts
            if flip.remote.ask_info(ask)["stage"] == "marginals":
                raise Enough

    try:
        flip.remote.train(Six(), wide_plan(schema), progress=False)
    except Enough:
        pass


def wide_spark():
    """The same six parts on Spark, whose driver has 1 GB of heap: added up slice by slice where they are large."""
    import flip.spark
    schema, rows = wide_rows()
    s = session()
    with tempfile.TemporaryDirectory() as folder:
        for k in range(6):
            pyarrow.parquet.write_table(rows.slice(k * 10_000, 10_000), os.path.join(folder, f"{k}.parquet"))
        engine = flip.spark._Frame(s.read.parquet(folder).repartition(6), flip.Schema(schema).names)

        class Six:
            parts = staticmethod(engine.parts)

            def sums(self, ask):
                info, begun = flip.remote.ask_info(ask), family_cpu()
                yield from engine.sums(ask)
                say(what="wide on Spark", stage=info["stage"], mb=round(8 * info["words"] / 1e6, 1),
                    slices=info["slices"], cpu_s=round(family_cpu() - begun, 2), peak_mb=round(peak()))
                if info["stage"] == "marginals":
                    raise Enough

        try:
            flip.remote.train(Six(), wide_plan(schema), progress=False)
        except Enough:
            pass
        s.stop()


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("what", choices=("files", "spark", "sample", "domain", "wide", "wide-spark"))
    p.add_argument("folder", nargs="?", default="/tmp/flip-scale")
    p.add_argument("--rows", type=int, default=8_000_000)
    a = p.parse_args()
    if not a.what.startswith("wide"):
        fill(a.folder, a.rows)
    {"files": lambda: files(a.folder), "spark": lambda: spark(a.folder), "wide": wide, "wide-spark": wide_spark,
     "domain": lambda: domain(a.folder), "sample": lambda: sample(a.folder, min(a.rows, 1_000_000))}[a.what]()


if __name__ == "__main__":
    main()
