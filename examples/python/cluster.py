#!/usr/bin/env python3
"""From a Parquet folder to a DataFrame of synthetic rows, on Spark: rows stay on the executors.

    python3 cluster.py ROWS_FOLDER SCHEMA.json OUT_FOLDER --rows 1000000 [--epsilon 2] [--delta 1e-6] [--master URL]

Needs libflip[spark] here and on the executors (docs/CLUSTER.md); without --master Spark runs on this machine.
"""
import argparse
import json

import flip
import flip.spark
from pyspark.sql import SparkSession


def main():
    p = argparse.ArgumentParser(description="synthetic rows of a Parquet folder, on Spark")
    p.add_argument("source")
    p.add_argument("schema")
    p.add_argument("target")
    p.add_argument("--rows", type=int, default=100_000)
    p.add_argument("--epsilon", type=float, default=2.0)
    p.add_argument("--delta", type=float, default=1e-6)
    p.add_argument("--protected", nargs="*", default=[])
    p.add_argument("--config", type=json.loads, default={})
    p.add_argument("--master", default="local[2]")
    a = p.parse_args()

    spark = SparkSession.builder.master(a.master).config("spark.ui.enabled", "false").getOrCreate()
    flip.spark.probe(spark, 2)                                  # is libflip on every executor?
    plan = flip.plan(a.schema, protected=a.protected, epsilon=a.epsilon, delta=a.delta, config=a.config)
    model = flip.spark.train(spark.read.parquet(a.source), plan)
    print(f"epsilon {model.ledger['epsilon']:.3g} at delta {a.delta:g}")
    rows = flip.spark.sample(spark, model, a.rows, seed=1)
    rows.write.mode("overwrite").parquet(a.target)
    print(spark.read.parquet(a.target).count(), "rows in", a.target)
    spark.stop()


if __name__ == "__main__":
    main()
