"""The package's types: mypy in its strict mode finds nothing, and a program that uses them wrongly is caught."""
import ast
import glob
import inspect
import json
import os
import re
import subprocess
import sys
import typing

import flip
import pytest
from conftest import ROOT, SMALL
from flip import _types

PACKAGE = os.path.join(ROOT, "bindings", "python")


def mypy(*arguments, cache):
    return subprocess.run([sys.executable, "-m", "mypy", "--cache-dir",
                           str(cache), *arguments], cwd=PACKAGE, capture_output=True, text=True)


def test_the_package_is_typed(tmp_path):
    assert os.path.exists(os.path.join(PACKAGE, "flip", "py.typed"))
    done = mypy("--strict", "-p", "flip", cache=tmp_path)
    assert done.returncode == 0, done.stdout
    (tmp_path / "program.py").write_text("""
import flip
table = flip.Table.read_csv("a.csv", schema={"fields": []})
rows: int = table.rows
model = flip.train(table, epsilon=1.0, delta=1e-6)
model.sample("many")
flip.Synthesizer(epsilon=1.0).fit(table).sample(5)
flip.load(3.5)
model.ledger["epsilom"]
flip.Table.read_csv("a.csv", exra="ignore")
if model.info["plan"]["order"] > model.ledger["releases"][0]["count"]: pass
""")
    done = mypy("--strict", str(tmp_path / "program.py"), cache=tmp_path)
    wrong = [line.split(":")[1] for line in done.stdout.splitlines() if ": error:" in line]
    assert wrong == ["6", "8", "9", "10"], done.stdout


def test_everything_public_says_what_it_is():
    silent = []
    for path in sorted(glob.glob(os.path.join(PACKAGE, "flip", "*.py"))):
        tree = ast.parse(open(path, encoding="utf-8").read())
        bodies = [tree] + [node for node in tree.body if isinstance(node, ast.ClassDef)]
        for node in (n for body in bodies for n in body.body if isinstance(n, (ast.FunctionDef, ast.ClassDef))):
            if not node.name.startswith("_") and not ast.get_docstring(node):
                silent.append(f"{os.path.basename(path)}: {node.name}")
    assert not silent


def imports(path):
    """The modules of the package that a file imports anywhere in it: at its top, inside a function or for its types."""
    tree = ast.parse(open(path, encoding="utf-8").read())
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level == 1:
            found |= {node.module} if node.module else {alias.name for alias in node.names}
    return found


def test_no_module_imports_itself_by_way_of_others():
    graph = {os.path.basename(path)[:-3]: imports(path) for path in glob.glob(os.path.join(PACKAGE, "flip", "*.py"))}
    assert graph["_table"] >= {"_pandas", "_schema"} and graph["_pandas"] >= {"_text"}
    while graph:
        free = {name for name, needs in graph.items() if not needs & set(graph)}
        assert free, f"a circle among {sorted(graph)}"
        graph = {name: needs for name, needs in graph.items() if name not in free}


def test_reading_a_csv_file_takes_nine_arguments():
    named = [p for p in inspect.signature(flip.Table.read_csv).parameters.values() if p.kind is not p.VAR_KEYWORD]
    assert len(named) == 9


def fits(value, kind, place):
    """Asserts that a JSON value is of a type: a typed dict, list, dict, union, literal or plain type."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if kind is typing.Any:
        return
    if isinstance(kind, type) and issubclass(kind, dict) and hasattr(kind, "__required_keys__"):
        kinds = typing.get_type_hints(kind)
        assert isinstance(value, dict), place
        assert kind.__required_keys__ <= set(value), (place, kind.__required_keys__ - set(value))
        assert set(value) <= set(kinds), (place, set(value) - set(kinds))
        for key, x in value.items():
            fits(x, kinds[key], f"{place}.{key}")
    elif origin is list:
        assert isinstance(value, list), place
        for x in value:
            fits(x, inner[0], place + "[]")
    elif origin is dict:
        assert isinstance(value, dict), place
        for key, x in value.items():
            fits(x, inner[1], f"{place}.{key}")
    elif origin is typing.Literal:
        assert value in inner, (place, value)
    elif origin is typing.Union:
        for one in inner:
            try:
                return fits(value, one, place)
            except AssertionError:
                pass
        assert False, (place, value)
    elif kind is float:
        assert isinstance(value, (int, float)) and not isinstance(value, bool), (place, value)
    else:
        assert type(value) is kind, (place, value)


def test_the_fit_is_looked_at_closely():
    good = {"sampling_rate": 1.0, "noise_multiplier": 2}
    fits(good, _types.Share, "share")
    for bad in ({"sampling_rate": 1.0}, {**good, "rate": 1.0}, {**good, "noise_multiplier": "2"},
                {**good, "noise_multiplier": True}):
        with pytest.raises(AssertionError):
            fits(bad, _types.Share, "share")


def test_objects_are_what_their_types_say(table, frame, schema, model, plan, csv, tmp_path):
    best = flip.plan(
        schema, protected=["sex"], epsilon=4.0, delta=1e-5, config={
            "rows": {"guess": 600}, "projection": {"steps": 3}, "autoencoder": {"steps": 3, "batch": 32},
            "diffusion": {"steps": 3, "batch": 32}, "rake": {"pool": 2000}
        })
    selected = flip.plan(schema, epsilon=4.0, delta=1e-5, config={"marginals": {"pairs": "selected", "count": 3}})
    other = flip.train(table, best, progress=False)
    for made in (plan, best, selected):
        fits(made.dict, flip.PlanRecord, "plan")
        fits(made.explain(), flip.Explanation, "explanation")
    for made in (model, other):
        fits(made.info, flip.ModelRecord, "model")
        fits(made.ledger, flip.Ledger, "ledger")
    for target, classifiers in (("member", "native"), (None, "none"), ("city", "sklearn")):
        result = flip.evaluate(table, other.sample(300, seed=1), protected=["sex"], target=target,
                               classifiers=classifiers)
        fits(result.to_dict(), flip.EvaluationReport, "evaluation")
    result = flip.evaluate(table, other.sample(300, seed=1), target="income", holdout=other.sample(200, seed=2),
                           classifiers="sklearn")
    fits(result.to_dict(), flip.EvaluationReport, "evaluation")
    budget = flip.Budget(tmp_path / "b", epsilon=5, delta=1e-5, selection_delta=1e-7)
    open_schema = {
        **schema.dict, "fields": [{"name": "age", "type": "integer"}, {"name": "city", "type": "string"},
                                  *schema.fields[3:], schema.fields[1]]
    }
    path, _ = csv
    domain = flip.release_domain(path, open_schema, budget, share=0.2, selection_delta=5e-8)
    budget.charge("counts", "zcdp", rho=1e-4)
    budget.charge("levels", "selection", delta=1e-9)
    flip.train(flip.Table.read_csv(path, domain.schema), budget=budget, share=0.3, config=SMALL, progress=False)
    fits(domain.report, flip.DomainReport, "domain")
    fits(budget.report(), flip.BudgetReport, "budget")
    persons = table.bound_persons(range(600), 1)
    fits(flip.train(persons, epsilon=4.0, delta=1e-5, config=SMALL, progress=False).ledger, flip.Ledger, "ledger")
    model.save(tmp_path / "m.h5")
    broken = tmp_path / "broken.h5"
    broken.write_bytes((tmp_path / "m.h5").read_bytes()[:-100])
    for file in (tmp_path / "m.h5", broken, tmp_path / "b", path):
        fits(flip.file_check(file), flip.FileCheck, "file")
    for check in (schema.check(path), schema.check(frame.assign(age=1, extra=2)), schema.check(frame[:0])):
        fits(check, flip.TableCheck, "check")
    fits(flip.build_info(), flip.BuildInfo, "build")
    for what in ("plan", "sample", "csv", "arrow", "infer", "budget", "domain", "evaluate", "remote"):
        for key, option in flip.config_schema(what).items():
            if key != "schema_version":
                fits(option, flip.ConfigOption, key)


PAGE = os.path.join(ROOT, "docs", "JSON.md")
OTHERWISE = {
    "Plan": "PlanRecord", "Model": "ModelRecord", "Budget": "BudgetReport", "Domain": "DomainReport",
    "Evaluation": "EvaluationReport", "Build": "BuildInfo", "Option": "ConfigOption"
}


def test_types_have_the_members_that_the_page_describes():
    text, seen = open(PAGE, encoding="utf-8").read(), 0
    for heading, body in re.findall(r"^##+ (\w+)\n(.*?)(?=^##|\Z)", text, re.M | re.S):
        kind = getattr(_types, OTHERWISE.get(heading, heading), None)
        rows = [[cell.strip() for cell in line.strip()[1:-1].split("|")] for line in body.splitlines()
                if line.startswith("| `")]
        if kind is None or not rows or len(rows[0]) < 4:
            continue
        always = {row[0].strip("`") for row in rows if row[3] == "always"} - {"schema_version"}
        assert {row[0].strip("`") for row in rows} == set(typing.get_type_hints(kind)), heading
        assert always == kind.__required_keys__, heading
        seen += 1
    assert seen >= 25
