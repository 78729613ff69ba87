"""Every figure of five published comparisons, beside what its own inputs give."""

import re
from decimal import Decimal
from pathlib import Path

import pytest

from backends.scenarios.published.figures import Claim, claims, comparison_document, comparison_rows
from backends.scenarios.reading import shipped_scenarios

CLAIMS = claims()
AGREE = 55
QUOTED = 43
OURS: dict[str, float | str] = {
    "swing from short to long": 29.24,
    "throughput that the crossover takes, 220 tokens": 709.2,
    "break-even utilisation": 20.46,
    "break-even, hours a day": 4.909,
    "break-even, GPU hours a month": 147.3,
    "utilisation from which dedicated wins": 20.46,
    "API bill from which dedicated wins": 399,
    "Together Llama 3 70B": 1947.74,
    "2,000 tokens/s at 70 %, a month": 3679.2,
    "3,000 tokens/s at 70 %, a month": 5518.8,
    "utilisation from which dedicated wins, 2,000 tokens/s": 91.44,
    "the same, 2,500 tokens/s": 73.15,
    "the same, 3,000 tokens/s": 60.96,
    "crossover, output tokens a month": 4805.8,
    "dedicated at 70 % of 2,000 tokens/s": 0.7837,
    "dedicated at 70 % of 3,000 tokens/s": 0.5225,
    "Llama 3 70B, 50M tokens a month": 27,
    "Llama 3 70B, 500M tokens a month": 270,
    "Llama 3 70B, 2B tokens a month": 1080,
    "Llama 3 70B, 10B tokens a month": 5400,
    "break-even, tokens a month": 1720.4,
    "open weights below proprietary APIs": 92.8,
    "utilisation below which Replicate's A100 is cheaper": 25.60,
    "utilisation below which Modal's A100 is cheaper": 32.82,
    "hours a day from which reserved wins, RTX 5090": 4.909,
    "hours a day from which reserved wins, A100": 6.144,
    "three cold starts": 60,
    "lower rate a second, of Modal's H100 and RunPod's RTX 5090": "Modal",
    "lower throughput, of Modal's H100 and RunPod's RTX 5090": "Modal",
    "cheaper way at 2 hours a day": "serverless",
    "cheaper way at 70 % of 2,500 tokens/s around the clock": "serverless",
    "saving from an API to serverless": 92.8,
    "further saving on a dedicated GPU at 2B": 13.98,
    "further saving on a dedicated GPU at 10B": 65.59,
    "serverless is best from 50M to": 1720.4,
    "longest cold start of a 70B model": 90,
    "phases of a 70B cold start, longest": 29,
    "utilisation below which Replicate's A40 is cheaper than the A100": 62.33,
    "utilisation below which Modal's H100 is cheaper than the A100": 15.46,
    "serverless up to so many hours a day, A100": 6.144,
    "hours a day from which reserved wins, A100 at Modal": 7.877,
    "serverless up to so many hours a day, A100 at Modal": 7.877,
}
"""What is right where the published figure is not, worked out by hand."""

ARTICLES = {
    "DigitalOcean": "000",
    "RTX 5090 host": "001",
    "GMI Cloud": "002",
    "CostHawk": "003",
    "MBF Media": "004",
}


@pytest.mark.parametrize("claim", [c for c in CLAIMS if c.agrees is False], ids=lambda c: c.what)
def test_where_a_figure_is_not_what_its_inputs_give_ours_is(claim: Claim) -> None:
    ours = float(claim.ours) if isinstance(claim.ours, Decimal) else claim.ours
    assert ours == pytest.approx(OURS[claim.what], rel=5e-4)
    assert claim.note, "a difference must say why"


def test_the_rest_agrees() -> None:
    document = comparison_document()
    assert document["agree"] + document["differ"] + document["quoted"] == len(CLAIMS)
    assert (document["agree"], document["quoted"]) == (AGREE, QUOTED)
    assert {claim.what for claim in CLAIMS if claim.agrees is False} == set(OURS)


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda c: f"{c.article}: {c.what}")
def test_words_are_compared_with_words_and_numbers_with_numbers(claim: Claim) -> None:
    kinds = {"number": Decimal, "range": Decimal, "word": str, "quoted": type(None)}
    assert isinstance(claim.ours, kinds[claim.kind])
    words = claim.kind == "word"
    assert bool(re.search(r"\d", claim.published)) is not words or claim.kind == "quoted"
    outcomes = {"range": {"inside", "outside"}, "quoted": {"quoted"}}
    assert claim.outcome in outcomes.get(
        claim.kind, {"agrees", "ours is right", "not shown", "it depends", "since changed"}
    )


def test_a_quoted_figure_says_why_nothing_is_computed() -> None:
    assert all(claim.note for claim in CLAIMS if claim.kind == "quoted")


def test_every_scenario_that_ships_is_shown_by_a_figure() -> None:
    shown = {claim.scenario for claim in CLAIMS} - {""}
    assert shown == set(shipped_scenarios())


def test_the_table_has_a_row_for_each() -> None:
    head, *rows = comparison_rows()
    assert len(rows) == len(CLAIMS)
    assert {len(row) for row in rows} == {len(head)}


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda c: f"{c.article}: {c.what}")
def test_what_is_called_published_is_printed_there(claim: Claim, shared: Path) -> None:
    number = ARTICLES[claim.article.partition(":")[0]]
    (article,) = (shared / "seeds").glob(f"{number}_*.txt")
    text = article.read_text(encoding="utf-8")
    for printed in re.findall(r"\d[\d,.]*\d|\d", claim.published):
        assert re.search(rf"(?<![\d.,]){re.escape(printed)}(?![\d])", text), printed
