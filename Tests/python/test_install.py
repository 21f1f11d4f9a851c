"""C programs against an installed library, found by pkg-config and by CMake; the whole examples run, obey commands and
Ctrl-C."""
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
def prefix(tmp_path_factory):
    """The installation alone, without building again."""
    prefix = tmp_path_factory.mktemp("prefix")
    subprocess.run(["make", "-o", "build", "install", f"PREFIX={prefix}"], cwd=ROOT, check=True, capture_output=True)
    for name in ("lib/libflip.so", "lib/libflip.so.1", "include/flip.h", "lib/pkgconfig/flip.pc",
                 "lib/cmake/flip/flip-config.cmake", "bin/flip"):
        assert (prefix / name).exists(), name
    return prefix


@pytest.fixture(scope="module")
def program(prefix, tmp_path_factory):
    work = tmp_path_factory.mktemp("work")
    for name in ("first.c", "event_loop.c", "Makefile"):
        shutil.copy(os.path.join(ROOT, "examples", "c", name), work)
    env = {
        **os.environ, "PKG_CONFIG_PATH": str(prefix / "lib" / "pkgconfig"), "CFLAGS": "-Wall -Wextra -Werror -pedantic"
    }
    subprocess.run(["make", "-C", str(work)], env=env, check=True, capture_output=True)
    said = subprocess.run(["pkg-config", "--modversion", "flip"], env=env, check=True, capture_output=True,
                          text=True).stdout
    assert said.strip() == flip.__version__
    return work / "first"


def test_the_c_example(program, csv, tmp_path):
    path, domain = csv
    done = subprocess.run([program, path, domain, "4", "1e-5", tmp_path / "m.h5", tmp_path / "s.csv", "50"],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == flip.load(tmp_path / "m.h5").ledger
    assert len(flip.Table.read_csv(tmp_path / "s.csv", domain)) == 50


def test_the_c_example_obeys_ctrl_c(program, csv, tmp_path):
    path, domain = csv
    child = subprocess.Popen([program, path, domain, "4", "1e-5", tmp_path / "m.h5", tmp_path / "s.csv", "50"],
                             stderr=subprocess.PIPE, text=True)
    time.sleep(0.7)
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=30)
    assert child.returncode == 130 and "FLIP_E_CANCELLED" in err
    assert not (tmp_path / "m.h5").exists()


def test_the_c_example_reports_errors(program, csv, tmp_path):
    path, domain = csv
    done = subprocess.run([program, path, domain, "-4", "1e-5", tmp_path / "m.h5", tmp_path / "s.csv", "50"],
                          capture_output=True, text=True)
    assert done.returncode == 1 and "FLIP_E_ARG" in done.stderr and "epsilon" in done.stderr


def test_the_readmes_c_program_compiles():
    text = open(os.path.join(ROOT, "README.md"), encoding="utf-8").read()
    blocks = [part.split("```")[0] for part in text.split("```c\n")[1:]]
    assert blocks
    for block in blocks:
        subprocess.run([
            "cc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-x", "c", "-I",
            os.path.join(ROOT, "include"), "-"
        ], input=block, text=True, check=True)


@pytest.fixture(scope="module")
def cmake_build(prefix, tmp_path_factory):
    """The examples by CMake, with the package's own file found under the prefix."""
    work = tmp_path_factory.mktemp("cmake")
    source = os.path.join(ROOT, "examples", "c")
    subprocess.run([
        "cmake", "-S", source, "-B", work, f"-DCMAKE_PREFIX_PATH={prefix}",
        "-DCMAKE_C_FLAGS=-Wall -Wextra -Wpedantic -Werror"
    ], check=True, capture_output=True)
    subprocess.run(["cmake", "--build", work], check=True, capture_output=True)
    return work


def test_a_cmake_consumer_runs(cmake_build, csv, tmp_path):
    path, domain = csv
    done = subprocess.run(
        [cmake_build / "first", path, domain, "4", "1e-5", tmp_path / "m.h5", tmp_path / "s.csv", "50"],
        capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert len(flip.Table.read_csv(tmp_path / "s.csv", domain)) == 50


@pytest.mark.parametrize("version, found", [("1", True), ("1.0", True), (flip.__version__, True), ("", True),
                                            ("2", False), ("1.999", False), ("0.9", False)])
def test_cmake_versions(prefix, tmp_path, version, found):
    (tmp_path / "CMakeLists.txt").write_text(
        f"cmake_minimum_required(VERSION 3.16)\nproject(p NONE)\nfind_package(flip {version} REQUIRED)\n"
        'message(STATUS "found ${flip_VERSION}")\n')
    done = subprocess.run(["cmake", "-S", tmp_path, "-B", tmp_path / "b", f"-DCMAKE_PREFIX_PATH={prefix}"],
                          capture_output=True, text=True)
    assert (done.returncode == 0) == found, done.stderr
    assert not found or f"found {flip.__version__}" in done.stdout


def event_loop(program, csv, folder):
    path, domain = csv
    words = [program.parent / "event_loop", path, domain, "4", "1e-5", folder / "m.h5", folder / "c.h5"]
    return subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_the_event_loop_answers_cancels_and_goes_on(program, csv, tmp_path):
    child = event_loop(program, csv, tmp_path)
    child.stdin.write("status\npause\nstatus\nfly\n")
    child.stdin.flush()
    first, second = child.stdout.readline(), child.stdout.readline()
    assert "epsilon" in first and second.endswith("paused\n")
    child.stdin.write("resume\ncancel\n")
    out, err = child.communicate(timeout=300)
    assert child.returncode == 130 and err == "no such command\n", err
    spent = json.loads(out.splitlines()[-1])["spent"]
    assert not (tmp_path / "m.h5").exists() and flip.file_check(tmp_path / "c.h5")["kind"] == "flip-checkpoint"
    out, err = event_loop(program, csv, tmp_path).communicate(timeout=600)
    assert err == "" and "m.h5 after" in out
    assert spent <= flip.load(tmp_path / "m.h5").ledger["spent"] <= 4


def test_the_event_loop_obeys_ctrl_c(program, csv, tmp_path):
    child = event_loop(program, csv, tmp_path)
    child.stdin.write("status\n")
    child.stdin.flush()
    assert "epsilon" in child.stdout.readline()
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=300)
    assert child.returncode == 130 and out.startswith("cancelled"), err
