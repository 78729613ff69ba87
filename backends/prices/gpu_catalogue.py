"""Prices of GPUs from the lists that clouds and price trackers publish as JSON.

A list names its columns in its own way; an offer is known by what it holds: a GPU, a price an hour,
and how many GPUs that price is for.
"""

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from backends.domain.prices.amounts import BadPrice, amount_from
from backends.domain.prices.prices import GpuContract, GpuPrice
from backends.prices.table import rows_in

_LISTS = ("sizes", "offers", "instance_types", "data", "prices", "rows")
_PER_GPU = (
    "usd_per_gpu_hour",
    "price_per_gpu_hour",
    "price_per_gpu_hour_usd",
    "per_gpu_hour",
    "hourly_usd",
)
_PER_HOST = ("price_hourly", "price_per_hour", "price_hr", "usd_per_hour", "hourly_price", "price")
_GPU = ("gpu", "gpu_model", "gpu_name", "model", "name")
_COUNT = ("gpus", "gpu_count", "count", "num_gpus", "quantity")
_SKU = ("sku", "slug", "instance", "instance_type", "id", "key")
_TIER = ("market", "tier", "contract", "pricing_tier", "price_type", "type")
_MEMORY = ("vram_gb", "gpu_memory_gb", "memory_gb", "gpu_memory", "vram")
_DAY = ("fetched_at", "last_verified", "collected_at", "updated_at", "date", "date_snapshot")
_PAGE = ("source_url", "url", "via", "source")
_MAKERS = ("amd_", "nvidia_", "AMD ", "NVIDIA ")


def gpu_rows(data: Any, place: str, as_of: date, provider: str | None) -> tuple[GpuPrice, ...]:
    """Return the offers of a list with their own days, or the day of the whole list.

    Args:
        data: the parsed JSON.
        place: how it is named in a sentence.
        as_of: the day of what has none of its own.
        provider: of a list that holds the offers of one alone.

    Raises:
        BadPrice: it is no list of GPUs, or a price in it cannot be read.
    """
    if isinstance(data, Mapping):
        as_of = _day(data, as_of)
        named = next((data[key] for key in _LISTS if isinstance(data.get(key), list)), None)
    else:
        named = data if isinstance(data, list) else None
    rows = rows_in(
        lambda: (row for each in named or () for row in _offer(each, place, as_of, provider)),
        GpuPrice,
        place,
    )
    best: dict[tuple[str, str, str], GpuPrice] = {}
    for row in rows:
        key = (row.provider, row.sku, row.contract)
        known = best.get(key)
        if known is None or (row.usd_per_hour or 0) < (known.usd_per_hour or 0):
            best[key] = row
    if not best:
        raise BadPrice(f"{place}: no list of GPUs that is known; it has a GPU, a price and a count")
    return tuple(best.values())


def _offer(each: Any, place: str, as_of: date, provider: str | None) -> Iterator[GpuPrice]:
    if not isinstance(each, Mapping):
        return
    inner = each.get("gpu_info")
    flat = {**each, **inner} if isinstance(inner, Mapping) else dict(each)
    gpu, seller = _text(flat, _GPU), provider or _text(flat, ("provider", "vendor", "cloud"))
    if not gpu or not seller or (provider is not None and not isinstance(inner, Mapping)):
        return
    count = int(_number(flat, _COUNT, place) or 1)
    per_gpu, per_host = _number(flat, _PER_GPU, place), _number(flat, _PER_HOST, place)
    usd = per_gpu if per_gpu is not None else None if per_host is None else per_host / count
    if usd is None:
        return
    gpu = _plain(gpu)
    page = _text(flat, _PAGE)
    yield GpuPrice(
        provider=seller.lower().replace(" ", "-"),
        sku=_text(flat, _SKU) or (gpu if count == 1 else f"{count}x {gpu}"),
        gpu=gpu,
        usd_per_hour=usd,
        contract=_contract(_text(flat, _TIER)),
        count=count,
        vram_gb=_memory(flat, place),
        as_of=_day(flat, as_of),
        source=f"{provider} API" if provider else f"{place}{f', after {page}' if page else ''}",
        origin="imported",
    )


def _plain(gpu: str) -> str:
    for maker in _MAKERS:
        gpu = gpu.removeprefix(maker)
    return gpu.upper() if gpu.islower() else gpu


def _contract(tier: str) -> GpuContract:
    said = tier.lower()
    for word, contract in _CONTRACTS.items():
        if word in said:
            return contract
    return "on_demand"


_CONTRACTS: dict[str, GpuContract] = {
    "spot": "spot",
    "interrupt": "spot",
    "community": "spot",
    "reserved": "reserved",
    "commit": "reserved",
    "serverless": "serverless",
}


def _memory(flat: Mapping[str, Any], place: str) -> int | None:
    found = flat.get("vram")
    if isinstance(found, Mapping):
        flat = {"vram": found.get("amount")}
    amount = _number(flat, _MEMORY, place)
    return None if amount is None else int(amount)


def _number(flat: Mapping[str, Any], keys: tuple[str, ...], place: str) -> Decimal | None:
    for key in keys:
        value = flat.get(key)
        if isinstance(value, int | float | Decimal | str) and not isinstance(value, bool):
            return amount_from(value, f"{place}: {key}")
    return None


def _text(flat: Mapping[str, Any], keys: tuple[str, ...]) -> str:
    return next((found for key in keys if isinstance(found := flat.get(key), str) and found), "")


def _day(flat: Mapping[str, Any], as_of: date) -> date:
    for key in _DAY:
        try:
            return datetime.fromisoformat(str(flat[key])).date()
        except (KeyError, ValueError):
            continue
    return as_of
