"""The parts of a scenario that are more than one figure."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal


class BadScenario(ValueError):
    """A scenario cannot be read; the message names the key and the remedy."""


@dataclass(frozen=True, slots=True)
class Observed:
    """What was seen of the traffic itself, from which the uncertainty of the decision follows.

    Attributes:
        n: requests seen.
        tokens_n: those of them whose tokens the means are of; None for all.
        input_tokens_mean: of one request, like the other means and standard deviations.
        covariance: between input and output tokens of one request.
        window_s: how long was watched.
        dispersion: variance over mean of the counts of requests; 1 is a Poisson stream.
    """

    n: Decimal
    input_tokens_mean: Decimal | None = None
    output_tokens_mean: Decimal | None = None
    input_tokens_sd: Decimal = Decimal(0)
    output_tokens_sd: Decimal = Decimal(0)
    covariance: Decimal = Decimal(0)
    window_s: Decimal | None = None
    dispersion: Decimal = Decimal(1)
    tokens_n: Decimal | None = None

    @property
    def counted(self) -> Decimal:
        """How many requests the means of the tokens are of."""
        return self.n if self.tokens_n is None else self.tokens_n


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


@dataclass(frozen=True, slots=True)
class RequestKind:
    """One kind of request of a token distribution.

    Attributes:
        weight: how many requests are of this kind, in any unit: counts or shares.
    """

    weight: Decimal
    input_tokens: Decimal
    output_tokens: Decimal


@dataclass(frozen=True, slots=True)
class Currency:
    """What one unit of a currency is worth, as the user read it."""

    code: str
    usd: Decimal
    as_of: date


@dataclass(frozen=True, slots=True)
class ForeignPrice:
    """A figure of the scenario as it was written, in another currency."""

    key: str
    amount: Decimal
    code: str
