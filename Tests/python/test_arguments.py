"""What Python hands to C: nothing is cut, rounded or shortened on the way."""
import ctypes

import flip
import numpy
import pytest
from flip import _library

WHOLE = {ctypes.c_int32: 32, ctypes.c_int64: 63, ctypes.c_size_t: 64, ctypes.c_uint32: 32}
PLACES = [(name, place) for name, (_, kinds) in _library.SIGNATURES.items() for place, kind in enumerate(kinds)
          if kind in WHOLE and kinds[-1] is ctypes.POINTER(_library.CError)]
NUMBERS = [(name, place) for name, (_, kinds) in _library.SIGNATURES.items() for place, kind in enumerate(kinds) if kind is ctypes.c_double]


def arguments(name, place, value):
    """Harmless arguments for every other place: the library refuses the missing handle if it is reached at all."""
    kinds = _library.SIGNATURES[name][1][:-1]
    plain = {ctypes.c_double: 0.5, ctypes.c_char_p: b"x", _library.CALLBACK: _library.CALLBACK()}
    return [value if i == place else 0 if kind in WHOLE else plain.get(kind) for i, kind in enumerate(kinds)]


def test_there_are_such_arguments():
    assert len(PLACES) >= 14 and len(NUMBERS) >= 8


@pytest.mark.parametrize("name, place", PLACES)
def test_whole_numbers_must_fit(name, place):
    kind = _library.SIGNATURES[name][1][place]
    high = 2 ** (8 * ctypes.sizeof(kind)) - 1 if kind(-1).value > 0 else 2 ** (8 * ctypes.sizeof(kind) - 1) - 1
    low = 0 if kind(-1).value > 0 else -high - 1
    for bad in (high + 1, low - 1, 2 ** 64, 2 ** 64 + 5, -2 ** 64, 10 ** 400, True, False, numpy.True_, 1.0, 0.5, float("nan"), float("inf"), "1", b"1", None):
        with pytest.raises(flip.ArgumentError, match=f"{name}, argument {place + 1}: must be a whole number"):
            _library.call(name, *arguments(name, place, bad))


@pytest.mark.parametrize("name, place", NUMBERS)
def test_numbers_must_be_numbers(name, place):
    for bad in (10 ** 400, True, "1", b"1", None, 1j):
        with pytest.raises(flip.ArgumentError, match=f"{name}, argument {place + 1}: must be a number"):
            _library.call(name, *arguments(name, place, bad))


def test_counts_that_wrapped(model, table, schema, plan):
    huge = (2 ** 64, 2 ** 64 + 5, 2 ** 63, -2 ** 63 - 1, True, float("nan"))
    for n in huge:
        for wrong in (lambda: flip.Accountant().compose(1.0, 0.1, count=n), lambda: model.sample(n), lambda: model.sample(5, first=n),
                      lambda: plan.memory(n), lambda: flip.Trainer(plan, table).step(max_steps=n), lambda: flip.Trainer(plan, table).step(max_seconds="1")):
            with pytest.raises(flip.ArgumentError):
                wrong()
    for n in (2 ** 63, 2 ** 64 + 1, -1, 0.5, True):
        with pytest.raises(flip.ArgumentError):
            model.sample(5, seed=n)
        with pytest.raises(flip.ArgumentError):
            flip.calibrate(epsilon=1, delta=1e-5, sampling_rate=0.1, count=n)


def test_numpy_numbers_are_numbers(model):
    assert len(model.sample(numpy.int32(7), seed=1)) == 7
    assert flip.Accountant().compose(numpy.float32(1), numpy.float64(0.5), count=numpy.uint16(3)).epsilon(1e-5) > 0
