#!/usr/bin/env bash
# h5py: a file of libver="latest" opens in an older HDF5 and lists its names, but the booleans in it do not read.
#
# Expected: libver="latest" is all or nothing, so that an older library either reads the file or refuses it at once.
# Happens: HDF5 2.0 writes datatype messages of version 5 for enumerations and compounds, and of version 1 for numbers.
# The superblock is of version 3, the same as before, so HDF5 1.14 opens the file.
# There int, float and string data sets read, but booleans (an enumeration), complex numbers and records raise an error.
# With libver="v114" the same library writes version 4 of them, and all is read; without libver it is version 1.
# With: written by h5py 3.16.0 (HDF5 2.0.0), read by h5py 3.13.0 (HDF5 1.14.6).
# Matters: masks of missing values, AnnData's nullable columns and its flag "ordered" are such booleans.
# A table so written looks whole to an older reader until somebody asks for a column with a missing value.
# Do: name a version, such as libver="v114", and test with an old reader, cell by cell.
# In C, call H5Pset_libver_bounds with a named lower bound, not H5F_LIBVER_LATEST.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
for env in new old; do
    python3 -m venv "$dir/$env"
done
"$dir/new/bin/pip" install -q --disable-pip-version-check h5py==3.16.0 numpy==2.2.6
"$dir/old/bin/pip" install -q --disable-pip-version-check h5py==3.13.0 numpy==2.2.6
cd "$dir"
new/bin/python - << 'PY'
import h5py
import numpy as np

print("written by h5py", h5py.__version__, "HDF5", h5py.version.hdf5_version)
for version in ("latest", "v114"):
    with h5py.File(version + ".h5", "w", libver=version) as file:
        file["int"] = np.arange(2)
        file["float"] = np.zeros(2)
        file["string"] = ["a", "b"]
        file["bool"] = np.array([True, False])
        file["complex"] = np.zeros(2, "c8")
        file["record"] = np.zeros(2, [("a", "i4")])
PY
old/bin/python - << 'PY'
import h5py

print("read by h5py", h5py.__version__, "HDF5", h5py.version.hdf5_version)
refused = {}
for version in ("latest", "v114"):
    refused[version] = set()
    with h5py.File(version + ".h5") as file:
        print(version, "names:", list(file))
        for name in file:
            try:
                said = file[name][()].tolist()
            except KeyError as error:
                refused[version].add(name)
                said = error.args[0]
            print(version, name, said)
assert refused == {"latest": {"bool", "complex", "record"}, "v114": set()}
PY
