"""Rows elsewhere from Python: files larger than memory, engines, the command line; what is refused, and what is never
shown."""
import json
import os
import shutil
import subprocess

import flip
import flip.dask
import flip.remote
import pandas
import pyarrow
import pyarrow.parquet
import pytest
from conftest import ROOT, SCHEMA, make_frame
from flip import __main__ as flip_command
from flip import _domain, _domain_sums, _files, _persons
from flip._library import config_bytes

CANARY = "Wagner-Kanarienvogel"
BEST = {"projection": {"rows": 60, "steps": 20}, "diffusion": {"hidden": 16, "layers": 1, "batch": 64, "steps": 3,
                                                               "sampler_steps": 4},
        "autoencoder": {"width": 8, "heads": 2, "feed_forward": 16, "latent": 4, "batch": 64, "steps": 3},
        "rake": {"pool": 1000, "steps": 2}, "test_seed": 3, "threads": 1}


def make_plan(more=None, **options):
    promise = options or {"epsilon": 4, "delta": 1e-5}
    return flip.plan(SCHEMA, protected=["sex"], config={**BEST, **(more or {})}, **promise)


class Frames:
    """Data frames as parts; `change` may give other ones for each reading."""

    def __init__(self, frames, change=lambda frames, reading: frames):
        self.frames, self.change, self.readings = frames, change, 0

    def parts(self):
        return len(self.frames)

    def sums(self, ask):
        frames = self.change(self.frames, self.readings)
        self.readings += 1
        for part, frame in enumerate(frames):
            yield flip.remote.part_sums(ask, part, pyarrow.Table.from_pandas(frame, preserve_index=False))


@pytest.fixture(scope="module")
def rows():
    return make_frame(500, seed=4)


@pytest.fixture(scope="module")
def here(rows):
    """The model of one table."""
    return flip.train(flip.Table.from_pandas(rows, SCHEMA), make_plan(), progress=False).to_bytes()


@pytest.fixture()
def folder(rows, tmp_path):
    """The rows in two Parquet files, one of them in a folder of its own, and two CSV files, one without rows."""
    (tmp_path / "more").mkdir()
    pyarrow.parquet.write_table(pyarrow.Table.from_pandas(rows[:100], preserve_index=False), tmp_path / "a.parquet")
    pyarrow.parquet.write_table(pyarrow.Table.from_pandas(rows[100:101], preserve_index=False),
                                tmp_path / "more" / "b.parquet")
    flip.Table.from_pandas(rows[101:], SCHEMA).to_csv(tmp_path / "c.csv")
    header = (tmp_path / "c.csv").read_text().splitlines()[0]
    (tmp_path / "d.csv").write_text(header + "\n")
    (tmp_path / "_SUCCESS").write_text("")
    return tmp_path


def test_files_give_the_model_of_one_table(folder, here):
    engine = flip.remote.Files(folder, SCHEMA)
    assert engine.parts() == 4
    assert flip.remote.train(engine, make_plan(), progress=False).to_bytes() == here
    assert flip.remote.train(engine, make_plan(), roll_call="once", progress=False).to_bytes() == here


def test_any_parts_and_any_order_give_the_model_of_one_table(rows, here):
    class Tree(Frames):
        def sums(self, ask):
            parts = list(super().sums(ask))[::-1]
            yield flip.remote.merge(ask, [flip.remote.merge(ask, parts[:2]), *parts[2:]])

    parts = [rows[:0], rows[:1], rows[1:7], rows[7:400], rows[400:], rows[:0]]
    assert flip.remote.train(Tree(parts), make_plan(), progress=False).to_bytes() == here


def test_a_shared_budget_holds_the_charge(rows, tmp_path):
    budget = flip.Budget(tmp_path / "b", epsilon=4, delta=1e-5)
    plan = make_plan(budget=budget, share=0.5)
    flip.remote.train(Frames([rows]), plan, progress=False)
    assert 0 < budget.spent <= 4 and len(budget.report()["runs"]) == 1


def test_rows_that_change_are_refused_before_they_are_charged(rows, tmp_path):
    def other(frames, reading):
        return frames if reading == 0 else [make_frame(500, seed=5)]

    for roll_call, releases in (("none", 1), ("once", 0)):
        budget = flip.Budget(tmp_path / roll_call, epsilon=4, delta=1e-5)
        with pytest.raises(flip.StateError, match="not the rows"):
            flip.remote.train(Frames([rows], other), make_plan(budget=budget, share=0.5), roll_call=roll_call,
                              progress=False)
        (run,) = budget.report()["runs"]
        assert len(run["ledger"]["releases"]) == releases


def test_parts_that_are_lost_or_come_twice_are_refused(rows):
    class Some(Frames):
        def __init__(self, which):
            super().__init__([rows[:200], rows[200:]])
            self.which = which

        def sums(self, ask):
            parts = list(super().sums(ask))
            return [parts[k] for k in self.which]

    for which in ([0], [0, 1, 1], [1, 1]):
        with pytest.raises(flip.StateError, match="nothing was charged"):
            flip.remote.train(Some(which), make_plan(), progress=False)


def test_a_bad_cell_is_counted_and_never_shown(rows):
    bad = rows.astype({"city": object, "sex": object, "age": object}).copy()
    bad.loc[3, "city"] = bad.loc[4, "sex"] = CANARY
    bad["age"] = bad["age"].astype(str)
    bad.loc[7, "age"] = CANARY
    with pytest.raises(flip.SchemaError) as refused:
        flip.remote.train(Frames([bad]), make_plan(), progress=False)
    for name in ("city", "sex", "age"):
        assert f'"{name}": 1' in str(refused.value)
    assert CANARY not in str(refused.value)
    flip.remote.train(Frames([bad]), make_plan(), invalid="coerce", progress=False)


def test_sums_and_asks_do_not_mix(rows):
    with pytest.raises(flip.FormatError):
        flip.remote.Sums(b"no ask at all, but some bytes that are long enough to be one, or nearly so, who knows......")
    with pytest.raises(flip.Unsupported):
        flip.remote.train(Frames([rows]), flip.plan(SCHEMA, epsilon=2, delta=1e-5, preset="published"), progress=False)
    with pytest.raises(flip.ArgumentError):
        flip.remote.Files(os.path.join(ROOT, "Tests", "fuzz"), SCHEMA)


def test_persons_are_bounded_part_by_part(rows):
    plan = make_plan({"max_rows_per_person": 2})
    who = pandas.Series([f"p{k % 130}" for k in range(len(rows))])
    table = flip.Table.from_pandas(rows, SCHEMA).bound_persons(who, 2)
    here = flip.train(table, plan, progress=False).to_bytes()
    schema = flip.Schema(SCHEMA)

    class Persons:
        def parts(self):
            return 3

        def sums(self, ask):
            for part in range(3):
                mine = (who.str[1:].astype(int) % 3 == part).to_numpy()
                frame = pyarrow.Table.from_pandas(rows[mine].assign(who=who[mine]), preserve_index=False)
                yield flip.remote.part_sums(ask, part, _persons.bounded(frame, "who", schema, 2))

    assert flip.remote.train(Persons(), plan, progress=False).to_bytes() == here
    with pytest.raises(flip.StateError, match="persons"):
        flip.remote.train(Frames([rows]), plan, progress=False)


def test_a_checkpoint_is_gone_on_with(rows, tmp_path):
    class Stops(Frames):
        def sums(self, ask):
            if self.readings == 1:
                raise KeyboardInterrupt
            return super().sums(ask)

    path, plan = tmp_path / "c", make_plan()
    stops = Stops([rows])
    with pytest.raises(KeyboardInterrupt):
        flip.remote.train(stops, plan, checkpoint=path, progress=False)
    assert flip.file_check(path)["usable"]
    model = flip.remote.train(Frames([rows]), plan, checkpoint=path, resume=True, progress=False)
    assert [r["name"] for r in model.ledger["releases"]] == ["histograms", "marginals"]


def test_the_command_line_takes_a_folder(rows, here, tmp_path):
    table = flip.Table.from_pandas(rows, SCHEMA)
    (tmp_path / "t").mkdir()
    table.to_csv(tmp_path / "all.csv")
    lines = (tmp_path / "all.csv").read_text().splitlines(keepends=True)
    for k, (a, b) in enumerate([(1, 200), (200, len(lines))]):
        (tmp_path / "t" / f"{k}.csv").write_text(lines[0] + "".join(lines[a:b]))
    (tmp_path / "s.json").write_text(table.schema.json)
    words = [os.path.join(ROOT, "build", "bin", "flip"), "train", tmp_path / "t", "--schema", tmp_path / "s.json",
             "--protected", "sex", "--epsilon", "4", "--delta", "1e-5", "--config", json.dumps(BEST), "--out",
             tmp_path / "m.h5", "--quiet"]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert flip.load(tmp_path / "m.h5").to_bytes() == here
    (tmp_path / "t" / "x.parquet").write_text("")
    for rows_of in (tmp_path / "t", tmp_path / "t" / "x.parquet"):
        words[2] = rows_of
        assert "python -m flip train" in subprocess.run(words, capture_output=True, text=True).stderr


def test_the_command_of_python_takes_parquet(rows, here, folder, tmp_path, capsys):
    out, words = tmp_path / "m.h5", ["--epsilon", "4", "--delta", "1e-5", "--protected", "sex", "--quiet"]
    (tmp_path / "s.json").write_text(json.dumps(SCHEMA))
    (tmp_path / "c.json").write_text(json.dumps(BEST))
    words = ["train", str(folder), "--schema", str(tmp_path / "s.json"), "--out", str(out), *words]
    assert flip_command.main([*words, "--config", str(tmp_path / "c.json")]) == 0
    assert "ε" in capsys.readouterr().out
    assert flip.load(out).to_bytes() == here
    assert flip_command.main([*words, "--config", "{}", "--preset", "published"]) == 1
    assert "samples single rows" in capsys.readouterr().err
    with pytest.raises(SystemExit) as usage:
        flip_command.main([*words, "--resume"])
    assert usage.value.code == 2


SKETCH = {**SCHEMA, "fields": [{"name": f["name"], "type": f["type"]} if f["name"] in ("city", "income", "seen", "stay")
                               else f for f in SCHEMA["fields"]]}


def domain_budget(folder, name="b"):
    return flip.Budget(folder / name, epsilon=900, delta=1e-3, selection_delta=1e-4)


@pytest.fixture()
def seeded(monkeypatch):
    """Releases of domains with noise of a seed."""
    for module in (_domain, _domain_sums):
        monkeypatch.setattr(module, "config_bytes", lambda options: config_bytes({**options, "test_seed": 5}))


def text_of(domain, budget):
    """A released schema but for the names of its run and its budget, which are drawn."""
    (run,) = budget.report()["runs"]
    purchase = domain.schema.dict["flip:purchase"]
    assert purchase["run"] == run["run"]
    return domain.schema.json.replace(run["run"], "run").replace(purchase["budget"], "budget")


def one_domain(rows, folder, **options):
    """The domain of one CSV file."""
    flip.Table.from_pandas(rows, SCHEMA).to_csv(folder / "_all.csv")
    budget = domain_budget(folder, "one")
    return text_of(flip.release_domain(folder / "_all.csv", SKETCH, budget, epsilon=800, **options), budget)


def test_a_domain_of_parts_is_that_of_one_file(rows, folder, tmp_path, seeded):
    """Files of both kinds, and frames, in any parts and by any tree: the same schema, byte by byte."""
    want = one_domain(rows, tmp_path)
    assert "Bonn" in want

    class Tree(Frames):
        def sums(self, ask):
            parts = list(super().sums(ask))[::-1]
            yield flip.remote.merge(ask, [flip.remote.merge(ask, parts[:2]), *parts[2:]])

    frames = [rows[:0], rows[:1], rows[1:7], rows[7:400], rows[400:]]
    for k, (engine, options) in enumerate([(folder, {}), (Tree(frames), {}), (Tree(frames), {"roll_call": "once"})]):
        budget = domain_budget(tmp_path, f"b{k}")
        found = flip.remote.release_domain(engine, SKETCH, budget, epsilon=800, name="files", **options)
        (run,) = budget.report()["runs"]
        assert run["name"] == "files" and run["kind"] == "domain" and found.report["run"] == run["run"]
        assert text_of(found, budget) == want


def test_parts_of_a_domain_are_checked(rows, tmp_path):
    class Some(Frames):
        def __init__(self, which, change=None):
            super().__init__([rows[:200], rows[200:]], change or (lambda frames, reading: frames))
            self.which = which

        def sums(self, ask):
            parts = list(super().sums(ask))
            return [parts[k] for k in self.which]

    def other(frames, reading):
        return frames if reading == 0 else [make_frame(200, seed=5), frames[1]]

    budget = domain_budget(tmp_path)
    for engine, options in ((Some([0]), {}), (Some([0, 1, 1]), {}), (Some([1, 1]), {}),
                            (Some([0, 1], other), {"roll_call": "once"})):
        with pytest.raises(flip.StateError):
            flip.remote.release_domain(engine, SKETCH, budget, epsilon=800, **options)
    assert budget.report()["runs"] == [] and budget.spent == 0
    table = flip.Table.from_pandas(rows, SCHEMA)

    class OfTables(Frames):
        def sums(self, ask):
            yield flip.remote.part_sums(ask, 0, table)

    with pytest.raises(flip.Unsupported, match="schema already"):
        flip.remote.release_domain(OfTables([rows]), SKETCH, budget, epsilon=800)


def test_a_bad_cell_of_a_domain_is_counted_and_never_shown(rows, tmp_path):
    bad = rows.astype({"sex": object, "age": object}).copy()
    bad["age"] = bad["age"].astype(str)
    bad.loc[4, "sex"] = bad.loc[7, "age"] = CANARY
    budget = domain_budget(tmp_path)
    with pytest.raises(flip.SchemaError) as refused:
        flip.remote.release_domain(Frames([rows[:0], bad]), SKETCH, budget, epsilon=800)
    assert '"sex": 1' in str(refused.value) and '"age": 1' in str(refused.value)
    assert CANARY not in str(refused.value) and budget.spent == 0
    flip.remote.release_domain(Frames([bad]), SKETCH, budget, epsilon=800, invalid="coerce")


def test_a_file_that_fails_releases_nothing(rows, folder, tmp_path):
    """A file that cannot be read to its end: no domain of the rows before it, and no charge."""
    budget = domain_budget(tmp_path)
    whole = (folder / "a.parquet").read_bytes()
    for bad in (b"no Parquet at all", whole[:-1], whole[:40] + bytes(60) + whole[100:]):
        (folder / "z.parquet").write_bytes(bad)
        for invalid in ("refuse", "coerce"):
            with pytest.raises(Exception):
                flip.remote.release_domain(folder, SKETCH, budget, epsilon=800,
                                           invalid=invalid)
            assert budget.report()["runs"] == [] and budget.spent == 0
    (folder / "z.parquet").unlink()
    (folder / "z.csv").write_text("age,sex\n1,f\n")
    with pytest.raises(flip.SchemaError, match="lacks the column"):
        flip.remote.release_domain(folder, SKETCH, budget, epsilon=800)
    (folder / "z.csv").unlink()
    with pytest.raises(flip.SchemaError):
        flip.remote.release_domain(folder, {"fields": SKETCH["fields"][:3]}, budget,
                                   epsilon=800)
    with pytest.raises(flip.SchemaError):
        flip.remote.release_domain(folder, "{}", budget, epsilon=800)
    with pytest.raises(flip.ArgumentError, match="max_rows_per_person"):
        flip.remote.release_domain(folder, SKETCH, budget, epsilon=800, person="who")
    with pytest.raises(flip.BudgetError):
        flip.remote.release_domain(folder, SKETCH, budget, epsilon=950)
    assert budget.spent == 0


def write_persons(rows, who, folder, kinds):
    """Rows of persons in three files of these kinds, with a column too many."""
    for k, kind in enumerate(kinds):
        frame = rows.assign(who=who)[k * 200:(k + 1) * 200]
        if kind == "parquet":
            table = pyarrow.Table.from_pandas(frame.assign(more=1), preserve_index=False)
            pyarrow.parquet.write_table(table, folder / f"{k}.parquet")
            continue
        flip.Table.from_pandas(frame.drop(columns="who"), SCHEMA).to_csv(folder / "_one.csv")
        cells = pandas.read_csv(folder / "_one.csv", dtype=str, keep_default_na=False)
        cells.assign(who=frame["who"].to_list(), more=1).to_csv(folder / f"{k}.csv", index=False)


def test_persons_in_csv_files_are_dealt_by_name(rows, tmp_path, monkeypatch):
    plan, who = make_plan({"max_rows_per_person": 2}), pandas.Series([f"p{k % 130}" for k in range(len(rows))])
    here = flip.train(flip.Table.from_pandas(rows, SCHEMA).bound_persons(who, 2), plan, progress=False).to_bytes()
    write_persons(rows, who, tmp_path, ["csv", "csv", "csv"])
    engine = flip.remote.Files(tmp_path, SCHEMA, extra="ignore", person="who", max_rows_per_person=2)
    assert engine.parts() == 1
    assert flip.remote.train(engine, plan, progress=False).to_bytes() == here
    monkeypatch.setattr(_files, "_DEALT_BYTES", 10_000)
    assert engine.parts() > 2
    assert flip.remote.train(engine, plan, progress=False).to_bytes() == here
    lines = (tmp_path / "0.csv").read_text()
    for broken in (lines + f"{CANARY},1\n", lines + lines.splitlines()[1].replace(",p0,", ",,") + "\n"):
        (tmp_path / "0.csv").write_text(broken)
        with pytest.raises((flip.FormatError, flip.SchemaError)) as refused:
            flip.remote.train(engine, plan, progress=False)
        assert CANARY not in str(refused.value)


def test_a_domain_of_persons_is_that_of_one_file(rows, tmp_path, monkeypatch, seeded):
    who = pandas.Series([f"p{k % 130}" for k in range(len(rows))])

    def budget(name):
        return flip.Budget(tmp_path / name, epsilon=900, delta=1e-3, selection_delta=1e-4, max_rows_per_person=2)

    write_persons(rows, who, tmp_path, ["csv", "csv", "csv"])
    files = [pandas.read_csv(tmp_path / f"{k}.csv", dtype=str, keep_default_na=False) for k in range(3)]
    pandas.concat(files).to_csv(tmp_path / "_all.csv", index=False)
    options = {"epsilon": 800, "person": "who", "max_rows_per_person": 2, "extra": "ignore"}
    one = budget("one")
    want = text_of(flip.release_domain(tmp_path / "_all.csv", SKETCH, one, **options), one)
    for k, size in enumerate((200_000_000, 10_000)):
        monkeypatch.setattr(_files, "_DEALT_BYTES", size)
        own = budget(f"b{k}")
        assert text_of(flip.remote.release_domain(tmp_path, SKETCH, own, **options), own) == want


def test_persons_in_files_are_dealt_by_name(rows, tmp_path, monkeypatch):
    """Rows of a person in several files come together, whatever the number of parts."""
    plan, who = make_plan({"max_rows_per_person": 2}), pandas.Series([f"p{k % 130}" for k in range(len(rows))])
    here = flip.train(flip.Table.from_pandas(rows, SCHEMA).bound_persons(who, 2), plan, progress=False).to_bytes()
    for k in range(3):
        frame = rows.assign(who=who, more=1)[k * 200:(k + 1) * 200]
        pyarrow.parquet.write_table(pyarrow.Table.from_pandas(frame, preserve_index=False), tmp_path / f"{k}.parquet")
    engine = flip.remote.Files(tmp_path, SCHEMA, extra="ignore", person="who", max_rows_per_person=2)
    assert engine.parts() == 1
    assert flip.remote.train(engine, plan, progress=False).to_bytes() == here
    monkeypatch.setattr(_files, "_DEALT", 150)
    assert engine.parts() == 4
    assert flip.remote.train(engine, plan, progress=False).to_bytes() == here
    with pytest.raises(flip.SchemaError, match="'more'"):
        flip.remote.train(flip.remote.Files(tmp_path, SCHEMA, person="who", max_rows_per_person=2), plan,
                          progress=False)
    with pytest.raises(flip.StateError, match="persons"):
        flip.remote.train(flip.remote.Files(tmp_path, {**SCHEMA}, extra="ignore"), plan, progress=False)


@pytest.mark.skipif(not shutil.which("mpicc"), reason="there is no mpicc: Debian's libopenmpi-dev has it")
def test_two_ranks_of_mpi(rows, here, tmp_path):
    table = flip.Table.from_pandas(rows, SCHEMA)
    table.to_csv(tmp_path / "all.csv")
    lines = (tmp_path / "all.csv").read_text().splitlines(keepends=True)
    for k, (a, b) in enumerate([(1, 200), (200, len(lines))]):
        (tmp_path / f"{k}.csv").write_text(lines[0] + "".join(lines[a:b]))
    (tmp_path / "s.json").write_text(table.schema.json)
    library = os.path.dirname(flip.library_path)
    subprocess.run(["mpicc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-I" + os.path.join(ROOT, "include"),
                    os.path.join(ROOT, "examples", "c", "mpi_sums.c"), "-o", tmp_path / "sums", "-L" + library,
                    "-lflip", "-Wl,-rpath," + library], check=True)
    config = json.dumps({"epsilon": 4, "delta": 1e-5, "protected": ["sex"], **BEST})
    done = subprocess.run(["mpirun", "--allow-run-as-root", "--oversubscribe", "-n", "2", tmp_path / "sums",
                           tmp_path / "s.json", tmp_path / "m.h5", tmp_path / "0.csv", tmp_path / "1.csv"],
                          env={**os.environ, "FLIP_CONFIG": config, "OMPI_MCA_btl": "self,vader"}, capture_output=True,
                          text=True)
    assert done.returncode == 0, done.stderr
    assert flip.load(tmp_path / "m.h5").to_bytes() == here
