"""Requests as they were seen, or are supposed: how many there are, and their tokens."""

from dataclasses import dataclass
from decimal import Decimal


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
class RequestKind:
    """One kind of request of a token distribution.

    Attributes:
        weight: how many requests are of this kind, in any unit: counts or shares.
    """

    weight: Decimal
    input_tokens: Decimal
    output_tokens: Decimal
