#!/usr/bin/env python3
"""Whole jobs, each in a process of its own: a CSV file in, a generator trained, as many rows drawn, then more rows.

    python Benchmarks/whole.py TABLE.csv SCHEMA.json [--preset best] [--old CHECKOUT] [--rounds 3] [--seconds 2]

--old names another checkout whose library is built (build/lib and bindings/python): both builds then take turns on the
same file, and `times_faster` are the ratios of medians. One JSON object; `old` has the other build's figures:

    processor_s       of training and of as many rows, all threads (what a busy machine disturbs least)
    seconds           of the same by the clock
    train_s, stages   the part of processor_s that training took, and each stage of it (to a tenth of a second)
    rows_per_s        rows a second of processor time, drawn for at least --seconds
    peak_mb           largest resident size of the process in 10^6 bytes; loaded_mb of it were there before training

Privacy is (ε = 2, δ = 10⁻⁵), without fairness. bench.py and growth.py use what is here.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
RATIOS = ("processor_s", "seconds", "train_s", "peak_mb")


def peak_mb():
    """Largest resident size of this process so far; getrusage would add that of the process that started it."""
    with open("/proc/self/status", encoding="ascii", errors="replace") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM")) * 1024 / 1e6


def job(table, schema, preset, seconds):
    """The job itself; prints its figures."""
    import flip
    rows = flip.Table.read_csv(table, schema=schema)
    loaded, stages = peak_mb(), {}
    stage, clock, then = "histograms", time.monotonic(), time.process_time()

    def heard(progress):                                          # it names the stage of the step that comes next
        nonlocal stage, then
        now = time.process_time()
        stages[stage] = stages.get(stage, 0) + now - then
        stage, then = progress.stage_name, now

    began = then
    model = flip.train(rows, epsilon=2, delta=1e-5, preset=preset, progress=heard)
    trained = time.process_time()
    model.sample(len(rows), seed=1)
    ended, clock = time.process_time(), time.monotonic() - clock
    drawn, seed = 0, 1
    while time.process_time() - ended < seconds:
        seed += 1
        drawn += len(model.sample(len(rows), seed=seed))
    rate = drawn / (time.process_time() - ended) if drawn else None
    print(json.dumps({"rows": len(rows), "columns": len(rows.schema.fields), "processor_s": ended - began,
                      "seconds": clock, "train_s": trained - began, "rows_per_s": rate, "peak_mb": peak_mb(),
                      "loaded_mb": loaded, "stages": stages}))


def environment(checkout):
    """The environment in which `import flip` takes that checkout's package and library."""
    return {**os.environ, "PYTHONPATH": os.path.join(checkout, "bindings", "python"),
            "FLIP_LIB": os.path.join(checkout, "build", "lib", "libflip.so")}


def once(checkout, table, schema, preset, seconds):
    """The figures of one job with one build."""
    command = [sys.executable, os.path.abspath(__file__), table, schema, "--preset", preset, "--seconds", str(seconds),
               "--job"]
    run = subprocess.run(command, env=environment(checkout), stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(run.stdout.splitlines()[-1])


def medians(runs):
    """The median of each figure of several runs of one job."""
    middle = lambda name: statistics.median(r[name] for r in runs)
    figures = {name: round(middle(name), 2) for name in ("processor_s", "seconds", "train_s")}
    if runs[0]["rows_per_s"]:
        figures["rows_per_s"] = round(middle("rows_per_s"))
    figures.update({name: round(middle(name)) for name in ("peak_mb", "loaded_mb")})
    names = dict.fromkeys(name for r in runs for name in r["stages"])
    return {**figures, "stages": {n: round(statistics.median(r["stages"].get(n, 0) for r in runs), 2) for n in names}}


def in_turns(table, schema, preset="best", old=None, rounds=3, seconds=2.0):
    """Medians of `rounds` jobs with this checkout's build and, in turns, with the one in `old`."""
    new, before = [], []
    for _ in range(rounds):
        new.append(once(ROOT, table, schema, preset, seconds))
        if old:
            before.append(once(old, table, schema, preset, seconds))
    line = {"preset": preset, "rows": new[0]["rows"], "columns": new[0]["columns"], "rounds": rounds, **medians(new)}
    if old:
        line["old"] = was = medians(before)
        line["times_faster"] = {name: round(was[name] / line[name], 2) for name in RATIOS}
        if "rows_per_s" in was:
            line["times_faster"]["rows_per_s"] = round(line["rows_per_s"] / was["rows_per_s"], 1)
    return line


def main():
    p = argparse.ArgumentParser(description="time and memory of a whole job, beside another build's")
    p.add_argument("table")
    p.add_argument("schema")
    p.add_argument("--preset", default="best")
    p.add_argument("--old", metavar="CHECKOUT")
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--seconds", type=float, default=2.0)
    p.add_argument("--job", action="store_true", help=argparse.SUPPRESS)
    a = p.parse_args()
    if a.job:
        job(a.table, a.schema, a.preset, a.seconds)
    else:
        print(json.dumps(in_turns(a.table, a.schema, a.preset, a.old, a.rounds, a.seconds)))


if __name__ == "__main__":
    main()
