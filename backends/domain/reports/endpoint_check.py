"""What one request says of an endpoint: what works, what was adapted, what is missing."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from backends.domain.ab.run import Run
from backends.domain.ab.trust import WAYS
from backends.domain.format import plain_ms, usd

Outcome = Literal["works", "adapted", "missing"]

REFUSED = "refused_"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was seen.

    Attributes:
        about: one or two words.
    """

    outcome: Outcome
    about: str
    text: str


def endpoint_checks(run: Run, model: str) -> tuple[Check, ...]:
    """Return what the one request to an endpoint shows, in the order of the three outcomes."""
    found = [*_reply(run), *_counts(run), *_names(run, model), *_cost(run), *_adapted(run)]
    order: dict[Outcome, int] = {"works": 0, "adapted": 1, "missing": 2}
    return tuple(sorted(found, key=lambda check: order[check.outcome]))


def _reply(run: Run) -> Iterator[Check]:
    if run.error:
        yield Check("missing", "an answer", run.error)
    if run.ttft_s is None:
        if not run.error:
            yield Check("missing", "tokens", "the reply came without a single token")
        return
    yield Check("works", "stream", f"the first token came after {plain_ms(run.ttft_s)}")
    if run.ttft_visible_s is None:
        text = "16 tokens were all reasoning: compare it with another reasoning model"
        yield Check("missing", "visible text", text)
    if run.clock == "kernel":
        yield Check("works", "clock", "kernel receive timestamps")


def _counts(run: Run) -> Iterator[Check]:
    if "usage_refused" in run.flags:
        yield Check("missing", "usage", "its token counts are impossible")
    elif run.output_tokens is not None:
        cached = "" if run.cached_tokens is None else f", {run.cached_tokens} of them cached"
        thought = f", {run.reasoning_tokens} of them thoughts" if run.reasoning_tokens else ""
        text = f"{run.input_tokens} tokens in{cached}, {run.output_tokens} out{thought}"
        yield Check("works", "usage", text)
    elif not run.error:
        text = "it reports no token counts, so there is no inter-token latency and no cost"
        yield Check("missing", "usage", text)
    if run.server_times is not None and run.server_times.ttft_s is not None:
        text = f"it reports {plain_ms(run.server_times.ttft_s)} of queue and prefill itself"
        yield Check("works", "its own times", text)


def _names(run: Run, model: str) -> Iterator[Check]:
    if run.answered_model:
        by = f" by {run.answered_provider}" if run.answered_provider else ""
        asked = "" if run.answered_model == model else f"; {model} was asked"
        yield Check("works", "model", f"{run.answered_model}{by} answered{asked}")
    elif not run.error:
        yield Check("missing", "model", "it does not say which model answered")


def _cost(run: Run) -> Iterator[Check]:
    if run.provider_cost_usd is not None:
        yield Check("works", "its own cost", f"it charged {usd(Decimal(run.provider_cost_usd))}")
    if run.cost_usd is not None:
        yield Check("works", "price", f"{usd(Decimal(run.cost_usd))} at the configured prices")
    elif not run.error:
        text = "UNPRICED: set input_usd_per_mtok and output_usd_per_mtok, or prices set"
        yield Check("missing", "price", text)


def _adapted(run: Run) -> Iterator[Check]:
    if run.not_sent:
        text = f"it refuses {', '.join(run.not_sent)}, which is left out from now on"
        yield Check("adapted", "fields", text)
    if run.cold_s is not None:
        text = f"it was cold: {plain_ms(run.cold_s)} from the first request to the first token"
        yield Check("adapted", "cold start", text)
    elif run.waits:
        text = f"it refused {run.waits} times, and was asked again after {plain_ms(run.waited_s)}"
        yield Check("adapted", "waits", text)
    if "redirected" in run.flags:
        yield Check("adapted", "redirect", "its reply was fetched from the address it gave")
    for flag, way in WAYS.items():
        if flag in run.flags:
            text = f"it is asked {way}, which stamps in user space"
            yield Check("adapted", "way", text)
