"""Writers × versions × types: every valid file reads as the values that its writer was given, to the last bit.

h5py writes here, under every bound of format versions it knows, and AnnData with every element. What other packages
wrote (PyTables, netCDF4, xarray, hdf5storage, hdf5r, rhdf5) stands in Tests/fixtures/hdf5.
"""
from pathlib import Path

import flip
import numpy as np
import pandas as pd
import pytest

h5py = pytest.importorskip("h5py")

FIXTURES = Path(__file__).parent.parent / "fixtures" / "hdf5"
BOUNDS = ["earliest", "v108", "v110", "v112", "v114", "v200", "latest"]
ROWS = 500
STORAGE = {"contiguous": {}, "chunked": {"chunks": (7,)}, "growing": {"chunks": (7,), "maxshape": (None,)},
           "limited": {"chunks": (7,), "maxshape": (5000,)}, "one chunk": {"chunks": (ROWS,)},
           "gzip": {"chunks": (64,), "compression": "gzip"},
           "filters": {"chunks": (64,), "compression": "gzip", "shuffle": True, "fletcher32": True},
           "fletcher": {"chunks": (64,), "fletcher32": True}}
KINDS = ["i1", "u1", "<i2", ">i2", "<u2", ">u2", "<i4", ">i4", "<u4", ">u4", "<i8", ">i8", "<u8", ">u8", "<f4", ">f4",
         "<f8", ">f8"]


def number(name, kind="number"):
    return {"name": name, "type": kind, "constraints": {"minimum": -2 ** 53 + 1, "maximum": 2 ** 53 - 1}}


def values(kind, rows=ROWS):
    """Numbers that use the whole width of a type, as far as a field's bounds allow."""
    kind = np.dtype(kind)
    random = np.random.default_rng(3)
    if kind.kind == "f":
        return (random.standard_normal(rows) * 2.0 ** random.integers(-60, 30, rows)).astype(kind)
    info = np.iinfo(kind)
    low, high = max(info.min, -2 ** 53 + 1), min(int(info.max), 2 ** 53 - 1)
    return np.concatenate([[low, high], random.integers(low, high, rows - 2, dtype="i8")]).astype(kind)


def read(path, fields, group=None):
    return flip.Table.read_hdf5(path, {"fields": fields}, group=group).to_pandas()


def same(column, wanted):
    """The same numbers, byte for byte as doubles."""
    assert column.to_numpy("f8").tobytes() == np.asarray(wanted).astype("f8").tobytes()


def create(path, bound):
    try:
        return h5py.File(path, "w", libver=bound if bound in ("earliest", "latest") else (bound, bound))
    except (ValueError, KeyError):
        pytest.skip(f"this h5py does not know {bound}")


@pytest.mark.parametrize("bound", BOUNDS)
def test_numbers_of_every_type_and_storage(tmp_path, bound):
    with create(tmp_path / "t.h5", bound) as file:
        for kind in KINDS:
            for storage, options in STORAGE.items():
                file.create_dataset(f"data/{kind} {storage}", data=values(kind), **options)
    fields = [number(f"{kind} {storage}", "number" if "f" in kind else "integer") for kind in KINDS
              for storage in STORAGE]
    table = read(tmp_path / "t.h5", fields)
    for kind in KINDS:
        for storage in STORAGE:
            same(table[f"{kind} {storage}"], values(kind))


@pytest.mark.parametrize("bound", BOUNDS)
def test_text_booleans_levels_and_many_members(tmp_path, bound):
    words = np.array(["a", "bb", "Köln", "", "d" * 300], dtype=object)[np.arange(ROWS) % 5]
    with create(tmp_path / "t.h5", bound) as file:
        group = file.create_group("data")
        for i in range(70):
            group.create_dataset(f"other {i}", data=i)
        group["variable"] = words
        group.create_dataset("packed", data=words, chunks=(33,), compression="gzip")
        group["fixed"] = np.array([word.encode() for word in words])
        group["yes"] = np.arange(ROWS) % 3 == 0
        group.create_dataset("color", data=np.arange(ROWS) % 3,
                             dtype=h5py.enum_dtype({"red": 0, "green": 1, "blue": 2}))
        for i in range(30):
            group["yes"].attrs[f"note {i}"] = "x" * 50 * i if bound != "earliest" else i
    levels = ["a", "bb", "Köln", "", "d" * 300]
    text = [{"name": name, "type": "string", "constraints": {"enum": levels}}
            for name in ("variable", "packed", "fixed")]
    table = flip.Table.read_hdf5(tmp_path / "t.h5", {"missingValues": [], "fields": text + [
        {"name": "yes", "type": "boolean"},
        {"name": "color", "type": "string", "constraints": {"enum": ["blue", "green", "red"]}}]}).to_pandas()
    for name in ("variable", "packed", "fixed"):
        assert table[name].tolist() == words.tolist()
    assert table["yes"].tolist() == (np.arange(ROWS) % 3 == 0).tolist()
    assert table["color"].tolist() == [["red", "green", "blue"][i % 3] for i in range(ROWS)]


@pytest.mark.parametrize("rows", [1, 2, 63, 64, 65, 4097])
@pytest.mark.parametrize("bound", ["earliest", "latest"])
def test_chunks_of_every_index(tmp_path, bound, rows):
    """One chunk to thousands: B-trees of several levels, arrays of several blocks, a last chunk that is not full."""
    with create(tmp_path / "t.h5", bound) as file:
        for chunk in (1, 3, 64, 5000):
            for name, end in (("growing", None), ("limited", 6000)):
                file.create_dataset(f"data/{name} {chunk}", data=np.arange(rows) * 0.5, chunks=(chunk,),
                                    maxshape=(end,))
                file.create_dataset(f"data/{name} {chunk} gzip", data=np.arange(rows) * 0.5, chunks=(chunk,),
                                    maxshape=(end,), compression="gzip" if rows < 100 or chunk > 3 else None)
        names = list(file["data"])
    table = read(tmp_path / "t.h5", [number(name) for name in names])
    for name in names:
        same(table[name], np.arange(rows) * 0.5)


@pytest.mark.parametrize("bound", ["earliest", "v110", "latest"])
def test_what_was_never_written_is_the_fill_value(tmp_path, bound):
    with create(tmp_path / "t.h5", bound) as file:
        for name, options in {"contiguous": {}, "chunked": {"chunks": (5,)}, "gzip": {"chunks": (5,),
                                                                                     "compression": "gzip"}}.items():
            data = file.create_dataset(f"data/{name}", shape=(40,), dtype="f8", fillvalue=2.5, **options)
            if name != "contiguous":
                data[10:15] = 7
        file.create_dataset("data/shorter", data=np.arange(90.0), chunks=(7,), maxshape=(None,)).resize((40,))
    table = read(tmp_path / "t.h5", [number(n) for n in ("contiguous", "chunked", "gzip", "shorter")])
    wanted = np.full(40, 2.5)
    same(table["contiguous"], wanted)
    wanted[10:15] = 7
    same(table["chunked"], wanted)
    same(table["gzip"], wanted)
    same(table["shorter"], np.arange(40.0))


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("bound", ["earliest", "v108", "latest"])
def test_every_element_of_anndata(tmp_path, bound, compressed):
    anndata = pytest.importorskip("anndata")
    anndata.settings.allow_write_nullable_strings = True
    frame = pd.DataFrame({
        "city": pd.Categorical(["Ulm", None, "Köln"] * 50, categories=["Köln", "Rom", "Ulm"]),
        "text": ["a", "b", "c"] * 50, "yes": [True, False, True] * 50,
        "maybe": pd.array([True, None, False] * 50, dtype="boolean"),
        "count": pd.array([5, None, -3] * 50, dtype="Int64"), "real": [0.1, np.nan, -1e-7] * 50})
    frame.index = frame.index.astype(str)
    with create(tmp_path / "t.h5", bound) as file:
        anndata.io.write_elem(file, "data", frame, dataset_kwargs={"compression": "gzip"} if compressed else {})
    fields = [{"name": "city", "type": "string", "constraints": {"enum": ["Ulm", "Rom", "Köln"]}},
              {"name": "text", "type": "string", "constraints": {"enum": ["c", "b", "a"]}},
              {"name": "yes", "type": "boolean"}, {"name": "maybe", "type": "boolean"}, number("count", "integer"),
              number("real")]
    table = read(tmp_path / "t.h5", fields)
    for name in ("city", "text", "yes", "maybe", "count", "real"):
        assert [None if pd.isna(v) else v for v in table[name]] == [None if pd.isna(v) else v for v in frame[name]]


def test_netcdf4():
    names = ["small", "int", "big", "unsigned", "missing"]
    table = read(FIXTURES / "netcdf4.h5", [number(name, "integer") for name in names] + [
        number(name) for name in ("single", "double", "packed")] + [
        {"name": "days", "type": "date", "constraints": {"minimum": "1970-01-01", "maximum": "2030-01-01"}},
        {"name": "text", "type": "string", "constraints": {"enum": ["a", "bb", "c"]}}], group="/")
    assert table["small"].tolist() == [1, 2, 3, 4] and table["int"].tolist() == [5, -6, 7, 8]
    assert table["big"].tolist() == [1 << 40, 2, 3, 4] and table["unsigned"].tolist() == [1, 2, 65535, 4]
    assert [None if pd.isna(v) else v for v in table["missing"]] == [1, None, 3, 4]
    assert table["single"].tolist() == [0.5, 0.25, -1, 8] and table["double"].tolist() == [0.1, 0.2, 0.3, 0.4]
    assert table["packed"].tolist() == [1.5, 2.5, 3.5, 4.5] and table["text"].tolist() == ["a", "bb", "a", "c"]
    assert [str(v)[:10] for v in table["days"]] == ["1970-01-01", "1970-01-02", "2020-01-01", "2022-01-08"]


def test_xarray():
    table = read(FIXTURES / "xarray.h5", [number("x"), number("n", "integer")], group="/")
    assert [None if pd.isna(v) else v for v in table["x"]] == [1, None, 3] and table["n"].tolist() == [1, 2, 3]
    with pytest.raises(flip.FlipError):                  # it counts from 1970-01-02, another day than the one we know
        read(FIXTURES / "xarray.h5", [{"name": "day", "type": "date", "constraints": {
            "minimum": "1970-01-01", "maximum": "2030-01-01"}}], group="/")


def test_matlab_is_refused_by_its_shape():
    with pytest.raises(flip.FormatError, match="must have one dimension"):
        read(FIXTURES / "matlab73.h5", [number("age")], group="s")


@pytest.mark.parametrize("shape", [(5, 1), (1, 5)], ids=str)
@pytest.mark.parametrize("storage", [{}, {"chunks": True}, {"chunks": True, "compression": "gzip"}], ids=str)
def test_vectors_as_matlab_stores_them_are_refused_by_name(tmp_path, shape, storage):
    """Version 7.3 has matrices alone: a user block, a vector as n x 1 or 1 x n, logicals as bytes with a class."""
    path = tmp_path / "v73.h5"
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, cells, kind in (("age", np.arange(5.0), b"double"), ("n", np.arange(5, dtype="i4"), b"int32"),
                                  ("yes", np.array([0, 1, 0, 1, 1], "u1"), b"logical"),
                                  ("word", np.array([104, 105, 33, 33, 33], "u2"), b"char")):
            stored = file.create_dataset(f"s/{name}", data=cells.reshape(shape), **storage)
            stored.attrs["MATLAB_class"] = kind
    names = ("age", "n", "yes", "word")
    for name in names:
        for call in (lambda: read(path, [number(name)], group="s"),
                     lambda: flip.Schema.infer(path, group="s", skip=[k for k in names if k != name])):
            with pytest.raises(flip.FormatError, match=f'"/s/{name}": must have one dimension'):
                call()


@pytest.mark.parametrize("name, wanted", [
    ("pytables.h5", {"x": [0, 1, 2]}), ("hdf5r.h5", {"int": [1, 2, 3, 4], "double": [1, 2, None, 4]}),
    ("rhdf5.h5", {"int": [1, 2, None, 4], "double": [1, 2, None, 4]}),
    ("obs.h5ad", {"x": [1, 2, 3], "mmol/l": [4, 5, 6]}), ("anndata07.h5ad", {"count": [5, 6, 7, 8]}),
    ("user_block.h5", {"x": [1, 2, 3]})])
def test_numbers_of_the_other_writers(name, wanted):
    table = read(FIXTURES / name, [number(key) for key in wanted], group="obs" if name.endswith("h5ad") else "data")
    for key, numbers in wanted.items():
        assert [None if pd.isna(v) else v for v in table[key]] == numbers
