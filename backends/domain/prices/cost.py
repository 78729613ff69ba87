"""What an API charges, and the one formula for what requests cost there."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal, Protocol

MTOK = Decimal(1_000_000)


@dataclass(frozen=True, slots=True)
class Tier:
    """What an API charges for whole requests whose prompts are longer than a limit.

    Attributes:
        above_input_tokens: the limit; a prompt of exactly this length is still below it.
        cached_input_usd_per_mtok: None where cached input is charged as any other.
    """

    above_input_tokens: Decimal
    input_usd_per_mtok: Decimal
    output_usd_per_mtok: Decimal
    cached_input_usd_per_mtok: Decimal | None = None


Per = Literal["hour", "day", "month"]


@dataclass(frozen=True, slots=True)
class CostRow:
    """What is paid beside the GPUs, whatever their number, such as egress, tax or support."""

    name: str
    usd: Decimal
    per: Per


class Priced(Protocol):
    """Anything that carries an API's prices: an endpoint, a row of a price table, a scenario."""

    @property
    def input_usd_per_mtok(self) -> Decimal | None:
        """Of a million input tokens."""

    @property
    def output_usd_per_mtok(self) -> Decimal | None:
        """Of a million output tokens."""

    @property
    def cached_input_usd_per_mtok(self) -> Decimal | None:
        """Of a million input tokens from the cache."""

    @property
    def usd_per_request(self) -> Decimal | None:
        """Of each request, whatever its tokens."""

    @property
    def fee_percent(self) -> Decimal | None:
        """What a reseller adds to everything."""

    @property
    def tiers(self) -> tuple[Tier, ...]:
        """Token prices of long prompts."""


class Kind(Protocol):
    """Requests of one length among others."""

    @property
    def weight(self) -> Decimal:
        """How many they are, in any unit."""

    @property
    def input_tokens(self) -> Decimal:
        """Mean of one of them."""

    @property
    def output_tokens(self) -> Decimal:
        """Mean of one of them."""


@dataclass(frozen=True, slots=True)
class RequestPrices:
    """What an API charges, in US dollars; None is unknown, never free.

    Attributes:
        cached_input_usd_per_mtok: None where cached input is charged as any other.
        fee_percent: what a reseller adds on top of everything.
        tiers: token prices of long prompts.
        batch_multiplier: factor on the token prices; None is 1.
    """

    input_usd_per_mtok: Decimal | None = None
    output_usd_per_mtok: Decimal | None = None
    cached_input_usd_per_mtok: Decimal | None = None
    usd_per_request: Decimal | None = None
    fee_percent: Decimal | None = None
    tiers: tuple[Tier, ...] = ()
    batch_multiplier: Decimal | None = None

    @property
    def by_request_alone(self) -> bool:
        """Whether requests are charged whatever their tokens."""
        tokens = (self.input_usd_per_mtok, self.output_usd_per_mtok)
        return self.usd_per_request is not None and tokens == (None, None)

    @property
    def _free_tokens(self) -> bool:
        """Whether tokens cost nothing, however many they are."""
        return self.input_usd_per_mtok == self.output_usd_per_mtok == 0 and not self.tiers

    @property
    def known(self) -> bool:
        """Whether a request of any tokens has a price."""
        tokens = (self.input_usd_per_mtok, self.output_usd_per_mtok)
        return self.by_request_alone or None not in tokens

    def of_prompt(self, input_tokens: Decimal | int) -> "RequestPrices":
        """Return the prices of a prompt's tier, without any other tier.

        A request is charged wholly at the highest tier whose limit its prompt exceeds, as providers
        of long contexts do.
        """
        reached = [tier for tier in self.tiers if input_tokens > tier.above_input_tokens]
        if not reached:
            return replace(self, tiers=())
        tier = max(reached, key=lambda each: each.above_input_tokens)
        return replace(
            self,
            input_usd_per_mtok=tier.input_usd_per_mtok,
            output_usd_per_mtok=tier.output_usd_per_mtok,
            cached_input_usd_per_mtok=tier.cached_input_usd_per_mtok,
            tiers=(),
        )

    def cost(
        self,
        input_tokens: Decimal | int | None,
        output_tokens: Decimal | int | None,
        cached_tokens: Decimal | int = 0,
        requests: Decimal | int = 1,
    ) -> Decimal | None:
        """Return what requests cost, in US dollars; None where a price or count is missing.

        Args:
            input_tokens: of all the requests together, the cached ones included; their mean prompt
                decides the tier.
            output_tokens: of all the requests together.
            cached_tokens: of the input tokens.
            requests: how many they are.
        """
        fee = 1 + (self.fee_percent or Decimal(0)) / 100
        by_request = requests * (self.usd_per_request or Decimal(0))
        if self.by_request_alone:
            return by_request * fee
        if self._free_tokens:
            return by_request * fee
        if input_tokens is None or output_tokens is None:
            return None
        tier = self.of_prompt(input_tokens / Decimal(requests) if requests else 0)
        into, out = tier.input_usd_per_mtok, tier.output_usd_per_mtok
        if (out is None and output_tokens != 0) or (into is None and input_tokens != 0):
            return None
        into, out = into or Decimal(0), out or Decimal(0)
        cached = into if tier.cached_input_usd_per_mtok is None else tier.cached_input_usd_per_mtok
        batch = Decimal(1) if self.batch_multiplier is None else self.batch_multiplier
        tokens = (
            (input_tokens - cached_tokens) * into + cached_tokens * cached + output_tokens * out
        )
        return (tokens / MTOK * batch + by_request) * fee

    def cost_of_kinds(self, kinds: Sequence[Kind], cached_share: Decimal) -> Decimal | None:
        """Return what the mean of some kinds of requests costs, in US dollars; None without any.

        Args:
            kinds: with their weights; each is charged at the tier of its own prompts.
            cached_share: of the input tokens, 0 to 1.
        """
        total = sum((kind.weight for kind in kinds), Decimal(0))
        costs = [
            self.cost(kind.input_tokens, kind.output_tokens, kind.input_tokens * cached_share)
            for kind in kinds
        ]
        if not total or None in costs:
            return None
        pairs = zip(kinds, costs, strict=True)
        return sum((kind.weight * (cost or 0) for kind, cost in pairs), Decimal(0)) / total

    def most_usd(self, input_tokens: int, output_tokens: int) -> Decimal | None:
        """Return what one request costs at most whose tokens are at most these; None unpriced."""
        costs = [self.cost(prompt, output_tokens) for prompt in self._dearest_prompts(input_tokens)]
        known = [cost for cost in costs if cost is not None]
        return max(known) if len(known) == len(costs) else None

    def _dearest_prompts(self, input_tokens: int) -> Iterator[Decimal]:
        """Yield the longest prompt of each tier: a tier of longer prompts may be cheaper."""
        yield Decimal(input_tokens)
        limits = (tier.above_input_tokens for tier in self.tiers)
        yield from (limit for limit in limits if limit < input_tokens)


NO_PRICES = RequestPrices()
"""Nothing is known of what an API charges."""


def request_prices(of: Priced, batch_multiplier: Decimal | None = None) -> RequestPrices:
    """Return the prices of an endpoint, a row of a price table or a scenario."""
    return RequestPrices(
        of.input_usd_per_mtok,
        of.output_usd_per_mtok,
        of.cached_input_usd_per_mtok,
        of.usd_per_request,
        of.fee_percent,
        of.tiers,
        batch_multiplier,
    )
