"""The endpoints that a GPU of one's own competes with: all of them, cheapest first."""

from dataclasses import dataclass
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
    """

    endpoint: Endpoint
    usd_per_request: Decimal | None
    reason: str = ""


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


def rivals(settings: Settings, seen: Observed, cached_share: Decimal | None) -> tuple[Rival, ...]:
    """Return every endpoint, the cheapest for these requests first and the unpriced last.

    What an API costs grows with the requests alone, so that the one which is cheapest for the mean
    request is so at every rate: the GPU has to beat only that one. Before any request was seen,
    those with a price are ranked by a thousand tokens in and a thousand out.
    """
    found = [_rival(endpoint, seen, cached_share) for endpoint in settings.endpoints]
    return tuple(sorted(found, key=_rank))


def _rival(endpoint: Endpoint, seen: Observed, cached_share: Decimal | None) -> Rival:
    prices = tokens_price(endpoint)
    if prices is None:
        return Rival(endpoint, None, "UNPRICED")
    into, out = seen.input_tokens_mean, seen.output_tokens_mean
    if into is None or out is None:
        return Rival(endpoint, None, "no request was seen")
    return Rival(endpoint, prices.cost(into, out, into * (cached_share or 0)))


def _rank(rival: Rival) -> tuple[bool, Decimal]:
    prices = tokens_price(rival.endpoint)
    if prices is None:
        return True, Decimal(0)
    if rival.usd_per_request is None:
        return False, prices.cost(_A_THOUSAND, _A_THOUSAND)
    return False, rival.usd_per_request
