#!/usr/bin/env python3
"""How time and memory grow: with the rows that are generated, and with the columns that are learned.

    python Benchmarks/growth.py rows [--rows 10000000] [--csv TABLE.csv --schema S.json --protected COLUMN]
        [--keep MODEL]
    python Benchmarks/growth.py columns [--columns 15 60 200 500] [--rows 20000] [--old CHECKOUT]

rows: a model of the preset best writes so many rows straight to Parquet (Model.stream, pyarrow), to CSV and to HDF5
(flip sample), each in a process of its own. One line each: processor seconds of all threads, rows a processor second,
peak memory. Without --csv the table is made up. columns: trains the preset best on made-up tables (those of
Benchmarks/marginal_peers.py) and generates as many rows, with this build and, where --old names another checkout, with
that one's in turns. One line each, as Benchmarks/whole.py says. Memory is in MB of 10^6 bytes.
"""
import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time

import whole

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
sys.path[:0] = [HERE, os.path.join(ROOT, "bindings", "python")]
FLIP = os.path.join(ROOT, "build", "bin", "flip")


def measured(command):
    """(processor seconds, seconds by the clock, peak MB) of a child; it must succeed."""
    began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    process = subprocess.Popen(command)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{command[0]}: ended with {status}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu, time.monotonic() - began, used.ru_maxrss * 1024 / 1e6


def a_model(path, csv, schema, protected):
    import flip
    if csv:
        table = flip.Table.read_csv(csv, schema)
    else:
        from pages import made
        import numpy
        frame, schema = made(15, 20_000, numpy.random.default_rng(1))
        table, protected = flip.Table.from_pandas(frame, schema), "column 1"
    flip.train(table, protected=[protected] if protected else [], epsilon=2, delta=1e-6, preset="best",
               progress=False).save(path)


def to_parquet(model, rows, path):
    import flip
    import pyarrow
    import pyarrow.parquet
    reader = pyarrow.RecordBatchReader.from_stream(flip.load(model).stream(rows, seed=1))
    with pyarrow.parquet.ParquetWriter(path, reader.schema) as writer:
        for batch in reader:
            writer.write_batch(batch)


def rows(a):
    with tempfile.TemporaryDirectory() as folder:
        model = a.keep or os.path.join(folder, "m.h5")
        if not os.path.exists(model):
            # In a process of its own: the largest size of this one would count as that of its children.
            measured([sys.executable, os.path.abspath(__file__), "model", model, a.csv or "", a.schema or "",
                      a.protected or ""])
        for kind in ("parquet", "csv", "h5"):
            out = os.path.join(folder, "rows." + kind)
            command = [FLIP, "sample", model, "--rows", str(a.rows), "--seed", "1", "--out", out, "--quiet"]
            if kind == "parquet":
                command = [sys.executable, os.path.abspath(__file__), "parquet", model, str(a.rows), out]
            cpu, clock, peak = measured(command)
            print(json.dumps({"to": kind, "rows": a.rows, "processor_seconds": round(cpu, 1),
                              "seconds": round(clock, 1), "rows_per_processor_second": round(a.rows / cpu),
                              "peak_mb": round(peak), "file_mb": round(os.path.getsize(out) / 1e6)}), flush=True)
            os.remove(out)


def columns(a):
    from marginal_peers import made_up
    with tempfile.TemporaryDirectory() as folder:
        for width in a.columns:
            table, schema = made_up(folder, a.rows, width)
            print(json.dumps(whole.in_turns(table, schema, old=a.old, rounds=1, seconds=0)), flush=True)
            os.remove(table)


def main():
    if sys.argv[1:2] == ["model"]:
        return a_model(*sys.argv[2:])
    if sys.argv[1:2] == ["parquet"]:
        return to_parquet(sys.argv[2], int(sys.argv[3]), sys.argv[4])
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("what", choices=["rows", "columns"])
    p.add_argument("--rows", type=int)
    p.add_argument("--columns", type=int, nargs="+", default=[15, 60, 200, 500])
    p.add_argument("--csv")
    p.add_argument("--schema")
    p.add_argument("--protected")
    p.add_argument("--keep")
    p.add_argument("--old", metavar="CHECKOUT")
    a = p.parse_args()
    a.rows = a.rows or (10_000_000 if a.what == "rows" else 20_000)
    rows(a) if a.what == "rows" else columns(a)


if __name__ == "__main__":
    main()
