"""The endpoints that a GPU of one's own competes with: all of them, cheapest first."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from backends.domain.money.request_cost import Tokens
from backends.domain.money.scenario import Observed
from backends.settings.config import Endpoint, Settings

_A_THOUSAND = Decimal(1000)


@dataclass(frozen=True, slots=True)
class Rival:
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


def tokens_price(endpoint: Endpoint) -> Tokens | None:
    """Return what an endpoint charges, None unless both token prices are known."""
    prices = endpoint.prices
    if prices.input_usd_per_mtok is None or prices.output_usd_per_mtok is None:
        return None
    return Tokens(
        input=prices.input_usd_per_mtok,
        output=prices.output_usd_per_mtok,
        cached_input=prices.cached_input_usd_per_mtok,
        per_request=prices.usd_per_request or Decimal(0),
        fee=(prices.fee_percent or Decimal(0)) / 100,
    )


def rivals(
    settings: Settings,
    seen: Observed,
    cached_share: Decimal | None,
    too_slow: Mapping[str, str] | None = None,
) -> tuple[Rival, ...]:
    """Return every endpoint, the cheapest for these requests first and the unpriced last.

    Those that are too slow, with the reason by their name, come after all that are not.

    What an API costs grows with the requests alone, so that the one which is cheapest for the mean
    request is so at every rate: the GPU has to beat only that one. Before any request was seen,
    those with a price are ranked by a thousand tokens in and a thousand out.
    """
    slow = too_slow or {}
    found = (
        replace(_rival(endpoint, seen, cached_share), excluded_because=slow.get(endpoint.name, ""))
        for endpoint in settings.endpoints
    )
    return tuple(sorted(found, key=_rank))


def _rival(endpoint: Endpoint, seen: Observed, cached_share: Decimal | None) -> Rival:
    prices = tokens_price(endpoint)
    if prices is None:
        return Rival(endpoint, None, "UNPRICED")
    into, out = seen.input_tokens_mean, seen.output_tokens_mean
    if into is None or out is None:
        return Rival(endpoint, None, "no request was seen")
    return Rival(endpoint, prices.cost(into, out, into * (cached_share or 0)))


def _rank(rival: Rival) -> tuple[bool, bool, Decimal]:
    prices, slow = tokens_price(rival.endpoint), bool(rival.excluded_because)
    if prices is None:
        return True, slow, Decimal(0)
    if rival.usd_per_request is None:
        return False, slow, prices.cost(_A_THOUSAND, _A_THOUSAND)
    return False, slow, rival.usd_per_request
