"""Prices from those who publish them: one request, only when it is asked for."""

import http.client
import json
import os
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

from backends.domain.prices.amounts import BadPrice
from backends.domain.prices.prices import GpuPrice
from backends.domain.values import NOT_JSON
from backends.metrics.http_get import Unreachable, http_get
from backends.prices.gpu_catalogue import gpu_rows
from backends.prices.importers import import_catalogue
from backends.prices.installed import fetched_gpus, fetched_prices
from backends.prices.update import Prepared, prepared

TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class Publisher:
    """Where a list of prices is published.

    Attributes:
        address: of its JSON.
        provider: whose prices they are, where they are of one; its own word ranks highest.
        key_env: the variable with the key that the address wants.
        gpus: it lists GPUs by the hour rather than models by their tokens.
    """

    address: str
    provider: str | None = None
    key_env: str | None = None
    gpus: bool = False


PACKAGES = ("genai", "gpuhunt")
"""Sources that a package of ``inferctl[prices]`` fetches in its own way."""

PUBLISHERS = {
    "openrouter": Publisher("https://openrouter.ai/api/v1/models", "openrouter"),
    "models.dev": Publisher("https://models.dev/api.json"),
    "litellm": Publisher(
        "https://raw.githubusercontent.com/BerriAI/litellm/main/model_prices_and_context_window.json"
    ),
    "do": Publisher(
        "https://api.digitalocean.com/v2/sizes?per_page=200",
        "digitalocean",
        "DIGITALOCEAN_TOKEN",
        gpus=True,
    ),
    "gpurental": Publisher(
        "https://huggingface.co/datasets/gpurentalprices/gpu-rental-prices/resolve/main/data/latest.json",
        gpus=True,
    ),
}
"""The publishers by the names under which they are asked for."""


def fetched(folder: Path, source: str, today: date, address: str | None = None) -> Prepared:
    """Return what a publisher's prices would change; nothing is written.

    Args:
        folder: where the user's imported prices are kept.
        source: one of `PUBLISHERS` or `PACKAGES`.
        today: the day of prices that have none of their own.
        address: of a copy of the list.

    Raises:
        BadPrice: it does not answer, wants a key that is not set, or answers with no such list.
    """
    if source == "genai":
        return prepared(folder, source, today, fetched_prices(today, address))
    if source == "gpuhunt":
        return prepared(folder, source, today, fetched_gpus(today))
    publisher = PUBLISHERS[source]
    place = address or publisher.address
    key = os.environ.get(publisher.key_env) if publisher.key_env else None
    if publisher.key_env and not key:
        raise BadPrice(f"{source} wants a key; put it in the variable {publisher.key_env}")
    try:
        status, text = http_get(place, TIMEOUT_S, accept="application/json", bearer=key)
    except Unreachable as error:
        raise BadPrice(f"{source}: {error}") from error
    if status != http.client.OK:
        raise BadPrice(f"{source} answered with status {status}; try again, or read it from a file")
    if not publisher.gpus:
        name, models = import_catalogue(text, source, today)
        return prepared(folder, name, today, models)
    return prepared(folder, source, today, gpu_prices(text, source, today, publisher.provider))


def gpu_prices(text: str, source: str, today: date, provider: str | None) -> tuple[GpuPrice, ...]:
    """Return the offers in a published list; see `gpu_rows`.

    Raises:
        BadPrice: it is no such list.
    """
    try:
        data = json.loads(text, parse_float=Decimal)
    except NOT_JSON as error:
        raise BadPrice(f"{source}: no JSON ({error}); try again, or read it from a file") from error
    return gpu_rows(data, source, today, provider)
