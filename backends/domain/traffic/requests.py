"""Requests as they were seen, or are supposed: how many there are, and their tokens."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Errors:
    """How surely rate and lengths are known, as blocks of all sizes tell it.

    Attributes:
        rate: standard error over the mean, like those of `input_tokens` and `output_tokens`.
        tokens_correlation: of the means of input and output tokens.
        rate_correlations: of the rate with each of the two; never below zero.
        freedom: of how many independent blocks the rate's error is, less one.
        tokens_freedom: the same of the tokens.
    """

    rate: float
    input_tokens: float
    output_tokens: float
    tokens_correlation: float = 1.0
    rate_correlations: tuple[float, float] = (0.0, 0.0)
    freedom: float = 1e9
    tokens_freedom: float = 1e9


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
        errors: from stretches of traffic; None where only the figures above are known.
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
    errors: Errors | None = None

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
