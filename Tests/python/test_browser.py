"""Pages in a real browser without a head: no console errors, nothing blank, and what people who do not see them, or
have no mouse, need. Without chromium the tests that need it are skipped; .ci/setup installs it."""
import html.parser
import os
import re
import shutil
import subprocess
import sys

import flip
import numpy
import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "Benchmarks"))
import intervals  # noqa: E402

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="NO BROWSER: chromium is not installed, pages go unseen")


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """The private page and the one that is not, as files."""
    folder = tmp_path_factory.mktemp("pages")
    rows = flip.Table.from_pandas(intervals.population(1500, numpy.random.default_rng(1)), intervals.SCHEMA)
    model = flip.train(rows, epsilon=2, delta=1e-5, protected=["sex"],
                       config={**intervals.QUICK, "threads": 2, "projection": {"steps": 60, "rows": 128}})
    model.report(folder / "report.html", rows=1000)
    e = flip.evaluate(rows, model.sample(1500, seed=1), target="died", protected=["sex"])
    flip.compare({"ours": e, "theirs": e}, folder / "evaluation.html")
    return folder


def browse(page, *words):
    """What chromium says of a page: (stdout, stderr)."""
    done = subprocess.run([CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr",
                           f"--user-data-dir={page.parent / 'profile'}", "--window-size=1200,2400", "--hide-scrollbars",
                           *words, page.as_uri()], capture_output=True, timeout=120)
    return done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")


@needs_browser
@pytest.mark.parametrize("name", ["report", "evaluation"])
def test_a_browser_shows_the_page(pages, name):
    page = pages / f"{name}.html"
    dom, said = browse(page, "--dump-dom")
    assert "CONSOLE" not in said, [line for line in said.splitlines() if "CONSOLE" in line]
    sent = page.read_text("utf-8")
    for tag in ("<section", "<svg", "<table", "<figure", "<rect", "<details"):      # nothing was moved or dropped
        assert dom.count(tag) == sent.count(tag), tag
    sizes = []
    for scheme in ("1", "0"):                                                         # light, dark
        picture = pages / f"{name}-{scheme}.png"
        browse(page, f"--blink-settings=preferredColorScheme={scheme}", f"--screenshot={picture}")
        data = picture.read_bytes()
        assert data.startswith(b"\x89PNG") and len(data) > 50_000                    # a blank one has 15 kB
        sizes.append(data)
    assert sizes[0] != sizes[1]
    paper = pages / f"{name}.pdf"
    browse(page, f"--print-to-pdf={paper}")
    assert paper.read_bytes().startswith(b"%PDF") and paper.stat().st_size > 20_000


class Outline(html.parser.HTMLParser):
    """What a screen reader would find."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.links, self.problems, self.open = [], [], [], []
        self.headings = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        a = dict(attrs)
        if "id" in a:
            self.ids.append(a["id"])
        if tag == "a":
            self.links.append(a.get("href", ""))
        if tag == "svg" and not (a.get("role") == "img" and a.get("aria-label")):
            self.problems.append("a picture without a text")
        if a.get("tabindex") == "0" and not a.get("aria-label"):
            self.problems.append("a region without a name")
        if tag == "table":
            self.open.append(0)
        if tag == "caption" and self.open:
            self.open[-1] += 1
        if tag == "th" and "scope" not in a:
            self.problems.append("a heading of a table without a scope")
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if any(key.startswith("on") for key in a) or tag in ("script", "iframe", "object", "embed", "img"):
            self.problems.append(f"{tag}: a page runs and loads nothing")

    def handle_endtag(self, tag):
        if tag == "table" and self.open.pop() != 1:
            self.problems.append("a table without a caption")


@pytest.mark.parametrize("name", ["report", "evaluation"])
def test_a_screen_reader_finds_its_way(pages, name):
    text = (pages / f"{name}.html").read_text("utf-8")
    o = Outline(text)
    assert o.problems == [] and len(o.ids) == len(set(o.ids))
    assert all(link.startswith("#") and link[1:] in o.ids for link in o.links)
    assert o.headings[0] == 1 and o.headings.count(1) == 1
    assert all(b - a <= 1 for a, b in zip(o.headings, o.headings[1:]))
    assert '<html lang="en">' in text and 'href="#main"' in text


def luminance(colour):
    """Relative luminance (WCAG 2.1)."""
    parts = [int(colour[i:i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(a, b):
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_contrast_in_both_schemes(pages):
    """Text at least 4.5 to 1 (WCAG 1.4.3), bars at least 3 to 1 (1.4.11), steps of the map told apart by lightness."""
    text = (pages / "report.html").read_text("utf-8")
    blocks = re.findall(r":root \{(.*?)\}", text, re.S)
    schemes = [dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", block)) for block in blocks]
    assert len(schemes) == 2
    for c in schemes:
        for name in ("ink", "quiet", "link", "warn"):
            assert contrast(c[name], c["ground"]) >= 4.5, (name, c)
        for name in ("ink", "quiet"):
            assert contrast(c[name], c["panel"]) >= 4.5, (name, c)
        for name in ("released", "generated"):
            assert contrast(c[name], c["ground"]) >= 3, (name, c)
        steps = [luminance(c[f"h{k}"]) for k in range(6)]
        assert all(abs(a - b) > 0.01 for a, b in zip(steps, steps[1:])), steps
