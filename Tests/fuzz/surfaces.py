"""The worker for everything that takes text, tables and numbers: one function a surface, made from a random generator.

usage: surfaces.py NAME SEEDS STATE                  see worker.h for what it reads and answers
       surfaces.py NAME SEEDS - NUMBER FILE          writes what the input was to FILE
A surface is a function of (random, folder) that returns whether the library took the input. A FlipError means refused,
but for those that are never right: a fault of the library, and want of memory under this worker's limits.
"""
import mmap
import random
import resource
import shutil
import signal
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "bindings" / "python"))
sys.path.insert(0, str(HERE))

import flip

from surfaces_arrow import arrow
from surfaces_json import budget, calibrate, domain, evaluate, plan, schema, where
from surfaces_sums import sums
from surfaces_text import csv, infer

SURFACES = {f.__name__: f for f in (schema, csv, infer, plan, domain, where, budget, calibrate, evaluate, arrow, sums)}
SECONDS, BYTES = 20, 2 << 30
READ, REFUSED, OTHER = 1, 2, 3


def attempt(surface, number, folder):
    """What became of an input, and the trouble where it is neither read nor refused."""
    try:
        return (READ if surface(random.Random(number), folder) else REFUSED), ""
    except (flip.InternalError, flip.OutOfMemory) as trouble:
        return OTHER, repr(trouble)
    except flip.FlipError:
        return REFUSED, ""
    except Exception as trouble:
        return OTHER, f"{type(trouble).__name__} {trouble}"


def serve(surface, state, folder):
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with open(state, "r+b") as file:
        page = memoryview(mmap.mmap(file.fileno(), mmap.PAGESIZE)).cast("Q")
    for line in sys.stdin:
        first, count = map(int, line.split())
        for number in range(first, first + count):
            page[0] = number
            signal.setitimer(signal.ITIMER_PROF, SECONDS)
            signal.alarm(6 * SECONDS)
            what, trouble = attempt(surface, number, folder)
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.alarm(0)
            if resource.getrusage(resource.RUSAGE_SELF).ru_maxrss > BYTES >> 10:
                sys.exit("more than 2 GB")
            page[what] += 1
            if what == OTHER:
                print("other", number, trouble[:300].replace("\n", " "), flush=True)
        print("done", flush=True)


def main():
    surface = SURFACES[sys.argv[1]]
    getattr(surface, "prepare", lambda: None)()          # what fails here is no input's fault
    folder = Path(tempfile.mkdtemp(prefix="fuzz-", dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
    try:
        if sys.argv[3] == "-":
            Path(sys.argv[5]).write_text(f"{sys.argv[1]} {sys.argv[4]}: {attempt(surface, int(sys.argv[4]), folder)}\n")
        else:
            serve(surface, sys.argv[3], folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
