#!/usr/bin/env python3
"""A DuckDB query in, a synthetic table in the same database out. Rows cross as Arrow streams, no file in between.

    python3 duckdb_query.py hospital.duckdb "SELECT age, sex, ward FROM admissions WHERE age >= 18" synthetic --schema
    s.json --epsilon 2 --delta 1e-5

Needs duckdb. The query decides what a row is, and a row is what is protected: a join that repeats a person gives that
person several rows. A query that looks at more than one row at a time (averages, ranks, a limit) lets one row change
others: the promise is then about its result, not about the tables below it.
"""
import argparse, json

import duckdb
import flip


def main():
    p = argparse.ArgumentParser(description="a synthetic table of a DuckDB query")
    p.add_argument("database")
    p.add_argument("query")
    p.add_argument("target", help="the table to make")
    p.add_argument("--schema", required=True)
    p.add_argument("--epsilon", type=float, required=True)
    p.add_argument("--delta", type=float, required=True)
    p.add_argument("--rows", type=int, default=10_000)
    p.add_argument("--config", type=json.loads, default={})
    a = p.parse_args()

    with duckdb.connect(a.database) as connection:
        table = flip.Table.from_arrow(connection.sql(a.query), schema=a.schema)
        model = flip.train(table, epsilon=a.epsilon, delta=a.delta, config=a.config)
        connection.register("flip_rows", model.sample(a.rows))
        name = '"' + a.target.replace('"', '""') + '"'
        connection.sql(f"CREATE OR REPLACE TABLE {name} AS SELECT * FROM flip_rows")
        connection.unregister("flip_rows")
    print(f"{a.target}: {a.rows} rows, epsilon {model.ledger['epsilon']:g} at delta {model.ledger['delta']:g}")


if __name__ == "__main__":
    main()
