#!/usr/bin/env python3
"""Training on Parquet or CSV files that the workers of a Ray cluster read: one task a file, sums come here.

    python3 ray_sums.py FOLDER SCHEMA.json MODEL.flip.h5 [--epsilon 2] [--delta 1e-6] [--protected COLUMN ...]

Needs ray, pyarrow and libflip on every node. A task that Ray runs again gives the same sums; only returned values are
added, so a lost worker changes nothing. Without RAY_ADDRESS, Ray runs on this machine.
"""
import argparse
import json

import flip
import flip.remote
import ray


@ray.remote(max_retries=4)
def file_sums(ask, part, path):
    """The sums of one file."""
    with flip.remote.Sums(ask) as sums:
        flip.remote.add_file(sums, part, path)
        return sums.export()


class RayFiles:
    """An engine: each file is a part."""

    def __init__(self, folder, schema):
        self.files = flip.remote.Files(folder, schema).files

    def parts(self):
        return len(self.files)

    def sums(self, ask):
        left = [file_sums.remote(ask, part, path) for part, path in enumerate(self.files)]
        while left:
            (done,), left = ray.wait(left)
            yield ray.get(done)


def main():
    p = argparse.ArgumentParser(description="a model of files that a Ray cluster reads")
    p.add_argument("source")
    p.add_argument("schema")
    p.add_argument("target")
    p.add_argument("--epsilon", type=float, default=2.0)
    p.add_argument("--delta", type=float, default=1e-6)
    p.add_argument("--protected", nargs="*", default=[])
    p.add_argument("--config", type=json.loads, default={})
    a = p.parse_args()
    ray.init()
    plan = flip.plan(a.schema, protected=a.protected, epsilon=a.epsilon, delta=a.delta, config=a.config)
    flip.remote.train(RayFiles(a.source, a.schema), plan).save(a.target)


if __name__ == "__main__":
    main()
