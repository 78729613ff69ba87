"""A serverless GPU that scales to zero: how long it is billed, and whom its cold starts delay.

Requests arrive as a Poisson stream and share one replica, which ends after an idle timeout. With
constant service time this is an M/D/∞ busy period whose service is prolonged by the timeout, plus
the cold start that opens it: a mean cycle of ``(e^{λ(S+τ)} + λ t_c) / λ`` with one idle gap of
``1/λ`` in it.
"""

from dataclasses import dataclass
from decimal import Decimal

_NEVER_IDLE = Decimal(700)
"""Beyond this exponent the chance of an idle gap is below 1e-300."""


@dataclass(frozen=True, slots=True)
class ScaleToZero:
    """What a scale-to-zero replica does in the long run.

    Attributes:
        billed_share: share of all time that is billed: cold starts, requests and idle timeouts.
        cold_starts_per_s: how many cold starts there are each second.
        delayed_share: share of requests that wait for a cold start, wholly or in part.
    """

    billed_share: Decimal
    cold_starts_per_s: Decimal
    delayed_share: Decimal


def scale_to_zero(
    rate_rps: Decimal, service_s: Decimal, idle_timeout_s: Decimal, cold_start_s: Decimal
) -> ScaleToZero:
    """Return the long-run shares of one replica under Poisson traffic."""
    zero = Decimal(0)
    if rate_rps == 0:
        return ScaleToZero(zero, zero, zero)
    exponent = rate_rps * (service_s + idle_timeout_s)
    if exponent > _NEVER_IDLE:
        return ScaleToZero(Decimal(1), zero, zero)
    gap = 1 / (exponent.exp() + rate_rps * cold_start_s)
    return ScaleToZero(1 - gap, rate_rps * gap, (1 + rate_rps * cold_start_s) * gap)
