"""The wheel that `make wheel` leaves in build/wheel: what it is, and the tests of this folder against it in a clean
virtual environment."""
import glob
import os
import re
import subprocess
import sys
import sysconfig
import zipfile

import flip
import pytest
from conftest import ROOT

WHEELS = sorted(glob.glob(os.path.join(ROOT, "build", "wheel", "libflip-*.whl")), key=os.path.getmtime)
pytestmark = pytest.mark.skipif(not WHEELS, reason="there is no wheel: `make wheel` makes one")
WHEEL = WHEELS[-1] if WHEELS else ""


def said(*command, **more):
    done = subprocess.run(command, capture_output=True, text=True, **more)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory):
    folder = tmp_path_factory.mktemp("unpacked")
    with zipfile.ZipFile(WHEEL) as wheel:
        wheel.extractall(folder)
    return folder


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    """The Python of an environment that holds the wheel and nothing else."""
    folder = tmp_path_factory.mktemp("clean")
    said(sys.executable, "-m", "venv", "--without-pip", folder)
    said(sys.executable, "-m", "pip", "--python", folder / "bin" / "python", "install", "-q", "--no-deps", "--no-index",
         "--disable-pip-version-check", WHEEL, env=quiet())
    return folder / "bin" / "python"


def quiet():
    """An environment in which nothing leads to the checkout."""
    return {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "FLIP", "LD_"))}


def test_what_is_in_it(unpacked):
    names = {
        os.path.relpath(path, unpacked) for path in glob.glob(str(unpacked / "**"), recursive=True)
        if os.path.isfile(path)
    }
    assert {"flip/__init__.py", "flip/py.typed", "flip/lib/libflip.so"} <= names
    licences = "".join(
        open(unpacked / "flip" / "licenses" / name).read() for name in ("LICENSE", "NOTICE", "HDF5-COPYING"))
    for owner in ("Apache License", "Copyright 2006 by The HDF Group", "Swift project authors"):
        assert owner in licences
    assert not [name for name in names if name.endswith((".pyc", ".h", ".a"))]
    assert os.path.getsize(WHEEL) < 12_000_000
    ours = {os.path.basename(path) for path in glob.glob(os.path.join(ROOT, "bindings", "python", "flip", "*.py"))}
    assert ours == {name[5:] for name in names if re.fullmatch(r"flip/\w+\.py", name)}


def test_its_name_says_what_it_needs(unpacked):
    tag = re.fullmatch(rf"libflip-{re.escape(flip.__version__)}-py3-none-manylinux_2_(\d+)_x86_64\.whl",
                       os.path.basename(WHEEL))
    assert tag
    library = unpacked / "flip" / "lib" / "libflip.so"
    symbols = said("readelf", "-W", "--version-info", library)
    newest = {
        kind: max(tuple(map(int, v.split("."))) for v in re.findall(rf"\b{kind}_(\d[\d.]*)", symbols))
        for kind in ("GLIBC", "GLIBCXX", "CXXABI", "GCC")
    }
    assert newest["GLIBC"] <= (2, int(tag.group(1))) and int(tag.group(1)) <= 34
    # What the policy of that name lets a library ask of the others (pypa/auditwheel, manylinux_2_34).
    assert newest["GLIBCXX"] <= (3, 4, 29) and newest["CXXABI"] <= (1, 3, 13) and newest["GCC"] <= (12, 0, 0)
    needed = set(re.findall(r"NEEDED.*\[(.*?)\]", said("readelf", "-d", library)))
    assert needed <= {
        "libc.so.6", "libm.so.6", "libz.so.1", "libstdc++.so.6", "libgcc_s.so.1", "libdl.so.2", "ld-linux-x86-64.so.2"
    }
    exported = {line.split()[-1] for line in said("nm", "-D", "--defined-only", library).splitlines()}
    assert exported == set(open(os.path.join(ROOT, "Tests", "C",
                                             "symbols.txt")).read().split())  # no name of HDF5 among them


def test_from_nothing_to_rows(clean, tmp_path):
    """Python alone: no NumPy, no compiler, no HDF5 of the system."""
    program = """
import json, random, re, sys
import flip
random.seed(1)
with open("rows.csv", "w") as file:
    file.write("age,sex\\n")
    file.write("".join(f"{random.randint(18, 90)},{random.choice(['Female', 'Male'])}\\n" for _ in range(500)))
schema = {"fields": [{"name": "age", "type": "integer", "constraints": {"minimum": 18, "maximum": 90}},
                     {"name": "sex", "type": "string", "constraints": {"enum": ["Female", "Male"]}}]}
table = flip.Table.read_csv("rows.csv", schema)
small = {"preset": "published", "diffusion": {"hidden": 16, "layers": 1, "batch": 64, "steps": 6},
         "autoencoder": {"width": 4, "heads": 1, "feed_forward": 8, "latent": 4, "batch": 64, "steps": 6}}
model = flip.train(table, protected=["sex"], epsilon=4.0, delta=1e-5, config=small, progress=False)
model.save("m.h5")
flip.load("m.h5").sample(20, seed=1).to_csv("synthetic.csv")
table.write_hdf5("t.h5")
assert len(flip.Table.read_hdf5("t.h5")) == 500 and len(flip.Table.from_arrow(table, schema)) == 500
maps = open("/proc/self/maps").read()
foreign = sorted(set(re.findall(r"\\S*(?:hdf5|curl|ldap|libaec|libsz)\\S*", maps)))
print(json.dumps({"path": flip.library_path, "foreign": foreign, "lines": len(open("synthetic.csv").readlines()),
                  "modules": sorted(m for m in ("numpy", "pandas", "pyarrow") if m in sys.modules),
                  "hdf5": flip.build_info()["hdf5"]}))
"""
    import json
    found = json.loads(said(clean, "-c", program, cwd=tmp_path, env=quiet()))
    assert found["path"].startswith(str(
        clean.parent.parent)) and found["foreign"] == [] and found["lines"] == 21 and found["modules"] == []
    assert found["hdf5"]["compiled"] == found["hdf5"]["loaded"]


def test_the_tests_of_this_folder_pass_with_it(clean, tmp_path):
    """The test packages are lent by the environment that runs this; the package itself is the installed one."""
    site = said(clean, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", env=quiet()).strip()
    with open(os.path.join(site, "lent.pth"), "w") as file:
        file.write(sysconfig.get_path("purelib") + "\n")
    path = said(clean, "-c", "import flip; print(flip.library_path)", cwd=tmp_path, env=quiet()).strip()
    assert path.startswith(site)
    files = [
        os.path.join(ROOT, "Tests", "python", f"test_{name}.py")
        for name in ("table", "arguments", "arrow", "guest", "hdf5_interop", "hdf5_writers", "where", "synthesizer")
    ]
    done = subprocess.run([clean, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *files], capture_output=True,
                          text=True, cwd=tmp_path, env={**quiet(), "PYTHONDONTWRITEBYTECODE": "1"})
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    print(done.stdout.splitlines()[-1])
