"""What the Python package itself costs: a data frame in and out, one call, the import. Prints a line of JSON each:
medians of several runs, of the time on the clock (value) and of the processor time (cpu), which a busy machine disturbs
less.

    PYTHONPATH=bindings/python python Benchmarks/python_host.py [--rows 1000000] [--repeats 5]

The frame has 15 columns of every type: six of text (objects and categories), four whole, two real, a boolean, a date, a
moment; a tenth of the cells of most is missing. arrow: what pyarrow, polars and duckdb hand over, for which those
packages are needed; they are left out where they are not installed. Nothing is trained.
"""
import argparse
import importlib.util
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time

import flip
from flip import _columns
import numpy
import pandas


def frame_of(rows, seed=1):
    r = numpy.random.default_rng(seed)
    levels = {f"t{k}": [f"level {i}" for i in range(n)] for k, n in enumerate((2, 5, 12, 40, 7, 100))}
    columns = {name: pandas.Series(r.choice(numpy.array(texts, object), rows)) for name, texts in levels.items()}
    columns |= {f"w{k}": pandas.Series(r.integers(0, n, rows)) for k, n in enumerate((100, 1000, 50, 20000))}
    columns |= {f"r{k}": pandas.Series(r.random(rows) * 100) for k in range(2)}
    columns["flag"] = pandas.Series(r.random(rows) < 0.5)
    columns["day"] = pandas.Series(numpy.datetime64("2020-01-01", "D")
                                   + r.integers(0, 3000, rows).astype("timedelta64[D]"))
    columns["moment"] = pandas.Series(numpy.datetime64("2020-01-01", "us")
                                      + r.integers(0, 10**14, rows).astype("timedelta64[us]"))
    for name in ("t1", "t2", "r1"):
        columns[name] = columns[name].mask(pandas.Series(r.random(rows) < 0.1))
    columns["w1"] = columns["w1"].astype("Int64").mask(pandas.Series(r.random(rows) < 0.1))
    for name in ("t4", "t5"):
        columns[name] = columns[name].astype("category")
    fields = [{"name": name, "type": "string", "constraints": {"enum": texts}} for name, texts in levels.items()]
    fields += [{"name": f"w{k}", "type": "integer", "constraints": {"minimum": 0, "maximum": n}} for k,
               n in enumerate((100, 1000, 50, 20000))]
    fields += [{"name": f"r{k}", "type": "number", "constraints": {"minimum": 0, "maximum": 100}} for k in range(2)]
    fields += [{"name": "flag", "type": "boolean"},
               {"name": "day", "type": "date", "constraints": {"minimum": "2020-01-01", "maximum": "2030-01-01"}},
               {"name": "moment", "type": "datetime",
                   "constraints": {"minimum": "2020-01-01", "maximum": "2030-01-01"}}]
    return pandas.DataFrame(columns), flip.Schema({"fields": fields})


def processor():
    """Seconds of processor time of this process and of the children it has waited for."""
    return time.process_time() + sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])


def median(work, repeats):
    """(on the clock, of the processor) in seconds."""
    times = []
    for _ in range(repeats):
        started, used = time.perf_counter(), processor()
        work()
        times.append((time.perf_counter() - started, processor() - used))
    return tuple(map(statistics.median, zip(*times)))


def say(what, seconds, unit, scale=1, **more):
    value, cpu = (float(f"{t * scale:.4g}") for t in seconds)
    print(json.dumps({"what": what, "value": value, "cpu": cpu, "unit": unit, **more}), flush=True)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--rows", type=int, default=1_000_000)
    p.add_argument("--repeats", type=int, default=5)
    a = p.parse_args()

    # A call: the least a host waits for the library. Many in a row, so that the clock does not count.
    schema = flip.Schema({"fields": [{"name": "x", "type": "integer", "constraints": {"minimum": 0, "maximum": 9}}]})
    table = flip.Table(flip._library.new("flip_table_create", schema._pointer, 1))
    x = numpy.zeros(1, numpy.int64)
    accountant = flip.Accountant()
    calls = {"rows": lambda: table.rows, "set one cell": lambda: _columns.set_int64(table._pointer, "x", x, None),
             "compose": lambda: accountant.compose(1.0, 0.0)}
    for name, call in calls.items():
        say(f"call: {name}", median(lambda: [call() for _ in range(2000)], max(a.repeats, 9)), "us", 1e6 / 2000)

    # The import, beside an interpreter that imports nothing.
    with tempfile.TemporaryDirectory() as folder:       # compiled once, as an installed package is
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p), "PYTHONPYCACHEPREFIX": folder}
        env.pop("PYTHONDONTWRITEBYTECODE", None)
        start = lambda code: median(lambda: subprocess.run([sys.executable, "-c", code], env=env, check=True), 15)
        start("import flip")
        empty, full = start("pass"), start("import flip")
    say("import", [f - e for f, e in zip(full, empty)], "ms", 1e3, interpreter=round(empty[0] * 1e3, 1))

    frame, schema = frame_of(a.rows)
    more = {"rows": a.rows, "columns": len(frame.columns)}
    say("from_pandas", median(lambda: flip.Table.from_pandas(frame, schema), a.repeats), "s", **more)
    table = flip.Table.from_pandas(frame, schema)
    say("to_pandas", median(table.to_pandas, a.repeats), "s", **more)
    there = {name for name in ("pyarrow", "polars", "duckdb") if importlib.util.find_spec(name)}
    if "pyarrow" in there:
        import pyarrow
        arrow = pyarrow.Table.from_pandas(frame, preserve_index=False)
        say("from_arrow, pandas", median(lambda: flip.Table.from_arrow(frame, schema), a.repeats), "s", **more)
        say("from_arrow, pyarrow", median(lambda: flip.Table.from_arrow(arrow, schema), a.repeats), "s", **more)
        say("to pyarrow", median(lambda: pyarrow.table(table), a.repeats), "s", **more)
        if "polars" in there:
            import polars
            ours = polars.from_arrow(arrow)
            say("from_arrow, polars", median(lambda: flip.Table.from_arrow(ours, schema), a.repeats), "s", **more)
            say("to polars", median(lambda: polars.DataFrame(table), a.repeats), "s", **more)
        if "duckdb" in there:
            import duckdb
            say("from_arrow, duckdb", median(lambda: flip.Table.from_arrow(duckdb.from_arrow(arrow), schema),
                                             a.repeats), "s", **more)


if __name__ == "__main__":
    main()
