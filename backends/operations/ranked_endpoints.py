"""The endpoints that a GPU of one's own competes with: all of them, cheapest first."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from backends.domain.prices.cost import RequestPrices, request_prices
from backends.domain.traffic.requests import Observed
from backends.settings.config import Endpoint, Settings

_A_THOUSAND = Decimal(1000)


@dataclass(frozen=True, slots=True)
class RankedEndpoint:
    """One endpoint and what it charges for a mean request.

    Attributes:
        usd_per_request: None where a price or the tokens of a request are not known.
        reason: why there is none; empty where there is one.
        excluded_because: it is too slow, one sentence; empty where nothing says so.
    """

    endpoint: Endpoint
    usd_per_request: Decimal | None
    reason: str = ""
    excluded_because: str = ""


def ranked(
    settings: Settings,
    seen: Observed,
    cached_share: Decimal | None,
    too_slow: Mapping[str, str] | None = None,
) -> tuple[RankedEndpoint, ...]:
    """Return every endpoint, the cheapest for these requests first and the unpriced last.

    Those that are too slow, with the reason by their name, come after all that are not.

    What an API costs grows with the requests alone, so that the one which is cheapest for the mean
    request is so at every rate: the GPU has to beat only that one. Before any request was seen,
    those with a price are ranked by a thousand tokens in and a thousand out.
    """
    slow = too_slow or {}

    def rank(endpoint: RankedEndpoint) -> tuple[bool, bool, Decimal]:
        usd = endpoint.usd_per_request
        if usd is None:
            usd = prices_of(endpoint.endpoint, settings).cost(_A_THOUSAND, _A_THOUSAND)
        return usd is None, bool(endpoint.excluded_because), Decimal(0) if usd is None else usd

    found = (
        replace(
            _ranked_endpoint(endpoint, prices_of(endpoint, settings), seen, cached_share),
            excluded_because=slow.get(endpoint.name, ""),
        )
        for endpoint in settings.endpoints
    )
    return tuple(sorted(found, key=rank))


def prices_of(endpoint: Endpoint, settings: Settings) -> RequestPrices:
    """Return what an endpoint charges for the requests of the plan, which may be batches."""
    return request_prices(endpoint.prices, settings.plan.batch_multiplier)


def _ranked_endpoint(
    endpoint: Endpoint, prices: RequestPrices, seen: Observed, cached_share: Decimal | None
) -> RankedEndpoint:
    if not prices.known:
        return RankedEndpoint(endpoint, None, "UNPRICED")
    into, out = seen.input_tokens_mean, seen.output_tokens_mean
    usd = prices.cost(into, out, (into or Decimal(0)) * (cached_share or Decimal(0)))
    return RankedEndpoint(endpoint, usd, "" if usd is not None else "no request was seen")
