"""From a CSV file to a page and three answers: what may be published of a private table.

    python examples/python/publish.py [--rows 4000] [--quick] [--out build/publish]

The rows are simulated (examples/python/hospital.py): nobody in them exists. --quick trains the networks for a moment
only: the answers come from the released counts and do not change, generated rows get worse.
"""

import argparse
import csv
import os
import statistics

import hospital

import flip


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=4000)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--out", default=os.path.join("build", "publish"))
    a = parser.parse_args()
    os.makedirs(a.out, exist_ok=True)
    table = flip.Table.read_csv(*hospital.write(a.out, rows=a.rows))
    config = {"fairness": {"strength": 0}}          # groups are counted, and generated as they are
    if a.quick:
        config |= {"autoencoder": {"steps": 20}, "diffusion": {"steps": 20}, "rake": {"pool": 2000},
                   "projection": {"steps": 30, "rows": 200}}
    model = flip.train(table, protected=["ethnicity"], epsilon=2.0, delta=1e-5, config=config)

    # 1. A page for anybody: made from the model file alone.
    page = os.path.join(a.out, "report.html")
    model.report(page, title="Simulated admissions")
    print("page:", page)

    # 2. Three answers with intervals that hold the error of the sample and the noise of the guarantee.
    for e in model.estimate("mean", "age", by="ward", contrast="difference")["contrasts"]:
        print(f"age, {e['group']} less {e['reference']}: {e['estimate']:.2f} ({e['low']:.2f} to {e['high']:.2f})")
    for e in model.estimate("share", "follow_up", by="ethnicity")["estimates"]:
        if e["told"] and e["level"] == "true":
            print(f"follow-up, ethnicity {e['group']}: {e['estimate']:.3f} ({e['low']:.3f} to {e['high']:.3f}); "
                  f"standard errors: sample {e['sampling_error']:.4f}, noise {e['noise_error']:.4f}")
    for e in model.estimate("logistic", "follow_up", predictors=["age"])["estimates"]:
        print(f"log odds of a follow-up, {e['term']}: {e['estimate']:.4f} ({e['low']:.4f} to {e['high']:.4f})")

    # 3. An analysis of one's own: on several tables, put together.
    all_ages = [ages(t, a.out) for t in model.sample_many(m=5, rows=1000, seed=1)]
    c = flip.combine([statistics.fmean(x) for x in all_ages], [statistics.variance(x) / len(x) for x in all_ages])
    print(f"mean age from five tables: {c['estimate']:.2f} ({c['low']:.2f} to {c['high']:.2f})")


def ages(table, folder):
    """The ages of a table, without pandas."""
    path = os.path.join(folder, "synthetic.csv")
    table.to_csv(path)
    with open(path, newline="", encoding="utf-8") as file:
        return [float(row["age"]) for row in csv.DictReader(file) if row["age"]]


if __name__ == "__main__":
    main()
