"""The shared library as a file, how it is found, and that Python, the header and the library speak of the same
functions."""
import ctypes
import os
import re
import subprocess
import sys

import flip
import pytest
from conftest import ROOT
from flip import _library

HEADER = open(os.path.join(ROOT, "include", "flip.h"), encoding="utf-8").read()


def prototypes():
    """{name: (result, [argument types])} of the header, in C."""
    text = re.sub(r"/\*.*?\*/", " ", HEADER, flags=re.S)
    text = re.sub(r"^\s*#.*$", " ", text, flags=re.M)
    found = {}
    for result, name, arguments in re.findall(r"([\w ]+?[\w*] ?\*?)\b(flip_\w+)\(([^()]*)\);", text):
        kinds = []
        for argument in arguments.split(","):
            argument = " ".join(argument.replace("*", " * ").split())
            if argument == "void":
                continue
            kinds.append(re.sub(r" \w+$", "", argument))
        found[name] = (" ".join(result.replace("*", " * ").split()), kinds)
    return found


HANDLE = re.compile(r"(const )?flip_(buffer|schema|table|plan|trainer|model|accountant|budget|sums|domain) \*$")
TYPES = {
    "const char *": ctypes.c_char_p, "size_t": ctypes.c_size_t, "int64_t": ctypes.c_int64, "int32_t": ctypes.c_int32,
    "uint32_t": ctypes.c_uint32, "flip_status": ctypes.c_int32, "double": ctypes.c_double, "void *": ctypes.c_void_p,
    "const void *": ctypes.c_void_p, "flip_callback": _library.CALLBACK, "void": None,
    "double *": ctypes.POINTER(ctypes.c_double), "const double *": ctypes.POINTER(ctypes.c_double),
    "int64_t *": ctypes.POINTER(ctypes.c_int64), "const int64_t *": ctypes.POINTER(ctypes.c_int64),
    "int32_t *": ctypes.POINTER(ctypes.c_int32), "const int32_t *": ctypes.POINTER(ctypes.c_int32),
    "uint8_t *": ctypes.POINTER(ctypes.c_uint8), "const uint8_t *": ctypes.POINTER(ctypes.c_uint8),
    "const char * const *": ctypes.POINTER(ctypes.c_char_p), "flip_error *": ctypes.POINTER(_library.CError),
    "uint64_t * *": ctypes.POINTER(ctypes.POINTER(ctypes.c_uint64)), "size_t *": ctypes.POINTER(ctypes.c_size_t),
    "struct ArrowArrayStream *": ctypes.c_void_p, "flip_progress *": ctypes.POINTER(_library.CProgress),
}


def ctype(c):
    if HANDLE.match(c):
        return ctypes.c_void_p
    if HANDLE.match(c[:-2]) and c.endswith(" * *"):
        return ctypes.POINTER(ctypes.c_void_p)
    return TYPES[c]


def test_every_signature_is_the_headers():
    header = prototypes()
    assert set(header) == set(_library.SIGNATURES)
    for name, (result, arguments) in header.items():
        wanted = ctypes.c_void_p if name == "flip_buffer_data" else ctype(result)  # bytes, not text that ends in NUL
        assert _library.SIGNATURES[name] == (wanted, [ctype(a) for a in arguments]), name


def test_structs_are_the_headers():
    probe = "#include <flip.h>\n#include <stdio.h>\n" \
            "int main(void) { printf(\"%zu %zu %zu %zu %zu\", sizeof(flip_error), sizeof(flip_progress), " \
            "sizeof(flip_event), offsetof(flip_progress, epsilon), offsetof(flip_progress, stage_name)); return 0; }"
    program = os.path.join(ROOT, "build", "tests", "sizes")
    os.makedirs(os.path.dirname(program), exist_ok=True)
    subprocess.run(["cc", "-x", "c", "-std=c11", "-I",
                    os.path.join(ROOT, "include"), "-o", program, "-"], input=probe, text=True, check=True)
    said = subprocess.run([program], capture_output=True, text=True, check=True).stdout
    p = _library.CProgress
    assert said == " ".join(
        map(str, (ctypes.sizeof(_library.CError), ctypes.sizeof(p), ctypes.sizeof(
            _library.CEvent), p.epsilon.offset, p.stage_name.offset)))


def test_error_classes_are_the_headers_codes():
    codes = {name: int(number) for name, number in re.findall(r"(FLIP_E_\w+) = (\d+)", HEADER)}
    assert codes == {c.name: c.code for c in flip._errors.BY_CODE.values()}
    for c in flip._errors.BY_CODE.values():
        assert issubclass(c, flip.FlipError) and getattr(flip, c.__name__) is c


def test_versions_agree():
    numbers = [re.search(rf"FLIP_VERSION_{part} (\d+)", HEADER).group(1) for part in ("MAJOR", "MINOR", "PATCH")]
    assert flip.__version__ == ".".join(numbers) == flip.build_info()["version"]
    assert f'version = "{flip.__version__}"' in open(os.path.join(ROOT, "bindings", "python", "pyproject.toml")).read()
    assert f"VERSION := {flip.__version__}\n" in open(os.path.join(ROOT, "Makefile")).read()


def test_only_the_headers_functions_are_exported():
    said = subprocess.run(["nm", "-D", "--defined-only", flip.library_path], capture_output=True, text=True,
                          check=True).stdout
    exported = sorted(line.split()[-1] for line in said.splitlines())
    committed = open(os.path.join(ROOT, "Tests", "C", "symbols.txt")).read().split()
    assert exported == committed == sorted(prototypes())


def test_every_function_is_called_from_plain_c():
    """Tests/C/every.c calls them all, once and under valgrind; the other C tests look at their answers."""
    folder = os.path.join(ROOT, "Tests", "C")
    called = {name: set(re.findall(r"\b(flip_\w+)\(", open(os.path.join(folder, name), encoding="utf-8").read()))
              for name in os.listdir(folder) if name.endswith(".c")}
    every = called.pop("every.c")
    names = set(open(os.path.join(folder, "symbols.txt")).read().split())
    assert sorted(names - every) == []
    assert sorted(names - set().union(*called.values())) == []


def test_it_needs_nothing_but_libc_and_hdf5():
    said = subprocess.run(["readelf", "-d", flip.library_path], capture_output=True, text=True, check=True).stdout
    needed = re.findall(r"NEEDED.*\[(.*?)\]", said)
    allowed = r"(libc|libm|libstdc\+\+|libgcc_s|libpthread|libdl|ld-linux-[\w-]+)\.so(\.\d+)*" \
        r"|libhdf5[\w-]*\.so(\.\d+)*|libz\.so\.1"
    assert [n for n in needed if not re.fullmatch(allowed, n)] == []
    assert "[libflip.so.1]" in said and "NODELETE" in said
    assert "RPATH" not in said and "RUNPATH" not in said
    assert os.path.getsize(flip.library_path) < 24_000_000


def import_with(**environment):
    code = "import flip; print(flip.library_path)"
    env = {**os.environ, "PYTHONPATH": os.path.join(ROOT, "bindings", "python"), **environment}
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env)


def test_the_library_is_found_and_named():
    assert import_with().stdout.strip() == os.path.join(ROOT, "build", "lib", "libflip.so")
    assert import_with(FLIP_LIB=os.path.join(ROOT, "build", "lib")).returncode == 0


def test_a_missing_library_lists_what_was_tried(tmp_path):
    gone = import_with(FLIP_LIB=str(tmp_path / "libflip.so"))
    assert gone.returncode == 1 and str(tmp_path / "libflip.so") + ": not there" in gone.stderr
    (tmp_path / "libflip.so").write_text("not a library")
    assert "libflip.so: " in import_with(FLIP_LIB=str(tmp_path)).stderr


def test_an_older_library_is_refused(tmp_path):
    path = str(tmp_path / "libflip.so")
    subprocess.run(["cc", "-shared", "-fPIC", "-x", "c", "-o", path, "-"],
                   input="unsigned flip_version(void) { return 2000000; }", text=True, check=True)
    assert "is version 2.0.0, this package is" in import_with(FLIP_LIB=path).stderr


def test_importing_needs_no_other_package():
    code = "import sys, flip; print([m for m in ('numpy', 'pandas', 'h5py') if m in sys.modules])"
    env = {**os.environ, "PYTHONPATH": os.path.join(ROOT, "bindings", "python")}
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env).stdout.strip() == "[]"


def test_configuration_is_described():
    for what in ("plan", "sample", "csv", "arrow", "evaluate"):
        for key, entry in flip.config_schema(what).items():
            assert set(entry) - {"default_by_preset"} == {"default", "range", "unit", "help"}, key
            assert set(entry.get("default_by_preset", ["published", "best"])) == {"published", "best"}, key
    width = flip.config_schema("plan")["autoencoder.width"]
    assert width["default"] == width["default_by_preset"]["best"] != width["default_by_preset"]["published"]
    assert flip.config_schema("plan")["preset"]["default"] == "best"
    assert "where" in flip.config_schema("sample")
    with pytest.raises(flip.ArgumentError):
        flip.config_schema("weather")


def test_everything_named_is_there():
    assert all(hasattr(flip, name) for name in flip.__all__)
