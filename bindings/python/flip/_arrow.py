"""Arrow streams in and out through the PyCapsule protocol, with ctypes alone.

pyarrow is not needed on either side. The protocol:
https://arrow.apache.org/docs/format/CDataInterface/PyCapsuleInterface.html
"""

from __future__ import annotations

import ctypes
from ctypes import CFUNCTYPE, PYFUNCTYPE, Structure, c_char_p, c_int, c_int64, c_void_p, py_object, pythonapi
from typing import Any, Callable, Optional

from ._errors import quietly
from ._library import call

_STREAM = b"arrow_array_stream"


class CArrowSchema(Structure):
    """struct ArrowSchema."""

    _fields_ = [("format", c_char_p), ("name", c_char_p), ("metadata", c_char_p), ("flags", c_int64),
                ("n_children", c_int64), ("children", c_void_p), ("dictionary", c_void_p), ("release", c_void_p),
                ("private_data", c_void_p)]


class CArrowArray(Structure):
    """struct ArrowArray."""

    _fields_ = [("length", c_int64), ("null_count", c_int64), ("offset", c_int64), ("n_buffers", c_int64),
                ("n_children", c_int64), ("buffers", c_void_p), ("children", c_void_p), ("dictionary", c_void_p),
                ("release", c_void_p), ("private_data", c_void_p)]


_GET = CFUNCTYPE(c_int, c_void_p, c_void_p)
_LAST_ERROR = CFUNCTYPE(c_void_p, c_void_p)
_RELEASE = CFUNCTYPE(None, c_void_p)


class CArrowArrayStream(Structure):
    """struct ArrowArrayStream."""

    _fields_ = [("get_schema", _GET), ("get_next", _GET), ("get_last_error", _LAST_ERROR), ("release", _RELEASE),
                ("private_data", c_void_p)]


# Prototypes of our own: argtypes set on pythonapi's functions would be seen by every package of the process.
_capsule_new: Callable[..., Any] = PYFUNCTYPE(py_object, c_void_p, c_char_p, c_void_p)(("PyCapsule_New", pythonapi))
_capsule_pointer: Callable[..., int] = PYFUNCTYPE(c_void_p, py_object, c_char_p)(("PyCapsule_GetPointer", pythonapi))
_dying_pointer: Callable[..., int] = PYFUNCTYPE(c_void_p, c_void_p, c_char_p)(("PyCapsule_GetPointer", pythonapi))
_allocate: Callable[[int], int] = PYFUNCTYPE(c_void_p, ctypes.c_size_t)(("PyMem_RawMalloc", pythonapi))
_deallocate: Callable[[int], None] = PYFUNCTYPE(None, c_void_p)(("PyMem_RawFree", pythonapi))
_keep: Callable[[Any], None] = PYFUNCTYPE(None, py_object)(("Py_IncRef", pythonapi))


def _move(source: int, target: int, kind: type[CArrowSchema] | type[CArrowArray]) -> None:
    """Copies a struct and marks the source as released, as the interface says."""
    ctypes.memmove(target, source, ctypes.sizeof(kind))
    kind.from_address(source).release = None


class _OneBatch:
    """The stream of one array with its schema. Its callbacks live as long as this object."""

    def __init__(self, schema: Any, array: Any) -> None:
        self.capsules = (schema, array)         # they release what nobody has taken
        schema_at, array_at = _capsule_pointer(schema, b"arrow_schema"), _capsule_pointer(array, b"arrow_array")
        given = False

        def get_schema(_: int, out: int) -> int:
            _move(schema_at, out, CArrowSchema)
            return 0

        def get_next(_: int, out: int) -> int:
            nonlocal given
            if given:
                ctypes.memset(out, 0, ctypes.sizeof(CArrowArray))
            else:
                _move(array_at, out, CArrowArray)
            given = True
            return 0

        def release(stream: int) -> None:
            ctypes.memset(stream + CArrowArrayStream.release.offset, 0, ctypes.sizeof(c_void_p))

        self.stream = CArrowArrayStream(_GET(get_schema), _GET(get_next), _LAST_ERROR(lambda _: None),
                                        _RELEASE(release), None)

    @property
    def address(self) -> int:
        """Where its struct lies."""
        return ctypes.addressof(self.stream)


class Source:
    """The ArrowArrayStream behind an object; `address` is valid while this object lives."""

    def __init__(self, x: Any) -> None:
        """x: an object with __arrow_c_stream__ or __arrow_c_array__, or a capsule that the former gave. TypeError for
        any other.

        SchemaError where the object cannot make its stream, as a pandas column of texts and numbers cannot."""
        what = f"the {type(x).__name__} gives no Arrow stream"
        if hasattr(x, "__arrow_c_stream__"):
            self._owner: Any = quietly(what, x.__arrow_c_stream__)
        elif hasattr(x, "__arrow_c_array__"):
            self._owner = _OneBatch(*quietly(what, x.__arrow_c_array__))
        elif type(x).__name__ == "PyCapsule":
            self._owner = x
        else:
            raise TypeError(f"{type(x).__name__} has neither __arrow_c_stream__ nor __arrow_c_array__")

    @property
    def address(self) -> int:
        """Where its struct lies; ValueError for a capsule of another kind."""
        if isinstance(self._owner, _OneBatch):
            return self._owner.address
        return _capsule_pointer(self._owner, _STREAM)


def _make_destructor() -> Any:
    # Everything is bound here: a capsule may outlive this module when the interpreter ends.
    def destroy(capsule: int, pointer: Any = _dying_pointer, name: bytes = _STREAM, kind: Any = CArrowArrayStream,
                free: Any = _deallocate) -> None:
        at = pointer(capsule, name)
        stream = kind.from_address(at)
        if stream.release:
            stream.release(at)
        free(at)

    destructor = PYFUNCTYPE(None, c_void_p)(destroy)
    _keep(destructor)
    return destructor


_DESTRUCTOR = _make_destructor()


def capsule(function: str, *arguments: Any) -> Any:
    """A PyCapsule that holds a stream, which `function` puts at the address behind its arguments; whoever takes the
    stream marks it as released, else the capsule releases it."""
    at = _allocate(ctypes.sizeof(CArrowArrayStream))
    if not at:
        raise MemoryError
    ctypes.memset(at, 0, ctypes.sizeof(CArrowArrayStream))
    try:
        call(function, *arguments, at)
        return _capsule_new(at, _STREAM, ctypes.cast(_DESTRUCTOR, c_void_p))
    except BaseException:
        stream = CArrowArrayStream.from_address(at)
        if stream.release:
            stream.release(at)
        _deallocate(at)
        raise
