"""JSON: schemas, plans, budgets and their charges, private domains, conditions, events to calibrate, evaluations."""
import ctypes
import functools
import json

import flip
from flip._library import CALLBACK, call, lib, new, take_bytes, take_json

from mutants import ODD_NUMBERS, ODD_TEXTS, json_text
from seeds import NARROW, SMALL, WIDE, narrow_csv, wide_csv

SCHEMA_KEYS = ["fields", "name", "type", "constraints", "enum", "required", "minimum", "maximum", "multipleOf",
               "missingValues", "trueValues", "falseValues", "format", "pattern", "unique", "primaryKey", "flip:domain",
               "flip:purchase", "exclusiveMinimum", "minLength"]
EVENTS = [{"sampling_rate": 0.01, "noise_multiplier": 1.0, "count": 100},
          {"mechanism": "laplace", "noise_multiplier": 2.0}, {"mechanism": "pure", "epsilon": 0.1},
          {"mechanism": "discrete_gaussian", "deviation": 3.0, "sensitivity": 2, "count": 3},
          {"mechanism": "zcdp", "rho": 0.01}, {"mechanism": "selection", "delta": 1e-7}]
CHARGES = [{"mechanism": "gaussian", "noise_multiplier": 9.0}, {"mechanism": "laplace", "scale": 4.0, "count": 2},
           {"mechanism": "discrete_gaussian", "noise_multiplier": 8.0, "sampling_rate": 0.1},
           {"mechanism": "pure", "epsilon": 0.01}, {"mechanism": "zcdp", "rho": 0.001},
           {"mechanism": "selection", "delta": 1e-8}]
EVENT_KEYS = ["mechanism", "noise_multiplier", "sampling_rate", "count", "scale", "epsilon", "rho", "delta",
              "deviation", "sensitivity", "rows", "events"]


def text(bytes_):
    """As an argument that ends at its first NUL."""
    return bytes_.replace(b"\0", b"")


@functools.cache
def keys(what):
    """The words of a configuration: every part of every key."""
    return sorted({part for key in flip.config_schema(what) for part in key.split(".")})


@functools.cache
def plan_seeds():
    """A configuration for each key alone, and some of several."""
    several = [{**SMALL, "epsilon": 2.0, "delta": 1e-5}, {"epsilon": 1, "delta": 1e-6, "protected": ["sex"]},
               {"epsilon": 3, "delta": 1e-5, "preset": "best", "focus": ["sex"], "rows": {"declared": 500}},
               {"epsilon": 2, "delta": 1e-5, "protected": ["sex", "age"],
                "fairness": {"strength": 1, "cuts": {"age": [3, 6]}, "draw": {"sex": {"f": 0.5, "m": 0.5}},
                             "shares": {"sex=f, age=below 3": 0.25}, "sampling": "balanced"}}]
    for key, option in flip.config_schema("plan").items():
        value = option.get("default")
        for part in reversed(key.split(".")):
            value = {part: value}
        several.append({"epsilon": 2, "delta": 1e-5, **value})
    return several


@functools.cache
def narrow():
    return flip.Schema(NARROW)


@functools.cache
def rows():
    """A table of the narrow schema and one of the wide one."""
    import tempfile
    with tempfile.NamedTemporaryFile("w", suffix=".csv") as file:
        tables = []
        for schema_, data in ((NARROW, narrow_csv(60)), (WIDE, wide_csv(60))):
            file.seek(0)
            file.truncate()
            file.write(data)
            file.flush()
            tables.append(flip.Table.read_csv(file.name, schema_))
        return tables


@functools.cache
def models():
    table = rows()[0]
    return [flip.train(table, flip.plan(table.schema, epsilon=8.0, delta=1e-3, config={**SMALL, "preset": preset}),
                       progress=False) for preset in ("published", "best")]


def schema(random, folder):
    data = json_text(random, [WIDE, NARROW], SCHEMA_KEYS)
    parsed = flip.Schema(new("flip_schema_parse", data, len(data)))
    if flip.Schema(parsed.json) != parsed:
        raise AssertionError("a schema is not the one that its text says")
    return True


def plan(random, folder):
    made = new("flip_plan_create", narrow()._pointer, text(json_text(random, plan_seeds(), keys("plan"))))
    try:
        take_json("flip_plan_explain", made)
        take_bytes("flip_plan_explanation", made)
        call("flip_plan_memory", made, random.choice([-1, 0, 1, 1000, 2 ** 40, 2 ** 63 - 1]),
             ctypes.byref(ctypes.c_int64()))
        if random.random() < 0.2:
            call("flip_plan_epsilon", made, random.choice([b"renyi", b"pld", b""]), number(random),
                 ctypes.byref(ctypes.c_double()))
    finally:
        lib.flip_plan_free(made)
    return True


def number(random):
    if random.random() < 0.5:
        return random.choice([random.uniform(0.1, 5), random.random(), 10 ** random.uniform(-9, -1)])
    return float(random.choice([n for n in ODD_NUMBERS if abs(n) < 2 ** 1000] + [1e-5, 1e-6, float("nan"), float("inf"),
                                                                                -float("inf")]))


def sketch(random):
    """A schema with parts left open, changed."""
    value = {"fields": [{"name": "city", "type": "string"}, {"name": "grade", "type": "integer"},
                        {"name": "yes", "type": "boolean"}, {"name": "age", "type": "integer", "constraints":
                                                             {"minimum": 0}},
                        {"name": "dose", "type": "number"}, {"name": "born", "type": "date"},
                        {"name": "seen", "type": "datetime"}], "missingValues": [""]}
    return json_text(random, [value, value, WIDE], SCHEMA_KEYS)


def domain(random, folder):
    path, data = folder / "domain.csv", sketch(random)
    path.write_text(wide_csv(40))
    for old in folder.glob("domain-budget*"):
        old.unlink()
    shared = new("flip_budget_create", bytes(folder / "domain-budget.h5"),
                 b'{"epsilon": 90, "delta": 1e-3, "selection_delta": 5e-4}')
    schema_, report = ctypes.c_void_p(), ctypes.c_void_p()
    try:
        config = text(json_text(random, [{"epsilon": 20, "selection_delta": 2e-4, "test_seed": 1},
                                         {"share": 0.5, "selection_delta": 1e-4, "other": "else", "name": "first"}],
                                keys("domain")))
        call("flip_domain_buy", shared, data, len(data), bytes(path), config, CALLBACK(), None, ctypes.byref(schema_),
             ctypes.byref(report))
        lib.flip_buffer_free(report)
        flip.Schema(flip.Schema(schema_.value).json)
    finally:
        lib.flip_budget_free(shared)
    return True


def where(random, folder):
    model = random.choice(models())
    seeds = [{"seed": 1, "where": {"sex": "f"}},
             {"seed": 2, "where": {"age": {"minimum": 2, "maximum": 7}}, "threads": 1},
             {"seed": 3, "where": {"sex": ["f", "m"], "age": [1, 2, 3]}}, {"seed": 4, "stage": "autoencoder"},
             {"seed": 5, "stage": "projection"}, {"seed": 6, "where": {"age": None}}]
    config = text(json_text(random, seeds, keys("sample") + ["age", "sex", "minimum", "maximum"]))
    first = random.choice([0, 0, 0, 1, -1, 2 ** 62, 2 ** 63 - 1])
    count = random.choice([1, 3, 3, 3, 0, -1, 2 ** 62]) if random.random() < 0.2 else 3
    flip.Table(new("flip_model_sample", model._pointer, first, count, config, CALLBACK(), None))
    return True


def budget(random, folder):
    path = folder / "budget.h5"
    for old in folder.glob("budget.h5*"):
        old.unlink()
    terms = {"epsilon": 3.0, "delta": 1e-5, "order": 16, "selection_delta": 1e-6}
    config = (b'{"epsilon": 3, "delta": 1e-5, "selection_delta": 1e-6}' if random.random() < 0.7 else
              text(json_text(random, [terms], keys("budget"))))
    made = new("flip_budget_create", bytes(path), config)
    try:
        for _ in range(random.randrange(1, 4)):
            name = text(random.choice(ODD_TEXTS).encode())
            try:
                if random.random() < 0.8:
                    call("flip_budget_charge", made, name, text(json_text(random, CHARGES, EVENT_KEYS)))
                else:
                    call("flip_budget_settle", made, name)
            except (flip.ArgumentError, flip.FormatError, flip.BudgetError, flip.NumericError, flip.Unsupported):
                pass
        report = take_json("flip_budget_report", made)
        if report["spent"] > report["epsilon"] * (1 + 1e-9):
            raise AssertionError("a budget spent more than it has")
    finally:
        lib.flip_budget_free(made)
    return True


def rows_of(events):
    """The rows of a person that a text of events asks for; 1 where it asks for none or is not JSON."""
    try:
        value = json.loads(events)
        rows_ = value.get("rows") if isinstance(value, dict) else 1
        return rows_ if isinstance(rows_, (int, float)) else 1
    except (ValueError, RecursionError):
        return 1


def calibrate(random, folder):
    kind, answer = b"pld" if random.random() < 0.01 else b"renyi", ctypes.c_double()
    if random.random() < 0.7:
        seeds = [EVENTS, EVENTS[:2], {"rows": 2, "events": EVENTS[:1]}, [EVENTS[3]]]
        events = text(json_text(random, seeds, EVENT_KEYS))
        if rows_of(events) > 8:                          # right, but minutes of work
            return False
        call("flip_calibrate", kind, events, random.choice([1.0, number(random)]),
             random.choice([1e-5, number(random)]), ctypes.byref(answer))
        return True
    made = new("flip_accountant_create", kind)
    try:
        count = random.choice([1, 10, 0, -1, 2 ** 31, 2 ** 63 - 1])
        for name, arguments in [("gaussian", [number(random), number(random), count]),
                                ("laplace", [number(random), count]), ("pure", [number(random), count]),
                                ("discrete_gaussian", [number(random), random.choice([1, 0, -1, 2 ** 40, 2 ** 41]),
                                                       count]),
                                ("zcdp", [number(random), count]), ("selection", [number(random), count])]:
            if random.random() < 0.4:
                try:
                    call(f"flip_accountant_compose_{name}", made, *arguments)
                except flip.FlipError:
                    pass
        call("flip_accountant_epsilon", made, random.choice([1e-5, number(random)]), ctypes.byref(answer))
        if answer.value < 0 or answer.value != answer.value:
            raise AssertionError("an epsilon below 0, or none")
    finally:
        lib.flip_accountant_free(made)
    return True


def evaluate(random, folder):
    tables = rows()
    seeds = [{"protected": ["sex"], "classifiers": "none"}, {"protected": ["age"], "edges": {"age": [3, 6]},
                                                            "classifiers": "none", "threads": 1},
             {"protected": ["sex"], "target": "age", "positive": "3"}, {"target": "grade", "protected": ["city"]}]
    real, synthetic = random.choice(tables), random.choice(tables)
    if random.random() < 0.9:
        synthetic = real
    holdout = random.choice([None, real, synthetic, random.choice(tables)])
    config = text(json_text(random, seeds, keys("evaluate") + ["age", "sex", "city", "grade"]))
    take_json("flip_evaluate", real._pointer, synthetic._pointer, holdout and holdout._pointer, config)
    return True


where.prepare, evaluate.prepare, plan.prepare = models, rows, plan_seeds
