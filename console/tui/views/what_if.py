"""What if: the figures of the decision that can be changed, and the decision after a change."""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from backends.domain.decision.answer import Verdict
from backends.domain.decision.curves import finite
from backends.domain.decision.scenario import Scenario
from backends.domain.decision.uncertainty import load_of
from backends.domain.decision.verdict import LEAST_REQUESTS, decide, too_few_seen
from backends.domain.format import figure
from backends.operations.capacity import OUTPUT_FACTOR
from widgets.length_cards import LengthCard, LengthsView

STEP = Decimal("1.1")
"""One key press changes the chosen figure by a tenth."""


@dataclass(frozen=True, slots=True)
class Figure:
    """What can be changed.

    Attributes:
        key: of the scenario.
        usual: where one begins that is not known.
        most: the highest that it can be.
        whole: it is counted, and changes by one.
    """

    key: str
    words: str
    usual: Decimal
    most: Decimal | None = None
    whole: bool = False


FIGURES = (
    Figure("output_tokens", "output tokens", Decimal(220)),
    Figure("input_tokens", "input tokens", Decimal(80)),
    Figure("rate_rps", "req/s", Decimal(1)),
    Figure("gpu_usd_per_hour", "GPU $/h", Decimal(2)),
    Figure("input_usd_per_mtok", "input $/Mtok", Decimal("0.1")),
    Figure("output_usd_per_mtok", "output $/Mtok", Decimal("0.7")),
    Figure("capacity_rps", "capacity req/s", Decimal(5)),
    Figure("max_replicas", "GPUs at most", Decimal(1), whole=True),
    Figure("hours_per_day", "hours/day", Decimal(24), most=Decimal(24)),
)

LENGTHS = (("short", Decimal(30)), ("medium", Decimal(220)), ("long", Decimal(1200)))
"""Output tokens of a classification, a paragraph and a long explanation."""


def changed(asked: Scenario, figure: Figure, direction: int) -> Scenario:
    """Return the scenario with one figure a step up or down; an unknown one begins as usual."""
    value: Decimal | None = getattr(asked, figure.key)
    if value is None:
        return with_figure(asked, figure.key, figure.usual)
    if figure.whole:
        return with_figure(asked, figure.key, max(Decimal(1), value + direction))
    new = value * STEP if direction > 0 else value / STEP
    return with_figure(asked, figure.key, new if figure.most is None else min(new, figure.most))


def with_figure(asked: Scenario, key: str, value: Decimal) -> Scenario:
    """Return the scenario with one figure supposed.

    What was measured vouches for the mean of what was measured, not for a supposed one: the
    interval goes. A supposed rate takes the place of the learnt day, and a capacity that was
    measured with other lengths is none.
    """
    changes: dict[str, Any] = {key: value, "observed": None}
    if key in {"rate_rps", "hours_per_day"} and asked.profile_rps is not None:
        changes["profile_rps"] = None
        changes.setdefault("rate_rps", mean_rps(asked))
    elif asked.rate_rps is None and asked.profile_rps is None:
        changes.setdefault("rate_rps", mean_rps(asked))
    return replace(asked, **changes)


def of_length(asked: Scenario, output_tokens: Decimal, measured: Scenario) -> Scenario:
    """Return the scenario with answers of another length.

    A capacity that was supposed stays; a measured one is as many output tokens a second, which is
    an estimate where it was measured with answers of another length.
    """
    other = with_figure(asked, "output_tokens", output_tokens)
    of_now = (measured.capacity_rps, estimated_rps(measured, asked.output_tokens))
    if asked.capacity_rps not in of_now:
        return other
    estimate = estimated_rps(measured, output_tokens)
    return replace(other, capacity_rps=estimate or measured.capacity_rps)


def estimated_rps(measured: Scenario, output_tokens: Decimal | None) -> Decimal | None:
    """Return the capacity with answers of a length that differs much from the measured one.

    None where the measured capacity holds, or there is none. Source: a busy GPU writes about as
    many tokens a second in all, however they are shared out among requests.
    """
    tokens, rps = measured.output_tokens, measured.capacity_rps
    if rps is None or not tokens or not output_tokens:
        return None
    if tokens / OUTPUT_FACTOR <= output_tokens <= tokens * OUTPUT_FACTOR:
        return None
    return Decimal(f"{rps * tokens / output_tokens:.3g}")


def mean_rps(asked: Scenario) -> Decimal | None:
    """Return the mean rate of the day."""
    load = load_of(asked)
    return None if load is None else load.mean_rps


def lengths_view(asked: Scenario, measured: Scenario) -> LengthsView:
    """Return the decision for three lengths of answers, everything else being equal.

    Where too few requests were seen for a verdict, the cards state none: they say how many were.
    """
    found = [(name, tokens, decide(of_length(asked, tokens, measured))) for name, tokens in LENGTHS]
    evens = [each.crossover.break_even_rps for _, _, each in found]
    swing = evens[0] / evens[-1] if evens[0] and evens[-1] else None
    few = too_few_seen(asked)
    word = "" if few is None else f"{figure(few)} of {LEAST_REQUESTS} requests"
    cards = tuple(
        replace(
            _card(name, tokens, each, chosen=asked.output_tokens == tokens, word=word),
            estimated=estimated_rps(measured, tokens) is not None,
        )
        for name, tokens, each in found
    )
    return LengthsView(cards, finite(swing))


def _card(name: str, tokens: Decimal, found: Verdict, *, chosen: bool, word: str) -> LengthCard:
    at, cost = found.crossover, found.usd_per_request
    return LengthCard(
        name,
        float(tokens),
        finite(at.break_even_rps),
        finite(at.output_tokens_per_s),
        None if cost is None else cost * 1000,
        word or found.kind.value.replace("_", " "),
        chosen=chosen,
    )
