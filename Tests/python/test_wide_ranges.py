"""Amounts under wide declared bounds: means and quantiles of what comes out, and an evaluation that sees them move."""
import random

import flip
import pytest


@pytest.mark.parametrize("preset", ["best", "published"])
def test_a_wide_range_moves_no_mean(preset, tmp_path):
    random.seed(0)
    rows = [0 if random.random() < .4 else round(min(random.lognormvariate(7, 1.2), 9e4), 2) for _ in range(5000)]
    path = tmp_path / "t.csv"
    path.write_text("amount,x\n" + "".join(f"{v},{i % 7}\n" for i, v in enumerate(rows)))
    schema = {
        "fields": [{"name": "amount", "type": "number",
                    "constraints": {"minimum": 0, "maximum": 100_000_000, "multipleOf": .01, "required": True}},
                   {"name": "x", "type": "integer", "constraints": {"minimum": 0, "maximum": 6, "required": True}}]
    }
    table, real = flip.Table.read_csv(path, schema), sorted(v for v in rows if v > 0)
    config = {"rows": {"guess": 5000}, "autoencoder": {"steps": 30, "batch": 256}, "test_seed": 3,
              "diffusion": {"enabled": False}}
    if preset == "best":
        config.update(projection={"rows": 60, "steps": 60}, rake={"pool": 2000})
        config["autoencoder"].update(width=8, heads=2, feed_forward=16, latent=4, warmup=5)

    def made(**encoder):
        plan = flip.plan(schema, epsilon=2, delta=1e-6, preset=preset, config={**config, "encoder": encoder})
        return plan, flip.train(table, plan, progress=False).sample(6000, seed=1)

    plan, sampled = made()
    assert '"power_grids":["amount"]' in plan.json
    amounts = sampled.to_pandas().amount
    positive = sorted(amounts[amounts > 0])
    assert .5 < amounts.mean() / (sum(rows) / len(rows)) < 1.5
    assert .8 < positive[len(positive) // 2] / real[len(real) // 2] < 1.25
    # Equal cells are wider than the median, and the evaluation says so.
    plan, equal = made(grid="equal")
    assert "power_grids" not in plan.json
    shifts = [abs(median_shift(flip.evaluate(table, rows, classifiers="none"))) for rows in (sampled, equal)]
    assert shifts[0] < .5 * shifts[1], shifts
    # Ten times too high, as the noise of empty cells once made it: the figures name the column.
    far = sampled.to_pandas()
    far.loc[far.index % 50 == 0, "amount"] = 1e6
    report = flip.evaluate(table, flip.Table.from_pandas(far, schema), classifiers="none")
    assert report["mean_shift_max"] > 3 and report["tvd1"] < .1
    assert [c["name"] for c in report.to_dict()["columns"] if c.get("mean") and c["mean"]["shift"] > 3] == ["amount"]


def median_shift(report):
    """Of the column "amount", in deviations of the real values."""
    column = next(c for c in report.to_dict()["columns"] if c["name"] == "amount")
    return next(q["shift"] for q in column["quantiles"] if q["share"] == .75)
