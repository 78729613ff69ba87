"""What the ways of serving cost here: by the configuration, else by the price table."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

from backends.domain.decision.exclusion import Exclusion
from backends.domain.decision.option import batch_factor
from backends.domain.gpu import Gpu
from backends.domain.prices.amounts import BadPrice
from backends.domain.prices.cost import RequestPrices, request_prices
from backends.domain.prices.offers import offers, offers_sentence
from backends.domain.prices.prices import GpuPrice, provenance
from backends.domain.traffic.demand import Demand
from backends.domain.vllm_arguments import value_of
from backends.host.provider import HostProvider, provider_seen
from backends.prices.lookup import quote
from backends.prices.table import PriceTable, load_table
from backends.problem import UsageProblem
from backends.settings.config import Billing, Endpoint, Profile, Settings, TokenPrices


def with_known_prices(settings: Settings, folder: Path) -> Settings:
    """Return the settings with every endpoint priced for which the price table has one row.

    What the configuration says of a price stands, be it all or part of it. A price that is taken
    from the table carries its source and date; one that is not carries the reason.

    Args:
        settings: as read from the configuration.
        folder: where the user's own and imported prices are kept.

    Raises:
        UsageProblem: a file of prices cannot be read.
    """
    if all(_says_something(endpoint) for endpoint in settings.endpoints):
        return settings
    table = _table(folder)
    endpoints = tuple(
        endpoint
        if _says_something(endpoint)
        else replace(endpoint, prices=_from_table(table, endpoint))
        for endpoint in settings.endpoints
    )
    return replace(settings, endpoints=endpoints)


def gpu_prices(settings: Settings, folder: Path | None) -> tuple[GpuPrice, ...]:
    """Return the table's prices of GPUs where a server has none, or there is no server yet.

    Where the host shows whose it is, a GPU that this provider lists is priced by it alone, and by
    this size of host where it is listed.

    Raises:
        UsageProblem: a file of prices cannot be read.
    """
    priced = [each.gpu_usd_per_hour is not None for each in settings.servers]
    if priced and all(priced):
        return ()
    return _of_this_host(_table(folder).gpu, provider_seen())


def _of_this_host(rows: tuple[GpuPrice, ...], seen: HostProvider | None) -> tuple[GpuPrice, ...]:
    theirs = tuple(row for row in rows if seen and row.provider.lower() == seen.name)
    size = tuple(row for row in theirs if seen and row.sku.lower() == seen.size.lower())
    listed = {row.gpu for row in theirs}
    return (size or theirs) + tuple(row for row in rows if row.gpu not in listed)


def gpu_offers(gpus: Iterable[Gpu], profile: Profile | None, rows: Iterable[GpuPrice]) -> str:
    """Return what the table asks for the GPUs of this host, and where to set what is paid.

    A sentence; empty where the table has none of them. Nothing is taken from it: two hosts with one
    GPU differ by half in price.
    """
    kinds = sorted({(gpu.name, gpu.memory.total_bytes) for gpu in gpus}, key=str)
    known = tuple(rows)
    asked = "; ".join(
        dict.fromkeys(filter(None, (offers_sentence(offers(known, *kind)) for kind in kinds)))
    )
    if not asked:
        return ""
    table = f"[server.{profile.name}]" if profile else "a [server.NAME]"
    remedy = f"set what you pay, gpu_usd_per_hour in {table}"
    return f"{asked[:1].upper()}{asked[1:]}: {remedy}."


def _table(folder: Path | None) -> PriceTable:
    try:
        return load_table(folder)
    except BadPrice as error:
        raise UsageProblem(str(error)) from error


def _says_something(endpoint: Endpoint) -> bool:
    prices = endpoint.prices
    return any(
        price is not None
        for price in (
            prices.input_usd_per_mtok,
            prices.output_usd_per_mtok,
            prices.usd_per_request,
        )
    )


def _from_table(table: PriceTable, endpoint: Endpoint) -> TokenPrices:
    found = quote(table, endpoint.base_url, endpoint.model)
    row = found.price
    if row is None:
        return replace(endpoint.prices, reason=found.reason)
    return TokenPrices(
        input_usd_per_mtok=row.input_usd_per_mtok,
        output_usd_per_mtok=row.output_usd_per_mtok,
        cached_input_usd_per_mtok=row.cached_input_usd_per_mtok,
        usd_per_request=row.usd_per_request,
        fee_percent=row.fee_percent,
        tiers=row.tiers,
        as_of=row.as_of,
        source=f"price table: {provenance(row)}",
        ends=found.ends,
    )


PARALLEL = (
    ("--tensor-parallel-size", "-tp"),
    ("--pipeline-parallel-size", "-pp"),
    ("--data-parallel-size", "-dp"),
)
"""vLLM's arguments whose product is the number of GPUs that one server takes."""


def gpus_of(profile: Profile) -> int:
    """Return how many GPUs a profile's server takes."""
    given = (value_of(flags, profile.args) for flags in PARALLEL)
    return math.prod(int(value) for value in given if value and value.isdecimal())


def priced_profile(profile: Profile | None, settings: Settings) -> Profile | None:
    """Return the profile whose price the host's rental has.

    Where the watched server has none, as an external one, it is the one price that all profiles
    agree on: the bill is the host's, whoever is looked at.
    """
    if profile is not None and profile.gpu_usd_per_hour is not None:
        return profile
    priced = [each for each in settings.servers if each.gpu_usd_per_hour]
    agreed = len({each.gpu_usd_per_hour for each in priced}) == 1
    return priced[0] if agreed else profile


def server_usd_per_hour(profile: Profile | None, billing: Billing) -> Decimal | None:
    """Return what one server like this costs an hour: one replica of the plan."""
    if profile is None or profile.gpu_usd_per_hour is None:
        return None
    return profile.gpu_usd_per_hour * (gpus_of(profile) if billing.gpus else 1)


def rented_replicas(settings: Settings, profile: Profile | None) -> int:
    """Return how many replicas of a server the rented GPUs hold; one without `[billing] gpus`."""
    priced, gpus = priced_profile(profile, settings), settings.billing.gpus
    return 1 if priced is None or not gpus else max(1, gpus // gpus_of(priced))


_A_THOUSAND = Decimal(1000)


@dataclass(frozen=True, slots=True)
class RankedEndpoint:
    """One endpoint and what it charges for a mean request.

    Attributes:
        usd_per_request: None where a price or the tokens of a request are not known.
        reason: why there is none; empty where there is one.
        exclusion: it is too slow; None where nothing says so.
    """

    endpoint: Endpoint
    usd_per_request: Decimal | None
    reason: str = ""
    exclusion: Exclusion | None = None


def ranked(
    settings: Settings,
    seen: Demand,
    too_slow: Mapping[str, Exclusion],
) -> tuple[RankedEndpoint, ...]:
    """Return every endpoint, the cheapest for these requests first and the unpriced last.

    Those that are too slow, with the reason by their name, come after all that are not.

    What an API costs grows with the requests alone, so that the one which is cheapest for the mean
    request is so at every rate: the GPU has to beat only that one. Before any request was seen,
    those with a price are ranked by a thousand tokens in and a thousand out.
    """

    def rank(endpoint: RankedEndpoint) -> tuple[bool, bool, Decimal]:
        usd = endpoint.usd_per_request
        if usd is None:
            usd = prices_of(endpoint.endpoint, settings).cost(_A_THOUSAND, _A_THOUSAND)
        return usd is None, endpoint.exclusion is not None, Decimal(0) if usd is None else usd

    found = (
        replace(
            _ranked_endpoint(endpoint, prices_of(endpoint, settings), seen),
            exclusion=too_slow.get(endpoint.name),
        )
        for endpoint in settings.endpoints
    )
    return tuple(sorted(found, key=rank))


def tier_limits(endpoints: Sequence[Endpoint]) -> tuple[float, ...]:
    """Return the prompt lengths, in tokens, from which any endpoint's prices change, in order."""
    tiers = (tier for each in endpoints for tier in each.prices.tiers)
    return tuple(sorted({float(tier.above_input_tokens) for tier in tiers}))


def prices_of(endpoint: Endpoint, settings: Settings) -> RequestPrices:
    """Return what an endpoint charges for the requests of the plan, which may be batches."""
    return request_prices(endpoint.prices, batch_factor(settings.plan))


def _ranked_endpoint(endpoint: Endpoint, prices: RequestPrices, demand: Demand) -> RankedEndpoint:
    if not prices.known:
        return RankedEndpoint(endpoint, None, "UNPRICED")
    into, out = demand.seen.input_tokens_mean, demand.seen.output_tokens_mean
    share = demand.cached_input_share or Decimal(0)
    usd = prices.cost_of_kinds(demand.kinds, share)
    if usd is None:
        usd = prices.cost(into, out, (into or Decimal(0)) * share)
    return RankedEndpoint(endpoint, usd, "" if usd is not None else "no request was seen")
