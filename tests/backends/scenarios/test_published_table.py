"""Every figure of five published comparisons, beside what its own inputs give."""

import re
from pathlib import Path

import pytest

from backends.scenarios.published.figures import Claim, claims, comparison_document, comparison_rows
from backends.scenarios.reading import shipped_scenarios

CLAIMS = claims()
AGREE = 42
OURS = {
    "swing from short to long": 29.24,
    "throughput that the crossover takes, 220 tokens": 709.2,
    "break-even utilisation": 20.46,
    "break-even, hours a day": 4.909,
    "break-even, GPU hours a month": 147.3,
    "utilisation from which dedicated wins": 20.46,
    "API bill from which dedicated wins": 399,
    "Modal's rate over RunPod's": 0.5155,
    "Modal's throughput over RunPod's": 0.4009,
    "Together Llama 3 70B": 1947.74,
    "2,000 tokens/s at 70 %, a month": 3679.2,
    "3,000 tokens/s at 70 %, a month": 5518.8,
    "utilisation from which dedicated wins, 2,000 tokens/s": 91.44,
    "the same, 2,500 tokens/s": 73.15,
    "the same, 3,000 tokens/s": 60.96,
    "API over dedicated at 70 % of 2,500 tokens/s": 0.9570,
    "crossover, output tokens a month": 4805.8,
    "dedicated at 70 % of 2,000 tokens/s": 0.7837,
    "dedicated at 70 % of 3,000 tokens/s": 0.5225,
    "Llama 3 70B, 50M tokens a month": 27,
    "Llama 3 70B, 500M tokens a month": 270,
    "Llama 3 70B, 2B tokens a month": 1080,
    "Llama 3 70B, 10B tokens a month": 5400,
    "break-even, tokens a month": 1720.4,
    "break-even with the half engineer it names": 13294,
    "open weights below proprietary APIs": 92.8,
    "Together Llama 3.1 70B, input": 0.88,
    "utilisation below which Replicate's A100 is cheaper": 25.60,
    "utilisation below which Modal's A100 is cheaper": 32.82,
    "hours a day from which reserved wins, RTX 5090": 4.909,
    "hours a day from which reserved wins, A100": 6.144,
}
"""What is right where the published figure is not, worked out by hand."""

ARTICLES = {
    "DigitalOcean": "000",
    "RTX 5090 host": "001",
    "GMI Cloud": "002",
    "CostHawk": "003",
    "MBF Media": "004",
}


@pytest.mark.parametrize("claim", [c for c in CLAIMS if not c.agrees], ids=lambda c: c.what)
def test_where_a_figure_is_not_what_its_inputs_give_ours_is(claim: Claim) -> None:
    assert float(claim.ours) == pytest.approx(OURS[claim.what], rel=5e-4)
    assert claim.note, "a difference must say why"


def test_the_rest_agrees() -> None:
    document = comparison_document()
    assert (document["agree"], document["differ"]) == (AGREE, len(CLAIMS) - AGREE)
    assert {claim.what for claim in CLAIMS if not claim.agrees} == set(OURS)


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
