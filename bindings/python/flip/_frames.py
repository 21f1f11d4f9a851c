"""Which package a frame comes from, and frames of other packages as pandas frames.

The module imports no package of frames until a call needs it.
"""

from __future__ import annotations

import os
import re
from typing import Any, Collection

from ._errors import ArgumentError, quietly

_INDEX = re.compile(r"__index_level_\d+__")      # pandas' names for an index without one, in Arrow


def package_of(x: Any) -> str:
    """The package whose frame `x` is, "pandas" or "polars"; "" for anything else. A subclass counts as what it is made
    from."""
    packages = [kind.__module__.split(".")[0] for kind in type(x).__mro__ if kind.__name__ == "DataFrame"]
    return next((package for package in packages if package in ("pandas", "polars")), "")


def is_path(x: Any) -> bool:
    """Whether `x` names a file."""
    return isinstance(x, (str, os.PathLike))


def has_arrow(x: Any) -> bool:
    """Whether `x` gives an Arrow stream or array."""
    return hasattr(x, "__arrow_c_stream__") or hasattr(x, "__arrow_c_array__")


def without_index(x: Any, names: Collection[str]) -> Any:
    """The frame without pandas' index where that has no name of its own: in Arrow it would be a column
    __index_level_0__.

    names: the schema's; a column that one of them names stays. An index with another name is a column like others.
    """
    if package_of(x) == "pandas":
        unnamed = [level for level, name in enumerate(x.index.names) if name is None or name in x.columns]
        return x.reset_index(level=unnamed, drop=True) if unnamed else x
    if not has_arrow(x):
        return x
    columns = getattr(x, "column_names", None) or getattr(x, "columns", None)
    if isinstance(columns, list) and hasattr(x, "drop"):
        kept = [name for name in columns if isinstance(name, str) and _INDEX.fullmatch(name) and name not in names]
        return x.drop(kept) if kept else x
    return x


def as_pandas(x: Any) -> Any:
    """A pandas frame of `x`: itself, or made by pyarrow from its Arrow stream, whose types it keeps.

    ArgumentError for anything that is no frame, and where pandas or pyarrow is missing.
    """
    if package_of(x) == "pandas":
        return x
    if not has_arrow(x):
        raise ArgumentError(f"{type(x).__name__} is no data frame: it has no __arrow_c_stream__")
    try:
        import pandas
        import pyarrow
    except ImportError as absent:
        problem = absent.name
    else:
        return quietly("the frame cannot be read through Arrow", lambda: _made(without_index(x, ()), pandas, pyarrow))
    raise ArgumentError(
        f"a schema for {type(x).__module__.split('.')[0]} is read off with pandas and pyarrow: {problem} is missing")


def _made(x: Any, pandas: Any, pyarrow: Any) -> Any:
    table = without_index(pyarrow.table(x), ())
    # pandas forgets where in its runs a column begins.
    table = pyarrow.table([unpacked(cells) for cells in table.columns], names=table.column_names)
    return table.to_pandas(types_mapper=pandas.ArrowDtype, ignore_metadata=True)


def unpacked(cells: Any) -> Any:
    """A chunked array of pyarrow with its runs spelled out, and an extension type as what it is stored as: that of
    bool8 as booleans."""
    import pyarrow
    kind = cells.type
    if pyarrow.types.is_run_end_encoded(kind):
        import pyarrow.compute
        return unpacked(pyarrow.chunked_array([pyarrow.compute.run_end_decode(chunk) for chunk in cells.chunks],
                                              type=kind.value_type))
    if not isinstance(kind, pyarrow.BaseExtensionType):
        return cells
    stored = pyarrow.chunked_array([chunk.storage for chunk in cells.chunks], type=kind.storage_type)
    return stored.cast(pyarrow.bool_()) if kind.extension_name == "arrow.bool8" else unpacked(stored)
