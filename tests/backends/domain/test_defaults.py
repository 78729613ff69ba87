"""What a record does not say is unknown: no figure and no claim comes from a default."""

import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from decimal import Decimal

import backends.domain

EVEN = ((Decimal(1), Decimal(1)),)
STATED: dict[str, object] = {
    "Alike.characters": 40,
    "BecameReady.seen": True,
    "ColdProbePlan.rounds": 3,
    "ColdProbePlan.warm": 10,
    "Demand.bursts": EVEN,
    "Errors.freedom": 1e9,
    "Errors.tokens_correlation": 1.0,
    "Errors.tokens_freedom": 1e9,
    "Figure.n": 1,
    "GpuPrice.count": 1,
    "Load.bursts": EVEN,
    "Load.times": Decimal(1),
    "NotAnswering.asked": True,
    "Observed.dispersion": Decimal(1),
    "Point.gpu_factor": Decimal(1),
    "Scenario.api_price_range": EVEN[0],
    "Scenario.bursts": EVEN,
    "Scenario.hours_per_month": Decimal(730),
    "Tariff.gpus": 1,
    "Tariff.granularity_s": 1,
    "Timeline.capacity": 240,
    "Timeline.step_s": 0.25,
    "Verdict.hours_per_month": Decimal(730),
}
"""Defaults that are a rule of their own."""


def _defaults() -> Iterator[tuple[str, object]]:
    for found in pkgutil.walk_packages(backends.domain.__path__, "backends.domain."):
        module = importlib.import_module(found.name)
        for kind in vars(module).values():
            if not isinstance(kind, type) or kind.__module__ != found.name:
                continue
            stated: dict[str, object] = getattr(kind, "_field_defaults", {})  # of a NamedTuple
            if is_dataclass(kind):
                stated = {each.name: each.default for each in fields(kind)}
            yield from ((f"{kind.__name__}.{name}", value) for name, value in stated.items())


def _claims(value: object) -> bool:
    """Tell whether a default is a figure or a claim other than nothing."""
    if isinstance(value, tuple):
        return any(map(_claims, value))
    return isinstance(value, bool | int | float | Decimal) and bool(value)


def test_a_default_says_nothing_unless_it_is_a_stated_rule() -> None:
    assert {name: value for name, value in _defaults() if _claims(value)} == STATED
