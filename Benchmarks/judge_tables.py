#!/usr/bin/env python3
"""Train on real tables, sample, have an outside judge score the synthetic rows; mean ± spread over seeds, variant
beside variant.

    FLIP_DATA=DIR FLIP_JUDGE=judge.py python Benchmarks/judge_tables.py [--tables adult compas law]
        [--variants strength-0 default] [--seeds 1 2 3] [--protected COLUMN] [--preset P] [--epsilon E]
        [--config JSON] [--set NAME=JSON ...] [--stages] [--quick | --native] [--out DIR]

DIR holds NAME_train.csv, NAME_test.csv, NAME.schema.json and NAME.task.json ({"protected": [...]}). The judge is called
as `judge.py NAME SYNTHETIC.csv --data DIR` and prints a JSON object of figures as its last line. Both are outside this
project; without them this skips aloud. --native scores with flip.evaluate() instead, which needs no judge, takes a
tenth of the time and defines the same figures (docs/EVALUATION.md).

A variant is one of
    default        the preset as it is
    diffusion      without fairness, with the latent diffusion
    prior          without fairness and without the latent diffusion
    strength-S     fairness strength S
    shuffled       strength 0, then the protected column of the synthetic rows shuffled
    balanced, proportional, equalised, reweight
                   default strength with that sampling, calibration or weight
or a name given with --set NAME=JSON. The first variant is what the others are compared with: differences of *_auc,
relative changes of *_dpd and *_eod, and their mean over all tables at the end.

--stages scores the rows of each stage as well, where networks learned free rows (projection, autoencoder, diffusion;
the figures without a name are those of the finished generator), to see which one loses what, and adds its effective
sample size, acceptance rate and share of distinct rows.

The figures read real rows: they are NOT PRIVATE, and a choice made by them is a choice made by looking at the rows.
Defaults were fixed on public tables. ε is recomputed from each model file when dp_accounting is there
(examples/python/recompute_epsilon.py).
"""
import argparse, csv, json, os, random, statistics, subprocess, sys, tempfile, time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
sys.path[:0] = [HERE, os.path.join(ROOT, "bindings", "python"), os.path.join(ROOT, "examples", "python")]
PLAIN = {"fairness": {"strength": 0}}
VARIANTS = {
    "default": {},
    "diffusion": PLAIN,
    "prior": {**PLAIN, "diffusion": {"enabled": False}},
    "shuffled": PLAIN,
    "balanced": {"fairness": {"sampling": "balanced"}},
    "proportional": {"fairness": {"sampling": "proportional"}},
    "equalised": {"fairness": {"sampling": "balanced", "calibration": "equalised"}},
    "reweight": {"fairness": {"sampling": "balanced", "reweight": True}},
}
STAGE_FIGURES = ("tvd1", "tvd2", "target_auc", "tasks_auc", "target_dpd", "tasks_dpd")
DISPARITIES = ("target_dpd", "target_eod", "tasks_dpd", "tasks_eod")


def merged(a, b):
    """b over a, section by section."""
    return {k: merged(a[k], b[k]) if isinstance(a.get(k), dict) and isinstance(b.get(k), dict) else b.get(k, a.get(k))
        for k in {**a, **b}}


def config_of(variant):
    if variant.startswith("strength-"):
        return {"fairness": {"strength": float(variant.split("-", 1)[1])}}
    return VARIANTS[variant]


def folder_with(data, table, protected, scratch):
    """The tables' folder, or one in which another column is the protected one."""
    if protected is None:
        return data
    made = os.path.join(scratch, f"{table}-{protected}")
    os.makedirs(made, exist_ok=True)
    for name in os.listdir(data):
        if not os.path.lexists(os.path.join(made, name)):
            os.symlink(os.path.join(os.path.abspath(data), name), os.path.join(made, name))
    path = os.path.join(made, f"{table}.task.json")
    with open(path, encoding="utf-8") as f:
        task = json.load(f)
    os.remove(path)
    with open(path, "w", encoding="utf-8") as f:
        json.dump({**task, "protected": [protected]}, f)
    return made


def shuffle(path, column, seed):
    with open(path, encoding="utf-8", newline="") as f:
        head, *rows = list(csv.reader(f))
    j = head.index(column)
    values = [r[j] for r in rows]
    random.Random(seed).shuffle(values)
    for r, v in zip(rows, values):
        r[j] = v
    with open(path, "w", encoding="utf-8", newline="") as f:
        csv.writer(f).writerows([head] + rows)


def one(flip, data, judge, table, variant, seed, folder, a):
    """Figures of one run."""
    with open(os.path.join(data, f"{table}.task.json"), encoding="utf-8") as f:
        protected = json.load(f)["protected"]
    rows = flip.Table.read_csv(os.path.join(data, f"{table}_train.csv"),
                               schema=os.path.join(data, f"{table}.schema.json"))
    start = time.perf_counter()
    config = merged(merged(a.config, config_of(variant)), {"seed": seed})
    plan = flip.plan(rows.schema, protected=protected, epsilon=a.epsilon, delta=1e-5, preset=a.preset, config=config)
    model = flip.train(rows, plan, progress=sys.stderr.isatty())
    figures = {"train_seconds": time.perf_counter() - start}
    stem = os.path.join(folder, f"{table}-{variant}-{seed}")
    model.save(stem + ".flip.h5")
    start = time.perf_counter()
    model.sample(len(rows), seed=seed).to_csv(stem + ".csv")
    figures["sample_seconds"] = time.perf_counter() - start
    if variant == "shuffled":
        shuffle(stem + ".csv", protected[0], seed)
    ledger = model.ledger
    figures["epsilon"] = ledger["spent"]
    steps = next((r for r in ledger["releases"] if r["name"] in ("autoencoder", "finetuning") and "groups" in r), None)
    if steps and len(steps["groups"]) > 1:
        largest = max(model.info["groups"]["rows"].items(), key=lambda x: x[1])[0]
        figures["largest_group_noise"] = steps["groups"][largest]["noise_multiplier"]
        figures["least_epsilon"] = min(ledger["groups"].values())
    elif steps:
        figures["noise"] = next(iter(steps["groups"].values()))["noise_multiplier"]
    try:
        import recompute_epsilon
        figures["epsilon_recomputed"] = max(recompute_epsilon.recompute(recompute_epsilon.read(stem
            + ".flip.h5")).values())
    except ImportError:
        print("judge_tables: dp_accounting or h5py missing: ε not recomputed", file=sys.stderr)
    score = (lambda path: measured(flip, table, path, data)) if a.native else (lambda path: judged(judge, table, path,
        data, a.quick))
    figures.update(score(stem + ".csv"))
    if a.stages:
        figures.update(model.info.get("rake", {}))
        for stage in ("projection", "autoencoder", "diffusion"):
            path = f"{stem}-{stage}.csv"
            try:
                model.sample(len(rows), seed=seed, stage=stage).to_csv(path)
            except flip.ArgumentError:                       # networks that learned from private rows alone
                continue
            figures.update({f"{stage}_{k}": v for k, v in score(path).items() if k in STAGE_FIGURES})
    return figures


def judged(judge, table, path, data, quick):
    run = subprocess.run([sys.executable, judge, table, path, "--data", data] + ["--quick"] * quick,
                         capture_output=True, text=True)
    if run.returncode:
        sys.exit(f"judge_tables: the judge failed on {path}\n{run.stderr}")
    return json.loads(run.stdout.strip().splitlines()[-1])


def measured(flip, table, path, data):
    with open(os.path.join(data, f"{table}.task.json"), encoding="utf-8") as f:
        task = json.load(f)
    real, holdout = (os.path.join(data, f"{table}_{part}.csv") for part in ("train", "test"))
    found = flip.evaluate(real, path, schema=os.path.join(data, f"{table}.schema.json"), protected=task["protected"],
                          target=task["target"], holdout=holdout)
    return {k: v for k, v in found.to_dict()["summary"].items() if v is not None}


def compare(base, mine):
    """The mean figures of two variants: differences of areas, relative changes of disparities."""
    out = {}
    for k in base:
        if k.endswith("_auc") and k in mine:
            out[k] = (mine[k] - base[k], "{:+.4f}")
        elif k in DISPARITIES and k in mine and base[k] > 0:
            out[k] = (mine[k] / base[k] - 1, "{:+.1%}")
    return out


def main():
    p = argparse.ArgumentParser(description="mean ± half the range of an outside judge's figures, over seeds")
    p.add_argument("--tables", nargs="+", default=["adult", "compas", "law"])
    p.add_argument("--variants", nargs="+", default=["strength-0", "default"])
    p.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3])
    p.add_argument("--preset", default="published")
    p.add_argument("--epsilon", type=float, default=2.0)
    p.add_argument("--protected", metavar="COLUMN", help="another protected column than the task's")
    p.add_argument("--config", type=json.loads, default={}, metavar="JSON", help="options of every variant")
    p.add_argument("--set", nargs="+", default=[], metavar="NAME=JSON", help="variants of your own")
    p.add_argument("--stages", action="store_true", help="figures of each stage as well")
    p.add_argument("--quick", action="store_true", help="pass --quick to the judge")
    p.add_argument("--native", action="store_true", help="score with flip.evaluate() instead of the judge")
    p.add_argument("--out", metavar="DIR", help="keep synthetic tables and models here")
    a = p.parse_args()
    for given in a.set:
        name, text = given.split("=", 1)
        VARIANTS[name] = json.loads(text)
        if name not in a.variants:
            a.variants.append(name)
    data, judge = os.environ.get("FLIP_DATA"), os.environ.get("FLIP_JUDGE")
    if not data or not (a.native or judge and os.path.exists(judge)):
        print("judge_tables: SKIPPED: set FLIP_DATA (a folder of tables) and FLIP_JUDGE (a script that scores them), "
              "or say --native")
        return
    import flip
    changes = {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = a.out or scratch
        os.makedirs(folder, exist_ok=True)
        for table in a.tables:
            first = None
            own = folder_with(data, table, a.protected, scratch)
            for variant in a.variants:
                runs = []
                for seed in a.seeds:
                    runs.append(one(flip, own, judge, table, variant, seed, folder, a))
                    print(json.dumps({"table": table, "variant": variant, "seed": seed, **runs[-1]}), file=sys.stderr,
                          flush=True)
                print(f"\n{table}, {variant}, {len(runs)} runs (NOT PRIVATE: scored against real rows)")
                means = {}
                for k in runs[0]:
                    x = [r[k] for r in runs if k in r]
                    means[k] = statistics.mean(x)
                    print(f"  {k:<24}{means[k]:>10.4f} ± {(max(x) - min(x)) / 2:.4f}", flush=True)
                if first is None:
                    first = means
                    continue
                against = compare(first, means)
                print(f"  against {a.variants[0]}: "
                      + ", ".join(f"{k} {style.format(v)}" for k, (v, style) in against.items()), flush=True)
                changes.setdefault(variant, []).extend((table, k, v) for k, (v, _) in against.items()
                                                       if k in DISPARITIES)
    for variant, all_ in changes.items():
        print(f"\n{variant} against {a.variants[0]}: disparities {-statistics.mean(v for _, _, v in all_):.1%} lower "
              f"on average over {len(all_)} figures of {len(a.tables)} tables at ε = {a.epsilon:g}")


if __name__ == "__main__":
    main()
