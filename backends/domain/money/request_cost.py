"""What one request costs at an API, and the rate at which a GPU costs the same."""

from dataclasses import dataclass
from decimal import Decimal

from backends.domain.money.scenario import Scenario

MTOK = Decimal(1_000_000)
SECONDS_PER_HOUR = Decimal(3600)


@dataclass(frozen=True, slots=True)
class Tokens:
    """What an API charges, in US dollars: per million tokens, per request, and on top.

    Attributes:
        cached_input: None where cached input is charged as any other.
        fee: share added to everything, such as 0.055.
        batch: factor on the token prices.
    """

    input: Decimal
    output: Decimal
    cached_input: Decimal | None = None
    per_request: Decimal = Decimal(0)
    fee: Decimal = Decimal(0)
    batch: Decimal = Decimal(1)

    def cost(
        self,
        input_tokens: Decimal | int,
        output_tokens: Decimal | int,
        cached_tokens: Decimal | int = 0,
        requests: Decimal | int = 1,
    ) -> Decimal:
        """Return the cost in US dollars; `input_tokens` include the cached ones."""
        cached = self.input if self.cached_input is None else self.cached_input
        tokens = (
            (input_tokens - cached_tokens) * self.input
            + cached_tokens * cached
            + output_tokens * self.output
        )
        return (tokens / MTOK * self.batch + requests * self.per_request) * (1 + self.fee)


def api_prices_given(scenario: Scenario) -> bool:
    """Return whether the scenario has any price of an API, be it all that is needed or not."""
    prices = (scenario.input_usd_per_mtok, scenario.output_usd_per_mtok, scenario.usd_per_request)
    return any(price is not None for price in prices)


def priced_by_request(scenario: Scenario) -> bool:
    """Return whether the API charges for requests alone, whatever their tokens."""
    tokens = (scenario.input_usd_per_mtok, scenario.output_usd_per_mtok)
    return scenario.usd_per_request is not None and tokens == (None, None)


def missing_token_prices(scenario: Scenario) -> list[str]:
    """Return the keys of token prices that the requests need and that are not given."""
    if priced_by_request(scenario):
        return []
    needed = ["input_usd_per_mtok", "output_usd_per_mtok"]
    if scenario.input_tokens == 0:
        needed.remove("input_usd_per_mtok")
    return [name for name in needed if getattr(scenario, name) is None]


def token_prices(scenario: Scenario, prompt_tokens: Decimal = Decimal(0)) -> Tokens | None:
    """Return the API's prices of a prompt's tier, None where one that is needed is missing.

    A request is charged wholly at the highest tier whose limit its prompt exceeds, as providers of
    long contexts do.
    """
    if missing_token_prices(scenario):
        return None
    into, out = scenario.input_usd_per_mtok, scenario.output_usd_per_mtok
    cached = scenario.cached_input_usd_per_mtok
    reached = [tier for tier in scenario.tiers if prompt_tokens > tier.above_input_tokens]
    if reached:
        tier = max(reached, key=lambda each: each.above_input_tokens)
        into, out = tier.input_usd_per_mtok, tier.output_usd_per_mtok
        cached = tier.cached_input_usd_per_mtok
    batch = scenario.batch_multiplier
    return Tokens(
        into or Decimal(0),
        out or Decimal(0),
        cached,
        scenario.usd_per_request or Decimal(0),
        (scenario.fee_percent or Decimal(0)) / 100,
        Decimal(1) if batch is None else batch,
    )


def shares_of_requests(scenario: Scenario) -> tuple[tuple[Decimal, Decimal, Decimal], ...]:
    """Return share, input and output tokens of each kind of request; one kind where means are.

    Means that are given stand above a distribution, and that above what was observed. Empty where
    nothing is known of the tokens.
    """
    seen, kinds = scenario.observed, scenario.token_distribution
    into, out = scenario.input_tokens, scenario.output_tokens
    total = sum((kind.weight for kind in kinds), Decimal(0))
    if into is None and out is None and total:
        return tuple((kind.weight / total, kind.input_tokens, kind.output_tokens) for kind in kinds)
    if seen is not None:
        into = seen.input_tokens_mean if into is None else into
        out = seen.output_tokens_mean if out is None else out
    return () if into is None or out is None else ((Decimal(1), into, out),)


def tokens_of(scenario: Scenario) -> tuple[Decimal, Decimal] | None:
    """Return mean input and output tokens of one request, given or observed; None if unknown."""
    kinds = shares_of_requests(scenario)
    if not kinds:
        return None
    into = sum((share * into for share, into, _ in kinds), Decimal(0))
    return into, sum((share * out for share, _, out in kinds), Decimal(0))


def usd_by_kind(scenario: Scenario) -> tuple[tuple[Decimal, Decimal], ...] | None:
    """Return share and API cost of each kind of request, None where a price or count is missing."""
    kinds = shares_of_requests(scenario)
    if not kinds and priced_by_request(scenario):
        kinds = ((Decimal(1), Decimal(0), Decimal(0)),)
    cached = scenario.cached_input_share or Decimal(0)
    costs = []
    for share, into, out in kinds:
        prices = token_prices(scenario, into)
        if prices is None:
            return None
        costs.append((share, prices.cost(into, out, into * cached)))
    return tuple(costs) or None


def usd_per_request(scenario: Scenario) -> Decimal | None:
    """Return what the mean request costs at the API, None where a price or a count is missing."""
    costs = usd_by_kind(scenario)
    return None if costs is None else sum((share * usd for share, usd in costs), Decimal(0))


def gpu_usd_per_hour(scenario: Scenario) -> Decimal | None:
    """Return what one always-on GPU costs an hour: on demand if priced so, else by the month."""
    if scenario.gpu_usd_per_hour is not None:
        return scenario.gpu_usd_per_hour
    if scenario.gpu_usd_per_month is not None:
        return scenario.gpu_usd_per_month / scenario.hours_per_month
    return owned_usd_per_hour(scenario)


def cheapest_gpu_usd_per_hour(scenario: Scenario) -> Decimal | None:
    """Return what one always-on GPU costs an hour under the cheapest contract that is priced."""
    month = scenario.gpu_usd_per_month
    prices = (
        scenario.gpu_usd_per_hour,
        None if month is None else month / scenario.hours_per_month,
        owned_usd_per_hour(scenario),
    )
    return min((price for price in prices if price is not None), default=None)


def owned_usd_per_hour(scenario: Scenario) -> Decimal | None:
    """Return purchase over life plus electricity for one owned GPU, None if either is unknown."""
    power = (scenario.power_kw, scenario.usd_per_kwh)
    if scenario.owned_usd is None or scenario.owned_life_months is None or None in power:
        return None
    purchase = scenario.owned_usd / (scenario.owned_life_months * scenario.hours_per_month)
    kwh = (scenario.power_kw or Decimal(0)) * (scenario.usd_per_kwh or Decimal(0))
    return purchase + kwh * (Decimal(1) if scenario.pue is None else scenario.pue)


def fixed_usd_per_hour(scenario: Scenario) -> Decimal:
    """Return what hosting costs beside the GPUs, whatever their number: storage and people."""
    monthly = (scenario.ops_usd_per_month or 0) + (scenario.storage_usd_per_month or 0)
    return Decimal(monthly) / scenario.hours_per_month


def break_even_rps(usd_per_hour: Decimal, usd_per_request: Decimal) -> Decimal | None:
    """Return the rate at which requests cost as much as an hourly price; None if they are free."""
    if usd_per_request == 0:
        return None
    return usd_per_hour / (SECONDS_PER_HOUR * usd_per_request)
