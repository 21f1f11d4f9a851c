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
