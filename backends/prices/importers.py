"""Prices from the catalogues that others keep, read from a file that the user names.

Each catalogue has its own unit and its own way to say that it does not know; all rows come out in
US dollars per million tokens, unpriced where the catalogue has no price.
"""

import json
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from backends.domain.prices.amounts import BadPrice, amount_from
from backends.domain.prices.cost import MTOK
from backends.domain.prices.prices import ApiPrice
from backends.domain.values import NOT_JSON
from backends.prices.catalogue_tiers import litellm_batch, litellm_tiers, models_dev_tiers
from backends.prices.table import rows_in

Catalogue = Literal["models.dev", "openrouter", "litellm"]

OPENROUTER_FEE_PERCENT = Decimal("5.5")
"""What OpenRouter adds when credits are bought."""


Costs = tuple[Decimal | None, Decimal | None, Decimal | None, Decimal | None]
"""Input, output, cached input and cache write in US dollars per million tokens."""

_MODELS_DEV = ("input", "output", "cache_read", "cache_write")
_OPENROUTER = ("prompt", "completion", "input_cache_read", "input_cache_write")
_LITELLM = (
    "input_cost_per_token",
    "output_cost_per_token",
    "cache_read_input_token_cost",
    "cache_creation_input_token_cost",
)


def import_catalogue(text: str, place: str, as_of: date) -> tuple[Catalogue, tuple[ApiPrice, ...]]:
    """Return which catalogue a file is, and its text models with the date of the file.

    The dates inside catalogues are those of the models, not of the prices, and are not used.

    Raises:
        BadPrice: it is none of the catalogues that are known, or a price in it cannot be read.
    """
    try:
        data = json.loads(text, parse_float=Decimal)
    except NOT_JSON as error:
        raise BadPrice(f"{place}: no JSON ({error}); download it again") from error
    name = _which(data)
    if name is None:
        raise BadPrice(
            f"{place}: no catalogue that is known; give the JSON of models.dev (api.json), "
            "OpenRouter (/api/v1/models) or litellm (model_prices_and_context_window.json)"
        )
    rows = rows_in(lambda: _READERS[name](data, place, as_of), ApiPrice, place)
    if not rows:
        raise BadPrice(f"{place}: a catalogue of {name} without any model; download it again")
    return name, rows


def _which(data: Any) -> Catalogue | None:
    if not isinstance(data, dict):
        return None
    if isinstance(data.get("data"), list):
        return "openrouter"
    values = [value for value in data.values() if isinstance(value, dict)]
    if any("models" in value for value in values):
        return "models.dev"
    if any("litellm_provider" in value for value in values):
        return "litellm"
    return None


def _models_dev(data: dict[str, Any], place: str, as_of: date) -> Iterator[ApiPrice]:
    for provider, entry in data.items():
        for model, found in entry.get("models", {}).items():
            cost = found.get("cost") or {}
            where = f"{place}: {provider}/{model}"
            costs = _costs(cost, _MODELS_DEV, Decimal(1), where, model)
            yield ApiPrice(
                provider,
                model,
                _canonical(model),
                *costs,
                tiers=models_dev_tiers(cost, where),
                base_url=entry.get("api"),
                as_of=as_of,
                source="models.dev catalogue",
                origin="imported",
            )


def _openrouter(data: dict[str, Any], place: str, as_of: date) -> Iterator[ApiPrice]:
    for entry in data["data"]:
        model, cost = entry["id"], entry.get("pricing") or {}
        where = f"{place}: {model}"
        costs = _costs(cost, _OPENROUTER, MTOK, where, model)
        yield ApiPrice(
            "openrouter",
            model,
            _canonical(model),
            *costs,
            usd_per_request=_amount(cost.get("request"), Decimal(1), f"{where}: request"),
            fee_percent=OPENROUTER_FEE_PERCENT,
            base_url="https://openrouter.ai/api/v1",
            as_of=as_of,
            source="OpenRouter model list",
            origin="imported",
        )


def _litellm(data: dict[str, Any], place: str, as_of: date) -> Iterator[ApiPrice]:
    for model, entry in data.items():
        if model == "sample_spec" or entry.get("mode") not in {"chat", "completion", "responses"}:
            continue
        where = f"{place}: {model}"
        costs = _costs(entry, _LITELLM, MTOK, where, model)
        provider = entry.get("litellm_provider", "")
        yield ApiPrice(
            provider,
            model.removeprefix(f"{provider}/"),
            _canonical(model),
            *costs,
            batch_multiplier=litellm_batch(entry, where),
            tiers=litellm_tiers(entry, where),
            as_of=as_of,
            source="litellm price list",
            origin="imported",
        )


_READERS: dict[Catalogue, Callable[[dict[str, Any], str, date], Iterator[ApiPrice]]] = {
    "models.dev": _models_dev,
    "openrouter": _openrouter,
    "litellm": _litellm,
}


def _amount(value: object, times: Decimal, place: str) -> Decimal | None:
    """Return a price per million tokens; -1 is how OpenRouter says that it varies."""
    if value is None or value in {-1, "-1"}:
        return None
    return amount_from(value, place) * times


def _costs(
    entry: dict[str, Any], keys: tuple[str, str, str, str], times: Decimal, place: str, model: str
) -> Costs:
    """Return a model's costs; a pair of zeros is unpriced, unless the model is named as free.

    Catalogues write 0 for subscriptions and for prices that they do not know.
    """
    costs = [_amount(entry.get(key), times, f"{place}: {key}") for key in keys]
    if costs[0] == 0 and costs[1] == 0 and not model.endswith((":free", "-free")):
        return None, None, None, None
    return costs[0], costs[1], costs[2], costs[3]


def _canonical(model: str) -> str:
    return model.rsplit("/", 1)[-1].lower()
