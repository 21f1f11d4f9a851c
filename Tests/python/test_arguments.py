"""What Python hands to C: nothing is cut, rounded or shortened on the way."""
import ctypes
import os
import subprocess
import sys

import flip
import numpy
import pytest
from conftest import ROOT
from flip import _library

WHOLE = {ctypes.c_int32: 32, ctypes.c_int64: 63, ctypes.c_size_t: 64, ctypes.c_uint32: 32}
PLACES = [(name, place) for name, (_, kinds) in _library.SIGNATURES.items() for place, kind in enumerate(kinds)
          if kind in WHOLE and kinds[-1] is ctypes.POINTER(_library.CError)]
NUMBERS = [(name, place) for name, (_, kinds) in _library.SIGNATURES.items() for place, kind in enumerate(kinds)
           if kind is ctypes.c_double]


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
    for bad in (high + 1, low - 1, 2**64, 2**64 + 5, -2**64, 10**400, True, False, numpy.True_, 1.0, 0.5, float("nan"),
                float("inf"), "1", b"1", None):
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
        for wrong in (lambda: flip.Accountant().compose(1.0, 0.1, count=n), lambda: model.sample(n),
                      lambda: model.sample(5, first=n), lambda: plan.memory(n),
                      lambda: flip.Trainer(plan, table).step(max_steps=n),
                      lambda: flip.Trainer(plan, table).step(max_seconds="1")):
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


BIG = """
import flip, json, time, sys
from flip import _library
schema = flip.Schema({{"fields": [{{"name": "a", "type": "boolean"}}]}})
many = ", ".join('"k%d": 0' % i for i in range(1_100_000))
lists = ", ".join('"k%d": []' % i for i in range(1_000_000))
names = ", ".join('"k%d"' % i for i in range(1_200_000))
start = time.monotonic()
for what, text in (("flip_plan_create", "{{%s}}" % many),
                   ("flip_plan_create", '{{"epsilon": 1, "delta": 1e-5, %s}}' % many),
                   ("flip_plan_create", '{{"epsilon": 1, "delta": 1e-5, "encoder": {{"atoms": {{%s}}}}}}' % lists),
                   ("flip_plan_create", '{{"epsilon": 1, "delta": 1e-5, "protected": [%s]}}' % names)):
    assert len(text) < 16 << 20, len(text)
    try:
        _library.new(what, schema._pointer, text.encode())
    except flip.ArgumentError as refused:
        print(refused)
"""


def test_a_large_configuration_is_answered_soon():
    """16 MB of keys: an answer within seconds, not hours. The limit leaves room for a busy machine."""
    said = subprocess.run([sys.executable, "-c", BIG.format()], capture_output=True, text=True, timeout=60,
                          env={**os.environ, "PYTHONPATH": os.path.join(ROOT, "bindings", "python")})
    assert len(said.stdout.splitlines()) == 4, said.stderr


# Text with a NUL: C would see its beginning only.

def test_text_with_a_nul_is_refused(model, table, schema, plan, tmp_path):
    path = tmp_path / "m\0.h5"
    for wrong in (lambda: model.save(path), lambda: flip.load(path), lambda: table.to_csv(path),
                  lambda: table.write_hdf5(path), lambda: table.write_hdf5(tmp_path / "t.h5", group="/da\0ta"),
                  lambda: flip.Table.read_csv(path, schema), lambda: flip.Table.read_hdf5(path),
                  lambda: flip.convert(path, tmp_path / "x.h5", schema), lambda: flip.file_check(path),
                  lambda: flip.Accountant("renyi\0x"), lambda: flip.Accountant.of_model(model, group="all\0x"),
                  lambda: flip.config_schema("plan\0x"),
                  lambda: flip.calibrate(epsilon=1, delta=1e-5, sampling_rate=1, kind="renyi\0x"),
                  lambda: plan.epsilon_at(1e-5, "renyi\0"), lambda: flip.Trainer(plan, table).checkpoint(path),
                  lambda: flip.Trainer.resume(path, table)):
        with pytest.raises(flip.ArgumentError, match="NUL"):
            wrong()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("column", ["sex", "city"])
def test_a_level_with_a_nul_is_not_its_beginning(frame, schema, column):
    other = frame.copy()
    other.loc[3, column] = other[column].dropna().iloc[0] + "\0x"
    with pytest.raises(flip.SchemaError, match=column):
        flip.Table.from_pandas(other, schema)


def test_every_text_argument_is_looked_at():
    looked = 0
    for name, (_, kinds) in _library.SIGNATURES.items():
        for place, kind in enumerate(kinds):
            if kind is ctypes.c_char_p and kinds[-1] is ctypes.POINTER(
                    _library.CError) and (name, place + 1) not in _library._SIZED:
                with pytest.raises(flip.ArgumentError, match=f"{name}, argument {place + 1}: text with a NUL"):
                    _library.call(name, *arguments(name, place, b"a\0b"))
                looked += 1
    assert looked >= 30
