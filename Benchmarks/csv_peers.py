#!/usr/bin/env python3
"""Reading a CSV file or Arrow batches: ours beside polars, pyarrow and pandas, on one core, one JSON object.

    python3 Benchmarks/csv_peers.py [--rows 500000] [--times 1] [--rounds 5] [--arrow]     needs numpy; --arrow pyarrow
        [--csv TABLE.csv --schema SCHEMA.json] [--only ours polars]

A made-up table of 15 columns (levels, whole numbers, decimals, reals, dates, moments, booleans, gaps), or that of
--csv; --times repeats its rows. Contestants take turns, each in a process that may use one core and has read a short
file before; a figure is the median of the rounds in MB of file per second of processor time, which a busy machine
disturbs least. What they do differs: ours checks every cell against a schema and keeps codes; the others guess types
and keep texts, polars_typed is told the types (dates and moments included, levels as categoricals). --arrow: the same
rows from a file of Arrow batches, texts as texts, where the others keep what is there. *_peak_mb is the process's peak
memory beyond what importing took, in 10^6 bytes. What this is not: a test. Nothing fails on a slow machine.
"""
import argparse, json, os, shutil, statistics, subprocess, sys, tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)

LEVELS = {
    "workclass": ["Federal-gov", "Local-gov", "Never-worked", "Private", "Self-emp-inc", "Self-emp-not-inc",
                  "State-gov", "Without-pay"],
    "education": ["10th", "11th", "12th", "7th-8th", "9th", "Assoc-acdm", "Assoc-voc", "Bachelors", "Doctorate",
                  "HS-grad", "Masters", "Preschool",
                  "Prof-school", "Some-college"],
    "sex": ["Female", "Male"],
    "country": [f"country of birth {k}" for k in range(40)],
    "ward": ["cardiology", "general medicine", "intensive care", "maternity", "neurology", "oncology", "orthopaedics",
             "surgery"],
}
GAPS = ("workclass", "hours", "bmi", "seen")


def schema():
    def field(name, kind, required=True, **rules):
        return {"name": name, "type": kind,
            "constraints": {**rules, **({"required": True} if name not in GAPS else {})}}
    return {"fields": [
        field("age", "integer", minimum=0, maximum=120), field("workclass", "string", enum=LEVELS["workclass"]),
        field("weight", "integer", minimum=0, maximum=2_000_000),
        field("education", "string", enum=LEVELS["education"]),
        field("hours", "integer", minimum=0, maximum=100), field("capital", "integer", minimum=0, maximum=100_000),
        field("sex", "string", enum=LEVELS["sex"]), field("country", "string", enum=LEVELS["country"]),
        field("income", "number", minimum=0, maximum=1_000_000, multipleOf=.01),
        field("bmi", "number", minimum=0, maximum=80),
        field("joined", "date", minimum="1990-01-01", maximum="2029-12-31"),
        field("seen", "datetime", minimum="2020-01-01T00:00:00Z", maximum="2029-12-31T23:59:59Z", multipleOf=1),
        field("member", "boolean"), field("ward", "string", enum=LEVELS["ward"]),
        field("score", "number", minimum=0, maximum=10, multipleOf=.1)]}


def write(path, rows, seed=1, block=100_000):
    """The table as CSV, in blocks: memory does not grow with the rows."""
    import numpy
    r = numpy.random.default_rng(seed)
    names = [f["name"] for f in schema()["fields"]]
    day = numpy.datetime64("1990-01-01")
    with open(path, "w", encoding="utf-8") as file:
        file.write(",".join(names) + "\n")
        for start in range(0, rows, block):
            n = min(block, rows - start)
            c = {name: r.choice(levels, n) for name, levels in LEVELS.items()}
            c.update(age=r.integers(17, 91, n).astype(str), weight=r.integers(12_000, 1_500_000, n).astype(str),
                     hours=r.integers(1, 100, n).astype(str),
                     capital=(r.integers(0, 100_000, n) * (r.random(n) < .1)).astype(str),
                     income=[f"{x / 100:.2f}" for x in r.integers(0, 20_000_000, n)],
                     bmi=[repr(x) for x in (15 + 30 * r.random(n)).round(4).tolist()],
                     joined=(day + r.integers(0, 12_000, n).astype("timedelta64[D]")).astype(str),
                     seen=(numpy.datetime64("2020-01-01T00:00:00")
                           + r.integers(0, 300_000_000, n).astype("timedelta64[s]")).astype(str),
                     member=numpy.where(r.random(n) < .5, "true", "false"),
                     score=[f"{x / 10:.1f}" for x in r.integers(0, 101, n)])
            for name in GAPS:
                c[name] = numpy.where(r.random(n) < .05, "", c[name])
            file.writelines(",".join(line) + "\n" for line in zip(*(c[name] for name in names)))


def repeat(path, rows, times):
    """Writes the lines of `path` behind its header so many times."""
    with open(path, "rb") as file, open(rows, "wb") as out:
        out.write(file.readline())
        body = file.read()
        for _ in range(times):
            out.write(body)


def arrow(table, path):
    """The rows of a CSV file as a file of Arrow batches, block by block."""
    import pyarrow
    import pyarrow.csv
    kinds = {"integer": pyarrow.int64(), "number": pyarrow.float64(), "boolean": pyarrow.bool_(),
             "date": pyarrow.date32(), "datetime": pyarrow.timestamp("us"), "string": pyarrow.string()}
    types = {f["name"]: kinds[f["type"]] for f in the_schema(table)["fields"]}
    options = pyarrow.csv.ConvertOptions(column_types=types, null_values=[""], strings_can_be_null=True)
    with pyarrow.csv.open_csv(table, convert_options=options) as source, pyarrow.OSFile(path, "wb") as file, \
            pyarrow.ipc.new_file(file, source.schema) as out:
        for batch in source:
            out.write_batch(batch)


def the_schema(path):
    """That beside the table where there is one, or the made-up table's."""
    beside = os.path.splitext(path)[0] + ".schema.json"
    if not os.path.exists(beside):
        return schema()
    with open(beside, encoding="utf-8") as file:
        return json.load(file)


def reader(who, path):
    """What reads a file, and whether it is one of Arrow batches."""
    known, is_arrow = the_schema(path), path.endswith(".arrow")
    if who == "ours":
        sys.path.insert(0, os.path.join(ROOT, "bindings", "python"))
        import flip
        domain = flip.Schema(known)
        if not is_arrow:
            return lambda path: flip.Table.read_csv(path, domain)
        import pyarrow
        return lambda path: flip.Table.from_arrow(_Batches(pyarrow, path), domain)
    if who == "pyarrow":
        import pyarrow
        import pyarrow.csv
        pyarrow.set_cpu_count(1)
        return (lambda path: pyarrow.ipc.open_file(pyarrow.OSFile(path)).read_all()) if is_arrow \
            else pyarrow.csv.read_csv
    if who == "pandas":
        import pandas
        return pandas.read_csv
    import polars
    kinds = {"integer": polars.Int64, "number": polars.Float64, "boolean": polars.Boolean, "date": polars.Date,
             "datetime": polars.Datetime, "string": polars.Categorical}
    types = {f["name"]: kinds[f["type"]] for f in known["fields"]} if who == "polars_typed" else None
    return (lambda path: polars.read_ipc(open(path, "rb"))) if is_arrow \
        else (lambda path: polars.read_csv(path, schema=types))


class _Batches:
    """A file's batches one after another, each read when it is asked for."""

    def __init__(self, pyarrow, path):
        file = pyarrow.ipc.open_file(pyarrow.OSFile(path))
        batches = (file.get_batch(k) for k in range(file.num_record_batches))
        self.reader = pyarrow.RecordBatchReader.from_batches(file.schema, batches)

    def __arrow_c_stream__(self, requested_schema=None):
        return self.reader.__arrow_c_stream__(requested_schema)


def read(who, path):
    """Reads the file once; seconds and peak memory in MB beyond the start."""
    from whole import peak_mb
    import time
    os.sched_setaffinity(0, [sorted(os.sched_getaffinity(0))[0]])
    os.environ["POLARS_MAX_THREADS"] = "1"
    run = reader(who, path)
    short = os.path.join(os.path.dirname(path), "short" + os.path.splitext(path)[1])
    run(short)
    with open(path, "rb") as file:
        while file.read(1 << 16):                # into the system's cache
            pass
    before = peak_mb()
    start = time.process_time()
    kept = run(path)
    seconds = time.process_time() - start
    print(json.dumps([seconds, peak_mb() - before, len(kept)]))


def main():
    p = argparse.ArgumentParser(description="reading CSV or Arrow: ours beside polars, pyarrow and pandas")
    p.add_argument("--rows", type=int, default=500_000)
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--times", type=int, default=1, help="repeats of the rows")
    p.add_argument("--csv", help="a table of yours")
    p.add_argument("--schema", help="its schema")
    p.add_argument("--arrow", action="store_true", help="from a file of Arrow batches")
    p.add_argument("--only", nargs="+", help="contestants")
    p.add_argument("--read", nargs=2, help=argparse.SUPPRESS)
    a = p.parse_args()
    if a.read:
        return read(*a.read)
    with tempfile.TemporaryDirectory() as folder:
        once, path = a.csv or os.path.join(folder, "once.csv"), os.path.join(folder, "rows.csv")
        if not a.csv:
            write(once, a.rows)
        repeat(once, path, a.times)
        short = os.path.join(folder, "short.csv")
        with open(path, "rb") as file, open(short, "wb") as out:
            out.writelines(file.readline() for _ in range(200))
        for name in ("rows", "short") if a.csv else ():
            shutil.copy(a.schema, os.path.join(folder, name + ".schema.json"))
        if a.arrow:
            arrow(path, path[:-4] + ".arrow")
            arrow(short, short[:-4] + ".arrow")
            os.remove(path)
            path = path[:-4] + ".arrow"
        size, times, peaks = os.path.getsize(path) / 1e6, {}, {}
        for _ in range(a.rounds):
            for who in a.only or ("ours", "polars", "pyarrow") + (() if a.arrow else ("polars_typed", "pandas")):
                done = subprocess.run([sys.executable, os.path.abspath(__file__), "--read", who, path],
                                      capture_output=True, text=True)
                if done.returncode:
                    print(f"{who} skipped: {done.stderr.strip().splitlines()[-1]}", file=sys.stderr)
                    continue
                seconds, peak, count = json.loads(done.stdout)
                times.setdefault(who, []).append(seconds)
                peaks.setdefault(who, []).append(peak)
        speed = {who: size / statistics.median(t) for who, t in times.items()}
        line = {"file_mb": round(size, 1), "rows": count, "arrow": a.arrow,
                **{f"{who}_mb_per_s": round(v, 1) for who, v in speed.items()},
                **{f"{who}_peak_mb": round(statistics.median(v), 1) for who, v in peaks.items()}}
        for who in speed:
            if who != "ours" and "ours" in speed:
                line[f"ours_over_{who}"] = round(speed["ours"] / speed[who], 2)
        print(json.dumps(line))


if __name__ == "__main__":
    main()
