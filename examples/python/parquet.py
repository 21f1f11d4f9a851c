#!/usr/bin/env python3
"""pandas in, synthetic Parquet out.

    python3 parquet.py patients.parquet synthetic.parquet --schema patients.schema.json --epsilon 2 --delta 1e-5 [--rows
    10000]

Needs pandas and pyarrow. Without --schema one is read off the rows: good for a first try, and the ledger says that it
was assumed public.
"""
import argparse

import flip
import pandas


def main():
    p = argparse.ArgumentParser(description="a synthetic Parquet file of a Parquet file")
    p.add_argument("source")
    p.add_argument("target")
    p.add_argument("--schema")
    p.add_argument("--epsilon", type=float, required=True)
    p.add_argument("--delta", type=float, required=True)
    p.add_argument("--rows", type=int, default=10_000)
    p.add_argument("--protected", nargs="*", default=[])
    p.add_argument("--config", type=flip_json, default={})
    a = p.parse_args()

    frame = pandas.read_parquet(a.source)
    schema = flip.Schema(a.schema) if a.schema else flip.Schema.infer(frame)
    broken = schema.check(frame, extra="ignore")
    if not broken["fits"]:
        raise SystemExit("\n".join(f"{b['column']}: {b['rule']}: {b['count']} times" for b in broken["problems"])
                         or str(broken["missing_columns"]))
    table = flip.Table.from_pandas(frame[schema.names], schema)
    model = flip.train(table, protected=a.protected, epsilon=a.epsilon, delta=a.delta, config=a.config)
    model.sample(a.rows).to_pandas().to_parquet(a.target)
    model.save(a.target + ".flip.h5")
    for line in model.ledger["assumptions"]:
        print("assumed:", line)
    print(f"{a.target}: epsilon {model.ledger['epsilon']:g} at delta {model.ledger['delta']:g}")


def flip_json(text):
    import json
    return json.loads(text)


if __name__ == "__main__":
    main()
