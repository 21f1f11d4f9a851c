#!/usr/bin/env python3
"""Time and size of a model's page, for tables of 30 and 200 columns.

    python Benchmarks/pages.py [--columns 30 200] [--rows 20000]

The table is made up: a third of the columns has two levels, a third twelve, a third is numbers; all follow two hidden
values. Networks are trained for one step, since a page shows counts and generated rows however good. One line a table:
columns, pairs that were paid for, bytes, seconds for Model.report() with its generated rows (by the clock, and of
processor time on all threads), and for the page alone.
"""
import argparse
import json
import time

import numpy
import pandas

import flip
import intervals
from flip._page import page_of


def made(columns, rows, rng):
    """A frame and its schema."""
    hidden, frame, fields = rng.normal(size=(rows, 2)), {}, []
    for k in range(columns):
        x, name = hidden[:, k % 2] + rng.normal(size=rows), f"column {k + 1}"
        if k % 3 == 2:
            frame[name] = x.clip(-5, 5).round(2)
            fields.append({"name": name, "type": "number",
                           "constraints": {"minimum": -5, "maximum": 5, "multipleOf": 0.01, "required": True}})
        else:
            levels = [f"level {i}" for i in range((2, 12)[k % 3])]
            place = ((x.clip(-3, 3) + 3) / 6 * (len(levels) - 1)).round().astype(int)
            frame[name] = numpy.array(levels)[place]
            fields.append({"name": name, "type": "string", "constraints": {"enum": levels, "required": True}})
    return pandas.DataFrame(frame), {"fields": fields}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--columns", nargs="+", type=int, default=[30, 200])
    parser.add_argument("--rows", type=int, default=20_000)
    a = parser.parse_args()
    for columns in a.columns:
        frame, schema = made(columns, a.rows, numpy.random.default_rng(columns))
        model = flip.train(flip.Table.from_pandas(frame, schema), epsilon=2, delta=1e-5, progress=False,
                           config={**intervals.QUICK, "projection": {"steps": 20, "rows": 256}})
        started, busy = time.perf_counter(), time.process_time()
        page = model.report()
        whole, busy = time.perf_counter() - started, time.process_time() - busy
        record = model.report_record()
        started = time.perf_counter()
        page_of(record)
        print(json.dumps({"columns": columns, "pairs": len(record["pairs"]["released"]), "bytes": len(page.encode()),
                          "seconds": round(whole, 2), "processor": round(busy, 2),
                          "page_alone": round(time.perf_counter() - started, 2)}), flush=True)


if __name__ == "__main__":
    main()
