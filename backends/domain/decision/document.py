"""The verdict as the document of ``inferctl verdict --json``."""

from decimal import Decimal
from typing import Any

from backends.domain.decision.answer import Verdict
from backends.domain.decision.break_even import Segment
from backends.domain.decision.option import Option
from backends.domain.decision.wording import (
    excluded_because,
    horizon_sentence,
    reason,
    unlike_sentence,
)
from backends.domain.prices.amounts import digits
from backends.domain.traffic.demand import Horizon


def verdict_document(verdict: Verdict) -> dict[str, Any]:
    """Return a verdict with stable keys: money as digits, rates as numbers, unknown as None."""
    at, flip = verdict.crossover, verdict.flip
    band, rates = at.interval, verdict.rate_interval
    return {
        "verdict": verdict.kind.value,
        "reason": reason(verdict),
        "horizon": None if verdict.horizon is None else _horizon(verdict.horizon),
        "unlike": None if verdict.unlike is None else unlike_sentence(verdict.unlike),
        "crosses_in_days": verdict.crosses_in_days,
        "between": [kind.value for kind in verdict.between],
        "decided_in_s": verdict.decided_in_s,
        "payback_months": verdict.payback_months,
        "flip": None if flip is None else _number(flip.value),
        "flip_quantity": None if flip is None else flip.quantity,
        "flip_to": None if flip is None or flip.to is None else flip.to.value,
        "flip_now": None if flip is None else _number(flip.now),
        "rate_rps_interval": (None if rates is None else [_number(rates.low), _number(rates.high)]),
        "usd_per_request": digits(verdict.usd_per_request),
        "break_even_rps": _number(at.break_even_rps),
        "break_even_rps_interval": (
            None if band is None else [_number(band.low), _number(band.high)]
        ),
        "break_even_utilisation": _number(at.utilisation),
        "break_even_hours_per_day": _number(at.hours_per_day),
        "output_tokens_per_s_at_break_even": _number(at.output_tokens_per_s),
        "feasible": at.feasible,
        "options": [_option(option, verdict) for option in verdict.options],
        "best": None if verdict.best is None else _option(verdict.best, verdict),
        "segments": [_segment(segment) for segment in at.segments],
        "assumptions": list(verdict.assumptions),
    }


def _horizon(horizon: Horizon) -> dict[str, Any]:
    return {
        "speaks_for": "week" if horizon.week else "seen",
        "seen_s": horizon.seen_s,
        "week_in_s": horizon.missing_s,
        "sentence": horizon_sentence(horizon),
    }


def _option(option: Option, verdict: Verdict) -> dict[str, Any]:
    hour, why = option.usd_per_hour, option.exclusion
    return {
        "name": option.name,
        "usd_per_hour": digits(hour),
        "usd_per_day": digits(None if hour is None else hour * 24),
        "usd_per_month": digits(None if hour is None else hour * verdict.hours_per_month),
        "replicas": option.replicas,
        "excluded_because": excluded_because(why, verdict.remedies) or None,
        "excluded_kind": why.kind.value if why else None,
    }


def _segment(segment: Segment) -> dict[str, Any]:
    return {
        "replicas": segment.replicas,
        "from_rps": _number(segment.from_rps),
        "cheapest_from_rps": _number(segment.cheapest_from_rps),
        "to_rps": _number(segment.to_rps),
    }


def _number(value: Decimal | None) -> float | None:
    """Return a rate as a number; an infinite one has no JSON form and is unknown."""
    return None if value is None or not value.is_finite() else float(f"{value:.9g}")
