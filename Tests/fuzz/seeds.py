"""The valid files that mutants are made of, small, by every writer that docs/FORMATS.md names.

usage: seeds.py FOLDER
h5py and libflip write here; what needs other packages or R was written once, into Tests/fixtures. Beside a file NAME
stand NAME.schema (its rows' schema) and NAME.group (where its dataframe is, unless that is found without being told).
"""
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "bindings" / "python"))
FIXTURES = ROOT / "Tests" / "fixtures"

# Two columns, for the models.
NARROW = {"fields": [{"name": "age", "type": "integer",
                      "constraints": {"required": True, "minimum": 0, "maximum": 9}},
                     {"name": "sex", "type": "string", "constraints": {"required": True, "enum": ["f", "m"]}}]}
# Every type of field.
WIDE = {"fields": [{"name": "city", "type": "string", "constraints": {"enum": ["Ulm", "Köln", "Rom"]}},
                   {"name": "grade", "type": "integer", "constraints": {"enum": [1, 2, 3], "required": True}},
                   {"name": "yes", "type": "boolean"},
                   {"name": "age", "type": "integer", "constraints": {"minimum": 0, "maximum": 120}},
                   {"name": "dose", "type": "number", "constraints": {"minimum": 0, "maximum": 9, "multipleOf": 0.5}},
                   {"name": "born", "type": "date",
                    "constraints": {"minimum": "1900-01-01", "maximum": "2030-01-01"}},
                   {"name": "seen", "type": "datetime",
                    "constraints": {"minimum": "1990-01-01T00:00:00Z", "maximum": "2030-01-01T00:00:00Z"}}],
        "missingValues": [""]}
SMALL = {"preset": "published", "rows": {"guess": 400},
         "autoencoder": {"width": 4, "heads": 1, "feed_forward": 8, "latent": 4, "batch": 64, "steps": 3},
         "diffusion": {"hidden": 8, "layers": 1, "noise_levels": 2, "batch": 64, "steps": 3, "sampler_steps": 2}}
TAUGHT = {**SMALL, "student_autoencoder": {"width": 4, "heads": 1, "feed_forward": 8, "latent": 4, "batch": 64,
                                           "steps": 2},
          "student_diffusion": {"hidden": 8, "layers": 1, "noise_levels": 2, "batch": 64, "steps": 2,
                                "sampler_steps": 2}}
# Files of packages that the tests do not install: their group where it is not found by itself.
FOREIGN = {"anndata.h5": None, "anndata07.h5ad": "obs", "marks.h5": None, "hdf5r.h5": None, "rhdf5.h5": None,
           "pytables.h5": None, "pandas.h5": None, "obs.h5ad": None, "user_block.h5": None, "newest.h5": None,
           "netcdf4.h5": "/", "xarray.h5": "/", "matlab73.h5": "s"}


def narrow_csv(rows=400):
    return "age,sex\n" + "".join(f"{i % 10},{'fm'[i % 2]}\n" for i in range(rows))


def wide_csv(rows=12):
    lines = [",".join([["Ulm", "Köln", "Rom", ""][i % 4], str(1 + i % 3), ["true", "false", ""][i % 3],
                       str(5 * i % 121), str(i % 8 / 2), f"19{10 + i}-02-03", f"20{10 + i % 9}-01-01T00:00:0{i % 7}Z"])
             for i in range(rows)]
    return "city,grade,yes,age,dose,born,seen\n" + "".join(line + "\n" for line in lines)


def columns(group, np, n=12):
    """A dataframe with every element of AnnData, without its marks where h5py alone would not write them."""
    group["int"] = np.arange(n, dtype="i2")
    group["big"] = np.arange(n, dtype=">u4")
    group.create_dataset("packed", data=np.arange(n) / 8, chunks=(8,), compression="gzip", shuffle=True,
                         fletcher32=True)
    group.create_dataset("growing", data=np.arange(n) / 8, chunks=(2,), maxshape=(None,), compression="gzip")
    group.create_dataset("fixed_chunks", data=np.arange(n, dtype="i4"), chunks=(3,))
    group["text"] = np.array(["a", "bb", "ccc"], dtype=object)[np.arange(n) % 3]
    group["ascii"] = np.array([b"a", b"bb", b"ccc"])[np.arange(n) % 3]
    group["flag"] = np.arange(n) % 2 == 0
    group["days"] = np.arange(n, dtype="i4")
    group["days"].attrs["units"] = "days since 1970-01-01"
    category = group.create_group("category")
    category.attrs.update({"encoding-type": "categorical", "encoding-version": "0.2.0", "ordered": False})
    category["codes"] = (np.arange(n) % 4 - 1).astype("i1")
    category["categories"] = np.array(["x", "y", "z"], dtype=object)
    whole = group.create_group("whole")
    whole.attrs.update({"encoding-type": "nullable-integer", "encoding-version": "0.1.0"})
    whole["values"], whole["mask"] = np.arange(n), np.arange(n) % 5 == 0


def from_h5py(folder):
    import h5py
    import numpy as np
    for libver in ("earliest", "v108", "v110", "latest"):
        bounds = libver if libver == "earliest" else (libver, libver)
        with h5py.File(folder / f"h5py-{libver}.h5", "w", libver=bounds) as file:
            columns(file.create_group("data"), np)
    for libver in ("earliest", "latest"):                # many members, many attributes: trees and heaps of some depth
        with h5py.File(folder / f"many-{libver}.h5", "w", libver=libver) as file:
            group = file.create_group("data")
            for i in range(24):
                group[f"other {i}"] = h5py.SoftLink("/nowhere")
            group["x"] = np.arange(5.0)
            for i in range(12):
                group["x"].attrs[f"note {i}"] = "x" * (60 * i if libver == "latest" else i)
            group.attrs["column-order"] = ["x"]
            group.create_dataset("y", data=np.arange(5.0), chunks=(1,), maxshape=(None,))


def from_libflip(folder):
    import flip
    rows = folder / ".rows.csv"                          # the worker's checkpoints go on with these rows
    rows.write_text(wide_csv())
    flip.Table.read_csv(rows, WIDE).write_hdf5(folder / "libflip.h5")
    (folder / "unsealed.h5").write_bytes((folder / "libflip.h5").read_bytes()[:-78])
    rows.write_text(narrow_csv())
    table = flip.Table.read_csv(rows, NARROW)
    for name, protected, config in (("published", [], SMALL), ("best", [], {**SMALL, "preset": "best"}),
                                    ("taught", ["sex"], TAUGHT)):
        plan = flip.plan(table.schema, protected=protected, epsilon=8.0, delta=1e-5, config=config)
        flip.train(table, plan, progress=False).save(folder / f"model-{name}.h5")
        trainer = flip.Trainer(plan, table)
        trainer.step(max_steps=10 if name == "taught" else 2)       # a student has begun to learn
        trainer.checkpoint(folder / f"checkpoint-{name}.h5")
        (folder / f"checkpoint-{name}.h5.schema").write_text(json.dumps(NARROW))
        del trainer
    budget = flip.Budget(folder / "budget.h5", epsilon=3.0, delta=1e-5)
    budget.charge("count", noise_multiplier=5.0)


def describe(folder):
    """Writes the schema of every file whose rows can be read: of the columns that a field can be made of."""
    import flip
    import h5py
    for path in sorted(folder.iterdir()):
        if path.suffix not in (".h5", ".h5ad") or path.name.startswith(("model", "check", "budget")):
            continue
        group = FOREIGN.get(path.name)
        if group:
            path.with_name(path.name + ".group").write_text(group)
        with h5py.File(path) as file:
            place = file[group or ("data" if "data" in file else "obs" if "obs" in file else "/")]
            names = list(place.attrs.get("column-order", place))
        good = []
        for name in names:
            try:
                flip.Schema.infer(path, group=group, skip=[other for other in names if other != name])
                good.append(name)
            except flip.FlipError:
                pass
        if good:
            schema = flip.Schema.infer(path, group=group, skip=[name for name in names if name not in good])
            path.with_name(path.name + ".schema").write_text(schema.json)


def make(folder):
    from_h5py(folder)
    from_libflip(folder)
    for name in FOREIGN:
        if (FIXTURES / "hdf5" / name).exists():
            (folder / name).write_bytes((FIXTURES / "hdf5" / name).read_bytes())
    describe(folder)
    for extra in folder.glob("*.lock"):
        extra.unlink()


if __name__ == "__main__":
    make(Path(sys.argv[1]))
