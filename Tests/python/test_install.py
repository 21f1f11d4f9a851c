"""A C program against an installed library, found by pkg-config; the whole example runs and obeys Ctrl-C."""
import json
import os
import shutil
import signal
import subprocess
import time

import flip
import pytest
from conftest import ROOT


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    prefix, work = tmp_path_factory.mktemp("prefix"), tmp_path_factory.mktemp("work")
    # The installation alone, without building again.
    subprocess.run(["make", "-o", "build", "install", f"PREFIX={prefix}"], cwd=ROOT, check=True, capture_output=True)
    for name in ("lib/libflip.so", "lib/libflip.so.1", "include/flip.h", "lib/pkgconfig/flip.pc", "bin/flip"):
        assert (prefix / name).exists(), name
    for name in ("first.c", "Makefile"):
        shutil.copy(os.path.join(ROOT, "examples", "c", name), work)
    env = {**os.environ, "PKG_CONFIG_PATH": str(prefix / "lib" / "pkgconfig"), "CFLAGS": "-Wall -Wextra -Werror -pedantic"}
    subprocess.run(["make", "-C", str(work)], env=env, check=True, capture_output=True)
    said = subprocess.run(["pkg-config", "--modversion", "flip"], env=env, check=True, capture_output=True, text=True).stdout
    assert said.strip() == flip.__version__
    return work / "first"


def test_the_c_example(program, csv, tmp_path):
    path, domain = csv
    done = subprocess.run([program, path, domain, "4", "1e-5", tmp_path / "m.h5", tmp_path / "s.csv", "50"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == flip.load(tmp_path / "m.h5").ledger
    assert len(flip.Table.read_csv(tmp_path / "s.csv", domain)) == 50


def test_the_c_example_obeys_ctrl_c(program, csv, tmp_path):
    path, domain = csv
    child = subprocess.Popen([program, path, domain, "4", "1e-5", tmp_path / "m.h5", tmp_path / "s.csv", "50"], stderr=subprocess.PIPE, text=True)
    time.sleep(0.7)
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=30)
    assert child.returncode == 130 and "FLIP_E_CANCELLED" in err
    assert not (tmp_path / "m.h5").exists()


def test_the_c_example_reports_errors(program, csv, tmp_path):
    path, domain = csv
    done = subprocess.run([program, path, domain, "-4", "1e-5", tmp_path / "m.h5", tmp_path / "s.csv", "50"], capture_output=True, text=True)
    assert done.returncode == 1 and "FLIP_E_ARG" in done.stderr and "epsilon" in done.stderr


def test_the_readmes_c_program_compiles():
    text = open(os.path.join(ROOT, "README.md"), encoding="utf-8").read()
    blocks = [part.split("```")[0] for part in text.split("```c\n")[1:]]
    assert blocks
    for block in blocks:
        subprocess.run(["cc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-x", "c", "-I", os.path.join(ROOT, "include"), "-"],
                       input=block, text=True, check=True)
