"""Every command and code block of the pages for C, the command line, Python and the recipes is run, in order."""
import os
import re
import shutil
import subprocess
import sys

import flip
import pytest
from conftest import ROOT

PAGES = ("C.md", "cli.md", "RECIPES.md", "python.md")


def blocks(page):
    """(language and label, text) of each fenced block, in order."""
    text = open(os.path.join(ROOT, "docs", page), encoding="utf-8").read()
    return re.findall(r"^```([a-z]+(?: [a-z]+)?)\n(.*?)^```$", text, re.M | re.S)


class Reader:
    """A shell in a folder of its own, with an installation under its HOME."""

    def __init__(self, folder, prefix):
        self.folder = folder
        (folder / ".local").symlink_to(prefix)
        for name in ("examples", "docs", "cmake"):
            (folder / name).symlink_to(os.path.join(ROOT, name))
        self.env = {
            **os.environ, "HOME": str(folder), "PATH": f"{prefix}/bin:{os.environ['PATH']}",
            "PYTHONPATH": os.path.join(ROOT, "bindings", "python"), "FLIP_LIB": flip.library_path
        }

    def sh(self, text):
        # The library is built already, and installed under the same prefix: what is left of that line is not run again.
        text = re.sub(r"^make build && make install PREFIX=\$HOME/\.local$", "true", text, flags=re.M)
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", text], cwd=self.folder, env=self.env,
                              capture_output=True, text=True, stdin=subprocess.DEVNULL)
        assert done.returncode == 0, text + done.stdout[-2000:] + done.stderr[-2000:]
        return done.stdout


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    prefix = tmp_path_factory.mktemp("prefix")
    subprocess.run(["make", "-o", "build", "install", f"PREFIX={prefix}"], cwd=ROOT, check=True, capture_output=True)
    return prefix


@pytest.fixture
def reader(tmp_path, prefix):
    return Reader(tmp_path, prefix)


def test_every_block_is_of_a_kind_that_is_run():
    for page in PAGES:
        text = open(os.path.join(ROOT, "docs", page), encoding="utf-8").read()
        found = [kind for kind, _ in blocks(page)]
        assert len(found) == text.count("\n```") / 2, page
        assert set(found) <= {"sh", "sh install", "sh tutorial", "c", "cmake", "python"}, page


def test_the_tutorial_for_c(reader):
    parts = blocks("C.md")
    (reader.folder / "tutorial.c").write_text("".join(text for kind, text in parts if kind == "c"), encoding="utf-8")
    for kind, text in parts:
        if kind in ("sh install", "sh tutorial"):
            reader.sh(text)
    rows = flip.Table.read_csv(reader.folder / "synthetic.csv", reader.folder / "hospital.schema.json")
    assert len(rows) == 5000 and flip.load(reader.folder / "hospital.flip.h5").ledger["epsilon"] == 2
    # A table that breaks the schema is explained, and the exit code says so.
    table = reader.folder / "hospital.csv"
    table.write_text(table.read_text().replace("cardiology", "CANARY"))
    done = subprocess.run(["./tutorial"], cwd=reader.folder, capture_output=True, text=True,
                          env={**reader.env, "LD_LIBRARY_PATH": str(reader.folder / ".local" / "lib")})
    assert done.returncode == 1 and '"column":"ward"' in done.stderr
    assert "FLIP_E_SCHEMA" in done.stderr and "CANARY" not in done.stderr


def test_the_tutorials_cmake_file(reader):
    parts = blocks("C.md")
    (reader.folder / "tutorial.c").write_text("".join(text for kind, text in parts if kind == "c"), encoding="utf-8")
    (reader.folder / "CMakeLists.txt").write_text("".join(text for kind, text in parts if kind == "cmake"))
    reader.sh("CMAKE_PREFIX_PATH=$HOME/.local cmake -S . -B b && cmake --build b && test -x b/tutorial")


def test_the_command_line_page(reader):
    said = "".join(reader.sh(text) for _, text in blocks("cli.md"))
    assert "2000 rows fit the schema" in said and "NOT PRIVATE" in said.upper()
    assert flip.Schema(reader.folder / "guess.json").assumed
    rows = flip.Table.read_csv(reader.folder / "some.csv", reader.folder / "hospital.schema.json").to_pandas()
    assert len(rows) == 200 and set(rows.ward) == {"cardiology"} and rows.age.min() >= 65
    listed = subprocess.run([os.path.join(ROOT, "build", "bin", "flip"), "--help"], capture_output=True,
                            text=True).stdout
    for option in set(re.findall(r"--[a-z]+",
                                 open(os.path.join(ROOT, "docs", "cli.md"),
                                      encoding="utf-8").read())) - {"--rows", "--out", "--help"}:
        assert option in listed, option


def test_the_recipes(reader):
    """Python blocks are one session; the shell's run in between, where they stand."""
    script, order = ["import subprocess\n"], blocks("RECIPES.md")
    for kind, text in order:
        if kind == "python":
            script.append(text)
        else:
            script.append(f"subprocess.run(['bash', '-euo', 'pipefail', '-c', {text!r}], check=True)\n")
    assert len(order) > 12
    (reader.folder / "recipes.py").write_text("".join(script), encoding="utf-8")
    done = subprocess.run([sys.executable, "recipes.py"], cwd=reader.folder, env=reader.env, capture_output=True,
                          text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "stopped; what was charged stays charged" in done.stdout


def test_the_python_page(reader):
    """Its Python blocks are one session, and no warning is heard in it."""
    parts = blocks("python.md")
    assert len(parts) > 7 and {kind for kind, _ in parts} == {"python", "sh install"}
    (reader.folder / "page.py").write_text("".join(text for kind, text in parts if kind == "python"), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:__main__", "-W", "error::UserWarning:__main__", "page.py"],
        cwd=reader.folder, env=reader.env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "assume-public" in done.stdout and "marginals" in done.stdout and "What was promised" in done.stdout
    assert len(flip.Table.read_csv(reader.folder / "synthetic.csv",
                                   flip.load(reader.folder / "model.flip.h5").schema)) == 10_000
    makefile = open(os.path.join(ROOT, "Makefile"), encoding="utf-8").read()
    assert "\nwheel:" in makefile


def test_links_lead_somewhere():
    for page in PAGES:
        text = open(os.path.join(ROOT, "docs", page), encoding="utf-8").read()
        for target in re.findall(r"\]\((?!https?:)([^)#]+?)\)", text):
            assert os.path.exists(os.path.join(ROOT, "docs", target)), f"{page}: {target}"
        headings = {re.sub(r"[^\w -]", "", h.lower()).replace(" ", "-") for h in re.findall(r"^## (.*)$", text, re.M)}
        for anchor in re.findall(r"\]\(#([^)]+)\)", text):
            assert anchor in headings, f"{page}: #{anchor}"
