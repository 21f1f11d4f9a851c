#!/usr/bin/env python3
"""libflip from end to end: a table of simulated hospital admissions in, a private generator and a synthetic table out.

    make demo            or, after `make build`:   PYTHONPATH=bindings/python python3 examples/python/demo.py

Standard library only. Writes into build/demo (or --out DIR) hospital.csv, hospital.schema.json, hospital.flip.h5 (the
model) and synthetic.csv. Everything it prints comes from the model file alone and is covered by (ε, δ), except the last
section, which reads the real rows again: it is labelled NOT PRIVATE, and with a real table you would not show it to
anybody who may not see the rows.
"""
import argparse, itertools, json, math, os, sys, time

import compare
import hospital

try:
    import flip
except ImportError as error:
    sys.exit(f"demo: cannot import flip ({error}); run `make build` and set PYTHONPATH=bindings/python, or run `make "
             f"demo`")


def say(text=""):
    print(text, flush=True)


def title(text):
    say(f"\n{text}\n{'─' * len(text)}")


def rdp(q, sigma, order):
    """Rényi divergence of the Poisson-sampled Gaussian at an integer order (Mironov, Talwar and Zhang 2019,
    arXiv:1908.10530, section 3.3)."""
    if q >= 1:
        return order / (2 * sigma * sigma)
    if q <= 0:
        return 0.0
    terms = [math.log(math.comb(order, k)) + k * math.log(q) + (order - k) * math.log1p(-q)
             + k * (k - 1) / (2 * sigma * sigma)
             for k in range(order + 1)]
    top = max(terms)
    return (top + math.log(sum(math.exp(t - top) for t in terms))) / (order - 1)


def epsilon(divergence, order, delta):
    """From Rényi to (ε, δ) at one order (Canonne, Kamath and Steinke 2020, arXiv:2004.00010v4, Proposition 12)."""
    return max(0.0, divergence + math.log((order - 1) / order) - (math.log(delta) + math.log(order)) / (order - 1))


def show_ledger(ledger):
    """ε stage by stage, recomputed here from the ledger's numbers with the two formulas above, for the worst group."""
    order, delta = ledger["order"], ledger["delta"]
    spent = {}
    say(f"{'release':<24}{'times':>7}{'rate q':>10}{'noise σ':>10}{'ε alone':>10}{'ε so far':>10}")
    for r in ledger["releases"]:
        alone = {}
        # A choice that is ρ-zCDP costs every group what a sum of rate 1 and noise 1/√(2ρ) does: ρ times the order.
        groups = r["groups"] if "rho" not in r else {g: {"sampling_rate": 1, "noise_multiplier": (2 * r["rho"]) ** -.5}
            for g in ledger["groups"]}
        for group, g in groups.items():
            alone[group] = r["count"] * rdp(g["sampling_rate"], g["noise_multiplier"], order)
            spent[group] = spent.get(group, 0.0) + alone[group]
        worst = max(alone, key=alone.get)
        g = groups[worst]
        say(f"{r['name']:<24}{r['count']:>7}{g['sampling_rate']:>10.4f}{g['noise_multiplier']:>10.3f}"
            f"{epsilon(alone[worst], order, delta):>10.3f}{epsilon(max(spent.values()), order, delta):>10.3f}")
    total = epsilon(max(spent.values()), order, delta)
    say(f"\nε = {total:.4f} at δ = {delta:g} and Rényi order {order}; the library says {ledger['epsilon']:.4f}. ε's do "
        f"not add: divergences do.")
    if len(spent) > 1:
        for group, e in ledger["groups"].items():
            say(f"  {group}: ε {epsilon(spent[group], order, delta):.4f}, the library says {e:.4f}")
    for a in ledger["assumptions"]:
        say(f"  assumed: {a}")
    say("  A row is not a person: somebody with k rows has the guarantee of k rows.")
    say("  Changing a row is removing it and adding another: 2ε is promised.")


def show_released(model, synthetic):
    """Generated rows beside what training paid to see. Free: both sides are released values.

    The model's JSON has the noisy shares of every cell of the columns with few cells: levels in the schema's order or
    values from the smallest to the largest, and last, where a value may be missing, missing."""
    say("Total variation between generated rows and the released shares (0: equal, 1: disjoint). Columns with more "
        "than 256 cells are left out.")
    distances = []
    for field, column in zip(model.schema.fields, model.info["released"]["columns"]):
        shares = column.get("cell_shares")
        if shares is None:
            continue
        mine = [0] * len(shares)
        for cell in synthetic[field["name"]]:
            mine[-1 if cell == "" else position(field, cell)] += 1
        total = len(synthetic[field["name"]])
        distances.append(.5 * sum(abs(a - b / total) for a, b in zip(shares, mine)))
        say(f"  {field['name']:<18}{len(shares):>4} cells{distances[-1]:>8.3f}")
    say(f"  {'mean':<18}{len(distances):>4} columns{sum(distances) / max(len(distances), 1):>6.3f}")


def position(field, cell):
    """The place of a value among the cells of its column."""
    rule = field.get("constraints", {})
    if "enum" in rule:
        return rule["enum"].index(cell)
    if field["type"] == "boolean":
        return ("false", "true").index(cell)
    step = rule.get("multipleOf", 1)
    low = compare.number(field, str(rule["minimum"]))
    return round(compare.number(field, cell) / step) - math.ceil(low / step - 1e-9)


def show_real(schema, real, synthetic):
    """Generated rows beside the real ones: outside the guarantee."""
    fields = schema["fields"]
    cut = {f["name"]: compare.Binning(f, real[f["name"]]) for f in fields}
    a = {n: [c(x) for x in real[n]] for n, c in cut.items()}
    b = {n: [c(x) for x in synthetic[n]] for n, c in cut.items()}
    names = list(cut)
    say(f"1-way total variation, mean of {len(names)} columns (NOT PRIVATE): "
        f"{sum(compare.tvd(a[n], b[n]) for n in names) / len(names):.3f}")
    pairs = list(itertools.combinations(names, 2))
    say(f"2-way total variation, mean of {len(pairs)} pairs (NOT PRIVATE):   "
        f"{sum(compare.pairs_tvd(a, b, x, y) for x, y in pairs) / len(pairs):.3f}")
    say(f"\nThe planted bias: one follow-up in {1 / hospital.BIAS_DROPPED:.1f} that need calls for is dropped for "
        f"{' and '.join(hospital.BIAS_GROUPS)} patients.")
    say(f"{'share with a follow-up (NOT PRIVATE)':<40}{'real':>8}{'synthetic':>11}")
    for group in hospital.ETHNICITY:
        cells = [f"{share(t, group):>{w}}" for t, w in ((real, 8), (synthetic, 11))]
        say(f"  {group:<38}{''.join(cells)}")
    ratios = [compare.standardised_ratio(t, "follow_up", "true", "ethnicity", hospital.BIAS_GROUPS,
                                         by=("triage", "ward")) for t in (real, synthetic)]
    say(f"  {'ratio at equal triage and ward':<38}{ratios[0]:>8.2f}{ratios[1]:>11.2f}      planted: "
        f"{1 - hospital.BIAS_DROPPED:.2f} at equal need")
    say("\nGroups are aligned at the default strength: nothing in generated rows follows from the protected column, and"
        " a bias"
        "\nagainst a group goes with it. At strength 0 what the noise lets through of it stays: differential privacy "
        "protects"
        "\npersons, it does not repair what was done to them (config={\"fairness\": {\"strength\": 0}}).")


def share(table, group):
    chosen = [f for f, e in zip(table["follow_up"], table["ethnicity"]) if e == group]
    return f"{chosen.count('true') / len(chosen):.2f}" if chosen else "no rows"


def main():
    p = argparse.ArgumentParser(description="make a table, train a private generator on it, sample, compare")
    p.add_argument("--out", default=os.path.join("build", "demo"), metavar="DIR")
    p.add_argument("--rows", type=int, default=6000)
    p.add_argument("--epsilon", type=float, default=2.0)
    p.add_argument("--delta", type=float, default=1e-5)
    p.add_argument("--preset", choices=("best", "published"), default="best",
                   help="networks learn from released marginals, or from private rows")
    a = p.parse_args()

    # a terminal without these letters is no reason to stop
    sys.stdout.reconfigure(errors="replace")
    title("1  A sensitive table (simulated: nobody in it exists)")
    table_path, schema_path = hospital.write(a.out, a.rows)
    say(f"{table_path}: {a.rows} admissions, {len(hospital.schema()['fields'])} columns; {schema_path}: what is public "
        f"about it")

    title("2  Train (the only step that reads rows, through one door that adds noise)")
    table = flip.Table.read_csv(table_path, schema=schema_path)
    plan = flip.plan(table.schema, protected=hospital.PROTECTED, epsilon=a.epsilon, delta=a.delta, preset=a.preset,
                     config={"rows": {"guess": 5000},        # about the size of such a hospital: a guess, not a count
                             # a small table with wide columns: more of the budget for its histograms
                             "encoder": {"share": .2}})
    start = time.monotonic()
    model = flip.train(table, plan, progress=True)
    say(f"trained in {time.monotonic() - start:.1f} s")

    title("3  What it cost: ε by stage, from the ledger in the model")
    show_ledger(model.ledger)

    title("4  As many rows as you like, at no further cost")
    start = time.monotonic()
    rows = model.sample(a.rows, seed=1)
    say(f"{a.rows} rows sampled in {time.monotonic() - start:.1f} s")
    model_path, synthetic_path = os.path.join(a.out, "hospital.flip.h5"), os.path.join(a.out, "synthetic.csv")
    model.save(model_path)
    rows.to_csv(synthetic_path)
    synthetic = compare.read_rows(synthetic_path)

    title("5  Beside the released histograms (private: costs nothing)")
    show_released(model, synthetic)

    title("6  Beside the real rows — NOT PRIVATE: reads them outside the door, for this demonstration only")
    with open(schema_path, encoding="utf-8") as f:
        show_real(json.load(f), compare.read_rows(table_path), synthetic)

    title("Written")
    for path, what in ((synthetic_path, "synthetic rows: yours to share under the ε above"),
                       (model_path, "the model: as private as the rows it makes"),
                       (table_path, "the table it was trained on: simulated here, secret in your case")):
        say(f"  {path:<32}{os.path.getsize(path) / 1e6:7.2f} MB   {what}")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("\ndemo: stopped; what was released so far stays spent")
