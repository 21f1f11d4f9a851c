"""docs/JSON.md is the grammar of every JSON object that the library gives or takes: real objects are compared with its
tables.

`python3 Tests/python/test_json.py` writes the tables of the configurations anew from the library.
"""
import json
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PAGE = os.path.join(ROOT, "docs", "JSON.md")

if __name__ == "__main__":
    sys.path.insert(0, os.path.join(ROOT, "bindings", "python"))

import flip
import flip.remote
import pytest
from flip import _library

CONFIGURATIONS = ("plan", "sample", "csv", "arrow", "cells", "infer", "budget", "domain", "evaluate", "remote",
                  "estimate", "report")
# Objects that a function returns as a whole and that state the version of their grammar.
VERSIONED = ("Plan", "Explanation", "Ledger", "Model", "Budget", "Domain", "Evaluation", "FileCheck", "TableCheck",
             "TableReading", "Build", "Ask", "Estimate", "Report", "Frontier")


def page():
    with open(PAGE, encoding="utf-8") as f:
        return f.read()


def cells(line):
    return [cell.strip().replace("\\|", "|").replace("\\*", "*") for cell in re.split(r"(?<!\\)\|", line.strip())[1:-1]]


def grammar(text):
    """{object: {member: (type, when)}} of all headings with a table of members."""
    found, heading = {}, None
    for line in re.sub(r"<!-- configuration.*?<!-- end -->", "", text, flags=re.S).splitlines():
        if line.startswith("#"):
            heading = line.lstrip("#").strip()
        elif line.startswith("| `") and heading and len(cells(line)) == 5:
            member, kind, _, when, meaning = cells(line)
            assert when and meaning, line
            found.setdefault(heading, {})[member.strip("`")] = (kind, when)
    return found


def configuration_table(what):
    """The keys of a configuration as a table of the page."""
    rows = ["| key | default | range | unit | meaning |", "| --- | --- | --- | --- | --- |"]
    for key, option in flip.config_schema(what).items():
        default = option["default"]
        shown = "" if default is None else json.dumps(default, ensure_ascii=False)
        if "default_by_preset" in option:
            shown = ", ".join(f"{preset}: {json.dumps(value, ensure_ascii=False)}"
                              for preset, value in option["default_by_preset"].items())
        words = [f"`{key}`", f"`{shown}`" if shown else "", option["range"], option["unit"], option["help"]]
        rows.append("| " + " | ".join(word.replace("|", "\\|").replace("*", "\\*") for word in words) + " |")
    return "\n".join(rows)


def with_configurations(text):
    for what in CONFIGURATIONS:
        table = configuration_table(what)
        text = re.sub(rf"(<!-- configuration: {what} -->\n).*?(<!-- end -->)",
                      lambda m, table=table: m[1] + table + "\n" + m[2], text, flags=re.S)
    return text


class Grammar:
    """Compares values with the types of the page; `problems` has a line for each difference."""

    def __init__(self, objects, configuration):
        self.objects, self.configuration, self.problems = objects, configuration, []

    def check(self, value, kind, path):
        if not any(self.fits(value, one) for one in self.alternatives(kind)):
            self.problems.append(f"{path}: {json.dumps(value)[:60]} is not {kind}")
            return
        for one in self.alternatives(kind):
            if not self.fits(value, one):
                continue
            if one.startswith("["):
                for i, item in enumerate(value):
                    self.check(item, one[1:-1], f"{path}[{i}]")
            elif one.startswith("{name: "):
                for key, item in value.items():
                    self.check(item, one[7:-1], f"{path}.{key}")
            elif one == "Configuration":
                self.check_configuration(value, path)
            elif one[0].isupper():
                self.check_object(value, one, path)
            return

    def check_object(self, value, name, path):
        members = self.objects[name]
        for key, item in value.items():
            if key not in members:
                self.problems.append(f"{path}.{key}: not in the table of {name}")
            else:
                self.check(item, members[key][0], f"{path}.{key}")
        for key, (_, when) in members.items():
            if when == "always" and key not in value and key != "schema_version":
                self.problems.append(f"{path}: {name} has no {key}")

    def check_configuration(self, value, path):
        for key, item in value.items():
            is_section = isinstance(item, dict) and key not in self.configuration
            inside = [f"{key}.{inner}" for inner in item] if is_section else [key]
            self.problems += [f"{path}.{name}: not among the keys of a plan" for name in inside
                              if name not in self.configuration]

    @staticmethod
    def alternatives(kind):
        """Splits at " or " outside brackets."""
        out, depth, start = [], 0, 0
        for i, c in enumerate(kind):
            depth += (c in "[{") - (c in "]}")
            if depth == 0 and kind.startswith(" or ", i):
                out.append(kind[start:i])
                start = i + 4
        return out + [kind[start:]]

    def fits(self, value, kind):
        if kind == "any":
            return True
        if kind.startswith('"'):
            return value == kind.strip('"')
        if kind.startswith("["):
            return isinstance(value, list)
        if kind.startswith("{"):
            return isinstance(value, dict)
        if kind == "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        if kind == "number":
            return isinstance(value, (int, float)) and not isinstance(value, bool)
        if kind in ("text", "boolean", "null"):
            return isinstance(value, {"text": str, "boolean": bool, "null": type(None)}[kind])
        assert kind == "Configuration" or kind in self.objects, f"no heading for the type {kind}"
        return isinstance(value, dict)


@pytest.fixture(scope="module")
def rules():
    return grammar(page()), set(flip.config_schema("plan"))


@pytest.fixture
def compare(rules):
    """Asserts that an object is as the page says."""
    def compare(value, name):
        g = Grammar(*rules)
        g.check(value, name, name)
        assert not g.problems, "\n".join(g.problems)
    return compare


def test_every_type_of_the_page_has_a_heading(rules):
    objects, configuration = rules
    g = Grammar(objects, configuration)
    for name, members in objects.items():
        for kind, _ in members.values():
            for word in re.findall(r"\b[A-Z]\w*", re.sub(r'"[^"]*"', "", kind)):
                assert word == "Configuration" or word in objects, (name, kind)
            assert all(g.alternatives(kind))
    assert len(objects) > 30 and {name for name in objects if "schema_version" in objects[name]} == set(VERSIONED)


def test_a_wrong_object_is_found(rules):
    """The comparison itself: a member that is not described, a missing one, a wrong type, each is caught."""
    good = {"run": "a", "name": "b", "kind": "own", "open": False, "epsilon": 0.5, "share": 0, "committed_share": 0.0,
        "ledger": None}
    for change, said in (({"extra": 1}, "not in the table"), ({"name": 3}, "is not text"),
                         ({"kind": "other"}, "is not"), ({"open": 0}, "is not boolean")):
        g = Grammar(*rules)
        g.check({**good, **change}, "Run", "Run")
        assert any(said in p for p in g.problems), change
    g = Grammar(*rules)
    g.check({key: value for key, value in good.items() if key != "share"}, "Run", "Run")
    assert any("has no share" in p for p in g.problems)
    g = Grammar(*rules)
    g.check({"autoencoder": {"wdith": 3}, "rows": {"guess": 3}}, "Configuration", "Configuration")
    assert g.problems == ["Configuration.autoencoder.wdith: not among the keys of a plan"]


def test_the_tables_of_the_configurations_are_the_librarys():
    assert with_configurations(page()) == page(), "write them anew: python3 Tests/python/test_json.py"


def test_schemas(compare, schema):
    compare(json.loads(schema.json), "Schema")
    compare(json.loads(flip.Schema({"fields": [{**schema.dict["fields"][0], "missingValues": ["", "-8"]},
                                               *schema.dict["fields"][1:]],
                                    "missingValues": [{"value": ""}, {"value": "-9", "label": "refused"}]}).json),
            "Schema")
    compare(json.loads(flip.Schema({"title": "t", "fields": [
        {"name": "a", "type": "boolean", "trueValues": ["y"], "falseValues": ["n"], "description": "d"},
        {"name": "b", "type": "date", "constraints": {"minimum": "2020-01-01", "maximum": "2020-02-01",
            "required": True}}]}).json), "Schema")


def presets():
    from conftest import SMALL, SMALL_BEST
    best = {**SMALL_BEST, "rake": {"steps": 4, "pool": 1000}, "projection": {"rows": 64, "steps": 20}}
    return {
        "published": (dict(protected=["sex"]), SMALL),
        "balanced": (dict(protected=["sex", "member"]), {**SMALL, "fairness": {"sampling": "balanced", "strength": 0}}),
        "alone": (dict(), {**SMALL, "rows": {"declared": 600}, "diffusion": {"enabled": False}}),
        "best": (dict(protected=["sex"]), {**best, "focus": ["city"], "finetuning": {"steps": 3}}),
        "selected": (dict(), {**best, "marginals": {"pairs": "selected", "count": 6},
            "encoder": {"atoms": {"stay": [0]}}}),
    }


@pytest.mark.parametrize("case", ["published", "balanced", "alone", "best", "selected"])
def test_plans_models_and_ledgers(compare, schema, table, case):
    given, config = presets()[case]
    plan = flip.plan(schema, epsilon=4.0, delta=1e-5, config=config, **given)
    compare(json.loads(plan.json), "Plan")
    compare(plan.explain(), "Explanation")
    trainer = flip.Trainer(plan, table)
    trainer.step(max_steps=1)
    compare(trainer.ledger, "Ledger")
    model = flip.train(table, plan, progress=False)
    compare(model.ledger, "Ledger")
    compare(model.info, "Model")
    compare(model.report_record(rows=100), "Report")
    compare(model.estimate("share", "sex"), "Estimate")
    compare(model.estimate("quantile", "age", quantile=0.9), "Estimate")
    compare(model.estimate("mean", "joined"), "Estimate")
    for question in ({"what": "mean", "column": "age", "by": "ward", "contrast": "ratio"},
                     {"what": "cells", "column": "sex", "with_": "ward"},
                     {"what": "linear", "column": "age", "predictors": ["sex"]}):
        try:
            compare(model.estimate(**question), "Estimate")
        except flip.Unsupported:                        # not every case releases these pairs
            assert case != "best"


def test_files_and_budgets(compare, rules, csv, frame, schema, model, tmp_path):
    budget = flip.Budget(tmp_path / "b", epsilon=20, delta=1e-5, selection_delta=1e-7)
    compare(budget.report(), "Budget")
    for line in examples("charge"):
        event = json.loads(line)
        compare(event, "Charge")
        budget.charge("own", **event)
    sketch = {"fields": [{"name": "age", "type": "integer"}, {"name": "sex", "type": "string"}]}
    frame[["age", "sex"]].to_csv(tmp_path / "two.csv", index=False)
    bought = flip.release_domain(tmp_path / "two.csv", sketch, budget, share=0.3)
    compare(bought.report, "Domain")
    compare(json.loads(bought.schema.json), "Schema")
    from conftest import SMALL
    table = flip.Table.read_csv(tmp_path / "two.csv", bought.schema)
    child = flip.train(table, budget=budget, share=0.2,
                       config={**SMALL, "autoencoder": {**SMALL["autoencoder"], "steps": 3}}, progress=False)
    assert "domain" in child.ledger
    compare(child.ledger, "Ledger")
    compare(budget.report(), "Budget")

    model.save(tmp_path / "m.h5")
    (tmp_path / "other").write_bytes(b"x" * 100)
    damaged = bytearray((tmp_path / "m.h5").read_bytes())
    damaged[len(damaged) // 2] ^= 255
    (tmp_path / "damaged.h5").write_bytes(damaged)
    for name in ("m.h5", "other", "damaged.h5", "b"):
        compare(flip.file_check(tmp_path / name), "FileCheck")


def test_checks_of_tables(compare, schema, frame, tmp_path):
    frame.assign(sex="?", more=1).drop(columns="age").to_csv(tmp_path / "bad.csv", index=False)
    found = schema.check(tmp_path / "bad.csv")
    assert found["problems"] and found["missing_columns"] == ["age"]
    compare(found, "TableCheck")
    compare(schema.check(frame.assign(sex="?")), "TableCheck")
    frame.assign(age=999).to_csv(tmp_path / "far.csv", index=False)
    with pytest.warns(UserWarning):
        far = flip.Table.read_csv(tmp_path / "far.csv", schema, invalid="coerce")
    read = flip._library.take_json("flip_table_replaced", far._pointer)
    assert read["replaced"]["age"] == len(frame)
    compare(read, "TableReading")


def test_evaluations(compare, table, model):
    rows = model.sample(300, seed=1)
    compare(flip.evaluate(table, rows, protected=["sex", "age"], target="member",
                          holdout=model.sample(200, seed=2)).to_dict(), "Evaluation")
    compare(flip.evaluate(table, rows, classifiers="none").to_dict(), "Evaluation")


def test_the_library_and_its_options(compare):
    compare(flip.build_info(), "Build")
    for what in CONFIGURATIONS:
        for key, option in flip.config_schema(what).items():
            compare(option, "Option")


def an_ask(schema):
    """What an ask says of itself."""
    best = flip.plan(schema, epsilon=2, delta=1e-5)
    trainer = flip.Trainer(_library.new("flip_trainer_create_remote", best._pointer, None), None)
    return flip.remote.ask_info(_library.take_bytes("flip_trainer_ask", trainer._pointer, 2))


def an_aligned_model(table, **fairness):
    _, config = presets()["selected"]
    config = {key: value for key, value in config.items() if key not in ("encoder", "marginals")}
    return flip.train(table, flip.plan(table.schema, protected=["sex"], epsilon=4.0, delta=1e-5,
                                       config={**config, "fairness": fairness}), progress=False)


def test_frontiers_and_reductions(compare, table):
    model = an_aligned_model(table, reduce=0.3)
    compare(model.frontier([0, 0.5]), "Frontier")
    assert [p["strength"] for p in model.frontier([0, 0.5])["points"]] == [0, 0.5]
    compare(model.info, "Model")
    assert set(model.info["disparity"]) > {"before", "after", "strength"}


def test_asks(compare, schema):
    compare(an_ask(schema), "Ask")


def test_every_object_states_the_version_of_its_grammar(schema, table, frame, plan, model, tmp_path):
    budget = flip.Budget(tmp_path / "b", epsilon=20, delta=1e-5)
    frame[["age"]].to_csv(tmp_path / "one.csv", index=False)
    sketch = {"fields": [{"name": "age", "type": "integer"}]}
    domain = flip.release_domain(tmp_path / "one.csv", sketch, budget, share=0.1)
    given = {"Plan": json.loads(plan.json), "Explanation": plan.explain(), "Ledger": model.ledger, "Model": model.info,
        "Budget": budget.report(),
             "Domain": domain.report, "Evaluation": flip.evaluate(table, table, classifiers="none").to_dict(),
             "FileCheck": flip.file_check(tmp_path / "b"), "TableCheck": schema.check(frame),
             "TableReading": flip._library.take_json("flip_table_replaced", table._pointer),
             "Build": flip.build_info(), "Ask": an_ask(schema), "Estimate": model.estimate("share", "sex"),
             "Report": model.report_record(rows=100), "Frontier": an_aligned_model(table).frontier([0, 1])}
    assert set(given) == set(VERSIONED)
    assert [name for name, value in given.items() if value.get("schema_version") != 1] == []


def examples(label):
    """The lines of the page's ```json blocks of that label."""
    return [line for block in re.findall(rf"```json {label}\n(.*?)```", page(), re.S) for line in block.splitlines()]


def test_what_the_page_shows_is_taken(compare, rules, model):
    (where,) = examples("where")
    rows = model.sample(5, seed=1, where=json.loads(where)).to_pandas()
    assert set(rows["sex"]) == {"Female"} and rows["age"].between(30, 40).all()
    for line in examples("events"):
        given = json.loads(line)
        events, more = (given, {}) if isinstance(given, list) else (given["events"], {"rows": given["rows"]})
        for event in events:
            compare(event, "Events")
        assert flip.calibrate(events, epsilon=4, delta=1e-5, **more) > 0


if __name__ == "__main__":
    text = with_configurations(page())
    with open(PAGE, "w", encoding="utf-8") as f:
        f.write(text)
