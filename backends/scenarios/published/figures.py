"""Every published figure beside ours: which agree, and why the others do not."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from importlib.resources import files
from math import prod
from typing import Any, Literal

from backends.domain.decision.answer import Verdict
from backends.domain.decision.verdict import decide
from backends.domain.durations import HOUR_S
from backends.domain.format import UNKNOWN, figure, usd
from backends.domain.prices.amounts import digits
from backends.domain.prices.cost import MTOK
from backends.domain.prices.prices import ApiPrice
from backends.prices.book import find_api_price
from backends.prices.table import shipped_table
from backends.scenarios.reading import shipped_scenario

HEAD = ("ARTICLE", "FIGURE", "PUBLISHED", "OURS", "OUTCOME", "WHY, OR WHAT IT TAKES")

Standing = Literal["ours is right", "not shown", "it depends", "since changed"]
"""What a figure that does not agree amounts to: its own inputs give ours; it is not what decides;
it holds for inputs that the article does not give; or the source says something else today.
"""

Kind = Literal["number", "range", "word", "quoted"]
"""What is compared: a number with what rounds to it; a number with a range; a word with a word; or
nothing, where the article measured or quotes what nothing here can recompute."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One published figure, and the same figure recomputed.

    Attributes:
        article: who published it.
        what: what the figure is of.
        published: as it is printed.
        low: the least that is printed so, once rounded; `high` is the most.
        ours: recomputed from the figure's own inputs; a word where the figure is one; None where
            it is only quoted.
        unit: how `ours` is written: ``$`` and ``£`` before it, anything else after it.
        note: why it differs; or, where it agrees, what it takes that the article leaves out.
        scenario: the name of the scenario that shows it; empty for plain arithmetic.
        standing: what it amounts to where it does not agree.
    """

    article: str
    what: str
    published: str
    low: Decimal
    high: Decimal
    ours: Decimal | str | None
    unit: str
    note: str
    scenario: str
    standing: Standing
    kind: Kind = "number"

    @property
    def agrees(self) -> bool | None:
        """Whether the published figure is what its own inputs give; None where it is quoted."""
        if self.ours is None:
            return None
        if isinstance(self.ours, str):
            return self.ours == self.published
        return self.low <= self.ours <= self.high

    @property
    def outcome(self) -> str:
        """Whether it agrees, and what it amounts to where it does not."""
        if self.agrees is None:
            return "quoted"
        if self.kind == "range":
            return "inside" if self.agrees else "outside"
        return "agrees" if self.agrees else self.standing

    @property
    def text(self) -> str:
        """Our figure for people."""
        if not isinstance(self.ours, Decimal):
            return self.ours or UNKNOWN
        if self.unit in {"$", "£"}:
            return usd(self.ours).replace("$", self.unit)
        return f"{figure(self.ours)} {self.unit}".strip()


@lru_cache(maxsize=1)
def claims() -> tuple[Claim, ...]:
    """Return every figure of ``figures.toml``, in its order."""
    text = files("backends.scenarios.published").joinpath("figures.toml").read_text("utf-8")
    return tuple(
        _claim(article["name"], row)
        for article in tomllib.loads(text)["article"]
        for row in article["figures"]
    )


def comparison_rows() -> list[tuple[str, ...]]:
    """Return the table for people, its head first."""
    rows = ((c.article, c.what, c.published, c.text, c.outcome, c.note) for c in claims())
    return [HEAD, *rows]


def comparison_document() -> dict[str, Any]:
    """Return the table as a document: our figures as digits, and the scenario that shows each."""
    found = claims()
    return {
        "figures": [
            {
                "article": claim.article,
                "figure": claim.what,
                "published": claim.published,
                "kind": claim.kind,
                "ours": digits(claim.ours) if isinstance(claim.ours, Decimal) else claim.ours,
                "unit": claim.unit or None,
                "agrees": claim.agrees,
                "outcome": claim.outcome,
                "note": claim.note or None,
                "scenario": claim.scenario or None,
            }
            for claim in found
        ],
        "agree": sum(claim.agrees is True for claim in found),
        "differ": sum(claim.agrees is False for claim in found),
        "quoted": sum(claim.agrees is None for claim in found),
    }


def _claim(article: str, row: Mapping[str, Any]) -> Claim:
    note = row.get("note", "")
    if "price" in row:
        note = f"{row['price'][1]} in the price table, as of {_price(*row['price']).as_of}"
    return Claim(
        article,
        row["figure"],
        row["published"],
        Decimal(row.get("low", 0)),
        Decimal(row.get("high", 0)),
        _ours(row),
        row.get("unit", ""),
        note,
        row.get("scenario", ""),
        row.get("standing", "ours is right"),
        _kind(row),
    )


def _kind(row: Mapping[str, Any]) -> Kind:
    if "cheapest" in row:
        return "word"
    if "low" not in row:
        return "quoted"
    return "range" if row.get("range") else "number"


def _ours(row: Mapping[str, Any]) -> Decimal | str | None:
    """Return a row's figure as we compute it: of the cheapest of several, its name."""
    if "cheapest" in row:
        ways: Mapping[str, Mapping[str, Any]] = row["cheapest"]
        return min(ways, key=lambda name: _value(ways[name], row))
    if "low" not in row:
        return None
    return _value({**row, "scenario": row.get("in", row.get("scenario"))}, row)


def _value(of: Mapping[str, Any], row: Mapping[str, Any]) -> Decimal:
    """Return what a table computes; another scenario than the row's stands in the table."""
    value = _plain(of, row)
    if "minus" in of:
        value -= _value(of["minus"], row)
    over = prod((_value(each, row) for each in of.get("over", ())), start=Decimal(1))
    return value * Decimal(of.get("times", 1)) / over


def _plain(of: Mapping[str, Any], row: Mapping[str, Any]) -> Decimal:
    if "sum" in of:
        return sum((Decimal(each) for each in of["sum"]), Decimal(0))
    if "price" in of:
        found = _price(*of["price"])
        output = of.get("side") == "output"
        usd_per_mtok = found.output_usd_per_mtok if output else found.input_usd_per_mtok
        return _known(usd_per_mtok, of["price"])
    name = of.get("scenario", row.get("scenario"))
    return _known(_metric(name, of["metric"], of.get("option", "")), of)


def _metric(name: str, metric: str, option: str) -> Decimal | None:
    """Return a metric of a scenario: of an option's cost, of the break-even, or one of its keys."""
    found, asked = _decided(name), shipped_scenario(name)
    at, month = found.crossover, found.hours_per_month
    mrequests = (asked.rate_rps or Decimal(0)) * month * HOUR_S / MTOK
    cost = next((each.usd_per_hour for each in found.options if each.name == option), None)
    factors: dict[str, tuple[Decimal | None, Decimal | int]] = {
        "hour": (cost, 1),
        "day": (cost, 24),
        "month": (cost, month),
        "break_even_rps": (at.break_even_rps, 1),
        "break_even_mrequests_per_month": (at.break_even_rps, month * HOUR_S / MTOK),
        "break_even_tokens_per_s": (at.output_tokens_per_s, 1),
        "break_even_percent": (at.utilisation, 100),
        "break_even_hours": (at.hours_per_day, 1),
        "output_mtok_per_month": (asked.output_tokens, mrequests),
    }
    value, times = factors[metric] if metric in factors else (getattr(asked, metric), 1)
    return None if value is None else value * times


@lru_cache(maxsize=64)
def _decided(name: str) -> Verdict:
    return decide(shipped_scenario(name))


def _price(provider: str, model: str) -> ApiPrice:
    row = find_api_price(shipped_table(), provider, model)
    if row is None:
        raise LookupError(f"{provider} has no {model} in the shipped table")
    return row


def _known(value: Decimal | None, of: object) -> Decimal:
    if value is None:
        raise LookupError(f"it has no such figure: {of}")
    return value
