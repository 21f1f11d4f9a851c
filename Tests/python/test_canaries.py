"""Nothing that leaves a training holds a cell, a row count or a generator's state; and two processes never share their
noise.

Every cell of the table is a number that occurs nowhere else (a canary). Each falsifier also runs on an output that was
spoilt on purpose.
"""
import csv, io, json, os, re, struct, subprocess, sys

import flip
import flip.remote
import h5py
import numpy
import pandas
import pyarrow
import pytest
from conftest import ROOT, SCHEMA, SMALL, make_frame

ROWS = 617          # a number that is in no configuration
NUMBERS = ["dose", "pulse", "charge", "age", "height"]
CANARY_SCHEMA = {
    "fields": [{"name": n, "type": "number", "constraints": {"minimum": 0, "maximum": 1000}} for n in NUMBERS] +
    [{"name": "sex", "type": "string", "constraints": {"enum": ["f", "m"], "required": True}}, {
        "name": "seen", "type": "datetime",
        "constraints": {"minimum": "2020-01-01T00:00:00Z", "maximum": "2021-01-01T00:00:00Z"}
    }]
}
BEST = {
    "rows": {"guess": 600}, "threads": 2, "projection": {"rows": 60, "steps": 30}, "rake": {"pool": 1500, "steps": 5},
    "autoencoder": {"width": 8, "heads": 2, "feed_forward": 16, "latent": 4, "batch": 64,
                    "steps": 8}, "diffusion": {"hidden": 16, "layers": 1, "batch": 64, "steps": 6,
                                               "sampler_steps": 4}, "marginals": {"pairs": "selected", "count": 6}
}
PRESETS = {"published": SMALL, "best": BEST}


def canary_frame():
    r = numpy.random.default_rng(77)
    frame = pandas.DataFrame({n: r.random(ROWS) * 1000 for n in NUMBERS})
    frame["sex"] = r.choice(["f", "m"], ROWS)
    frame["seen"] = numpy.datetime64("2020-01-01T00:00:00.000000") + r.integers(0, 366 * 86_400_000_000,
                                                                                ROWS).astype("timedelta64[us]")
    return frame


def needles(frame):
    """Every cell as the eight bytes of a double or of microseconds, and as its first twelve characters or its time of
    day."""
    binary, text = set(), set()
    for n in NUMBERS:
        for x in frame[n]:
            binary.add(struct.unpack("<Q", struct.pack("<d", x))[0])
            text.add(repr(float(x))[:12].encode())
    for t in frame["seen"]:
        binary.add(t.value // 1000)
        text.add(t.strftime("%H:%M:%S.%f").encode())
    return numpy.array(sorted(binary), dtype="uint64"), text


def holds(data, found):
    """Whether a canary is in `data`, at any place."""
    binary, text = found
    for shift in range(8):
        part = data[shift:]
        if numpy.isin(numpy.frombuffer(part[:len(part) // 8 * 8], dtype="<u8"), binary).any():
            return True
    words = {w[:12] for w in re.findall(rb"\d{1,3}\.\d{6,}", data)} | set(re.findall(rb"\d\d:\d\d:\d\d\.\d{6}", data))
    return bool(words & text)


def unpacked(data):
    """Everything that an HDF5 file says, whatever its filters do: names, attributes, contents."""
    parts = [data]
    with h5py.File(io.BytesIO(data), "r") as f:
        def visit(name, item):
            parts.append(name.encode())
            parts.extend(repr(v).encode() for v in item.attrs.values())
            if isinstance(item, h5py.Dataset):
                value = item[()]
                parts.append(value if isinstance(value, bytes) else b"\0".join(value.tolist(
                )) if getattr(value, "dtype", None) == object else numpy.asarray(value).tobytes())
        f.visititems(visit)
    return b"\n".join(parts)


def scan(outputs, found):
    """Names of the outputs that hold a canary."""
    return sorted(name for name, data in outputs.items() if holds(data, found))


@pytest.fixture(scope="module", params=list(PRESETS))
def training(request, tmp_path_factory):
    """All that leaves a training: files, ledgers, reports, events, what is printed."""
    folder, frame = tmp_path_factory.mktemp("canaries"), canary_frame()
    schema = flip.Schema(CANARY_SCHEMA)
    options = {
        "protected": ["sex"], "epsilon": 4.0, "delta": 1e-5, "preset": request.param, "config": PRESETS[request.param]
    }
    plan, events, outputs = flip.plan(schema, **options), [], {}
    with flip.Trainer(plan, flip.Table.from_pandas(frame, schema)) as trainer:
        events.append(repr(trainer.step(max_steps=4, max_seconds=0)))
        trainer.checkpoint(folder / "c")
        while not (now := trainer.step()).done:
            events.append(repr(now))
        model = trainer.finish()
    outputs["events"] = re.sub(r"seconds=[^,)]*", "", "\n".join(events)).encode()
    outputs["model"], outputs["checkpoint"] = unpacked(model.to_bytes()), unpacked((folder / "c").read_bytes())
    outputs["ledger"], outputs["info"] = json.dumps(model.ledger).encode(), json.dumps(model.info).encode()
    outputs["report"], outputs["words"] = model.ledger_report().encode(), repr(
        (model, plan, plan.explain(), plan.explanation())).encode()
    frame.to_csv(folder / "rows.csv", index=False, date_format="%Y-%m-%dT%H:%M:%S.%fZ")
    (folder / "s.json").write_text(json.dumps(CANARY_SCHEMA))
    said = subprocess.run([
        os.path.join(ROOT, "build", "bin", "flip"), "train", folder / "rows.csv", "--schema", folder / "s.json",
        "--protected", "sex", "--epsilon", "4", "--delta", "1e-5", "--preset", request.param, "--config",
        json.dumps({k: v for k, v in options["config"].items() if k != "preset"}), "--out", folder / "m"
    ], capture_output=True, stdin=subprocess.DEVNULL)
    assert said.returncode == 0, said.stderr
    outputs["printed"] = said.stdout + said.stderr
    return {
        "outputs": outputs, "model": model.to_bytes(), "checkpoint": (folder / "c").read_bytes(), "frame": frame,
        "config": json.dumps(options["config"])
    }


def test_no_output_holds_a_cell(training):
    assert scan(training["outputs"], needles(training["frame"])) == []


def test_the_scan_sees_a_value(training):
    """Mutants: a message with the value in it; a file that keeps one column, in whichever form."""
    cells, found = training["frame"]["dose"], needles(training["frame"])
    seen = training["frame"]["seen"]
    def spoilt(name, value):
        data = io.BytesIO(training["model"])
        with h5py.File(data, "r+") as f:
            f.create_dataset(name, data=value, **({"compression": "gzip"} if numpy.ndim(value) else {}))
        return unpacked(data.getvalue())

    outputs = {
        "message": f"row 3: {cells[3]} is out of range".encode(), "event": f"Progress(loss={cells[5]!r})".encode(),
        "time": f"last seen {seen[8].isoformat()}".encode(), "column": spoilt("released/dose", cells.to_numpy()),
        "batch": spoilt("optimiser/batch", cells[:8].to_numpy()), "one": spoilt("extra", float(cells[100])),
        "times": spoilt("released/seen",
                        seen.astype("datetime64[us]").astype("int64").to_numpy()),
        "fine": b"row 3: a value is out of range"
    }
    assert scan(outputs, found) == sorted(set(outputs) - {"fine"})


@pytest.mark.parametrize("column", [f["name"] for f in SCHEMA["fields"]])
def test_loader_errors_name_the_place_only(column, tmp_path):
    """A canary in each kind of column: not read, not in range, not a level."""
    flip.Table.from_pandas(make_frame(5, seed=2), SCHEMA).to_csv(tmp_path / "good.csv")
    with open(tmp_path / "good.csv", encoding="utf-8", newline="") as f:
        rows = list(csv.reader(f))
    for value in ("Canary-7391", "73917391.5", "2071-03-09", "7391-03-09T17:39:17Z"):
        spoilt = [list(r) for r in rows]
        spoilt[3][rows[0].index(column)] = value
        with open(tmp_path / "bad.csv", "w", encoding="utf-8", newline="") as f:
            csv.writer(f).writerows(spoilt)
        with pytest.raises(flip.SchemaError) as caught:
            flip.Table.read_csv(tmp_path / "bad.csv", SCHEMA)
        said = str(caught.value).split("bad.csv")[1]
        assert column in said and "739" not in said and "2071" not in said and "anary" not in said, said


# What a model file and a checkpoint may hold. Whoever adds a name here has to say why it may be public: a function of
# the schema, of the options, of released values or of public seeds.
PUBLIC = [
    r"digest",
    r"schema",
    r"plan",
    r"run",
    r"steps_done",
    r"ledger(/json|/events(/(_index|count|group|mechanism|name|noise_multiplier|sampling_rate|rho|\w+))?)?",
    r"released(/(group_counts|histogram_\d+))?",
    r"selected_pairs",
    r"marginals(/(columns|counts|\w+))?",
    r"tilt(/(head_)?theta)?",
    r"disparity",
    r"weights(/(autoencoder|diffusion)(/[a-z0-9.]+)?)?",
    r"weights/latent_(mean|deviation)",
    r"teacher(/(autoencoder|diffusion)(/[a-z0-9.]+)?)?",
    r"(student_)?calibrated(/[a-z0-9.]+)?",
    r"(finetuned|(student_)?(autoencoder|diffusion))(/(weights(/[a-z0-9.]+)?|average|adam_first|adam_second|updates))?",
    r"moments(/\w+)?",
]


def complaints(data, config):
    """What is wrong with a file: names that are not on the list; a dimension, a whole number or a number in a text that
    is the row count."""
    found = []
    with h5py.File(io.BytesIO(data), "r") as f:
        def visit(name, item):
            if not any(re.fullmatch(p, name) for p in PUBLIC):
                found.append(f"{name}: not on the list")
            values = list(item.attrs.values())
            if isinstance(item, h5py.Dataset):
                if ROWS in item.shape:
                    found.append(f"{name}: as many as there are rows")
                values.append(item[()])
            for v in values:
                if isinstance(v, (bytes, str)):
                    text = v.decode("utf-8", "replace") if isinstance(v, bytes) else v
                    # Not inside a longer number, a digest or the random name of a run.
                    if re.search(rf"(?<![\d.a-f]){ROWS}(?![\d.a-f])", text.replace(config, "")):
                        found.append(f"{name}: the row count in a text")
                elif numpy.ndim(v) == 0 and getattr(v, "dtype",
                                                    None) is not None and v.dtype.kind in "iuf" and v == ROWS:
                    found.append(f"{name}: the row count")
        f.visititems(visit)
        for key, v in f.attrs.items():
            if not re.fullmatch(r"encoding-type|encoding-version|flip-format|flip-format-version|flip-\w[\w-]*", key):
                found.append(f"{key}: not on the list")
    return found


@pytest.mark.parametrize("kind", ["model", "checkpoint"])
def test_files_hold_what_is_listed_and_no_count(training, kind):
    assert complaints(training[kind], training["config"]) == []


@pytest.mark.parametrize("name, value", [
    ("optimiser/batch", numpy.arange(64)),
    ("random/key", numpy.arange(8, dtype="uint32")),
    ("rows", 5.0),
    ("released/order", numpy.arange(ROWS)),
    ("released/group_counts", float(ROWS)),
    ("ledger/events/count", numpy.array(ROWS)),
    ("schema", f'{{"rows": {ROWS}}}'),
    ("weights/elapsed", 3.5),
    ("source", "/home/someone/rows.csv"),
])
def test_the_list_sees_what_is_added(training, name, value):
    """Mutants: an optimiser saved with its batch, a generator's state, the row count in several places, a time, a file
    name."""
    data = io.BytesIO(training["model"])
    with h5py.File(data, "r+") as f:
        if name in f:
            del f[name]
        f[name] = value
    assert complaints(data.getvalue(), training["config"]) != []


COUNTS = """
import json, sys
sys.path.insert(0, sys.argv[1])
import flip, conftest
config = dict(conftest.SMALL, test_seed=json.loads(sys.argv[2]))
table = flip.Table.from_pandas(conftest.make_frame(300, seed=4), flip.Schema(conftest.SCHEMA))
plan = flip.plan(table.schema, protected=["sex"], epsilon=4.0, delta=1e-5, preset="published", config=config)
info = flip.train(table, plan, progress=False).info
print(json.dumps([info["released"]["rows"], [c["bin_shares"] for c in info["released"]["columns"]]]))
"""


def test_two_processes_never_share_noise():
    """The same training at the same moment in several processes: other noise everywhere. Mutant: a shared key, here a
    test seed."""
    def run(seed, n):
        started = [
            subprocess.Popen(
                [sys.executable, "-c", COUNTS,
                 os.path.dirname(__file__), json.dumps(seed)], stdout=subprocess.PIPE, text=True) for _ in range(n)
        ]
        return [json.loads(p.communicate()[0]) for p in started]
    rows = [r[0] for r in run(None, 3)]
    assert len(set(rows)) == 3
    one, other = run(9, 2)
    assert one == other


def test_what_leaves_a_domain_of_parts_holds_no_text_of_one_row(tmp_path):
    """Such texts are in the sums, which are as secret as the rows and in which the scan sees them, and nowhere else."""
    frame = canary_frame()
    frame["name"] = [f"canary {k} of all" if k % 2 else "often" for k in range(ROWS)]
    sketch = {"fields": [{"name": f["name"], "type": f["type"]} for f in CANARY_SCHEMA["fields"]]
              + [{"name": "name", "type": "string"}]}
    asks, sums = [], []

    class Parts:
        roll_call = "once"

        def parts(self):
            return 3

        def sums(self, ask):
            asks.append(ask)
            for part in range(3):
                rows = pyarrow.Table.from_pandas(frame[part::3], preserve_index=False)
                sums.append(flip.remote.part_sums(ask, part, rows))
            return sums[-3:]

    budget = flip.Budget(tmp_path / "b", epsilon=6, delta=1e-5, selection_delta=1e-7)
    found = flip.remote.release_domain(Parts(), sketch, budget, share=0.5)
    assert len(asks) == 2 and '"often"' in found.schema.json
    out = [*asks, found.schema.json.encode(), json.dumps(found.report).encode(), (tmp_path / "b").read_bytes()]
    assert not any(re.search(rb"canary \d", data) for data in out)
    assert not any(re.search(rb"canary \d", data) for data in sums[:3])       # a roll call reads, and counts no text
    assert all(re.search(rb"canary \d", data) for data in sums[3:])
    cells = needles(frame)
    assert not any(holds(data, cells) for data in out)
