#!/usr/bin/env python3
"""Our figures beside peers', one JSON object a line.  make bench     (or: $(Benchmarks/setup) Benchmarks/bench.py
[NAMES] [--old CHECKOUT])

    dp_step   rows a second of one DP-SGD step on the same network, batch and two threads: ours, Opacus (the faster of
    hooks and ghost clipping),
              PyTorch without privacy. Contestants take turns in rounds; each figure is the median of the rounds,
              *_spread is (max − min) / median, *_best the fastest (what a busy machine disturbs least). share_of_peak:
              the products' arithmetic over a 1024³ SGEMM, timed in turn with the others.
    best      adult from its file to a generator of this preset and as many rows, then more rows: processor time of
              training and of each stage, rows a second of it, time by the clock, peak memory (Benchmarks/whole.py)
    published the same for this preset
    columns   `best` for a made-up table of --width columns: only where it is named, or with --old
    reading   a data set of 1 GB, plain and compressed, and a model, read by FileFormat and by HDF5 (h5py) in turns;
              structure_share: what of the native reading is headers, indexes and their checks
    load      what loading the library does to a process: threads, output, time; and its stripped size

--old names another checkout that is built (make build; dp_step also needs its flip-bench): dp_step, best, published and
columns then measure both builds in turns, and say how many times faster this one is.

FLIP_DATA names a folder with adult_train.csv and adult.schema.json; without it `best` and `published` use the simulated
hospital table, and say so. Peers are skipped aloud when PyTorch or Opacus is missing. What this is not: a test. Nothing
fails on a slow machine.
"""
import argparse, json, os, statistics, subprocess, sys, tempfile, time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
LIBRARY = os.path.join(ROOT, "build", "lib", "libflip.so")
THREADS = 2
sys.path[:0] = [HERE, os.path.join(ROOT, "bindings", "python"), os.path.join(ROOT, "examples", "python")]


def emit(**line):
    print(json.dumps(line), flush=True)


def note(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def summary(samples, digits=0):
    """Median and (max − min) / median of a list, or (None, None)."""
    if not samples:
        return None, None
    m = statistics.median(samples)
    return round(m, digits or None), round((max(samples) - min(samples)) / m, 3)


def busy(seconds=.3):
    """Share of the machine's processors that others keep busy, measured while this process sleeps."""
    def read():
        with open("/proc/stat", encoding="ascii") as f:
            x = [int(v) for v in f.readline().split()[1:9]]
        return sum(x), x[3] + x[4]
    total, idle = read()
    time.sleep(seconds)
    after, still = read()
    return 1 - (still - idle) / max(after - total, 1)


def right_python():
    """Starts again under a Python that has the peers, which Benchmarks/setup finds or makes; stays here when that
    fails."""
    try:
        import opacus  # noqa: F401
        return
    except ImportError:
        pass
    if os.environ.get("FLIP_BENCH_RESTARTED"):
        return
    run = subprocess.run([os.path.join(HERE, "setup")], stdout=subprocess.PIPE, text=True)
    if run.returncode == 0:
        os.execve(run.stdout.strip(), [run.stdout.strip()] + sys.argv, {**os.environ, "FLIP_BENCH_RESTARTED": "1"})
    note("no peers: Benchmarks/setup failed")


def flip_program():
    """The path of flip-bench, or None."""
    path = os.environ.get("FLIP_BENCH", os.path.join(ROOT, ".build-ship", "release", "flip-bench"))
    if os.path.exists(path):
        return os.path.abspath(path)
    return note("ours skipped: flip-bench is not built; make bench does that")


def flip_turn(program, seconds):
    """One turn of ours: flip-bench prints a JSON line for each shape, private ("clipped") and not ("plain")."""
    run = subprocess.run([program, str(THREADS), str(seconds)], capture_output=True, text=True, check=True)
    return [json.loads(line) for line in run.stdout.splitlines()]


def dp_step(rounds, seconds, old=None):
    program = flip_program()
    before = os.path.join(old, ".build-ship", "release", "flip-bench") if old else None
    if before and not os.path.exists(before):
        before = note("old step skipped: no flip-bench is built there (make bench builds it)")
    try:
        import torch
        torch.set_num_threads(THREADS)
        import peers
    except ImportError as error:
        note(f"peers skipped: {error}")
        peers = None
    names = ("flip", "flip_nonprivate", "old", "torch", "opacus_hooks", "opacus_ghost", "sgemm_gflops")
    samples = {shape: {n: [] for n in names} for shape in ("narrow", "wide")}
    weights, contestants = {}, {}
    for shape in samples if peers else ():
        contestants[shape] = []
        for kind in peers.CONTESTANTS:
            try:
                contestants[shape].append(kind(*peers.SHAPES[shape]))
                contestants[shape][-1].step()
            except ImportError as error:
                note(f"{kind.name} skipped: {error}")
    others = []
    for _ in range(rounds):
        others.append(busy())
        for line in flip_turn(program, seconds) if program else ():
            if line["shape"] in samples:
                samples[line["shape"]]["flip" if line["step"] == "clipped"
                                       else "flip_nonprivate"].append(line["rows_per_second"])
                weights[line["shape"]] = line["weights"]
        for line in flip_turn(before, seconds) if before else ():
            if line["shape"] in samples and line["step"] == "clipped":
                samples[line["shape"]]["old"].append(line["rows_per_second"])
        for shape in contestants:
            for c in contestants[shape]:
                samples[shape][c.name].append(peers.rows_per_second(c, seconds))
            samples[shape]["sgemm_gflops"].append(peers.sgemm_peak())
    if max(others) > .1:
        note(f"the machine was busy with other work ({max(others):.0%} at worst): these figures mean little, those of "
             f"thread pools least of all")
    for shape in samples:
        m = {k: summary(v)[0] for k, v in samples[shape].items()}
        opacus = max((m[k] for k in ("opacus_hooks", "opacus_ghost") if m[k]), default=None)
        flops = peers.flops_per_row(*peers.SHAPES[shape]) if peers else None
        same = peers and shape in weights and weights[shape] == peers.weights(*peers.SHAPES[shape])
        if peers and shape in weights and not same:
            note(f"{shape}: the networks differ: {weights[shape]} weights in ours, "
                 f"{peers.weights(*peers.SHAPES[shape])} in the peers'")
        ratio = lambda a, b: round(a / b, 3) if a and b else None
        emit(bench="dp_step", shape=shape, flip_rows_per_s=m["flip"], flip_nonprivate_rows_per_s=m["flip_nonprivate"],
             opacus_rows_per_s=opacus,
             torch_rows_per_s=m["torch"],
             share_of_peak=round(m["flip"] * flops / (m["sgemm_gflops"] * 1e9), 4) if m["flip"] and flops else None,
             times_opacus=ratio(m["flip"], opacus), times_torch=ratio(m["flip"], m["torch"]),
             times_old=ratio(m["flip"], m["old"]), old_rows_per_s=m["old"],
             private_cost=ratio(m["flip_nonprivate"], m["flip"]),
             opacus_hooks_rows_per_s=m["opacus_hooks"], opacus_ghost_rows_per_s=m["opacus_ghost"],
             sgemm_gflops=m["sgemm_gflops"],
             flops_per_row=flops, weights=weights.get(shape), same_network=same, threads=THREADS, rounds=rounds,
             others_busy=round(max(others), 2),
             **{f"{k}_spread": summary(v)[1] for k, v in samples[shape].items()},
             **{f"{k}_best": round(max(v)) for k, v in samples[shape].items() if v})


def our_table(scratch):
    """(name, CSV file, schema) of the table that whole jobs are measured on."""
    folder = os.environ.get("FLIP_DATA")
    if folder and os.path.exists(os.path.join(folder, "adult_train.csv")):
        return "adult", os.path.join(folder, "adult_train.csv"), os.path.join(folder, "adult.schema.json")
    import hospital
    note("FLIP_DATA names no folder with adult: the simulated hospital table instead")
    return "hospital", *hospital.write(scratch)


def whole_jobs(names, old, rounds, width):
    """Training and rows from beginning to end, each job in a process of its own."""
    import marginal_peers
    import whole
    with tempfile.TemporaryDirectory() as scratch:
        for preset in ("best", "published"):
            if preset in names:
                name, table, schema = our_table(scratch)
                emit(bench=preset, table=name, **whole.in_turns(table, schema, preset, old, rounds))
        if "columns" in names:
            table, schema = marginal_peers.made_up(scratch, 20_000, width)
            emit(bench="columns", table="made up", **whole.in_turns(table, schema, "best", old, 1, 0))


PROBE = """
import ctypes, os, time
before, start = len(os.listdir('/proc/self/task')), time.perf_counter()
lib = ctypes.CDLL(%r)
seconds = time.perf_counter() - start
lib.flip_version.restype = ctypes.c_uint32
print(before, len(os.listdir('/proc/self/task')), seconds, lib.flip_version())
"""


def hdf5_seconds(path):
    """Every data set of a file, read by HDF5 block by block."""
    import h5py
    import numpy
    start = time.perf_counter()
    with h5py.File(path) as file:
        def visit(_, data):
            if isinstance(data, h5py.Dataset):
                if data.ndim != 1 or data.dtype.kind not in "iuf":
                    return data[()] is None or None
                for first in range(0, len(data), 1 << 17):
                    data.read_direct(room, numpy.s_[first:first + (1 << 17)],
                                     numpy.s_[:min(1 << 17, len(data) - first)])
            return None
        room = numpy.empty(1 << 17)
        file.visititems(visit)
    return time.perf_counter() - start


def small_model(flip, scratch, path):
    """A model of the default sizes on made-up rows of eight columns."""
    fields = [{"name": f"x{j}", "type": "integer", "constraints": {"required": True, "minimum": 0, "maximum": 99}}
              for j in range(8)]
    rows = os.path.join(scratch, "rows.csv")
    with open(rows, "w", encoding="utf-8") as file:
        file.write(",".join(f["name"] for f in fields) + "\n")
        file.writelines(",".join(str((i * (j + 3)) % 100) for j in range(8)) + "\n" for i in range(1000))
    table = flip.Table.read_csv(rows, {"fields": fields})
    few = {"autoencoder": {"steps": 2}, "diffusion": {"steps": 2}}
    flip.train(table, preset="published", epsilon=4.0, delta=1e-4, config=few, progress=False).save(path)


def reading(rounds):
    """A file of 1 GB and a model, natively and by HDF5."""
    program = flip_program()
    try:
        import flip
        import h5py
        import numpy
    except ImportError as error:
        return note(f"reading skipped: {error}")
    if not program:
        return None
    with tempfile.TemporaryDirectory() as scratch:
        paths = {name: os.path.join(scratch, name + ".h5") for name in ("plain", "compressed", "model")}
        values = numpy.random.default_rng(1).integers(0, 1000, 1 << 24) / 8
        for name, options in (("plain", {}), ("compressed", {"chunks": (1 << 17,), "compression": "gzip",
                                                             "compression_opts": 1, "shuffle": True})):
            with h5py.File(paths[name], "w") as file:
                for j in range(8):
                    file.create_dataset(f"data/x{j}", data=values, **options)
        small_model(flip, scratch, paths["model"])
        for name, path in paths.items():
            native, structure, peer, load = [], [], [], []
            for _ in range(rounds):
                run = subprocess.run([program, "reading", path], capture_output=True, text=True, check=True)
                line = json.loads(run.stdout)
                structure.append(line["structure_seconds"])
                native.append(line["structure_seconds"] + line["elements_seconds"])
                peer.append(hdf5_seconds(path))
                if name == "model":
                    start = time.perf_counter()
                    flip.load(path)
                    load.append(time.perf_counter() - start)
            figures = {"milliseconds": round(1e3 * min(native), 3),
                       "structure_milliseconds": round(1e3 * min(structure), 3),
                       "hdf5_milliseconds": round(1e3 * min(peer), 3),
                       "native_over_hdf5": round(min(native) / min(peer), 3),
                       "structure_share": round(min(structure) / min(native), 5), "spread": summary(native)[1]}
            if load:
                figures["load_milliseconds"] = round(1e3 * min(load), 3)
            emit(bench="reading", file=name, bytes=line["bytes"], objects=line["objects"], **figures)
    return None


def load():
    if not os.path.exists(LIBRARY):
        return note("load skipped: build/lib/libflip.so is not built")
    run = subprocess.run([sys.executable, "-c", PROBE % LIBRARY], capture_output=True, text=True, check=True)
    before, after, seconds, version = run.stdout.split()
    with tempfile.TemporaryDirectory() as scratch:
        small = os.path.join(scratch, "libflip.so")
        subprocess.run(["strip", "-o", small, LIBRARY], check=True)
        size = os.path.getsize(small)
    emit(bench="load", stripped_mb=round(size / 1e6, 2), threads_started=int(after) - int(before),
         printed_nothing=run.stderr == "" and len(run.stdout.splitlines()) == 1,
         milliseconds=round(float(seconds) * 1e3, 1), version=int(version))


def main():
    p = argparse.ArgumentParser(description="our figures beside peers', one JSON object a line")
    known = ["dp_step", "best", "published", "columns", "reading", "load"]
    p.add_argument("names", nargs="*", help=", ".join(known) + " (all but columns, or with --old all of them)")
    p.add_argument("--rounds", type=int, default=7)
    p.add_argument("--seconds", type=float, default=1.0, help="least time of one turn")
    p.add_argument("--old", metavar="CHECKOUT", help="another checkout, built: both builds in turns")
    p.add_argument("--width", type=int, default=200, help="columns of the made-up table of `columns`")
    a = p.parse_args()
    names = a.names or [n for n in known if a.old or n != "columns"]
    unknown = set(names) - set(known)
    if unknown:
        p.error(f"unknown: {', '.join(sorted(unknown))}")
    if "dp_step" in names:
        right_python()
        dp_step(a.rounds, a.seconds, a.old)
    if {"best", "published", "columns"} & set(names):
        whole_jobs(names, a.old, min(a.rounds, 3), a.width)
    if "reading" in names:
        reading(min(a.rounds, 5))
    if "load" in names:
        load()


if __name__ == "__main__":
    main()
