#!/usr/bin/env python3
"""Time and peak memory of the preset `best` beside AIM on private-pgm, for the same job, and how both grow with the
number of columns.

    python -m venv .venv-aim && .venv-aim/bin/pip install dpmm==0.1.9           # a Python of its own: dpmm holds NumPy
    and pandas at old versions make build && .venv-aim/bin/python Benchmarks/marginal_peers.py [--columns 15 60 200]
    [--rows 20000] [--limit 240] [--only best aim]

The job: a CSV file and its public schema in, a generator at ε = 2, δ = 10⁻⁵ trained on all pairs of columns, as many
synthetic rows as there were real ones. AIM (McKenna et al. 2022, arXiv 2201.12677) is that of dpmm with the package's
defaults, AIM's own limit of 80 MB on the model, one process, and 32 equal bins between the public bounds of a numerical
column, which cost it no budget; `best` with its defaults, which also allow 32 bins.

Tables: made-up ones with a fixed seed (five columns share a hidden number, all columns another; two of five are
numerical), and adult, when FLIP_DATA names a folder with adult_train.csv and adult.schema.json. Jobs run one after
another, each in a process of its own. `train_s` and `sample_s` are wall time without reading the file, `cpu_s`
processor time of the whole job (what a busy machine disturbs least), `peak_mb` the largest resident size of that
process (getrusage), `loaded_mb` what it had before training: interpreter, packages and table; `stages` of `best`:
seconds of each. A job that is not done at the limit is stopped and stands as "> limit". One JSON object a line, then a
plain table. What this is not: a judgement of quality, or a test; nothing fails on a slow machine.
"""
import argparse, csv, json, os, random, resource, signal, subprocess, sys, tempfile, time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
EPSILON, DELTA, BINS, MODEL_MB = 2.0, 1e-5, 32, 80
# of column j mod 5; values or levels
KINDS = [("integer", 100), ("string", 2), ("string", 6), ("number", 101), ("string", 12)]


def made_up(folder, rows, columns):
    """Writes `columns` related columns; returns the paths of CSV and schema."""
    r = random.Random(20_000 + columns)
    stem = os.path.join(folder, f"made-up-{columns}")
    fields, texts = [], []
    for j in range(columns):
        kind, n = KINDS[j % 5]
        if kind == "string":
            texts.append([f"v{k}" for k in range(n)])
            fields.append({"name": f"c{j}", "type": kind, "constraints": {"enum": texts[-1], "required": True}})
        elif kind == "integer":
            texts.append([str(k) for k in range(n)])
            fields.append({"name": f"c{j}", "type": kind,
                "constraints": {"minimum": 0, "maximum": n - 1, "required": True}})
        else:
            texts.append([f"{k / 10:.1f}" for k in range(n)])
            fields.append({"name": f"c{j}", "type": kind,
                "constraints": {"minimum": 0, "maximum": (n - 1) / 10, "multipleOf": .1, "required": True}})
    with open(stem + ".schema.json", "w", encoding="utf-8") as f:
        json.dump({"fields": fields}, f)
    with open(stem + ".csv", "w", encoding="utf-8", newline="") as f:
        out = csv.writer(f)
        out.writerow([x["name"] for x in fields])
        for _ in range(rows):
            common, row = r.gauss(0, .5), []
            for j, t in enumerate(texts):
                if j % 5 == 0:
                    hidden = common + r.gauss(0, .8)
                x = hidden * (1 if j % 2 else -1) + r.gauss(0, .6)
                row.append(t[min(len(t) - 1, max(0, int((x + 2.5) / 5 * len(t))))])
            out.writerow(row)
    return stem + ".csv", stem + ".schema.json"


# MARK: jobs, each in a process of its own

def megabytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def processor_seconds():
    u = resource.getrusage(resource.RUSAGE_SELF)
    return u.ru_utime + u.ru_stime


def job_best(path, schema):
    sys.path.insert(0, os.path.join(ROOT, "bindings", "python"))
    import flip
    table = flip.Table.read_csv(path, schema=schema)
    loaded, stages, start = megabytes(), {}, time.perf_counter()
    # flip.train, a step at a time
    with flip.Trainer(flip.plan(table.schema, epsilon=EPSILON, delta=DELTA, preset="best"), table) as trainer:
        stage, then, done = "histograms", start, False
        while not done:
            p = trainer.step(max_steps=1, max_seconds=0)
            now = time.perf_counter()
            stages[stage] = stages.get(stage, 0) + now - then
            stage, then, done = p.stage_name, now, p.done
        model = trainer.finish()
    trained = time.perf_counter()
    rows = len(model.sample(len(table), seed=1))
    return dict(rows=rows, loaded_mb=loaded, train_s=trained - start, sample_s=time.perf_counter() - trained,
                stages={k: round(v, 2) for k, v in stages.items()})


def job_aim(path, schema):
    import warnings
    warnings.filterwarnings("ignore")
    import pandas as pd
    from dpmm.pipelines import AIMPipeline
    with open(schema, encoding="utf-8") as f:
        fields = json.load(f)["fields"]
    table = pd.read_csv(path, dtype={x["name"]: str for x in fields if x["type"] == "string"}, keep_default_na=False)
    domain = {}
    for x in fields:
        c = x["constraints"]
        if "enum" in c:
            table[x["name"]] = pd.Categorical(table[x["name"]], categories=c["enum"])
            domain[x["name"]] = {"categories": c["enum"]}
        else:
            domain[x["name"]] = {"lower": c["minimum"], "upper": c["maximum"]}
    loaded, start = megabytes(), time.perf_counter()
    aim = AIMPipeline(epsilon=EPSILON, delta=DELTA, max_model_size=MODEL_MB, n_jobs=1, proc_epsilon=None, n_bins=BINS)
    aim.fit(table, domain=domain, random_state=1)
    trained = time.perf_counter()
    rows = len(aim.generate(n_records=len(table), random_state=1))
    return dict(rows=rows, loaded_mb=loaded, train_s=trained - start, sample_s=time.perf_counter() - trained)


JOBS = {"best": job_best, "aim": job_aim}


def run(tool, path, schema, limit):
    """Figures of one job; `seconds` is None when it was stopped or failed."""
    child = subprocess.Popen([sys.executable, os.path.abspath(__file__), "--job", tool, path, schema],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             text=True, start_new_session=True)
    try:
        out, err = child.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        peak, used = so_far(child.pid)
        os.killpg(child.pid, signal.SIGKILL)
        child.communicate()
        return {"stopped_at_s": limit, "cpu_s": used, "peak_mb": peak}
    if child.returncode:
        return {"failed": (err.strip().splitlines() or ["no message"])[-1][:300], "exit": child.returncode}
    line = json.loads(out.strip().splitlines()[-1])
    return {k: round(v, 1) if isinstance(v, float) else v for k, v in line.items()}


def so_far(pid):
    """Largest resident size in MB and processor seconds of a process that still runs; None where the system does not
    say."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as f:
            peak = next(round(int(x.split()[1]) / 1024, 1) for x in f if x.startswith("VmHWM"))
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
            x = f.read().rpartition(")")[2].split()
        return peak, round((int(x[11]) + int(x[12])) / os.sysconf("SC_CLK_TCK"), 1)
    except (OSError, StopIteration):
        return None, None


def cells(r):
    """Time and memory of one result as texts."""
    if "failed" in r:
        return "failed", "", "", "", ""
    text = lambda x: "?" if x is None else f"{x:.0f}"
    if "stopped_at_s" in r:
        return f"> {r['stopped_at_s']:.0f}", "", f"> {text(r['cpu_s'])}", f"> {text(r['peak_mb'])}", ""
    return f"{r['train_s']:.1f}", f"{r['sample_s']:.1f}", text(r["cpu_s"]), text(r["peak_mb"]), text(r["loaded_mb"])


def main():
    p = argparse.ArgumentParser(description="time and peak memory of the preset best beside AIM")
    p.add_argument("--columns", nargs="*", type=int, default=[15, 60, 200], help="of the made-up tables")
    p.add_argument("--rows", type=int, default=20_000)
    p.add_argument("--limit", type=float, default=240, metavar="S", help="seconds of one job")
    p.add_argument("--only", nargs="+", default=list(JOBS), choices=list(JOBS))
    p.add_argument("--no-adult", action="store_true")
    p.add_argument("--job", nargs=3, metavar=("TOOL", "CSV", "SCHEMA"), help=argparse.SUPPRESS)
    a = p.parse_args()
    if a.job:
        figures = JOBS[a.job[0]](*a.job[1:])
        print(json.dumps({**figures, "cpu_s": processor_seconds(), "peak_mb": megabytes()}))
        return
    tools = a.only
    if "aim" in tools and subprocess.run([sys.executable, "-c", "import dpmm"], capture_output=True).returncode:
        print("marginal_peers: AIM skipped: this Python has no dpmm; see the top of this file", file=sys.stderr)
        tools = [t for t in tools if t != "aim"]
    results = []
    with tempfile.TemporaryDirectory() as folder:
        tables = [(f"made up, {m} columns", m, *made_up(folder, a.rows, m)) for m in a.columns]
        data = os.environ.get("FLIP_DATA")
        if data and not a.no_adult:
            tables.insert(0, ("adult", 15, os.path.join(data, "adult_train.csv"),
                              os.path.join(data, "adult.schema.json")))
        for name, columns, path, schema in tables:
            for tool in tools:
                figures = run(tool, path, schema, a.limit)
                results.append((name, tool, figures))
                print(json.dumps({"table": name, "columns": columns, "tool": tool,
                    "processors": len(os.sched_getaffinity(0)),
                                  "load": round(os.getloadavg()[0], 1), **figures}), flush=True)
    lines = [("table", "tool", "train, s", "sample, s", "processor, s", "peak, MB", "of it before training, MB")]
    lines += [(name, tool, *cells(figures)) for name, tool, figures in results]
    widths = [max(len(x[i]) for x in lines) for i in range(len(lines[0]))]
    print()
    for x in lines:
        print("  ".join(t.ljust(w) if i < 2 else t.rjust(w) for i, (t, w) in enumerate(zip(x, widths))).rstrip())


if __name__ == "__main__":
    main()
