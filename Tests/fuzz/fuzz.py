#!/usr/bin/env python3
"""Inputs made to harm, through the shipped library: none may end the process, hang, or take more than 2 GB.

usage: fuzz.py [--inputs N | --minutes M] [--surface NAME ...] [--workers N] [--first N] [--keep FOLDER]
--inputs counts for each surface (a short run with fixed numbers unless given). --minutes divides the time among the
surfaces, in turns. Inputs are numbered and made from surface and number alone, so a finding is named by both.
--keep writes the files of findings. Surfaces: tables and sealed (HDF5 files, in hdf5.c), and those of surfaces.py.

Each worker is a process that may die, and that is started again behind the input it died of.
For each surface the last word is "fuzz NAME: N inputs, R read, F refused, C crashed, H hung, X other".
The exit code is 0 when every C, H and X is 0.
Environment: FLIP_LIB, PYTHONPATH as for the Python package; CC.
"""
import argparse
import mmap
import os
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
LIBRARY = Path(os.environ.get("FLIP_LIB") or ROOT / "build" / "lib" / "libflip.so")

# How many inputs a short run has of each surface, in order.
SHORT = {"tables": 8000, "sealed": 2000, "schema": 2000, "csv": 1500, "infer": 800, "plan": 600, "domain": 200,
         "where": 150, "budget": 200, "calibrate": 60, "evaluate": 200, "arrow": 1500,
         "sums": 500}
NATIVE = ("tables", "sealed")
TURN = 200                                               # inputs handed to a worker at a time


def compile_worker(folder):
    """hdf5.c against the library under test."""
    out, library = folder / "hdf5", folder / "libflip.so.1"
    shutil.copy(LIBRARY, library)                        # under its soname, so that no other one is loaded
    subprocess.run([os.environ.get("CC", "cc"), "-std=c11", "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra", "-Werror",
                    "-I", ROOT / "include", HERE / "hdf5.c", HERE / "mutate.c", HERE / "worker.c", "-o", out,
                    library, f"-Wl,-rpath,{folder}"], check=True)
    return out


class State:
    """The page that survives a worker: the input being tried, and how many were read, refused, something else."""

    def __init__(self, path):
        path.write_bytes(bytes(mmap.PAGESIZE))
        with open(path, "r+b") as file:
            self.words = memoryview(mmap.mmap(file.fileno(), mmap.PAGESIZE)).cast("Q")

    @property
    def at(self):
        return self.words[0]

    @property
    def counts(self):
        return list(self.words[1:4])


class Worker:
    def __init__(self, surface, number):
        self.surface = surface
        self.path = surface.folder / f".state-{surface.name}-{number}"
        self.state = State(self.path)
        self.task = None                                 # (first, count)
        self.start()

    def start(self):
        command = [*self.surface.command, str(self.path)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL)
        self.buffer = b""

    def send(self, task):
        self.task = task
        self.process.stdin.write(b"%d %d\n" % task)
        self.process.stdin.flush()

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


class Surface:
    def __init__(self, name, folder, hdf5, options):
        self.name, self.folder, self.keep = name, folder, options.keep
        self.command = ([str(hdf5), name, str(folder / "seeds")] if name in NATIVE else
                        [sys.executable, str(HERE / "surfaces.py"), name, str(folder / "seeds")])
        self.next, self.crashed, self.hung = options.first, 0, 0
        self.workers = [Worker(self, n) for n in range(options.workers)]

    def run(self, inputs=None, end=None):
        """Tries so many inputs, or as many as there is time for."""
        last = self.next + inputs if inputs else None
        with selectors.DefaultSelector() as selector:
            for worker in self.workers:
                selector.register(worker.process.stdout, selectors.EVENT_READ, worker)
                self.more(worker, selector, last, end)
            while selector.get_map():
                for key, _ in selector.select():
                    self.hear(key.data, selector, last, end)

    def more(self, worker, selector, last, end):
        count = TURN if last is None else min(TURN, last - self.next)
        if count <= 0 or (end and time.monotonic() >= end):
            selector.unregister(worker.process.stdout)
            return
        self.next += count
        worker.send((self.next - count, count))

    def hear(self, worker, selector, last, end):
        data = os.read(worker.process.stdout.fileno(), 1 << 16)
        if not data:
            return self.died(worker, selector)
        *lines, worker.buffer = (worker.buffer + data).split(b"\n")
        for line in lines:
            if line == b"done":
                worker.task = None
                self.more(worker, selector, last, end)
            else:
                print(f"{self.name}: {line.decode(errors='replace')}", flush=True)
                if line.startswith(b"other"):
                    self.save(int(line.split()[1]))

    def died(self, worker, selector):
        """Blames the input that was being tried, and goes on behind it."""
        selector.unregister(worker.process.stdout)
        code, at = worker.process.wait(), worker.state.at
        hung = code in (-signal.SIGALRM, -signal.SIGPROF)
        self.hung, self.crashed = self.hung + hung, self.crashed + (not hung)
        print(f"{self.name}: {'hung' if hung else 'crashed'} {at}, code {code}", flush=True)
        self.save(at)
        first, count = worker.task
        worker.start()
        selector.register(worker.process.stdout, selectors.EVENT_READ, worker)
        worker.send((at + 1, first + count - at - 1))

    def save(self, number):
        if self.keep:
            Path(self.keep).mkdir(parents=True, exist_ok=True)
            subprocess.run([*self.command, "-", str(number), str(Path(self.keep) / f"{self.name}-{number}")])

    def counts(self):
        return [sum(column) for column in zip(*(worker.state.counts for worker in self.workers))]

    def say(self):
        read, refused, other = self.counts()
        total = read + refused + other + self.crashed + self.hung
        print(f"fuzz {self.name}: {total} inputs, {read} read, {refused} refused, {self.crashed} crashed, "
              f"{self.hung} hung, {other} other", flush=True)
        return self.crashed + self.hung + other

    def close(self):
        for worker in self.workers:
            worker.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int)
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--surface", action="append", choices=list(SHORT))
    parser.add_argument("--workers", type=int, default=max(1, min(4, os.cpu_count() or 1)))
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--keep")
    options = parser.parse_args()
    names = options.surface or list(SHORT)
    with tempfile.TemporaryDirectory(prefix="fuzz-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as folder:
        folder = Path(folder)
        (folder / "seeds").mkdir()
        subprocess.run([sys.executable, HERE / "seeds.py", folder / "seeds"], check=True)
        hdf5 = compile_worker(folder) if set(names) & set(NATIVE) else None
        bad = 0
        if options.minutes:
            surfaces = [Surface(name, folder, hdf5, options) for name in names]
            end, round_ends = time.monotonic() + 60 * options.minutes, 0
            while time.monotonic() < end:
                for surface in surfaces:
                    surface.run(end=min(end, time.monotonic() + min(60, 60 * options.minutes / len(surfaces))))
                if time.monotonic() >= round_ends:       # what is known so far, every ten minutes
                    round_ends = time.monotonic() + 600
                    for surface in surfaces:
                        surface.say()
        else:
            surfaces = []
            for name in names:
                surfaces.append(Surface(name, folder, hdf5, options))
                surfaces[-1].run(options.inputs or SHORT[name])
        for surface in surfaces:
            surface.close()
            bad += surface.say()
        return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
