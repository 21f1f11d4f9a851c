"""Faults of the system at every call that touches a file, and killed processes: the short forms of Tests/faults."""
import re
import subprocess
import sys
from pathlib import Path

import pytest

FAULTS = Path(__file__).parent.parent / "faults"


@pytest.mark.parametrize("command, least", [(["matrix.py"], 400), (["kills.py", "4"], 12)])
def test_faults(command, least):
    ran = subprocess.run([sys.executable, FAULTS / command[0], *command[1:]], capture_output=True, text=True)
    passed, failed = map(int, re.findall(r"^\w+: (\d+) passed, (\d+) failed$", ran.stdout, re.M)[-1])
    assert ran.returncode == 0 and failed == 0 and passed >= least, ran.stdout[-4000:] + ran.stderr[-2000:]
