#!/usr/bin/env python3
"""The picture of a model's page in the README: the page of a model file, drawn by a browser.

    PYTHONPATH=bindings/python python3 examples/python/picture.py build/demo/hospital.flip.h5 docs/report.png

The model is the one of `make demo`. Needs chromium, or a browser that takes its options, named by BROWSER. The page is
made from the model file alone, so the picture may be shown to anybody.
"""
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import flip


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    browser = os.environ.get("BROWSER") or shutil.which("chromium") or shutil.which("google-chrome")
    if not browser:
        sys.exit("picture: no chromium found; name a browser by BROWSER")
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "report.html"
        flip.load(sys.argv[1]).report(page, title="Admissions to a made-up hospital")
        subprocess.run([browser, "--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}/profile",
                        "--window-size=1000,1350", "--hide-scrollbars", "--blink-settings=preferredColorScheme=1",
                        f"--screenshot={Path(sys.argv[2]).absolute()}", page.as_uri()], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
