"""One figure of a publication, and the same figure recomputed from a scenario that ships."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Literal

from backends.domain.decision.verdict import Verdict, decide
from backends.domain.format import figure, usd
from backends.scenarios.reading import shipped_scenario

MTOK = 1_000_000

Standing = Literal["ours is right", "not shown", "it depends", "since changed"]
"""What a figure that does not agree amounts to: its own inputs give ours; it is not what decides;
it holds for inputs that the article does not give; or the source says something else today.
"""


@dataclass(frozen=True, slots=True)
class Claim:
    """One published figure.

    Attributes:
        article: who published it.
        what: what the figure is of.
        published: as it is printed.
        low: the least that is printed so, once rounded; `high` is the most.
        ours: recomputes it.
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
    ours: Callable[[], Decimal]
    unit: str = ""
    note: str = ""
    scenario: str = ""
    standing: Standing = "ours is right"

    @property
    def agrees(self) -> bool:
        """Whether the published figure is what its own inputs give."""
        return self.low <= self.ours() <= self.high

    @property
    def outcome(self) -> str:
        """Whether it agrees, and what it amounts to where it does not."""
        return "agrees" if self.agrees else self.standing

    @property
    def told(self) -> str:
        """Our figure for people."""
        value = self.ours()
        if self.unit == "$":
            return usd(value)
        if self.unit == "£":
            return usd(value).replace("$", "£")
        return f"{figure(value)} {self.unit}".strip()


@lru_cache(maxsize=64)
def found(name: str) -> Verdict:
    """Return the verdict of a scenario that ships."""
    return decide(shipped_scenario(name))


def hour(name: str, option: str) -> Decimal:
    """Return what an option of a scenario costs an hour."""
    costs = {each.name: each.usd_per_hour for each in found(name).options}
    cost = costs[option]
    if cost is None:
        raise LookupError(f"{name}: {option} has no price")
    return cost


def month(name: str, option: str) -> Decimal:
    """Return what an option of a scenario costs in the article's month."""
    return hour(name, option) * found(name).hours_per_month


def even_rps(name: str) -> Decimal:
    """Return the break-even rate of a scenario, in requests per second."""
    return _known(found(name).crossover.break_even_rps, name)


def even_tokens_per_s(name: str) -> Decimal:
    """Return the break-even of a scenario in output tokens per second."""
    return _known(found(name).crossover.output_tokens_per_s, name)


def even_percent(name: str) -> Decimal:
    """Return the break-even utilisation of a scenario in percent."""
    return _known(found(name).crossover.utilisation, name) * 100


def even_hours(name: str) -> Decimal:
    """Return the busy hours a day from which a GPU around the clock pays off."""
    return _known(found(name).crossover.hours_per_day, name)


def even_mtok(name: str, tokens_per_request: int) -> Decimal:
    """Return the break-even of a scenario in million tokens of the article's month."""
    seconds = found(name).hours_per_month * 3600
    return even_rps(name) * tokens_per_request * seconds / MTOK


def _known(value: Decimal | None, name: str) -> Decimal:
    if value is None:
        raise LookupError(f"{name}: it has no such break-even")
    return value
