"""The content digest of a libflip model file, computed with h5py alone: see Sources/Storage/Models/ContentDigest.swift.

    python content_digest.py MODEL.h5     prints it and compares it with /digest
"""

import hashlib
import sys

import h5py
import numpy as np


def _text(value, dtype):
    """The bytes of one text, without padding."""
    return (value if isinstance(value, bytes) else str(value).encode()).rstrip(b"\0")


def _describe(dtype, shape):
    kind = "string" if h5py.check_string_dtype(dtype) else np.dtype(dtype).name
    return f"{kind} {','.join(map(str, shape)) or 'scalar'}\n"


def _values(array, dtype):
    if h5py.check_string_dtype(dtype):
        texts = (_text(v, dtype) for v in np.asarray(array, dtype=object).ravel())
        return b"".join(str(len(t)).encode() + b":" + t for t in texts)
    array = np.ascontiguousarray(array)
    return array.astype(array.dtype.newbyteorder("<")).tobytes()


def _attributes(sha, item):
    for name in sorted(item.attrs, key=str.encode):
        kind = item.attrs.get_id(name)
        sha.update(f"attribute {name} {_describe(kind.dtype, kind.shape)}".encode())
        sha.update(_values(item.attrs[name], kind.dtype))


def _add(sha, group):
    sha.update(f"group {group.name}\n".encode())
    _attributes(sha, group)
    for name in sorted(group, key=str.encode):
        item = group[name]
        if item.name == "/digest":
            continue
        if isinstance(item, h5py.Group):
            _add(sha, item)
            continue
        sha.update(f"dataset {item.name} {_describe(item.dtype, item.shape)}".encode())
        _attributes(sha, item)
        sha.update(_values(item[()], item.dtype))


def content_digest(path):
    sha = hashlib.sha256()
    with h5py.File(path, "r") as file:
        _add(sha, file)
    return sha.hexdigest()


def seal_is_intact(path):
    """Whether the last line of the file is the SHA-256 of all bytes before it (Sources/Storage/Models/Seal.swift)."""
    data = open(path, "rb").read()
    return data[-78:] == b"\nflip-sha256 " + hashlib.sha256(data[:-78]).hexdigest().encode() + b"\n"


if __name__ == "__main__":
    digest = content_digest(sys.argv[1])
    with h5py.File(sys.argv[1], "r") as file:
        stored = file["digest"].asstr()[()]
    print(digest, "matches" if digest == stored else "DIFFERS from " + stored)
    sys.exit(digest != stored)
