"""Exports: every figure that is shown follows from the file alone, and the picture is one."""

import csv
import io
import itertools
import random
from dataclasses import replace
from statistics import median
from xml.etree import ElementTree

import pytest

from backends.domain.ab.facts import SeriesBegan
from backends.domain.ab.run import Run, TargetName
from backends.domain.ab.series import AbSeries
from backends.domain.reports.ab import ab_report
from backends.domain.reports.ab_picture import ab_svg
from backends.domain.reports.ab_text import ab_csv, ab_markdown, how_measured
from backends.domain.stamp import Stamp

TARGETS: tuple[tuple[TargetName, str], ...] = (("a", "own"), ("b", "<api> & co"), ("c", "third"))
BEGAN = SeriesBegan(
    Stamp(1.0, 2.0), "s1", TARGETS, 20, ("m", "m", "m"), "ab12", "interleaved", 220, 0.0
)
FIGURES = ("ttft_s", "e2e_s", "output_tokens_per_s")


def measured(seed: int = 7) -> AbSeries:
    """Return twenty runs in each of three targets, some of which failed."""
    chance = random.Random(seed)
    runs = []
    for index in range(20):
        for name, scale in (("a", 0.2), ("b", 0.5), ("c", 0.21)):
            ttft_s = scale * chance.lognormvariate(0, 0.2)
            itl_s = tuple(chance.uniform(0.005, 0.02) for _ in range(30))
            run = Run(
                name,  # type: ignore[arg-type]
                index,
                ttft_s=ttft_s,
                itl_s=itl_s,
                e2e_s=ttft_s + sum(itl_s),
                input_tokens=80,
                output_tokens=31,
                finish_reason="length",
                cost_usd="0.00001" if name == "b" else None,
            )
            runs.append(replace(run, error="cut") if chance.random() < 0.1 else run)
    return AbSeries(BEGAN, tuple(runs), ended=True)


def column(rows: list[dict[str, str]], target: str, figure: str) -> list[float]:
    return [
        float(r[figure]) for r in rows if r["target"] == target and not r["error"] and r[figure]
    ]


@pytest.mark.parametrize("seed", range(5))
def test_medians_and_shifts_are_recomputed_from_the_csv_alone(seed: int) -> None:
    series = measured(seed)
    document = ab_report(series)
    rows = list(csv.DictReader(io.StringIO(ab_csv(series))))
    assert len(rows) == 60
    for target, figure in itertools.product("abc", FIGURES):
        shown = document["targets"][target]["summary"][figure]["median"]
        assert median(column(rows, target, figure)) == pytest.approx(shown, rel=1e-12)
    for target, figure in itertools.product("bc", FIGURES):
        ours, theirs = column(rows, "a", figure), column(rows, target, figure)
        shift = median(y - x for x, y in itertools.product(ours, theirs))
        shown = document["against_a"][target]["difference"][figure]["shift"]
        assert shift == pytest.approx(shown, rel=1e-9)
    assert document["against_a"]["b"]["difference"] == document["difference"]
    itl = [float(r["itl_median_s"]) for r in rows if r["target"] == "a" and not r["error"]]
    shown = document["targets"]["a"]["summary"]["itl_s"]["median"]
    assert median(itl) == pytest.approx(shown, rel=1e-12)


def test_the_costs_of_a_lane_add_up_and_an_unpriced_one_is_no_zero() -> None:
    targets = ab_report(measured())["targets"]
    assert float(targets["b"]["cost_usd"]) == pytest.approx(20 * 0.00001)
    assert (targets["a"]["cost_usd"], targets["a"]["cost_reason"][:8]) == (None, "UNPRICED")
    text = ab_markdown(measured())
    assert "Target a: UNPRICED" in text
    assert "Target b: $0.0002 for 20 runs" in text


def test_markdown_says_how_it_was_measured_and_each_lane_against_the_first() -> None:
    text = ab_markdown(measured())
    assert "max_tokens 220, temperature 0, a fresh nonce each run" in text
    assert "80 tokens in, 31 out" in text
    assert "TTFT: a is faster than b" in text
    assert "c - a = " in text
    cached = replace(measured(), began=replace(BEGAN, cached=True, ignore_eos=True))
    assert "ignore_eos, no nonce: caches may answer" in how_measured(cached)


def test_the_picture_has_a_dot_for_every_good_run_and_figure() -> None:
    series = measured()
    root = ElementTree.fromstring(ab_svg(series))
    dots = root.findall("{http://www.w3.org/2000/svg}circle")
    good = [run for run in series.runs if not run.error]
    assert len(dots) == len(good) * len(FIGURES)
    words = " ".join(each.text or "" for each in root.iter("{http://www.w3.org/2000/svg}text"))
    assert "<api> & co" in words
    width, height = (float(root.attrib[key]) for key in ("width", "height"))
    for dot in dots:
        assert 0 < float(dot.attrib["cx"]) < width
        assert 0 < float(dot.attrib["cy"]) < height


def test_a_series_without_a_run_is_still_a_picture() -> None:
    root = ElementTree.fromstring(ab_svg(AbSeries(BEGAN)))
    assert root.findall("{http://www.w3.org/2000/svg}circle") == []
