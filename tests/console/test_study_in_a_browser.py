"""The page of a study in a real headless Chromium: phone and desk, light and dark, on paper."""

import json
import re
import shutil
import subprocess
import zlib
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from backends.domain.study.study import Study
from backends.operations.study import files
from tests.backends.domain.study.worlds import world

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium is installed (apt: chromium)"),
]
PHONE, DESK = 390, 1280
READABLE_PX = 11
DARK_COLOURS = (b".051 .0667 .0902 rg", b".902 .9294 .9529 rg")
"""The page's dark ground and ink, #0d1117 and #e6edf3, as a PDF has them."""
DARK = "--blink-settings=preferredColorScheme=0"
PROBE = """<!doctype html><body style="margin:0">
<iframe id="f" width="{width}" height="900" style="border:0" srcdoc="{page}"></iframe>
<pre id="out"></pre><script>
const frame = document.getElementById("f");
function look() {{
  const page = frame.contentDocument, root = page.documentElement;
  const seen = [...page.querySelectorAll("svg")].map(each => each.getBoundingClientRect());
  const text = getComputedStyle(page.body);
  document.getElementById("out").textContent = JSON.stringify({{
    "wide": root.scrollWidth - frame.clientWidth,
    "picture_beyond": Math.max(...seen.map(each => each.right)) - frame.clientWidth,
    "pictures": seen.filter(each => each.width > 100 && each.height > 20).length,
    "ink": text.color, "ground": text.backgroundColor,
    "drawn": getComputedStyle(page.querySelector("svg text")).fill,
    "text_px": Math.min(...[...page.querySelectorAll("svg")]
      .filter(each => each.getBoundingClientRect().width > 0)
      .map(each => 13 * each.getBoundingClientRect().width / each.viewBox.baseVal.width)),
    "requests": performance.getEntriesByType("resource").length
      + frame.contentWindow.performance.getEntriesByType("resource").length
  }});
}}
frame.addEventListener("load", look);
if (frame.contentDocument && frame.contentDocument.readyState === "complete") look();
</script></body>"""


def chromium(*arguments: str) -> str:
    assert CHROMIUM is not None
    command = (
        *(CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"),
        *("--virtual-time-budget=3000", *arguments),
    )
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout


def pages(study: Study, folder: Path) -> dict[str, Path]:
    return {path.suffix: path for path in files.write_study(study, folder, "study")}


def looked_at(page: Path, width: int, *arguments: str) -> dict[str, Any]:
    """Return what a script beside the page sees of it; the page itself may run none."""
    text = page.read_text()
    # A script of the frame's owner may look in; the page's own policy forbids any within it.
    quoted = text.replace("&", "&amp;").replace('"', "&quot;")
    probe = page.with_name("probe.html")
    probe.write_text(PROBE.format(width=width, page=quoted))
    shown = chromium(f"--window-size={max(width, 500)},1000", "--dump-dom", *arguments,
                     probe.as_uri())  # fmt: skip
    found = re.search(r'<pre id="out">(.*?)</pre>', shown, re.DOTALL)
    assert found is not None
    assert found[1], "the page did not load"
    seen: dict[str, Any] = json.loads(unescape(found[1]))
    return seen


@pytest.mark.parametrize("width", [PHONE, DESK])
@pytest.mark.parametrize("dark", [False, True])
def test_the_page_fits_its_window_and_shows_every_picture(
    tmp_path: Path, width: int, *, dark: bool
) -> None:
    page = pages(world(1)[0], tmp_path)[".html"]
    found = looked_at(page, width, *([DARK] if dark else []))
    assert found["wide"] <= 0, "the page is wider than its window"
    assert found["picture_beyond"] <= 0, "a picture must be scrolled sideways"
    assert found["pictures"] == 6
    assert found["text_px"] >= READABLE_PX, "the text of a picture is too small to read"
    assert found["requests"] == 0
    light = "rgb(31, 35, 40)"
    assert (found["ink"] == light) is not dark
    assert (found["drawn"] == light) is not dark
    assert (found["ground"] == "rgb(255, 255, 255)") is not dark


def test_a_long_name_does_not_widen_the_page(tmp_path: Path) -> None:
    study, _ = world(2)
    name = "a-server-whose-name-nobody-would-type-twice-" * 4
    long_name = replace(study, server=replace(study.server, name=name, args=("--x", name)))
    found = looked_at(pages(long_name, tmp_path)[".html"], PHONE)
    assert found["wide"] <= 0


def test_it_prints_on_white_paper_whatever_the_screen_has(tmp_path: Path) -> None:
    page, paper = pages(world(3)[0], tmp_path)[".html"], tmp_path / "study.pdf"
    chromium(f"--print-to-pdf={paper}", DARK, page.as_uri())
    raw = paper.read_bytes()
    assert 2 <= len(re.findall(rb"/Type\s*/Page\b", raw)) <= 12
    drawn = b""
    for stream in re.findall(rb"stream\r?\n(.*?)endstream", raw, re.DOTALL):
        try:
            drawn += zlib.decompress(stream)
        except zlib.error:
            continue
    assert b".1216 .1373 .1569 rg" in drawn, "the light ink, #1f2328, is not found"
    assert not [colour for colour in DARK_COLOURS if colour in drawn]


def test_the_screenshots_of_both_widths_are_made(tmp_path: Path) -> None:
    page = pages(world(4)[0], tmp_path)[".html"]
    for width in (500, DESK):
        shot = tmp_path / f"{width}.png"
        chromium(f"--window-size={width},2000", f"--screenshot={shot}", page.as_uri())
        assert shot.stat().st_size > 20_000
