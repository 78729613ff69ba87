"""Prices as values: of tokens at an API, of a GPU by the hour; each with its date and source."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from backends.domain.format import usd
from backends.domain.prices.amounts import age_days, is_stale
from backends.domain.prices.cost import Tier, request_prices

PriceOrigin = Literal["user", "imported", "shipped"]
GpuContract = Literal["on_demand", "spot", "reserved", "serverless", "owned"]
Freshness = Literal["fresh", "stale", "undated"]


@dataclass(frozen=True, slots=True)
class ApiPrice:
    """What an API charges for a model, in US dollars per million tokens.

    Attributes:
        model: the provider's own id of the model; `canonical_model` is its name everywhere.
        input_usd_per_mtok: None where the source has none: unpriced, never free.
        batch_multiplier: factor on the token prices of batches.
        tiers: token prices of long prompts.
        fee_percent: added to the whole bill.
        currency: in which the price was read, None for US dollars; `currency_usd` is what one unit
            of it was worth on `currency_as_of`, and the amounts stand converted.
        as_of: when the source said so; `source` is its publisher's name and page.
    """

    provider: str
    model: str
    canonical_model: str
    input_usd_per_mtok: Decimal | None = None
    output_usd_per_mtok: Decimal | None = None
    cached_input_usd_per_mtok: Decimal | None = None
    cache_write_usd_per_mtok: Decimal | None = None
    usd_per_request: Decimal | None = None
    batch_multiplier: Decimal | None = None
    tiers: tuple[Tier, ...] = ()
    fee_percent: Decimal | None = None
    base_url: str | None = None
    as_of: date | None = None
    source: str = ""
    origin: PriceOrigin = "shipped"
    currency: str | None = None
    currency_usd: Decimal | None = None
    currency_as_of: date | None = None


@dataclass(frozen=True, slots=True)
class GpuPrice:
    """What one GPU costs.

    Attributes:
        usd_per_hour: of one GPU, even where `count` of them are rented together.
        granularity_s: time is billed in whole steps of this; None where the source does not say.
        billed_when_stopped: whether a host that is powered off still costs.
        commit_months: how long the price binds.
        currency: as in `ApiPrice`.
    """

    provider: str
    sku: str
    gpu: str
    usd_per_hour: Decimal | None = None
    contract: GpuContract = "on_demand"
    count: int = 1
    vram_gb: int | None = None
    granularity_s: int | None = None
    minimum_s: int | None = None
    billed_when_stopped: bool | None = None
    cold_start_billed: bool | None = None
    idle_timeout_s: int | None = None
    commit_months: int | None = None
    as_of: date | None = None
    source: str = ""
    origin: PriceOrigin = "shipped"
    currency: str | None = None
    currency_usd: Decimal | None = None
    currency_as_of: date | None = None


Price = ApiPrice | GpuPrice


def freshness(price: Price, today: date) -> Freshness:
    """Return whether a price may still be decided on."""
    if age_days(price.as_of, today) is None:
        return "undated"
    stale = is_stale(price.as_of, today) or is_stale(price.currency_as_of, today)
    return "stale" if stale else "fresh"


def provenance(price: Price) -> str:
    """Return who says so and, where it was converted, at which rate of which day."""
    if price.currency is None or price.currency_usd is None:
        return price.source
    rate = f"1 {price.currency} = {usd(price.currency_usd)}"
    day = "" if price.currency_as_of is None else f" of {price.currency_as_of.isoformat()}"
    return f"{price.source}, {rate}{day}"


def replaces(old: Price | None, new: Price) -> bool:
    """Return whether a newly read price takes the place of one that is known.

    What the user set always does. Otherwise knowing nothing, or not when, or of an earlier day,
    replaces nothing that is better known; and the word of the provider itself holds against that of
    others until it is stale beside theirs.
    """
    if old is None or new.origin == "user":
        return True
    if _unpriced(new) and not _unpriced(old):
        return False
    if old.as_of is None:
        return True
    if new.as_of is None:
        return False
    if of_provider(old) != of_provider(new):
        said, other = (new, old) if of_provider(new) else (old, new)
        assert said.as_of is not None
        assert other.as_of is not None
        stale = said.as_of < other.as_of and is_stale(said.as_of, other.as_of)
        return stale if said is old else not stale
    return new.as_of >= old.as_of


def of_provider(price: Price) -> bool:
    """Return whether the provider itself said the price; a row that ships is a copy of that."""
    if price.origin == "shipped":
        return False
    name = price.provider.replace("-", "").lower()
    return price.source.replace(" ", "").replace("-", "").lower().startswith(name)


def _unpriced(price: Price) -> bool:
    if isinstance(price, ApiPrice):
        return not request_prices(price).known
    return price.usd_per_hour is None
