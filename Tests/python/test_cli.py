"""The command line, as a person uses it."""
import json
import os
import signal
import subprocess
import time

import flip
import pytest
from conftest import LONG, NETWORKS, ROOT, SMALL

FLIP = os.path.join(ROOT, "build", "bin", "flip")


def run(*words, **options):
    return subprocess.run([FLIP, *map(str, words)], capture_output=True, text=True, stdin=subprocess.DEVNULL, **options)


OPTIONS = {k: v for k, v in SMALL.items() if k != "preset"}


def promise(domain):
    return [
        "--schema", domain, "--protected", "sex", "--epsilon", "4", "--delta", "1e-5", "--preset", "published",
        "--config",
        json.dumps(OPTIONS)
    ]


def test_every_command_tells_of_itself():
    whole = run("--help").stdout
    for command in ("schema", "train", "sample", "ledger", "evaluate", "plan", "budget", "domain", "convert", "check"):
        own = run(command, "--help").stdout
        assert own.startswith(f"flip {command} ") and len(own) < len(whole) and "--delimiter" in own
        assert all(line in whole for line in own.splitlines())
        assert run(command, "-h").stdout == own
    assert run("nothing", "--help").returncode == 2


def test_delimiters_have_names(tmp_path):
    path, schema = tmp_path / "t.csv", tmp_path / "s.json"
    schema.write_text('{"fields": [{"name": "a", "type": "boolean"}, {"name": "b", "type": "boolean"}]}')
    for sign, names in ((";", (";", "semicolon")), ("\t", ("\t", "\\t", "tab")), ("|", ("|", "bar"))):
        path.write_text(f"a{sign}b\ntrue{sign}false\n")
        for name in names:
            assert "1 rows fit" in run("check", path, "--schema", schema, "--delimiter", name).stdout
    assert run("check", path, "--schema", schema, "--delimiter", "stroke").returncode == 1


def test_groups_are_told_where_a_stage_samples_by_group(tmp_path):
    schema = tmp_path / "s.json"
    group = {"name": "g", "type": "string", "constraints": {"enum": ["a", "b"], "required": True}}
    schema.write_text(json.dumps({"fields": [group, {"name": "y", "type": "boolean"}]}))
    words = ("plan", "--schema", schema, "--epsilon", "2", "--delta", "1e-5", "--protected", "g", "--explain")
    assert "of the group" not in run(*words).stdout                  # no heading over nothing
    assert "g=a" in run(*words, "--preset", "published").stdout.split("of the group")[1]


def test_version_and_help():
    assert run("--version").stdout == f"flip {flip.__version__}\n"
    assert "flip train" in run("--help").stdout == run().stdout


def test_from_a_table_to_synthetic_rows(csv, tmp_path):
    path, domain = csv
    model, rows = tmp_path / "m.flip.h5", tmp_path / "s.csv"
    done = run("train", path, *promise(domain), "--out", model)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert "600" not in done.stdout
    assert run("sample", model, "--rows", 321, "--seed", 1, "--out", rows).returncode == 0
    assert len(flip.Table.read_csv(rows, domain)) == 321
    assert rows.read_text() == _csv(flip.load(model).sample(321, seed=1), tmp_path)
    bill = json.loads(run("ledger", model, "--json").stdout)
    assert bill == flip.load(model).ledger
    people = run("ledger", model).stdout
    assert people == flip.load(model).ledger_report() + "\n"
    assert people.startswith("What was promised\n") and "autoencoder" in people and "recompute_epsilon.py" in people
    assert all(group in people for group in bill["groups"]) and all(a in people for a in bill["assumptions"])
    assert "a row is not a person: somebody with k rows has the guarantee of k rows" in people
    assert "changing a row is removing it and adding another: 2 epsilon is promised" in people
    assert len(bill["notes"]) >= 2 and all(note in people for note in bill["notes"])
    assert json.loads(run("check", model).stdout)["usable"] is True
    assert run("sample", model, "--rows", 10, "--out", tmp_path / "s.h5").returncode == 0
    assert len(flip.Table.read_hdf5(tmp_path / "s.h5")) == 10


def test_a_test_seed_is_marked_in_every_report(csv, tmp_path):
    path, domain = csv
    model, config = tmp_path / "m.flip.h5", json.dumps({**OPTIONS, "test_seed": 5})
    words = [config if w == json.dumps(OPTIONS) else w for w in promise(domain)]
    assert run("plan", *words, "--explain").stdout.startswith("NOT PRIVATE")
    assert "NOT PRIVATE" in run("train", path, *words, "--out", model).stdout
    assert "NOT PRIVATE" in run("ledger", model).stdout
    loaded = flip.load(model)
    assert "NOT PRIVATE" in repr(loaded) and "deterministic noise: not private" in loaded.ledger["assumptions"]


def _csv(table, folder):
    table.to_csv(folder / "ours.csv")
    return (folder / "ours.csv").read_text()


def test_plan_is_priced_without_data(csv):
    explained = json.loads(run("plan", *promise(csv[1])).stdout)
    assert explained["epsilon"] == 4


@pytest.mark.parametrize("preset", ["published", "best"])
def test_plan_explained(csv, preset):
    said = run("plan", "--schema", csv[1], "--epsilon", 2, "--delta", "1e-5", "--preset", preset, "--explain")
    assert (said.returncode, said.stderr) == (0, "")
    assert said.stdout == flip.plan(csv[1], epsilon=2, delta=1e-5, preset=preset).explanation() + "\n"


def test_sample_where(csv, tmp_path):
    path, domain = csv
    model, rows = tmp_path / "m.flip.h5", tmp_path / "s.csv"
    assert run("train", path, *promise(domain), "--out", model).returncode == 0
    where = {"sex": "Female", "age": {"minimum": 30, "maximum": 60}}
    assert run("sample", model, "--rows", 40, "--seed", 1, "--out", rows, "--where", json.dumps(where)).returncode == 0
    assert rows.read_text() == _csv(flip.load(model).sample(40, seed=1, where=where), tmp_path)
    (tmp_path / "where.json").write_text(json.dumps({"sex": "Male"}))
    assert run("sample", model, "--rows", 40, "--seed", 1, "--out", rows,
               f"--where={tmp_path / 'where.json'}").returncode == 0
    assert set(flip.Table.read_csv(rows, domain).to_pandas().sex) == {"Male"}
    for wrong in ('{"gender": "f"}', '{"sex": null}', '{"sex": '):
        before = rows.read_text()
        said = run("sample", model, "--rows", 40, "--out", rows, "--where", wrong)
        assert said.returncode == 1 and said.stderr.startswith("flip: ") and rows.read_text() == before


def test_a_domain_is_bought_and_trained_under(tmp_path):
    """From a CSV file nobody has a schema of to a model, within one budget; a second purchase of what is not there is
    refused and changes nothing."""
    path, sketch, budget, out, model = (tmp_path / n
                                        for n in ("t.csv", "sketch.json", "b.budget", "bought.json", "m.flip.h5"))
    path.write_text("age,ward\n" + "".join(f"{20 + i % 60},{'north' if i % 3 else 'south'}\n"
                                           for i in range(2000)) + "99999,alone\n")
    sketch.write_text('{"fields": [{"name": "age", "type": "integer"}, {"name": "ward", "type": "string"}]}')
    assert run("budget", budget, "--create", "--epsilon", 5, "--delta", "1e-5", "--selection-delta",
               "1e-7").returncode == 0
    words = ("domain", path, "--schema", sketch, "--budget", budget, "--out", out)
    assert run(*words).returncode == 2                                  # neither --epsilon nor --share
    done = run(*words, "--share", 0.2)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    bought = json.loads(out.read_text())
    assert bought["flip:domain"] == "private" and bought["fields"][0]["constraints"] == {"minimum": 16, "maximum": 127}
    assert set(bought["fields"][1]["constraints"]["enum"]) == {"north", "south", "other"}
    done = run("train", path, "--schema", out, "--budget", budget, "--share", 0.7, "--config", json.dumps(NETWORKS),
               "--out", model)
    assert done.returncode == 0, done.stderr
    domain, report = flip.load(model).ledger["domain"], json.loads(run("budget", budget, "--json").stdout)
    assert domain["epsilon_together"] == pytest.approx(report["spent"]) and report["spent"] <= 5
    assert [r["kind"] for r in report["runs"]] == ["domain", "training"]
    assert "What the schema cost" in run("ledger", model).stdout
    assert run("train", path, "--schema", out, "--epsilon", 1, "--delta", "1e-5", "--out",
               tmp_path / "n.h5").returncode == 1
    done = run(*words, "--share", 0.2)
    assert done.returncode == 1 and "alone" not in done.stderr and json.loads(run("budget", budget,
                                                                                  "--json").stdout) == report


def test_convert_both_ways(csv, tmp_path):
    path, domain = csv
    assert run("convert", path, "--schema", domain, "--out", tmp_path / "a.h5").returncode == 0
    assert run("convert", tmp_path / "a.h5", tmp_path / "a.csv").returncode == 0
    assert (tmp_path / "a.csv").read_bytes() == open(path, "rb").read()


def test_a_config_may_be_a_file(csv, tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"autoencoder": {"steps": 7}}))
    said = run("plan", "--schema", csv[1], "--epsilon", 1, "--delta", "1e-5", f"--config={tmp_path / 'config.json'}")
    assert json.loads(said.stdout)["config"]["autoencoder"]["steps"] == 7


@pytest.mark.parametrize("words", [
    ["fly"],
    ["train"],
    ["train", "a.csv"],
    ["train", "a.csv", "--out", "m"],
    ["sample", "m"],
    ["sample", "m", "--rows", "0", "--out", "x"],
    ["sample", "m", "--rows", "many", "--out", "x"],
    ["ledger"],
    ["ledger", "m", "n"],
    ["ledger", "m", "--xml"],
    ["convert", "a.csv"],
    ["sample", "m", "--rows"],
    ["sample", "m", "--rows", "5", "--rows", "6", "--out", "x"],
    ["train", "a.csv", "--out", "m", "--resume"],
])
def test_wrong_calls_are_exit_code_2(words, tmp_path):
    said = run(*words, cwd=tmp_path)
    assert said.returncode == 2 and said.stderr.startswith("flip: ") and said.stdout == ""
    assert os.listdir(tmp_path) == []


def test_failures_are_exit_code_1(csv, tmp_path):
    path, domain = csv
    assert run("ledger", tmp_path / "none").returncode == 1
    said = run("train", path, *promise(domain), "--out", "/proc/m.h5")
    assert said.returncode == 1 and "/proc" in said.stderr
    (tmp_path / "bad.csv").write_text("age,sex\n1,2\n")
    said = run("train", tmp_path / "bad.csv", *promise(domain), "--out", tmp_path / "m.h5")
    assert said.returncode == 1 and "bad.csv" in said.stderr
    assert sorted(os.listdir(tmp_path)) == ["bad.csv", "rows.csv", "rows.schema.json"]


def test_a_killed_training_keeps_its_charge(csv, tmp_path):
    """SIGKILL early on: the file was bound before the first release, the training goes on from it and stays inside the
    promise."""
    path, domain = csv
    checkpoint, model = tmp_path / "c.h5", tmp_path / "m.h5"
    config = {**OPTIONS, "autoencoder": {**SMALL["autoencoder"], "steps": 4000}}
    words = [
        "train", path, "--schema", domain, "--protected", "sex", "--epsilon", "4", "--delta", "1e-5", "--preset",
        "published", "--config",
        json.dumps(config), "--out",
        str(model), "--checkpoint",
        str(checkpoint)
    ]
    child = subprocess.Popen([FLIP, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    first = None
    until = time.monotonic() + 60
    while time.monotonic() < until and child.poll() is None:
        if checkpoint.exists():
            first = first or checkpoint.read_bytes()
            if checkpoint.read_bytes() != first:        # charged ahead: steps are being drawn
                break
        time.sleep(0.002)
    child.kill()
    child.communicate()
    assert child.returncode == -signal.SIGKILL and not model.exists()
    table = flip.Table.read_csv(path, domain)
    try:
        with flip.Trainer.resume(checkpoint, table) as trainer:
            charged = trainer.ledger["spent"]
    except flip.BudgetError:                # killed inside the very first release, which cannot be made twice
        return
    assert 0 < charged <= 4
    refused = run(*words)
    assert refused.returncode == 1 and "exists; pass --resume to continue it" in refused.stderr and not model.exists()
    done = run(*words, "--resume")
    assert done.returncode == 0, done.stderr
    bill = flip.load(model).ledger
    assert charged <= bill["spent"] <= 4
    again = run(*words)
    assert again.returncode == 1 and "its charges would be lost" in again.stderr


def test_ctrl_c_and_resume(csv, tmp_path):
    path, domain = csv
    words = [
        FLIP, "train", path, "--schema", domain, "--epsilon", "4", "--delta", "1e-5", "--preset", "published",
        "--config",
        json.dumps({k: v for k, v in LONG.items() if k != "preset"}), "--out",
        str(tmp_path / "m.h5"), "--checkpoint",
        str(tmp_path / "c.h5")
    ]
    for attempt in range(2):
        child = subprocess.Popen(words + ["--resume"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        time.sleep(2.0)
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=30)
        assert child.returncode == 130 and "--resume" in err and out == "", err
        assert flip.file_check(tmp_path / "c.h5")["kind"] == "flip-checkpoint"
    assert not (tmp_path / "m.h5").exists()
    assert run("train", path, *promise(domain), "--out", tmp_path / "m.h5", "--checkpoint", tmp_path / "c.h5",
               "--resume").returncode == 1
