"""The package's types: mypy in its strict mode finds nothing, and a program that uses them wrongly is caught."""
import ast
import glob
import os
import subprocess
import sys

from conftest import ROOT

PACKAGE = os.path.join(ROOT, "bindings", "python")


def mypy(*arguments, cache):
    return subprocess.run([sys.executable, "-m", "mypy", "--cache-dir", str(cache), *arguments], cwd=PACKAGE, capture_output=True, text=True)


def test_the_package_is_typed(tmp_path):
    assert os.path.exists(os.path.join(PACKAGE, "flip", "py.typed"))
    done = mypy("--strict", "-p", "flip", cache=tmp_path)
    assert done.returncode == 0, done.stdout
    (tmp_path / "program.py").write_text("""
import flip
table = flip.Table.read_csv("a.csv", schema={"fields": []})
rows: int = table.rows
model = flip.train(table, epsilon=1.0, delta=1e-6)
model.sample("many")
flip.Synthesizer(epsilon=1.0).fit(table).sample(5)
flip.load(3.5)
""")
    done = mypy("--strict", str(tmp_path / "program.py"), cache=tmp_path)
    wrong = [line.split(":")[1] for line in done.stdout.splitlines() if ": error:" in line]
    assert wrong == ["6", "8"], done.stdout


def test_everything_public_says_what_it_is():
    silent = []
    for path in sorted(glob.glob(os.path.join(PACKAGE, "flip", "*.py"))):
        tree = ast.parse(open(path, encoding="utf-8").read())
        bodies = [tree] + [node for node in tree.body if isinstance(node, ast.ClassDef)]
        for node in (n for body in bodies for n in body.body if isinstance(n, (ast.FunctionDef, ast.ClassDef))):
            if not node.name.startswith("_") and not ast.get_docstring(node):
                silent.append(f"{os.path.basename(path)}: {node.name}")
    assert not silent
