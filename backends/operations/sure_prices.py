"""How sure the prices of a scenario are: what sources, dates and the replies themselves say."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from backends.domain.decision.option import api_prices_given, usd_per_request, with_api_prices
from backends.domain.decision.scenario import Scenario
from backends.domain.prices.ends import AGREE_WITHIN
from backends.domain.prices.prices import ApiPrice
from backends.domain.traffic.requests import RequestKind
from backends.history.records import FirstTokens
from backends.settings.config import TokenPrices


def as_sure_as_prices(made: Scenario, prices: TokenPrices, charged: FirstTokens | None) -> Scenario:
    """Return a scenario that holds for all that is said of its prices.

    Args:
        made: at the prices that are known.
        prices: of its API.
        charged: what its own replies told of its cost; None where none were seen.

    Where sources disagree it holds for both ends, and a price of an unknown day may be off as far
    as sources that agree differ. A spread that the plan gives stands.
    """
    request, ends = usd_per_request(made), prices.ends
    told = charged.charged_over_priced if charged else None
    if told and max(told, 1 / told) > 1 + AGREE_WITHIN:
        made = replace(made, api_price_range=(min(told, Decimal(1)), max(told, Decimal(1))))
    elif request and ends is not None:
        costs = [
            usd_per_request(with_api_prices(made, row))
            for row in (ends.low, ends.high)
            if isinstance(row, ApiPrice)
        ]
        known = [Decimal(1), *(cost / request for cost in costs if cost is not None)]
        made = replace(made, api_price_range=(min(known), max(known)))
    contracts = (
        made.gpu_usd_per_month,
        made.serverless_usd_per_second,
        made.provisioned_unit_usd_per_hour,
    )
    undated_gpu = (made.gpu_usd_per_hour is not None and made.gpu_price_as_of is None) or (
        contracts != (None, None, None) and made.contract_price_as_of is None
    )
    if undated_gpu and made.gpu_price_spread_percent is None:
        made = replace(made, gpu_price_spread_percent=UNDATED_PERCENT)
    undated_api = api_prices_given(made) and made.api_price_as_of is None
    if undated_api and made.api_price_spread_percent is None:
        made = replace(made, api_price_spread_percent=UNDATED_PERCENT)
    return made


def as_sure_as_lengths(made: Scenario, ends: Sequence[tuple[RequestKind, ...]]) -> Scenario:
    """Return a scenario that holds for the fewest and the most long prompts that there may be.

    Args:
        made: at the prices and lengths that are known.
        ends: the requests by the tiers of their prompts, each way; empty where they are known.
    """
    request = usd_per_request(made)
    if not request or not made.tiers:
        return made
    by_lengths = (
        usd_per_request(
            replace(made, input_tokens=None, output_tokens=None, token_distribution=end)
        )
        for end in ends
    )
    factors = [Decimal(1), *(usd / request for usd in by_lengths if usd is not None)]
    low, high = made.api_price_range
    return replace(made, api_price_range=(low * min(factors), high * max(factors)))


UNDATED_PERCENT = AGREE_WITHIN * 100 / 2
"""More or less: from end to end what two sources differ by that are taken to agree."""
