"""All published figures beside ours: which agree, and why the others do not."""

from typing import Any

from backends.domain.prices.amounts import digits
from backends.scenarios.published import (
    a100,
    by_the_second,
    h100,
    mi300x,
    price_lists,
    rtx5090,
)
from backends.scenarios.published.claims import Claim

CLAIMS: tuple[Claim, ...] = (
    *mi300x.CLAIMS,
    *rtx5090.CLAIMS,
    *h100.CLAIMS,
    *a100.CLAIMS,
    *price_lists.CLAIMS,
    *by_the_second.CLAIMS,
)
HEAD = ("ARTICLE", "FIGURE", "PUBLISHED", "OURS", "OUTCOME", "WHY, OR WHAT IT TAKES")


def comparison_rows() -> list[tuple[str, ...]]:
    """Return the table for people, its head first."""
    return [HEAD, *(_row(claim) for claim in CLAIMS)]


def comparison_document() -> dict[str, Any]:
    """Return the table as a document: our figures as digits, and the scenario that shows each."""
    return {
        "figures": [
            {
                "article": claim.article,
                "figure": claim.what,
                "published": claim.published,
                "ours": digits(claim.ours()),
                "unit": claim.unit or None,
                "agrees": claim.agrees,
                "outcome": claim.outcome,
                "note": claim.note or None,
                "scenario": claim.scenario or None,
            }
            for claim in CLAIMS
        ],
        "agree": sum(claim.agrees for claim in CLAIMS),
        "differ": sum(not claim.agrees for claim in CLAIMS),
    }


def _row(claim: Claim) -> tuple[str, ...]:
    return claim.article, claim.what, claim.published, claim.told, claim.outcome, claim.note
