"""Finds, loads and describes libflip.so.

The types of every function stand in SIGNATURES; a test compares them with flip.h.
"""

from __future__ import annotations

import ctypes
import json
import operator
import os
import sys
from ctypes import POINTER, c_char_p, c_double, c_int32, c_int64, c_size_t, c_uint8, c_uint32, c_uint64, c_void_p

from typing import Any, Callable, Iterable, Mapping, Optional, Sequence, Union

from ._errors import ArgumentError, error
from ._types import BuildInfo, ConfigOption, FileCheck

# What may name a file.
Path = Union[str, "os.PathLike[str]"]

__version__ = "1.0.0"


class CError(ctypes.Structure):
    """flip_error."""

    _fields_ = [("code", c_int32), ("message", ctypes.c_char * 1020)]


class CProgress(ctypes.Structure):
    """flip_progress."""

    _fields_ = [("size", c_uint32), ("stage", c_uint32), ("step", c_int64), ("total", c_int64), ("epsilon", c_double),
                ("seconds", c_double), ("stage_name", ctypes.c_char * 32)]


class CEvent(ctypes.Structure):
    """flip_event."""

    _fields_ = [("size", c_uint32), ("kind", c_uint32), ("progress", POINTER(CProgress))]


CALLBACK = ctypes.CFUNCTYPE(c_int32, c_void_p, POINTER(CEvent))

# Short names for the table below. A handle is a plain pointer here; the classes of this package keep kinds apart.
_H, _HO, _S, _E = c_void_p, POINTER(c_void_p), c_char_p, POINTER(CError)
_ST, _I64, _I32, _D = c_int32, c_int64, c_int32, c_double

SIGNATURES: dict[str, tuple[Any, list[Any]]] = {
    "flip_version": (c_uint32, []),
    "flip_status_name": (_S, [_ST]),
    "flip_build_info": (_ST, [_HO, _E]),
    "flip_config_schema": (_ST, [_S, _HO, _E]),
    "flip_file_check": (_ST, [_S, _HO, _E]),
    "flip_buffer_data": (c_void_p, [_H]),
    "flip_buffer_size": (c_size_t, [_H]),
    "flip_buffer_free": (None, [_H]),
    "flip_schema_parse": (_ST, [_S, c_size_t, _HO, _E]),
    "flip_schema_json": (_ST, [_H, _HO, _E]),
    "flip_schema_infer_csv": (_ST, [_S, _S, CALLBACK, c_void_p, _HO, _E]),
    "flip_schema_infer_hdf5": (_ST, [_S, _S, _S, _HO, _E]),
    "flip_schema_infer_strings": (_ST, [_S, _S, POINTER(c_int64), POINTER(c_uint8), _I64, _S, _HO, _E]),
    "flip_schema_check_csv": (_ST, [_H, _S, _S, CALLBACK, c_void_p, _HO, _E]),
    "flip_schema_check_hdf5": (_ST, [_H, _S, _S, CALLBACK, c_void_p, _HO, _E]),
    "flip_schema_check_rules": (_ST, [_H, _S, _S, POINTER(c_int64), POINTER(c_uint8), _I64, _HO, _E]),
    "flip_schema_check_strings": (_ST, [_H, _S, _S, POINTER(c_int64), POINTER(c_uint8), _I64, _HO, _E]),
    "flip_schema_free": (None, [_H]),
    "flip_table_read_csv": (_ST, [_H, _S, _S, CALLBACK, c_void_p, _HO, _E]),
    "flip_table_write_csv": (_ST, [_H, _S, _S, _E]),
    "flip_table_read_hdf5": (_ST, [_H, _S, _S, _HO, _E]),
    "flip_table_read_hdf5_with": (_ST, [_H, _S, _S, _S, _HO, _E]),
    "flip_table_write_hdf5": (_ST, [_H, _S, _S, _E]),
    "flip_table_convert": (_ST, [_H, _S, _S, _S, CALLBACK, c_void_p, _E]),
    "flip_table_convert_group": (_ST, [_H, _S, _S, _S, _S, _S, CALLBACK, c_void_p, _HO, _E]),
    "flip_table_replaced": (_ST, [_H, _HO, _E]),
    "flip_table_import": (_ST, [_H, c_void_p, _S, CALLBACK, c_void_p, _HO, _E]),
    "flip_table_export": (_ST, [_H, c_void_p, _E]),
    "flip_table_create": (_ST, [_H, _I64, _HO, _E]),
    "flip_table_create_with": (_ST, [_H, _I64, _S, _HO, _E]),
    "flip_table_set_float64": (_ST, [_H, _S, POINTER(c_double), POINTER(c_uint8), _E]),
    "flip_table_set_int64": (_ST, [_H, _S, POINTER(c_int64), POINTER(c_uint8), _E]),
    "flip_table_set_codes": (_ST, [_H, _S, POINTER(c_int32), POINTER(c_char_p), _I32, _E]),
    "flip_table_set_strings": (_ST, [_H, _S, _S, POINTER(c_int64), POINTER(c_uint8), _E]),
    "flip_table_get_float64": (_ST, [_H, _S, _I64, _I64, POINTER(c_double), POINTER(c_uint8), _E]),
    "flip_table_get_int64": (_ST, [_H, _S, _I64, _I64, POINTER(c_int64), POINTER(c_uint8), _E]),
    "flip_table_get_codes": (_ST, [_H, _S, _I64, _I64, POINTER(c_int32), _E]),
    "flip_table_get_reasons": (_ST, [_H, _S, _I64, _I64, POINTER(c_int32), _E]),
    "flip_table_bound_persons": (_ST, [_H, POINTER(c_int64), _I64, _HO, _E]),
    "flip_table_max_rows_per_person": (_I64, [_H]),
    "flip_table_schema": (_ST, [_H, _HO, _E]),
    "flip_table_rows": (_I64, [_H]),
    "flip_table_free": (None, [_H]),
    "flip_plan_create": (_ST, [_H, _S, _HO, _E]),
    "flip_plan_create_under": (_ST, [_H, _H, _S, _HO, _E]),
    "flip_plan_epsilon": (_ST, [_H, _S, _D, POINTER(c_double), _E]),
    "flip_plan_explain": (_ST, [_H, _HO, _E]),
    "flip_plan_explanation": (_ST, [_H, _HO, _E]),
    "flip_plan_json": (_ST, [_H, _HO, _E]),
    "flip_plan_memory": (_ST, [_H, _I64, POINTER(c_int64), _E]),
    "flip_plan_free": (None, [_H]),
    "flip_trainer_create": (_ST, [_H, _H, _HO, _E]),
    "flip_trainer_step": (_ST, [_H, _I64, _D, POINTER(CProgress), _E]),
    "flip_trainer_checkpoint": (_ST, [_H, _S, _E]),
    "flip_trainer_resume": (_ST, [_S, _H, _HO, _E]),
    "flip_trainer_resume_under": (_ST, [_S, _H, _H, _HO, _E]),
    "flip_trainer_plan": (_ST, [_H, _HO, _E]),
    "flip_trainer_ledger": (_ST, [_H, _HO, _E]),
    "flip_trainer_finish": (_ST, [_H, _HO, _E]),
    "flip_trainer_cancel": (None, [_H]),
    "flip_trainer_free": (None, [_H]),
    "flip_trainer_create_remote": (_ST, [_H, _S, _HO, _E]),
    "flip_trainer_resume_remote": (_ST, [_S, _H, _S, _HO, _E]),
    "flip_trainer_ask": (_ST, [_H, _I64, _HO, _E]),
    "flip_trainer_answer": (_ST, [_H, _H, POINTER(CProgress), _E]),
    "flip_ask_json": (_ST, [c_void_p, c_size_t, _HO, _E]),
    "flip_sums_create": (_ST, [c_void_p, c_size_t, _HO, _E]),
    "flip_sums_add_table": (_ST, [_H, _I64, _H, _E]),
    "flip_sums_add_stream": (_ST, [_H, _I64, c_void_p, _S, CALLBACK, c_void_p, _E]),
    "flip_sums_add_csv": (_ST, [_H, _I64, _S, _S, CALLBACK, c_void_p, _E]),
    "flip_sums_export": (_ST, [_H, _I32, _I32, _HO, _E]),
    "flip_sums_merge": (_ST, [_H, c_void_p, c_size_t, _E]),
    "flip_sums_words": (_ST, [_H, POINTER(POINTER(c_uint64)), POINTER(c_size_t), _E]),
    "flip_sums_free": (None, [_H]),
    "flip_train": (_ST, [_H, _H, CALLBACK, c_void_p, _HO, _E]),
    "flip_model_save": (_ST, [_H, _S, _E]),
    "flip_model_load": (_ST, [_S, _HO, _E]),
    "flip_model_to_bytes": (_ST, [_H, _HO, _E]),
    "flip_model_from_bytes": (_ST, [c_void_p, c_size_t, _HO, _E]),
    "flip_model_json": (_ST, [_H, _HO, _E]),
    "flip_model_ledger": (_ST, [_H, _HO, _E]),
    "flip_model_ledger_report": (_ST, [_H, _HO, _E]),
    "flip_model_trade_off": (_ST, [_H, _S, POINTER(c_double), _I64, POINTER(c_double), _E]),
    "flip_model_schema": (_ST, [_H, _HO, _E]),
    "flip_model_sample": (_ST, [_H, _I64, _I64, _S, CALLBACK, c_void_p, _HO, _E]),
    "flip_model_complete": (_ST, [_H, _H, _S, CALLBACK, c_void_p, _HO, _E]),
    "flip_model_estimate": (_ST, [_H, _S, _HO, _E]),
    "flip_model_refit": (_ST, [_H, _S, CALLBACK, c_void_p, _HO, _E]),
    "flip_model_frontier": (_ST, [_H, _S, _HO, _E]),
    "flip_model_stream": (_ST, [_H, _I64, _I64, _S, c_void_p, _E]),
    "flip_model_replicate": (_ST, [_H, _I64, _I64, _S, CALLBACK, c_void_p, _HO, _E]),
    "flip_model_report": (_ST, [_H, _S, _HO, _E]),
    "flip_report_page": (_ST, [_S, c_size_t, _HO, _E]),
    "flip_model_free": (None, [_H]),
    "flip_evaluate": (_ST, [_H, _H, _H, _S, _HO, _E]),
    "flip_budget_create": (_ST, [_S, _S, _HO, _E]),
    "flip_budget_open": (_ST, [_S, _HO, _E]),
    "flip_budget_spent": (_ST, [_H, POINTER(c_double), _E]),
    "flip_budget_remaining": (_ST, [_H, POINTER(c_double), _E]),
    "flip_budget_charge": (_ST, [_H, _S, _S, _E]),
    "flip_budget_settle": (_ST, [_H, _S, _E]),
    "flip_budget_report": (_ST, [_H, _HO, _E]),
    "flip_budget_free": (None, [_H]),
    "flip_domain_buy": (_ST, [_H, _S, c_size_t, _S, _S, CALLBACK, c_void_p, _HO, _HO, _E]),
    "flip_domain_create_remote": (_ST, [_H, _S, c_size_t, _S, _HO, _E]),
    "flip_domain_ask": (_ST, [_H, _I64, _HO, _E]),
    "flip_domain_answer": (_ST, [_H, _H, _E]),
    "flip_domain_finish": (_ST, [_H, _HO, _HO, _E]),
    "flip_domain_free": (None, [_H]),
    "flip_accountant_create": (_ST, [_S, _HO, _E]),
    "flip_accountant_of_model": (_ST, [_H, _S, _S, _HO, _E]),
    "flip_accountant_set_rows": (_ST, [_H, _I64, _E]),
    "flip_accountant_compose_gaussian": (_ST, [_H, _D, _D, _I64, _E]),
    "flip_accountant_compose_laplace": (_ST, [_H, _D, _I64, _E]),
    "flip_accountant_compose_discrete_gaussian": (_ST, [_H, _D, _I64, _I64, _E]),
    "flip_accountant_compose_pure": (_ST, [_H, _D, _I64, _E]),
    "flip_accountant_compose_zcdp": (_ST, [_H, _D, _I64, _E]),
    "flip_accountant_compose_selection": (_ST, [_H, _D, _I64, _E]),
    "flip_accountant_epsilon": (_ST, [_H, _D, POINTER(c_double), _E]),
    "flip_accountant_delta": (_ST, [_H, _D, POINTER(c_double), _E]),
    "flip_calibrate": (_ST, [_S, _S, _D, _D, POINTER(c_double), _E]),
    "flip_accountant_free": (None, [_H]),
}


def candidates() -> list[str]:
    """Every path that is tried, in order."""
    here = os.path.dirname(os.path.abspath(__file__))
    named = os.environ.get("FLIP_LIB")
    if named:                                   # a file, or a folder that holds it; nothing else is tried then
        return [os.path.join(named, "libflip.so") if os.path.isdir(named) else named]
    return [
        os.path.join(here, "lib", "libflip.so"),  # a wheel
        os.path.normpath(os.path.join(here, "..", "..", "..", "build", "lib",
                                      "libflip.so")),  # a checkout after `make build`
        os.path.join(sys.prefix, "lib", "libflip.so"),
        "/usr/local/lib/libflip.so",
        "/usr/lib/libflip.so",
    ]


def _open() -> tuple[ctypes.CDLL, str]:
    tried = []
    for path in candidates():
        if not os.path.exists(path):
            tried.append(f"{path}: not there")
            continue
        try:
            loaded = ctypes.CDLL(path)
            version: int = ctypes.CFUNCTYPE(c_uint32)(("flip_version", loaded))()
        except (OSError, AttributeError) as problem:
            tried.append(f"{path}: {problem}")
            continue
        major, minor = (int(n) for n in __version__.split(".")[:2])
        if version // 1_000_000 != major or version // 1000 % 1000 < minor:
            found = f"{version // 1_000_000}.{version // 1000 % 1000}.{version % 1000}"
            tried.append(f"{path}: is version {found}, this package is {__version__}")
            continue
        for name, (result, arguments) in SIGNATURES.items():
            function = getattr(loaded, name)
            function.restype, function.argtypes = result, arguments
        return loaded, path
    raise ImportError("libflip.so was not found. `make build` makes it; FLIP_LIB may name the file. Tried:\n  " +
                      "\n  ".join(tried))


lib, library_path = _open()


def _range(kind: Any) -> tuple[int, int]:
    bits = 8 * ctypes.sizeof(kind)
    return (-(1 << bits - 1), (1 << bits - 1) - 1) if kind(-1).value < 0 else (0, (1 << bits) - 1)


# ctypes cuts whole numbers to the size of their type without a word: call() looks first.
_RANGES = {kind: _range(kind) for kind in (c_int32, c_int64, c_uint32, c_size_t)}


# Texts that cross with their length; every other one ends at its first NUL, so it may hold none.
_SIZED = {("flip_schema_parse", 1), ("flip_domain_buy", 2), ("flip_domain_create_remote", 2),
          ("flip_table_set_strings", 3),
          ("flip_schema_infer_strings", 2), ("flip_schema_check_strings", 3),
          ("flip_schema_check_rules", 3)}


def _checked(name: str, place: int, kind: Any, value: Any) -> Any:
    """`value` as the argument at `place`, from 1, of a function; an ArgumentError where it does not fit the type of
    flip.h."""
    if kind in _RANGES:
        low, high = _RANGES[kind]
        try:
            whole = operator.index(value)       # Python's and numpy's integers, nothing that would be rounded
        except TypeError:
            whole = None
        if whole is None or isinstance(value, bool) or not low <= whole <= high:
            raise ArgumentError(f"{name}, argument {place}: must be a whole number from {low} to {high}")
        return whole
    if kind is c_double:
        try:
            if not isinstance(value, (bool, str, bytes)):
                return float(value)
        except (TypeError, ValueError, OverflowError):
            pass
        raise ArgumentError(f"{name}, argument {place}: must be a number")
    if kind is c_char_p and value is not None and b"\0" in value and (name, place) not in _SIZED:
        raise ArgumentError(f"{name}, argument {place}: text with a NUL in it")
    return value


def call(name: str, *arguments: Any) -> None:
    """Calls a function that ends in `flip_error *`; raises what it reports. Every call of the package that may fail
    goes this way."""
    kinds = SIGNATURES[name][1]
    if len(arguments) != len(kinds) - 1:
        raise TypeError(f"{name} takes {len(kinds) - 1} arguments")
    err = CError()
    checked = [_checked(name, place, *pair) for place, pair in enumerate(zip(kinds, arguments), 1)]
    status = getattr(lib, name)(*checked, ctypes.byref(err))
    if status:
        raise error(status, err.message.decode("utf-8", "replace"))


def new(name: str, *arguments: Any) -> int:
    """Calls a function that gives a handle; returns the pointer."""
    out = c_void_p()
    call(name, *arguments, ctypes.byref(out))
    pointer = out.value
    assert pointer                              # success never gives NULL
    return pointer


def take_bytes(name: str, *arguments: Any) -> bytes:
    """Calls a function that gives a flip_buffer; returns its content."""
    buffer = new(name, *arguments)
    try:
        return ctypes.string_at(lib.flip_buffer_data(buffer), lib.flip_buffer_size(buffer))
    finally:
        lib.flip_buffer_free(buffer)


def take_json(name: str, *arguments: Any) -> Any:
    """Calls a function that gives JSON text; returns what it says."""
    return json.loads(take_bytes(name, *arguments))


def path_bytes(path: Path) -> bytes:
    """A file's name as the library takes it."""
    return os.fsencode(os.fspath(path))


def group_bytes(group: Optional[str]) -> Optional[bytes]:
    """The name of an HDF5 group as the library takes it; NULL for None, which stands for "/data"."""
    return None if group is None else group.encode()


def config_bytes(options: Mapping[str, Any]) -> Optional[bytes]:
    """Options that were given (not None) as the JSON text of a `config`; NULL when there are none."""
    given = {key: value for key, value in options.items() if value is not None}
    return json.dumps(given, allow_nan=False).encode() if given else None


def names_of(given: Union[str, Iterable[str], None]) -> Optional[list[str]]:
    """Names that a host gives as one text or as several; None where it gives none."""
    return [given] if isinstance(given, str) else None if given is None else list(given)


class Handle:
    """Owns one pointer and frees it once. Subclasses name the function that does."""

    _free: str
    _pointer: Optional[int] = None

    def __init__(self, pointer: Optional[int]) -> None:
        self._pointer = pointer

    def close(self) -> None:
        """Frees the object now rather than when Python forgets it. It cannot be used afterwards."""
        pointer, self._pointer = self._pointer, None
        if pointer and lib is not None:         # None while the interpreter shuts down
            getattr(lib, self._free)(pointer)

    def __del__(self) -> None:
        try:
            self.close()
        except Exception:                       # a destructor must not raise
            pass


def build_info() -> BuildInfo:
    """How the loaded library was made and what it found on this machine (flip.BuildInfo)."""
    info: BuildInfo = take_json("flip_build_info")
    return info


def config_schema(what: str) -> dict[str, ConfigOption]:
    """The keys a configuration may hold; what: "plan", "sample", "csv", "arrow", "budget", "domain", "infer",
    "evaluate" or "remote"."""
    keys: dict[str, ConfigOption] = take_json("flip_config_schema", what.encode())
    return keys


def file_check(path: Path) -> FileCheck:
    """What the file at `path` is (flip.FileCheck): its kind, whether it can be loaded, its format, who wrote it, and
    whether its digest is that of its content.

    Trusts nothing in the file; a damaged or foreign file is an answer. FileError where it cannot be read.
    """
    answer: FileCheck = take_json("flip_file_check", path_bytes(path))
    return answer
