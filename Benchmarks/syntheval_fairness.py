#!/usr/bin/env python3
"""SynthEval's statistical parity of generated rows, at strength 0 and at the default: fairness as an outsider sees it.

    FLIP_DATA=DIR python Benchmarks/syntheval_fairness.py [--tables adult law compas] [--seeds 1 2 3] [--epsilon 2]
        [--variants strength-0 default] [--rows FOLDER]

Needs `pip install syntheval==1.6.2`. DIR is as for judge_tables.py. --rows FOLDER takes generated rows from
FOLDER/TABLE-VARIANT-SEED.csv where judge_tables.py --out has left them, and trains where it has not. SynthEval trains a
random forest on the rows that it is given and says how much more often it predicts the positive level of the target for
the largest group than for the others (docs/EVALUATION.md). One line a training, then for each table and variant the
mean of the absolute figures, their half range over seeds, and the change against the first variant.
The figures of the real rows are NOT PRIVATE.
"""
import argparse
import json
import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "bindings" / "python")]
import flip  # noqa: E402
from flip._extras import parity  # noqa: E402
from judge_tables import config_of  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", nargs="+", default=["adult", "law", "compas"])
    parser.add_argument("--variants", nargs="+", default=["strength-0", "default"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3])
    parser.add_argument("--epsilon", type=float, default=2)
    parser.add_argument("--rows", type=Path)
    a = parser.parse_args()
    data = os.environ.get("FLIP_DATA")
    if not data:
        print("syntheval_fairness: SKIPPED: set FLIP_DATA (a folder of tables)")
        return
    for table in a.tables:
        path, found, real = Path(data) / table, {}, {}
        schema, task = flip.Schema(f"{path}.schema.json"), json.loads(Path(f"{path}.task.json").read_text())
        rows, protected = flip.Table.read_csv(f"{path}_train.csv", schema), task["protected"][0]
        for seed in a.seeds:
            for variant in a.variants:
                made = a.rows and a.rows / f"{table}-{variant}-{seed}.csv"
                if made and made.exists():
                    synthetic = flip.Table.read_csv(made, schema)
                else:
                    model = flip.train(rows, protected=task["protected"], epsilon=a.epsilon, delta=1e-5,
                                       config=config_of(variant), progress=False)
                    synthetic = model.sample(len(rows), seed=seed)
                frames = {"synthetic": synthetic.to_pandas()} | ({} if real else {"real": rows.to_pandas()})
                figure = parity(rows.to_pandas(), frames, task["target"], protected)
                real = real or figure["real"]
                found.setdefault(variant, []).append(abs(figure["synthetic"]["value"]))
                print(json.dumps({"table": table, "variant": variant, "seed": seed, **figure}), flush=True)
        first = sum(found[a.variants[0]]) / len(found[a.variants[0]])
        for variant, values in found.items():
            mean = sum(values) / len(values)
            print(f"{table:8} {variant:12} real {abs(real['value']):.3f}  synthetic {mean:.3f} ± "
                  f"{(max(values) - min(values)) / 2:.3f}  {100 * (mean / first - 1):+.0f} %", flush=True)


if __name__ == "__main__":
    main()
