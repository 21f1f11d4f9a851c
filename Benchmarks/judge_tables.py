#!/usr/bin/env python3
"""Train on real tables, sample, have an outside judge score the synthetic rows; mean ± spread over seeds, with and without diffusion.

    FLIP_DATA=DIR FLIP_JUDGE=judge.py python Benchmarks/judge_tables.py [--tables adult compas law] [--seeds 1 2 3] [--out DIR]

DIR holds NAME_train.csv, NAME.schema.json and NAME.task.json ({"protected": [...]}). The judge is called as `judge.py NAME SYNTHETIC.csv --data DIR`
and prints a JSON object of figures as its last line. Both are outside this project; without them this skips aloud.

The figures read real rows: they are NOT PRIVATE, and a choice made by them is a choice made by looking at the rows. Defaults were fixed on public tables.
ε is recomputed from each model file when dp_accounting is there (examples/python/recompute_epsilon.py).
"""
import argparse, json, os, statistics, subprocess, sys, tempfile, time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
sys.path[:0] = [HERE, os.path.join(ROOT, "bindings", "python"), os.path.join(ROOT, "examples", "python")]
VARIANTS = {"diffusion": {}, "prior": {"diffusion": {"enabled": False}}}


def one(flip, data, judge, table, variant, seed, folder, quick):
    """Figures of one run."""
    with open(os.path.join(data, f"{table}.task.json"), encoding="utf-8") as f:
        protected = json.load(f)["protected"]
    rows = flip.Table.read_csv(os.path.join(data, f"{table}_train.csv"), schema=os.path.join(data, f"{table}.schema.json"))
    start = time.perf_counter()
    plan = flip.plan(rows.schema, protected=protected, epsilon=2.0, delta=1e-5, preset="published", config=VARIANTS[variant])
    model = flip.train(rows, plan, progress=sys.stderr.isatty())
    figures = {"train_seconds": time.perf_counter() - start}
    stem = os.path.join(folder, f"{table}-{variant}-{seed}")
    model.save(stem + ".flip.h5")
    start = time.perf_counter()
    model.sample(len(rows), seed=seed).to_csv(stem + ".csv")
    figures["sample_seconds"] = time.perf_counter() - start
    figures["epsilon"] = model.ledger["epsilon"]
    try:
        import recompute_epsilon
        figures["epsilon_recomputed"] = max(recompute_epsilon.recompute(recompute_epsilon.read(stem + ".flip.h5")).values())
    except ImportError:
        print("judge_tables: dp_accounting or h5py missing: ε not recomputed", file=sys.stderr)
    run = subprocess.run([sys.executable, judge, table, stem + ".csv", "--data", data] + ["--quick"] * quick, capture_output=True, text=True)
    if run.returncode:
        sys.exit(f"judge_tables: the judge failed on {stem}.csv\n{run.stderr}")
    figures.update(json.loads(run.stdout.strip().splitlines()[-1]))
    return figures


def main():
    p = argparse.ArgumentParser(description="mean ± half the range of an outside judge's figures, over seeds")
    p.add_argument("--tables", nargs="+", default=["adult", "compas", "law"])
    p.add_argument("--variants", nargs="+", default=list(VARIANTS), choices=list(VARIANTS))
    p.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3])
    p.add_argument("--quick", action="store_true", help="pass --quick to the judge")
    p.add_argument("--out", metavar="DIR", help="keep synthetic tables and models here")
    a = p.parse_args()
    data, judge = os.environ.get("FLIP_DATA"), os.environ.get("FLIP_JUDGE")
    if not data or not judge or not os.path.exists(judge):
        print("judge_tables: SKIPPED: set FLIP_DATA (a folder of tables) and FLIP_JUDGE (a script that scores them)")
        return
    import flip
    with tempfile.TemporaryDirectory() as scratch:
        folder = a.out or scratch
        os.makedirs(folder, exist_ok=True)
        for table in a.tables:
            for variant in a.variants:
                runs = []
                for seed in a.seeds:
                    runs.append(one(flip, data, judge, table, variant, seed, folder, a.quick))
                    print(json.dumps({"table": table, "variant": variant, "seed": seed, **runs[-1]}), file=sys.stderr, flush=True)
                print(f"\n{table}, {variant}, {len(runs)} runs (NOT PRIVATE: scored against real rows)")
                for k in runs[0]:
                    x = [r[k] for r in runs if k in r]
                    print(f"  {k:<20}{statistics.mean(x):>10.4f} ± {(max(x) - min(x)) / 2:.4f}", flush=True)


if __name__ == "__main__":
    main()
