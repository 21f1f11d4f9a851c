#!/usr/bin/env python3
"""Mutated HDF5 files through the shipped library: none may end the process, hang, or take more than 2 GB.

usage: fuzz_hdf5.py [--mutants N | --hours H] [--workers N] [--first N] [--keep FOLDER]
Seeds are made here with h5py and libflip, and taken from Tests/fixtures. Mutants are numbered and made from their
number, so a finding is named by seed and number. Each is read in one of several processes, which are
started again when they die.
The last line is "fuzz hdf5: N mutants, R read, F refused, C crashed, H hung, X other".
The exit code is 0 when C, H and X are 0.
Environment: FLIP_LIB, PYTHONPATH as for the Python package.
"""
import argparse
import os
import random
import resource
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(ROOT / "bindings" / "python"))

from hdf5_structures import Seed

SECONDS = 20                                         # a mutant that takes longer hangs
BYTES = 2 << 30
CHUNK = 50                                           # mutants handed to a worker at a time


# MARK: seeds

def columns(group, np):
    """A dataframe with every element of AnnData, without its marks where h5py alone would not write them."""
    n = 60
    group["int"] = np.arange(n, dtype="i2")
    group["big"] = np.arange(n, dtype=">u4")
    group.create_dataset("packed", data=np.arange(n) / 8, chunks=(16,), compression="gzip", shuffle=True,
                         fletcher32=True)
    group.create_dataset("growing", data=np.arange(n) / 8, chunks=(2,), maxshape=(None,), compression="gzip")
    group.create_dataset("fixed_chunks", data=np.arange(n, dtype="i4"), chunks=(3,))
    group["text"] = np.array(["a", "bb", "ccc"], dtype=object)[np.arange(n) % 3]
    group["ascii"] = np.array([b"a", b"bb", b"ccc"])[np.arange(n) % 3]
    group["flag"] = np.arange(n) % 2 == 0
    group["days"] = np.arange(n, dtype="i4")
    group["days"].attrs["units"] = "days since 1970-01-01"
    category = group.create_group("category")
    category.attrs.update({"encoding-type": "categorical", "encoding-version": "0.2.0", "ordered": False})
    category["codes"] = (np.arange(n) % 4 - 1).astype("i1")
    category["categories"] = np.array(["x", "y", "z"], dtype=object)
    whole = group.create_group("whole")
    whole.attrs.update({"encoding-type": "nullable-integer", "encoding-version": "0.1.0"})
    whole["values"], whole["mask"] = np.arange(n), np.arange(n) % 5 == 0


def make_seeds(folder):
    """Writes the seed files; names that begin with "sealed" are models and budgets."""
    import flip
    import h5py
    import numpy as np

    for libver in ("earliest", "v108", "v110", "latest"):
        with h5py.File(folder / f"h5py-{libver}.h5", "w",
                       libver=libver if libver == "earliest" else (libver, libver)) as file:
            columns(file.create_group("data"), np)
    for libver in ("earliest", "latest"):
        with h5py.File(folder / f"many-{libver}.h5", "w", libver=libver) as file:
            group = file.create_group("data")
            for i in range(60):
                group.create_group(f"other {i}")
            group["x"] = np.arange(5.0)
            for i in range(30):
                group["x"].attrs[f"note {i}"] = "x" * (300 * i if libver == "latest" else i)
            group.attrs["column-order"] = ["x"]
    for name in ("anndata.h5", "anndata07.h5ad", "marks.h5", "hdf5r.h5", "rhdf5.h5", "pytables.h5", "obs.h5ad",
                 "user_block.h5", "newest.h5"):
        (folder / name).write_bytes((ROOT / "Tests" / "fixtures" / "hdf5" / name).read_bytes())
    golden = ROOT / "Tests" / "fixtures" / "golden"
    (folder / "dataset.h5").write_bytes((golden / "dataset-1.0.h5").read_bytes())
    (folder / "unsealed.h5").write_bytes((golden / "dataset-1.0.h5").read_bytes()[:-78])
    (folder / "sealed-golden.h5").write_bytes((golden / "model-1.0.h5").read_bytes())
    schema = {"fields": [{"name": "age", "type": "integer",
                          "constraints": {"required": True, "minimum": 0, "maximum": 9}},
                         {"name": "sex", "type": "string", "constraints": {"required": True, "enum": ["f", "m"]}}]}
    text = "age,sex\n" + "".join(f"{i % 10},{'fm'[i % 2]}\n" for i in range(400))
    (folder / "rows.csv").write_text(text)
    table = flip.Table.read_csv(folder / "rows.csv", schema)
    small = {"rows": {"guess": 400},
             "autoencoder": {"width": 4, "heads": 1, "feed_forward": 8, "latent": 4, "batch": 64, "steps": 4},
             "diffusion": {"hidden": 16, "layers": 1, "noise_levels": 2, "batch": 64, "steps": 4, "sampler_steps": 4}}
    plan = flip.plan(table.schema, epsilon=8.0, delta=1e-5, config={"preset": "published", **small})
    flip.train(table, plan, progress=False).save(folder / "sealed-model.h5")
    (folder / "rows.csv").unlink()
    budget = flip.Budget(folder / "sealed-budget.h5", epsilon=3.0, delta=1e-5)
    budget.charge("count", noise_multiplier=5.0)
    del budget
    for other in folder.iterdir():
        if other.suffix not in (".h5", ".h5ad"):
            other.unlink()


def load_seeds(folder):
    return [Seed(path.name, path.read_bytes(), "sealed" if path.name.startswith("sealed") else "data")
            for path in sorted(folder.iterdir()) if path.suffix in (".h5", ".h5ad")]


# MARK: one mutant

def attempt(flip, seed, data, path):
    """What became of it: "read" or "refused"; anything but a FlipError passes through."""
    path.write_bytes(data)
    if seed.kind == "sealed":
        found = flip.file_check(path)
        if "sha256" in found and not found["usable"]:
            # The digest over the content too, as somebody would who knows the format.
            start = data.find(b"flip")
            old = next((word for word in digests(seed.data) if word in data), None)
            if start >= 0 and old:
                path.write_bytes(seed.seal(data[:-78].replace(old, found["sha256"].encode())))
        try:
            flip.Budget(path).report() if "budget" in seed.name else flip.load(path).sample(5, seed=1)
        except flip.FlipError:
            return "refused"
        return "read"
    outcome = "refused"
    for call in (lambda: flip.Schema.infer(path), lambda: flip.Table.read_hdf5(path, wide(flip, seed, path)),
                 lambda: flip.file_check(path)):
        try:
            call()
            outcome = "read" if call.__code__.co_names != ("file_check",) else outcome
        except flip.FlipError:
            pass
    return outcome


def digests(data):
    import re
    return re.findall(rb"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])", data)


def wide(flip, seed, path):
    """The schema of the seed itself, so that cells of a mutant are read by its rules."""
    if not hasattr(seed, "schema"):
        original = path.with_name("seed-" + seed.name)
        original.write_bytes(seed.seal(seed.data))
        try:
            seed.schema = flip.Schema.infer(original)
        except flip.FlipError:
            seed.schema = flip.Schema({"fields": [{"name": "x", "type": "boolean"}]})
        original.unlink()
    return seed.schema


def work(folder):
    """Reads "number count" lines, makes and reads these mutants, and writes a line before and after each."""
    import flip
    resource.setrlimit(resource.RLIMIT_AS, (BYTES + (1 << 30), BYTES + (1 << 30)))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    seeds = load_seeds(folder)
    own = Path(tempfile.mkdtemp(prefix="fuzz-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None))
    path = own / "mutant.h5"
    try:
        print("ready", flush=True)
        for line in sys.stdin:
            first, count = map(int, line.split())
            for number in range(first, first + count):
                print("at", number, flush=True)
                seed = seeds[number % len(seeds)]
                data = seed.mutant(random.Random(number))
                signal.alarm(SECONDS)
                try:
                    print(attempt(flip, seed, data, path), flush=True)
                except Exception as trouble:                 # not of the library: an outcome of its own
                    print("other", type(trouble).__name__, str(trouble)[:200].replace("\n", " "), flush=True)
                signal.alarm(0)
            print("done", flush=True)
    finally:
        for file in own.iterdir():
            file.unlink()
        own.rmdir()


# MARK: all of them

class Worker:
    def __init__(self, folder, selector):
        self.process = subprocess.Popen([sys.executable, __file__, "--worker", str(folder)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL)
        os.set_blocking(self.process.stdout.fileno(), False)
        self.at, self.last, self.buffer, self.idle = None, None, b"", False
        selector.register(self.process.stdout, selectors.EVENT_READ, self)


def fuzz(folder, options):
    seeds = load_seeds(folder)
    counts = dict.fromkeys(["read", "refused", "crashed", "hung", "other"], 0)
    end = time.monotonic() + options.hours * 3600 if options.hours else None
    next_number, done, selector = options.first, 0, selectors.DefaultSelector()
    last = options.first + options.mutants
    workers = [Worker(folder, selector) for _ in range(options.workers)]
    retry = []                                           # (first, count) left over by a worker that died

    def more(worker):
        nonlocal next_number
        if retry:
            worker.last = retry.pop()
        elif (time.monotonic() < end) if end else next_number < last:
            count = CHUNK if end else min(CHUNK, last - next_number)
            worker.last = (next_number, count)
            next_number += count
        else:
            worker.process.stdin.close()
            return
        worker.process.stdin.write(b"%d %d\n" % worker.last)
        worker.process.stdin.flush()

    def finding(word, worker):
        counts[word] += 1
        number = worker.at
        print(f"{word}: seed {seeds[number % len(seeds)].name}, mutant {number}, code {worker.process.returncode}",
              flush=True)
        if options.keep:
            Path(options.keep).mkdir(parents=True, exist_ok=True)
            (Path(options.keep) / f"{number}.h5").write_bytes(seeds[number % len(seeds)].mutant(random.Random(number)))

    while workers:
        for key, _ in selector.select(timeout=1):
            worker = key.data
            data = worker.process.stdout.read()
            worker.buffer += data or b""
            *lines, worker.buffer = worker.buffer.split(b"\n")
            for line in lines:
                word, _, rest = line.decode().partition(" ")
                if word in ("ready", "done"):
                    worker.last = None
                    more(worker)
                elif word == "at":
                    worker.at = int(rest)
                elif word in counts:
                    counts[word] += 1
                    done += 1
                    if word == "other":
                        print(f"other: seed {seeds[worker.at % len(seeds)].name}, mutant {worker.at}: {rest}",
                              flush=True)
            if data == b"":
                selector.unregister(worker.process.stdout)
                code = worker.process.wait()
                workers.remove(worker)
                if worker.last:                          # it died at a mutant
                    done += 1
                    finding("hung" if code == -signal.SIGALRM else "crashed", worker)
                    first, count = worker.last
                    if worker.at + 1 < first + count:
                        retry.append((worker.at + 1, first + count - worker.at - 1))
                    workers.append(Worker(folder, selector))
                elif retry:
                    workers.append(Worker(folder, selector))
    rest = ", ".join(f"{count} {word}" for word, count in counts.items())
    print(f"fuzz hdf5: {done} mutants, {rest}", flush=True)
    return counts["crashed"] + counts["hung"] + counts["other"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mutants", type=int, default=6000)
    parser.add_argument("--hours", type=float, default=0)
    parser.add_argument("--workers", type=int, default=max(1, min(4, os.cpu_count() or 1)))
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--keep")
    parser.add_argument("--worker")
    options = parser.parse_args()
    if options.worker:
        return work(Path(options.worker))
    with tempfile.TemporaryDirectory(prefix="fuzz-seeds-") as folder:
        make_seeds(Path(folder))
        return 1 if fuzz(Path(folder), options) else 0


if __name__ == "__main__":
    sys.exit(main())
