"""What a training gives, to the bit: model, checkpoint, plan, explanation, ledger and samples of many small trainings
in test mode.

A change of a digest is a change of what users get. When it is meant, `python Tests/python/test_golden.py` records the
digests anew, in the commit that changes them.

A training adds the gradients of rows in blocks of as many rows as a vector has lanes, so machines with AVX-512 (sixteen
lanes) and others (eight) have a file each. What is drawn from one model is the same on all of them.
"""
import hashlib
import json
import os
import sys

import flip
import h5py
import numpy
import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
LANES = 16 if flip.build_info()["kernels"] == "avx512" else 8
RECORDED = os.path.join(os.path.dirname(HERE), "fixtures", "golden", f"outputs-{LANES}-lanes.json")

# Columns of every kind: (name, schema of the field, value of row i as text).
FIELDS = {
    "sex": ({"type": "string", "constraints": {"enum": ["f", "m"], "required": True}}, lambda r: "fm"[r[0] % 5 < 2]),
    "ward": ({"type": "string", "constraints": {"enum": ["a", "b", "c", "d"]}}, lambda r: ""
             if r[1] % 10 == 0 else "abcd"[r[2] % 4]),
    "age": ({"type": "integer", "constraints": {"minimum": 0, "maximum": 99,
                                                "required": True}}, lambda r: str(r[2] % 4 * 20 + r[3] % 20)),
    "score": ({"type": "number", "constraints": {"minimum": -2, "maximum": 2}}, lambda r: ""
              if r[4] % 5 == 0 else repr(r[5] % 4001 / 1000 - 2)),
    "dose": ({"type": "number",
              "constraints": {"minimum": 0, "maximum": 5, "multipleOf": 0.1,
                              "required": True}}, lambda r: f"{(r[2] % 4 * 10 + r[6] % 10) / 10:.1f}"),
    "smoker": ({"type": "boolean"}, lambda r: ["", "true", "false"][r[7] % 3]),
    "day": ({"type": "date",
             "constraints": {"minimum": "2020-01-01", "maximum": "2020-12-31",
                             "required": True}}, lambda r: str(numpy.datetime64("2020-01-01") + r[8] % 366)),
    "seen": ({
        "type": "datetime", "constraints": {"minimum": "2020-01-01T00:00:00Z", "maximum": "2021-12-31T00:00:00Z"}
    }, lambda r: f"{numpy.datetime64('2020-01-01T00:00:00') + r[9] % 63072000}Z"),
    "pay": ({"type": "integer", "constraints": {"minimum": 0, "maximum": 10_000_000}}, lambda r: str(r[10] % 3000 *
                                                                                                     (r[3] % 20))),
}
MIXED, NARROW, ONE = ["sex", "ward", "age", "score", "dose", "smoker", "day", "seen"], ["sex", "age", "smoker",
                                                                                        "pay"], ["age"]
ROWS = 1500

QUICK = {"test_seed": 11, "threads": 2, "rows": {"guess": 1500}, "autoencoder": {"steps": 6, "batch": 100},
         "diffusion": {"steps": 5, "batch": 80, "sampler_steps": 6}}
STUDENTS = {
    "student_autoencoder": {"steps": 6, "batch": 64, "width": 8, "heads": 2, "feed_forward": 16, "latent": 8,
                            "warmup": 3},
    "student_diffusion": {"steps": 5, "batch": 64, "sampler_steps": 6, "hidden": 32, "layers": 2, "warmup": 2}
}
PAPER = {"latent_mean": 24, "latent_fourier": 24, "heads_mean": 1}
BEST = {
    "autoencoder": {"steps": 6, "batch": 100, "width": 8, "heads": 2, "feed_forward": 16, "latent": 8,
                    "warmup": 3}, "projection": {"rows": 60, "steps": 40},
    "diffusion": {"steps": 5, "batch": 80, "sampler_steps": 6, "hidden": 32, "layers": 2,
                  "warmup": 2}, "rake": {"pool": 2000}
}
AT_ALL_SITES = {
    f"{site}_{term}": 2 for site in ("latent", "decoder", "heads") for term in ("mean", "fourier", "covariance")
}

# name: (preset, columns, protected, options beside QUICK)
CASES = {
    "published": ("published", MIXED, [], {}),
    "published, one thread": ("published", MIXED, [], {"threads": 1}),
    "published, no diffusion": ("published", MIXED, [], {"diffusion": {"enabled": False}}),
    "published, declared": ("published", NARROW, [], {"rows": {"declared": 1500}, "seed": 5}),
    "published, strength 0": ("published", MIXED, ["sex"], {"fairness": {"strength": 0}}),
    "published, aligned": ("published", MIXED, ["sex"], {"alignment": {"start": 1, "ramp": 2, **PAPER}}),
    "published, taught": ("published", MIXED, ["sex"], STUDENTS),
    "published, a reduction": ("published", NARROW, ["sex"], {**STUDENTS, "fairness": {"reduce": 0.5}}),
    "published, aligned everywhere": ("published", NARROW, ["sex", "smoker"], {
        "fairness": {"strength": 0.3}, "alignment": {"start": 1, "anchor": 1, **AT_ALL_SITES}
    }),
    "published, balanced": ("published", MIXED, ["ward"],
                            {**STUDENTS, "fairness": {"sampling": "balanced", "pool_below": 100, "reweight": True}}),
    "published, equalised": ("published", MIXED, ["ward"],
                             {"fairness": {"sampling": "balanced", "calibration": "equalised", "strength": 0}}),
    "published, cuts": ("published", NARROW, ["age"],
                        {**STUDENTS, "fairness": {"cuts": {"age": [25, 45]}, "draw": "uniform"}}),
    "published, per token": ("published", NARROW, [], {
        "autoencoder": {"latent_kind": "per_token", "log_variance": "network", "affine": True, "activation": "relu"}
    }),
    "published, head": ("published", NARROW, [],
                        {"autoencoder": {"log_variance": "head", "blocks": 2}, "calibrate_heads": False}),
    "published, one column": ("published", ONE, [], {}),
    "best": ("best", MIXED, [], {}),
    "best, one thread": ("best", MIXED, [], {"threads": 1}),
    "best, no diffusion": ("best", NARROW, [], {"diffusion": {"enabled": False}}),
    "best, no tilt": ("best", NARROW, [], {"rake": {"enabled": False}, "seed": 3}),
    "best, one column": ("best", ONE, [], {}),
    "best, strength 0": ("best", MIXED, ["sex"], {"fairness": {"strength": 0}}),
    "best, aligned": ("best", MIXED, ["sex"], {"independence": {"start": 2, "ramp": 2}}),
    "best, aligned otherwise": ("best", NARROW, ["sex"], {
        "fairness": {"strength": 0.5, "draw": {"sex=f": 0.5, "sex=m": 0.5}}, "independence": {
            "start": 1, "ramp": 2, "parity": 0, "adversary": 2, "anchor": 1, "repair": 0.5, "decoder_mean": 1,
            "heads_covariance": 1
        }
    }),
    "best, selected": ("best", MIXED, ["sex"], {"marginals": {"pairs": "selected", "count": 6}}),
    "best, focus": ("best", NARROW, [], {"focus": ["smoker"], "encoder": {"atoms": {"pay": [0, 1000]}, "bins": 12}}),
    "best, finetuned": ("best", NARROW, ["sex"],
                        {"finetuning": {"steps": 3, "batch": 64}, "fairness": {"sampling": "balanced"}}),
}


def hashed(*parts):
    h = hashlib.sha256()
    for p in parts:
        h.update(p if isinstance(p, bytes) else p.encode())
    return h.hexdigest()[:32]


def unversioned(value):
    """An object of the library without the version of its grammar, which says nothing of the training."""
    return {k: v for k, v in value.items() if k != "schema_version"}


def csv(columns, rows=ROWS):
    """Related columns from a public stream of numbers."""
    lines = [",".join(columns)]
    for i in range(rows):
        x, numbers = i * 2654435761 + 12345, []
        for _ in range(11):
            x = (x * 6364136223846793005 + 1442695040888963407) % 2**64
            numbers.append(x >> 33)
        lines.append(",".join(FIELDS[c][1](numbers) for c in columns))
    return "\n".join(lines) + "\n"


def schema(columns):
    return {"fields": [{"name": c, **FIELDS[c][0]} for c in columns], "missingValues": [""]}


def merged(base, more):
    return {
        k: merged(base[k], more[k]) if isinstance(base.get(k), dict) and isinstance(more.get(k), dict) and k != "rows"
        else more.get(k, base.get(k)) for k in {**base, **more}
    }


def content(path):
    """A checkpoint's objects and attributes apart from the random name of its run and the digest that depends on it."""
    parts = []
    with h5py.File(path, "r") as f:
        def visit(name, x):
            if name in ("run", "digest", "shared_budget/token", "shared_budget/budget"):
                return
            parts.append(name)
            parts.extend(f"{k}={x.attrs[k]!r}" for k in sorted(x.attrs))
            if isinstance(x, h5py.Dataset):
                v = x[()]
                parts.append(f"{x.dtype}{x.shape}")
                parts.append(v.tobytes() if isinstance(v, numpy.ndarray) and v.dtype != object else repr(v))
        f.visititems(visit)
    return hashed(*parts)


def outputs(name, folder):
    """Digests of all that one training gives."""
    preset, columns, protected, options = CASES[name]
    path = os.path.join(folder, "table.csv")
    with open(path, "w", encoding="utf-8") as f:
        f.write(csv(columns))
    table = flip.Table.read_csv(path, schema(columns))
    config = merged(merged(QUICK, BEST if preset == "best" else {}), options)
    plan = flip.plan(schema(columns), protected=protected, epsilon=4, delta=1e-5, preset=preset, config=config)
    found = {
        "plan": hashed(plan.json.replace(',"schema_version":1', "", 1)),
        "explain": hashed(json.dumps(unversioned(plan.explain()), sort_keys=True)),
        "explanation": hashed(plan.explanation()), "memory": hashed(str(plan.memory(5000)))
    }
    trainer, checkpoint = flip.Trainer(plan, table), os.path.join(folder, "c.h5")
    events = []
    while True:
        p = trainer.step(max_steps=1, max_seconds=0)
        events.append(f"{p.stage} {p.step} {p.total} {p.epsilon!r} {p.done}")
        if p.done:
            break
        if p.step in (1, 2, 4, 7, 10):
            trainer.checkpoint(checkpoint)
            found[f"checkpoint {p.step}"] = content(checkpoint)
            if p.step % 2:              # go on from the file: other batches and noise, from the test seed again
                trainer.close()
                trainer = flip.Trainer.resume(checkpoint, table)
    trainer.checkpoint(checkpoint)
    found["checkpoint at the end"] = content(checkpoint)
    model = trainer.finish()
    found["events"] = hashed(*events)
    found["model"] = hashed(model.to_bytes())
    found["info"] = hashed(json.dumps(unversioned(model.info), sort_keys=True))
    found["ledger"] = hashed(json.dumps(unversioned(model.ledger), sort_keys=True))
    found["report"] = hashed(model.ledger_report())

    def sampled(**k):
        out = os.path.join(folder, "out.csv")
        model.sample(300, seed=7, **k).to_csv(out)
        with open(out, "rb") as f:
            return hashed(f.read())
    found["sample"] = sampled()
    found["sample where"] = sampled(where={"age": {"minimum": 20, "maximum": 70}})
    for stage in ("diffusion",) + (("projection", "autoencoder") if preset == "best" else ()):
        found[f"sample {stage}"] = sampled(stage=stage)
    again = flip.Model.from_bytes(model.to_bytes())
    assert again.to_bytes() == model.to_bytes()
    return found


@pytest.mark.parametrize("name", CASES)
def test_outputs_are_the_recorded_ones(name, tmp_path):
    with open(RECORDED, encoding="utf-8") as f:
        recorded = json.load(f)[name]
    found = outputs(name, str(tmp_path))
    assert {k for k in {**recorded, **found} if recorded.get(k) != found.get(k)} == set()


def test_the_options_of_every_configuration_are_the_recorded_ones():
    with open(RECORDED, encoding="utf-8") as f:
        recorded = json.load(f)["config"]
    assert config_digests() == recorded


def config_digests():
    return {
        what: hashed(json.dumps(flip.config_schema(what)))
        for what in ("plan", "csv", "sample", "arrow", "infer", "budget", "domain", "evaluate", "remote")
    }


if __name__ == "__main__":
    import tempfile
    record = {"config": config_digests()}
    for case in CASES:
        with tempfile.TemporaryDirectory() as folder:
            record[case] = outputs(case, folder)
        print(case, file=sys.stderr)
    with open(RECORDED, "w", encoding="utf-8") as f:
        json.dump(record, f, indent=1, sort_keys=True)
        f.write("\n")
