"""What libflip writes is read by AnnData and h5py. The files are the golden ones of the Swift tests
(Tests/fixtures/golden), which the library's present writer is compared with there; FLIP_HDF5_DIR names another folder
with the same files."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

h5py = pytest.importorskip("h5py")
anndata_io = pytest.importorskip("anndata.io")

from content_digest import content_digest, seal_is_intact

GOLDEN = Path(os.environ.get("FLIP_HDF5_DIR", Path(__file__).parent.parent / "fixtures" / "golden"))
MODEL, DATASET, CSV = GOLDEN / "model-1.0.h5", GOLDEN / "dataset-1.0.h5", GOLDEN / "dataset-1.0.csv"


@pytest.fixture(scope="module")
def frame():
    with h5py.File(DATASET) as file:
        return anndata_io.read_elem(file["data"])


@pytest.fixture(scope="module")
def csv():
    return pd.read_csv(CSV, keep_default_na=False, na_values=[""], float_precision="round_trip")


def test_dataset_has_the_rows_and_columns_of_the_csv(frame, csv):
    assert list(frame.columns) == list(csv.columns)
    assert list(frame.index) == list(range(len(csv)))


@pytest.mark.parametrize("name", ["city", "town", "holiday"])
def test_text_levels_are_categoricals(frame, csv, name):
    assert isinstance(frame[name].dtype, pd.CategoricalDtype) and not frame[name].cat.ordered
    assert [None if pd.isna(v) else v for v in frame[name]] == [None if pd.isna(v) else v for v in csv[name]]


@pytest.mark.parametrize("name", ["grade", "share"])
def test_typed_levels_keep_their_type(frame, csv, name):
    assert frame[name].cat.categories.dtype.kind == {"grade": "i", "share": "f"}[name]
    np.testing.assert_array_equal(frame[name].astype(float), csv[name].astype(float))


def test_booleans(frame, csv):
    assert frame["yes"].dtype == bool and frame["maybe"].dtype == "boolean"
    for name in ["yes", "maybe"]:
        expected = csv[name].map({"true": True, "false": False, True: True, False: False})
        assert [None if pd.isna(v) else bool(v) for v in frame[name]] == [None if pd.isna(v) else v for v in expected]


@pytest.mark.parametrize("name, dtype", [("age", "int8"), ("year", "Int16"), ("cents", "Int64"), ("real", "float64"),
                                         ("tenth", "float64")])
def test_numbers(frame, csv, name, dtype):
    assert str(frame[name].dtype) == dtype
    np.testing.assert_array_equal(frame[name].astype("Float64").to_numpy(float, na_value=np.nan),
                                  csv[name].astype(float))


UNITS = {"born": "days", "died": "days", "second": "seconds", "micro": "microseconds", "far": "microseconds"}


@pytest.mark.parametrize("name", UNITS)
def test_times(frame, csv, name):
    with h5py.File(DATASET) as file:
        units = file["data"][name].attrs["units"]
    assert units.startswith(UNITS[name] + " since 1970-01-01")
    step = {"days": 86400 * 10**6, "seconds": 10**6, "microseconds": 1}[UNITS[name]]
    for number, text in zip(frame[name], csv[name]):
        assert pd.isna(number) == pd.isna(text)
        if pd.isna(text):
            continue
        moment = np.datetime64(text.rstrip("Z"), "us").astype(int)
        assert int(number) * step == moment


def test_schema_is_stored(csv):
    import json
    with h5py.File(DATASET) as file:
        schema = json.loads(file["data"].attrs["flip-schema"])
    assert [field["name"] for field in schema["fields"]] == list(csv.columns)


def test_columns_are_packed_with_stock_filters_in_equal_chunks():
    chunks = set()
    with h5py.File(DATASET) as file:
        def visit(_, item):
            if isinstance(item, h5py.Dataset) and item.chunks:
                assert (item.compression, item.shuffle, item.fletcher32) == ("gzip", True, True)
                chunks.add(item.chunks)
        file["data"].visititems(visit)
    assert chunks == {(50,)}


def test_the_model_is_read_as_a_mapping():
    with h5py.File(MODEL) as file:
        model = anndata_io.read_elem(file["/"])
        assert file.attrs["flip-format"] == b"flip-model" and file.attrs["flip-format-version"] == b"1.0"
        assert file["weights/first"].attrs["axes"] == b"out,in"
    assert model["schema"] == '{"fields":[]}'
    np.testing.assert_array_equal(model["weights"]["first"], np.arange(1, 7, dtype=np.float32).reshape(2, 3))
    np.testing.assert_array_equal(model["weights"]["counts"], [7, -8])
    events = model["ledger"]["events"]
    assert list(events["name"]) == ["histograms", "Größe"] and list(events["exact"]) == [True, False]
    assert model["ledger"]["epsilon"] == 1.5


def test_anyone_can_compute_the_digest():
    with h5py.File(MODEL) as file:
        assert content_digest(MODEL) == file["digest"].asstr()[()]


@pytest.mark.parametrize("path", [MODEL, DATASET])
def test_seal(path):
    assert seal_is_intact(path)


def test_a_file_may_be_changed_with_h5py(tmp_path):
    """The seal goes when h5py writes: the file is then like anybody's."""
    copy = tmp_path / "copy.h5"
    copy.write_bytes(DATASET.read_bytes())
    with h5py.File(copy, "r+") as file:
        file["data"].attrs["note"] = "changed"
    assert b"flip-sha256" not in copy.read_bytes()
    with h5py.File(copy) as file:
        assert len(anndata_io.read_elem(file["data"])) == 50


def test_a_column_name_with_a_slash(tmp_path):
    """AnnData finds the column under its own name, as the nested group that h5py makes of such a name."""
    flip = pytest.importorskip("flip")
    schema = {"fields": [{"name": name, "type": "number", "constraints": {"minimum": 0, "maximum": 9}}
                         for name in ("a", "mmol/l", "mmol/mol")]}
    table = flip.Table.from_pandas(pd.DataFrame({"a": [1.0, 2.0], "mmol/l": [3.0, 4.0], "mmol/mol": [5.0, np.nan]}),
                                   schema)
    table.write_hdf5(tmp_path / "t.h5")
    with h5py.File(tmp_path / "t.h5") as file:
        frame = anndata_io.read_elem(file["data"])
        assert list(file["data"].attrs["column-order"]) == ["a", "mmol/l", "mmol/mol"]
        np.testing.assert_array_equal(file["data/mmol/l"], [3, 4])
    assert list(frame.columns) == ["a", "mmol/l", "mmol/mol"]
    np.testing.assert_array_equal(frame["mmol/mol"], [5, np.nan])
    assert flip.Table.read_hdf5(tmp_path / "t.h5").to_pandas().equals(table.to_pandas())


def test_every_row_of_a_categorical_of_anndata_0_7_is_read_through_its_categories(tmp_path):
    flip = pytest.importorskip("flip")
    with h5py.File(tmp_path / "old.h5ad", "w") as file:
        group = file.create_group("obs")
        group.attrs.update({"encoding-type": "dataframe", "encoding-version": "0.1.0", "_index": "_index",
                            "column-order": ["age"]})
        group["_index"] = ["a", "b", "c", "d"]
        group["__categories/age"] = [30, 40, 60]
        group["age"] = np.array([2, 0, 2, 1], "i1")
        group["age"].attrs["categories"] = group["__categories/age"].ref
    schema = {"fields": [{"name": "age", "type": "integer", "constraints": {"minimum": 0, "maximum": 120}}]}
    assert list(flip.Table.read_hdf5(tmp_path / "old.h5ad", schema, group="obs").to_pandas()["age"]) == [60, 30, 60, 40]


# Every way in which h5py stores a column, in the formats of all HDF5 releases.

LIBVERS = ["earliest", "v108", "v110", "latest"]
TYPES = ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", ">i2", ">i4", ">i8", ">u2", "f4", "f8", ">f4", ">f8", "?",
         "S3", "str", "U"]
ROWS = 1003
STORAGES = {
    "contiguous": {},
    "one_chunk": {"chunks": (ROWS,)},
    "chunks": {"chunks": (7,)},
    "packed": {"chunks": (100,), "compression": "gzip", "shuffle": True, "fletcher32": True},
    "packed_once": {"chunks": (ROWS,), "compression": "gzip"},
    "growing": {"chunks": (16,), "maxshape": (None,)},
    "growing_packed": {"chunks": (3,), "maxshape": (None,), "compression": "gzip"},
    "bounded": {"chunks": (50,), "maxshape": (5000,), "fletcher32": True},
}


def column(kind, rows=ROWS):
    """Values, the field that reads them, and what it should give."""
    rng = np.random.default_rng(len(kind) + ord(kind[-1]))
    if kind == "?":
        values = rng.random(rows) < 0.5
        return values, {"type": "boolean"}, values
    if kind in ("S3", "str", "U"):
        values = np.array(["a", "Köln" if kind != "S3" else "bb", "ccc"])[rng.integers(0, 3, rows)]
        field = {"type": "string", "constraints": {"enum": ["a", "Köln", "bb", "ccc"]}}
        return values.astype("S3") if kind == "S3" else values.astype(object), field, values
    dtype = np.dtype(kind)
    if dtype.kind == "f":
        values = rng.standard_normal(rows).astype(dtype)
        return values, {"type": "number", "constraints": {"minimum": -9, "maximum": 9}}, values.astype(float)
    info = np.iinfo(dtype)
    low, high = max(info.min, -(2**52)), min(info.max, 2**52)
    values = rng.integers(low, high, rows, dtype=np.int64, endpoint=True).astype(dtype)
    values[:2] = [low, high]
    return values, {"type": "integer",
                    "constraints": {"minimum": int(low), "maximum": int(high)}}, values.astype(np.int64)


def put(group, name, kind, values, **options):
    if kind == "U":
        kind = h5py.string_dtype(length=7)
        group.create_dataset(name, data=np.char.encode(values.astype(str), "utf-8").astype(kind), **options)
    elif kind == "str":
        group.create_dataset(name, data=values, dtype=h5py.string_dtype(), **options)
    else:
        group.create_dataset(name, data=values, **options)


@pytest.mark.parametrize("libver", LIBVERS)
def test_every_type_and_storage_reads_to_the_same_values(tmp_path, libver):
    flip = pytest.importorskip("flip")
    fields, expected = [], {}
    with h5py.File(tmp_path / "t.h5", "w", libver=(libver, libver) if libver != "earliest" else libver) as file:
        group = file.create_group("data")
        for kind in TYPES:
            values, field, want = column(kind)
            for storage, options in STORAGES.items():
                if kind == "str" and "fletcher32" in options:
                    continue                            # HDF5 refuses it
                name = f"{kind}_{storage}"
                put(group, name, kind, values, **options)
                fields.append({"name": name, **field})
                expected[name] = want
    frame = flip.Table.read_hdf5(tmp_path / "t.h5", {"fields": fields}).to_pandas()
    for name, want in expected.items():
        assert list(frame[name]) == list(want), name


@pytest.mark.parametrize("libver", LIBVERS)
def test_many_members_and_attributes(tmp_path, libver):
    """Groups and attributes move into trees and heaps when there are many, or when they are large."""
    flip = pytest.importorskip("flip")
    with h5py.File(tmp_path / "t.h5", "w", libver=(libver, libver) if libver != "earliest" else libver,
                   track_order=libver == "v110") as file:
        group = file.create_group("data")
        for i in range(3000):
            group.create_group(f"other {i}")
        group["x"] = np.arange(5.0)
        group["few"] = np.arange(5)
        for i in range(200):
            group["few"].attrs[f"note {i}"] = "x" * (i if libver == "earliest" else 40 * i)
        group["few"].attrs["scale_factor"] = 1.0
        for i in range(40):
            group.attrs[f"number {i}"] = np.arange(i)
        group.attrs["column-order"] = ["x", "few"]
    schema = flip.Schema.infer(tmp_path / "t.h5")
    assert [field["name"] for field in schema.dict["fields"]] == ["x", "few"]
    assert list(flip.Table.read_hdf5(tmp_path / "t.h5", schema).to_pandas()["few"]) == [0, 1, 2, 3, 4]
    with h5py.File(tmp_path / "t.h5", "a", libver=libver) as file:
        file["data/few"].attrs["scale_factor"] = 0.5
    with pytest.raises(flip.FormatError, match="scale_factor"):
        flip.Table.read_hdf5(tmp_path / "t.h5", schema)


def test_cells_that_were_never_written_have_the_fill_value(tmp_path):
    flip = pytest.importorskip("flip")
    for libver in LIBVERS:
        with h5py.File(tmp_path / "t.h5", "w", libver=libver) as file:
            file.create_dataset("data/none", (50,), "i4")
            file.create_dataset("data/filled", (50,), "i4", fillvalue=7)
            file.create_dataset("data/chunked", (50,), "i4", chunks=(8,), compression="gzip", fillvalue=3)
            file["data/chunked"][20] = 5
            file.create_dataset("data/short", (200,), "i4", chunks=(8,), maxshape=(None,))[:] = 1
            file["data/short"].resize((50,))
        fields = [{"name": n, "type": "integer", "constraints": {"minimum": 0, "maximum": 9}}
                  for n in ("none", "filled", "chunked", "short")]
        frame = flip.Table.read_hdf5(tmp_path / "t.h5", {"fields": fields}).to_pandas()
        with h5py.File(tmp_path / "t.h5") as file:
            for name in frame:
                assert list(frame[name]) == list(file["data"][name][:]), (libver, name)


@pytest.mark.parametrize("libver", LIBVERS)
def test_very_many_chunks(tmp_path, libver):
    """Indexes of chunks have pages and several levels when there are many, and gaps where nothing was written."""
    flip = pytest.importorskip("flip")
    rows = 9000
    with h5py.File(tmp_path / "t.h5", "w", libver=(libver, libver) if libver != "earliest" else libver) as file:
        for name, options in [("fixed", {}), ("growing", {"maxshape": (None,)}), ("packed", {"compression": "gzip"}),
                              ("both", {"maxshape": (None,), "compression": "gzip"})]:
            data = file.create_dataset("data/" + name, (rows,), "i2", chunks=(1,), fillvalue=-1, **options)
            data[:2000] = np.arange(2000)
            data[rows - 1500:] = np.arange(1500)
    fields = [{"name": n, "type": "integer", "constraints": {"minimum": -1, "maximum": 9999}}
              for n in ("fixed", "growing", "packed", "both")]
    frame = flip.Table.read_hdf5(tmp_path / "t.h5", {"fields": fields}).to_pandas()
    want = list(range(2000)) + [-1] * (rows - 3500) + list(range(1500))
    for name in frame:
        assert list(frame[name]) == want, name
