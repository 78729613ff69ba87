"""What repeated cold starts of one server show: differences, spread, cost, and JSON."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from statistics import median
from typing import Any

from backends.discovery.surroundings import Surroundings, this_host
from backends.discovery.warmth import Warmth
from backends.domain.start import Outcome, Start
from backends.domain.startup.document import start_document
from backends.domain.startup.expectation import expected_phases
from backends.domain.startup.lessons import Advice, Expected
from backends.host.page_cache import PageCache
from backends.settings.config import Profile
from backends.wire import plain

WARM_SHARE = 0.9
"""From this share of its bytes in memory on a checkpoint counts as read from memory."""


@dataclass(frozen=True, slots=True)
class ColdStart:
    """One measured start.

    Attributes:
        before: what lay ready when it was launched.
        dropped: what of the weights was in memory before they were dropped, None where they were
            left alone.
        cost_usd: of the host for the length of the start, None without a price.
        slower: one sentence where it was slower than every comparable earlier start.
    """

    start: Start
    before: Warmth
    cost_usd: Decimal | None
    slower: str | None
    dropped: PageCache | None = None


def surroundings(profile: Profile) -> Surroundings:
    """Return the host as the profile's server will see it, with the profile's own variables."""
    here = this_host()
    return Surroundings(here.home, here.cwd, {**os.environ, **dict(profile.environment)})


def ready_ones(done: Sequence[ColdStart]) -> list[Start]:
    """Return the starts that came to serve; only these are put together."""
    return [each.start for each in done if each.start.outcome is Outcome.READY]


def spread(seconds: Sequence[float | None]) -> Expected | None:
    """Return median, shortest and longest of what is known, None where nothing is."""
    known = [value for value in seconds if value is not None]
    return Expected(median(known), min(known), max(known), len(known)) if known else None


def differences(done: Sequence[ColdStart]) -> list[str]:
    """Return in what the starts did not begin alike, which makes their median a mixture."""
    told = []
    compiled = {compile_word(each) for each in done}
    if len(compiled) > 1:
        told.append("some starts found their compilations, others did not")
    read = {_is_in_memory(each.before) for each in done}
    if len(read) > 1:
        told.append("some starts found their weights in memory, others did not")
    return told


def total_cost(done: Sequence[ColdStart]) -> Decimal | None:
    """Return what all starts cost together, None where one of them has no price."""
    costs = [each.cost_usd for each in done]
    known = [cost for cost in costs if cost is not None]
    return sum(known, Decimal(0)) if known and len(known) == len(costs) else None


def compile_word(each: ColdStart) -> str:
    """Return ``hit`` or ``miss`` where vLLM's log says, else ``not logged``."""
    return dict(each.start.settings).get("compile_cache", "not logged")


def _is_in_memory(before: Warmth) -> bool | None:
    pages = before.page_cache
    if pages.resident_bytes is None or not pages.total_bytes:
        return None
    return pages.resident_bytes >= WARM_SHARE * pages.total_bytes


def coldstart_document(
    profile: Profile, done: Sequence[ColdStart], advice: Sequence[Advice], reason: str
) -> dict[str, Any]:
    """Return the document of ``coldstart --json``; `reason` is empty where nothing cut it short."""
    ready = ready_ones(done)
    phases = expected_phases(ready)
    return {
        "server": profile.name,
        "model": profile.model,
        "complete": not reason,
        "reason": reason or None,
        "starts": [_one(each) for each in done],
        "phases": [{"name": name.value, **plain(took)} for name, took in phases.items()],
        "ready_s": plain(spread([start.ready_s for start in ready])),
        "first_token_s": plain(spread([start.first_token_s for start in ready])),
        "cost_usd": plain(total_cost(done)),
        "gpu_usd_per_hour": plain(profile.gpu_usd_per_hour),
        "price_as_of": profile.gpu_price_as_of.isoformat() if profile.gpu_price_as_of else None,
        "differences": differences(done),
        "advice": plain(tuple(advice)),
    }


def _one(each: ColdStart) -> dict[str, Any]:
    return {
        **start_document(each.start),
        "start_id": each.start.start_id,
        "ready_s": each.start.ready_s,
        "first_token_s": each.start.first_token_s,
        "compile_cache": _compilations(each),
        "page_cache": plain(each.before.page_cache),
        "page_cache_before_dropping": plain(each.dropped),
        "cost_usd": plain(each.cost_usd),
        "cost_reason": "UNPRICED: no gpu_usd_per_hour" if each.cost_usd is None else None,
        "slower_than_usual": each.slower,
    }


def _compilations(each: ColdStart) -> dict[str, Any]:
    cache = each.before.compile_cache
    return {
        "folder": str(cache.folder),
        "entries": cache.entries,
        "newest_wall_s": cache.newest_wall_s,
        "told": compile_word(each),
    }
