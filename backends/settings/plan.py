"""Reads ``[plan]``: what nothing on this host measures, in the keys of a scenario, by its reader.

What is measured, or has a table of its own, is turned away with the place where it belongs: one
figure with two sources would leave open which of them a verdict rests on.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from backends.domain.decision.scenario import KEYS, Scenario, read_scenario
from backends.domain.values import Unfit

_GPU = "set it in [server.NAME]"
_API = "set it in [endpoint.NAME], or with inferctl prices set"
_SERVED = (
    "remove it: the server's own counters tell it, or prometheus or file in [traffic]; "
    "inferctl verdict --scenario FILE supposes another"
)
_TTFT = "remove it: inferctl load NAME measures it, and the server's own counters do"

BELONGS_IN: Mapping[str, str] = {
    "gpu_usd_per_hour": _GPU,
    "gpu_price_as_of": _GPU,
    "gpu_price_source": "remove it; contract_price_source is of the prices that stand here",
    "input_usd_per_mtok": _API,
    "output_usd_per_mtok": _API,
    "cached_input_usd_per_mtok": _API,
    "usd_per_request": _API,
    "fee_percent": _API,
    "tiers": "remove it: tiers come with the price table, see inferctl prices update",
    "api_price_as_of": "set price_as_of in [endpoint.NAME], or use inferctl prices set",
    "api_price_source": "remove it: the price table tells the source of each of its prices",
    "input_tokens": _SERVED,
    "output_tokens": _SERVED,
    "token_distribution": _SERVED,
    "rate_rps": _SERVED,
    "profile_rps": _SERVED,
    "observed": _SERVED,
    "capacity_rps": "remove it: inferctl load NAME measures it",
    "granularity_s": "set it in [billing]",
    "minimum_charge_s": "set min_charge_s in [billing]",
    "ttft_slo_s": "set ttft_p99_s in [limits]",
    "gpu_ttft_p99_s": _TTFT,
    "gpu_ttft_p99_above_s": _TTFT,
    "api_ttft_p99_s": "remove it: inferctl ab --runs 300 measures it",
    "api_input_tokens": "remove it: inferctl ab compares what both sides count of one prompt",
    "today": "remove it: the clock tells",
}
"""Keys of a scenario that are no plan's, and what to do instead."""


@dataclass(frozen=True, slots=True)
class PlanRead:
    """What a table says, and what in it does not fit; with a fault the plan says nothing."""

    plan: Scenario
    faults: tuple[Unfit, ...] = ()


def read_plan(table: object) -> PlanRead:
    """Return the plan of a table; keys that no scenario has are left to the caller."""
    if not isinstance(table, dict):
        fault = Unfit("is not a table", "write [plan] and the key below it")
        return PlanRead(Scenario(), (fault,))
    known = {key: value for key, value in table.items() if key in KEYS}
    faults = tuple(_faults(known))
    return PlanRead(Scenario(), faults) if faults else PlanRead(read_scenario(known, "plan."))


def _faults(table: Mapping[str, Any]) -> Iterator[Unfit]:
    """Yield what does not fit; without its currencies no price can be judged."""
    currencies = {key: table[key] for key in ("currencies",) if key in table}
    fault = _fault(currencies)
    if fault is not None:
        yield fault
        return
    for key, value in table.items():
        if key in BELONGS_IN:
            yield Unfit("does not belong in a plan", BELONGS_IN[key], (key,))
        elif (fault := _fault({**currencies, key: value})) is not None:
            yield fault


def _fault(table: Mapping[str, Any]) -> Unfit | None:
    """Return what the reader of scenarios finds wrong, None if it finds nothing."""
    try:
        read_scenario(table, "plan.")
    except Unfit as fault:
        return fault
    return None
