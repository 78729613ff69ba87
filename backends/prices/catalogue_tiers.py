"""The dearer prices of long prompts, and the cheaper ones of batches, as catalogues write them."""

import re
from decimal import Decimal
from typing import Any

from backends.domain.prices.amounts import amount_from
from backends.domain.prices.cost import MTOK, Tier

_LITELLM_LIMIT = re.compile(r"input_cost_per_token_above_(\d+)k_tokens")
_LITELLM_CACHED = "cache_read_input_token_cost"


def models_dev_tiers(cost: dict[str, Any], place: str) -> tuple[Tier, ...]:
    """Return the tiers of a models.dev entry, whose limits are context sizes."""
    found = []
    for entry in cost.get("tiers") or ():
        limit = entry.get("tier") or {}
        if limit.get("type") == "context":
            found.append((Decimal(limit["size"]), entry))
    if not found and isinstance(cost.get("context_over_200k"), dict):
        found = [(Decimal(200_000), cost["context_over_200k"])]
    return tuple(
        Tier(
            limit,
            amount_from(entry["input"], f"{place}: tier input"),
            amount_from(entry["output"], f"{place}: tier output"),
            _optional(entry.get("cache_read"), Decimal(1), f"{place}: tier cache_read"),
        )
        for limit, entry in sorted(found, key=lambda pair: pair[0])
        if "input" in entry and "output" in entry
    )


def litellm_tiers(entry: dict[str, Any], place: str) -> tuple[Tier, ...]:
    """Return the tiers of a litellm entry, which has keys such as ``…_above_200k_tokens``."""
    limits = sorted(int(match[1]) for key in entry if (match := _LITELLM_LIMIT.fullmatch(key)))
    found = []
    for limit in limits:
        suffix = f"_above_{limit}k_tokens"
        into, out = (
            entry[f"input_cost_per_token{suffix}"],
            entry.get(f"output_cost_per_token{suffix}", entry.get("output_cost_per_token")),
        )
        if into is None or out is None:
            continue
        cached = entry.get(f"{_LITELLM_CACHED}{suffix}", entry.get(_LITELLM_CACHED))
        found.append(
            Tier(
                Decimal(limit * 1000),
                amount_from(into, f"{place}: input{suffix}") * MTOK,
                amount_from(out, f"{place}: output{suffix}") * MTOK,
                _optional(cached, MTOK, f"{place}: cached{suffix}"),
            )
        )
    return tuple(found)


def litellm_batch(entry: dict[str, Any], place: str) -> Decimal | None:
    """Return the factor on token prices of batches, None where input and output differ in it."""
    pairs = [
        (entry.get(f"{side}_cost_per_token_batches"), entry.get(f"{side}_cost_per_token"))
        for side in ("input", "output")
    ]
    factors = {
        amount_from(batch, f"{place}: batches") / amount_from(full, place)
        for batch, full in pairs
        if batch is not None and full
    }
    return factors.pop() if len(factors) == 1 else None


def _optional(value: object, times: Decimal, place: str) -> Decimal | None:
    return None if value is None else amount_from(value, place) * times
