"""The forms that every report is made of: Markdown, columns, CSV and SVG."""

import csv
import io
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from backends.domain.reports import svg
from backends.domain.reports.csv_table import csv_text
from backends.domain.reports.table import markdown_table, plain_table

ROOT = Path(__file__).parents[4]


def test_a_markdown_table_keeps_its_borders() -> None:
    lines = list(markdown_table(("name", "n"), [("a|b", 3), ("<b>", None)]))
    assert lines == ["| name | n |", "|---|---|", "| a\\|b | 3 |", "| \\<b\\> |  |"]


def test_columns_are_as_wide_as_they_need_and_what_a_terminal_obeys_is_seen() -> None:
    assert plain_table([("A", "BCD"), ("long\x1b", "x")]) == ["A      BCD", "long␛  x"]
    assert plain_table([]) == []


def test_csv_leaves_unknown_empty_and_makes_formulas_text() -> None:
    text = csv_text([("a", "b", "c"), (None, "=1+1", -1.5)])
    assert list(csv.reader(io.StringIO(text))) == [["a", "b", "c"], ["", "'=1+1", "-1.5"]]


def test_no_shape_reads_its_words_as_markup() -> None:
    shapes = [svg.text(0, 0, "<script>&\x1b"), svg.path([(0, 0), (1, 2)], svg.INK, dashed=True)]
    root = ElementTree.fromstring(svg.WIDE.document(10, shapes))
    assert [each.text for each in root if each.tag.endswith("text")] == ["<script>&␛"]


@pytest.mark.parametrize(
    ("pattern", "home"),
    [
        (r"csv\.writer|DictWriter", {"csv_table.py"}),
        (r"---\||\"---\"", {"table.py"}),
        (r"<svg|<rect|<polyline|<circle", {"svg.py"}),
    ],
    ids=["csv", "markdown", "svg"],
)
def test_each_form_is_written_in_one_module(pattern: str, home: set[str]) -> None:
    written = {
        file.name
        for folder in ("backends", "console", "widgets")
        for file in (ROOT / folder).rglob("*.py")
        if re.search(pattern, file.read_text(encoding="utf-8"))
    }
    assert written == home
