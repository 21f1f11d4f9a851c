#!/usr/bin/env python3
"""A table of any size in bounded memory: CSV streamed to HDF5, checked on the way, then trained on.

    python3 large.py [--rows 5000000] [--folder DIR]

Makes up a CSV file of 15 columns in blocks, converts it in batches, trains the preset "best" on the HDF5 file and
samples. Each step runs in a process of its own and its peak memory is printed beside what the process had before, one
JSON object a line. Needs numpy to make up the rows.
"""
import argparse, json, os, resource, subprocess, sys, tempfile, time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "Benchmarks"))

CONFIG = {"autoencoder": {"steps": 500}, "diffusion": {"enabled": False}}


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def make(folder, rows):
    import csv_peers
    csv_peers.write(os.path.join(folder, "rows.csv"), rows)
    with open(os.path.join(folder, "schema.json"), "w", encoding="utf-8") as file:
        json.dump(csv_peers.schema(), file)


def convert(folder, rows):
    import flip
    before = peak()
    flip.convert(os.path.join(folder, "rows.csv"), os.path.join(folder, "rows.h5"),
                 schema=os.path.join(folder, "schema.json"))
    return before


def train(folder, rows):
    import flip
    before = peak()
    table = flip.Table.read_hdf5(os.path.join(folder, "rows.h5"))
    plan = flip.plan(table.schema, epsilon=1, delta=1e-8, preset="best", config={**CONFIG, "rows": {"declared": rows}})
    print(json.dumps({"table_mb": round(peak() - before, 1), "memory_foreseen_mb": round(plan.memory(rows) / 1e6, 1)}),
          flush=True)
    flip.train(table, plan, progress=False).save(os.path.join(folder, "model.flip.h5"))
    return before


def sample(folder, rows):
    import flip
    before = peak()
    model = flip.load(os.path.join(folder, "model.flip.h5"))
    for first in range(0, rows, 1_000_000):      # in pieces of one endless table: memory does not grow with the rows
        piece = os.path.join(folder, f"synthetic-{first}.h5")
        model.sample(min(1_000_000, rows - first), seed=1, first=first).write_hdf5(piece)
        os.unlink(piece)
    return before


def main():
    p = argparse.ArgumentParser(description="a large table in bounded memory")
    p.add_argument("--rows", type=int, default=5_000_000)
    p.add_argument("--folder")
    p.add_argument("--step", choices=("make", "convert", "train", "sample"), help=argparse.SUPPRESS)
    a = p.parse_args()
    if a.step:
        start, before = time.monotonic(), globals()[a.step](a.folder, a.rows) or 0
        return print(json.dumps({"step": a.step, "seconds": round(time.monotonic() - start, 1),
            "peak_mb": round(peak(), 1), "peak_before_mb": round(before, 1)}))
    with tempfile.TemporaryDirectory() as scratch:
        folder = a.folder or scratch
        for step in ("make", "convert", "train", "sample"):
            done = subprocess.run([sys.executable, os.path.abspath(__file__), "--rows", str(a.rows), "--folder", folder,
                                   "--step", step])
            if done.returncode:
                sys.exit(done.returncode)
            if step == "make":
                print(json.dumps({"rows": a.rows,
                    "csv_mb": round(os.path.getsize(os.path.join(folder, "rows.csv")) / 1e6, 1)}), flush=True)


if __name__ == "__main__":
    main()
