"""The page of a study: self-contained, complete, and nothing in it is obeyed."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from backends.domain.ab.series import AbSeries
from backends.domain.reports import svg
from backends.domain.study.figures import figures
from backends.domain.study.markdown import study_markdown
from backends.domain.study.page import study_page
from backends.domain.study.sections import pictures
from backends.domain.study.study import NotMeasured, Study
from tests.backends.domain.study.worlds import world
from tests.console.cli.hostile import forged, hostile, obeyed

OPENED = frozenset({"meta", "link", "img", "br", "hr"})
WIDEST_CHARACTER = 7.4
"""Pixels of an average character of 13 px bold text."""


class Page(HTMLParser):
    """Reads a page: every tag with its attributes, and whether they nest."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in OPENED:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def page_of(study: Study) -> Page:
    return Page(study_page(study, "{}"))


def test_the_page_asks_for_nothing_outside_of_it() -> None:
    page = page_of(world(1)[0])
    assert page.open == []
    for tag, attributes in page.tags:
        assert tag not in {"link", "img", "iframe", "object", "embed", "base"}
        assert not {"src", "href", "srcset", "xlink:href", "onclick"} & set(attributes)
    scripts = [attributes for tag, attributes in page.tags if tag == "script"]
    assert [each.get("type") for each in scripts] == ["application/json"]
    text = study_page(world(1)[0], "{}")
    assert "url(" not in text
    assert "@import" not in text
    assert "default-src 'none'" in text


def test_every_figure_and_every_picture_is_on_the_page_and_in_the_markdown() -> None:
    study, _ = world(2)
    page, text = page_of(study), study_markdown(study)
    for each in figures(study):
        assert each.key in page.text
        assert each.key in text.replace("\\", "")
    drawn = [tag for tag, _ in page.tags if tag == "svg"]
    assert len(drawn) == 2 * len(pictures(study)) == 12, "each once for a phone, once for wider"


@pytest.mark.parametrize("layout", [svg.WIDE, svg.NARROW], ids=["wide", "narrow"])
def test_every_picture_is_a_document_of_its_own_and_no_text_leaves_it(layout: svg.Layout) -> None:
    study, _ = world(3)
    assert study.load is not None
    long_name = replace(study.load, endpoint="a-server-with-a-rather-long-name")
    for name, drawing in pictures(replace(study, load=long_name), layout).items():
        root = ElementTree.fromstring(drawing)
        for each in root.iter("{http://www.w3.org/2000/svg}text"):
            words, x = each.text or "", float(each.get("x", "0"))
            width = len(words) * WIDEST_CHARACTER
            left = {"start": x, "middle": x - width / 2, "end": x - width}[
                each.get("text-anchor", "start")
            ]
            assert left >= 0, (name, words)
            assert left + width <= layout.width, (name, words)


def test_light_and_dark_have_a_colour_for_everything_that_is_drawn() -> None:
    study, _ = world(4)
    text = study_page(study, "{}")
    style = text.partition("<style>")[2].partition("</style>")[0]
    assert "prefers-color-scheme: dark" in style
    assert "@media print" in style
    drawn = "".join(pictures(study).values())
    for colour in set(re.findall(r'(?:fill|stroke)="(#[0-9a-f]{6})"', drawn)):
        assert f'svg [fill="{colour}"]' in style, colour


def test_what_others_wrote_is_no_markup_and_ends_no_script() -> None:
    bad = '</script><script>alert(1)</script><img src=x onerror="alert(2)">'
    study, _ = world(5)
    named = replace(
        study,
        server=replace(study.server, name=bad, args=(bad,)),
        not_measured=(NotMeasured(bad, bad),),
    )
    page = Page(study_page(named, f'{{"x": "{bad}"}}'.replace('"alert', "'alert")))
    assert [tag for tag, _ in page.tags].count("script") == 1
    assert "img" not in [tag for tag, _ in page.tags]
    assert bad in page.text
    assert "<script" not in re.sub(r"\\<", "", study_markdown(named))


def test_of_a_study_in_which_every_text_is_an_attackers_nothing_is_obeyed() -> None:
    study: Study = hostile(Study)
    page, text = study_page(study, "{}"), study_markdown(study)
    assert obeyed(page) == set()
    assert obeyed(text) == set()
    assert forged(page) == []
    assert forged(text) == []
    tags = [tag for tag, _ in Page(page).tags]
    assert tags.count("script") == 1
    for drawing in pictures(study).values():
        ElementTree.fromstring(drawing)


@pytest.mark.parametrize("missing", ["warm", "load", "idle", "starts", "lengths", "gpus"])
def test_a_study_without_a_part_has_a_page_without_it(missing: str) -> None:
    study, _ = world(6)
    nothing: AbSeries | tuple[()] | None = () if missing in {"starts", "lengths", "gpus"} else None
    page = page_of(replace(study, **{missing: nothing}))  # type: ignore[arg-type]
    assert page.open == []
    assert "What was not measured, and why" in page.text


def test_no_side_is_called_faster_where_the_work_was_not_the_same() -> None:
    study, _ = world(8)
    assert study.warm is not None
    runs = tuple(
        replace(run, input_tokens=4 * (run.input_tokens or 0)) if run.target == "a" else run
        for run in study.warm.runs
    )
    unlike = page_of(replace(study, warm=replace(study.warm, runs=runs)))
    head = unlike.text.partition("Cold start by phase")[0]
    assert "not comparable" in head
    assert "is faster" not in head
    assert "is faster" in page_of(study).text.partition("Cold start by phase")[0]


def test_a_quick_study_and_a_simulated_one_say_so_first() -> None:
    study, _ = world(7)
    page = page_of(replace(study, quick=True))
    head = page.text.partition("What was found")[0]
    assert "QUICK" in head
    assert "SIMULATED" in head
    assert "QUICK" not in page_of(study).text
