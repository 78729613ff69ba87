"""Why something cannot be chosen or decided, and what would mend it: values, put into words later.

`wording` has the sentences; what a command is called is known to whoever asks for the decision.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Literal


class ExclusionKind(StrEnum):
    """What rules an option out."""

    CAPACITY_UNKNOWN = "CAPACITY_UNKNOWN"
    OVER_CAPACITY = "OVER_CAPACITY"
    SLO_EXCLUDES = "SLO_EXCLUDES"
    UNPRICED = "UNPRICED"


@dataclass(frozen=True, slots=True)
class Missing:
    """A figure without which there is no cost.

    Attributes:
        key: of the scenario.
        billed: its time is billed, which is why it is needed.
    """

    key: str
    billed: bool = False


@dataclass(frozen=True, slots=True)
class Unmeasured:
    """Whether one GPU carries the peak is not known."""

    peak_rps: Decimal


@dataclass(frozen=True, slots=True)
class TooFewGpus:
    """The peak needs more GPUs than there are."""

    peak_rps: Decimal
    needed: int
    available: Decimal


@dataclass(frozen=True, slots=True)
class Slow:
    """A 99th percentile of the time to first token over the limit.

    Attributes:
        side: whose; ``endpoint`` where several compete.
        at_least: the percentile is above `p99_s`, as a histogram's bucket tells it.
    """

    side: Literal["GPU", "API", "endpoint"]
    p99_s: Decimal
    limit_s: Decimal
    at_least: bool = False


@dataclass(frozen=True, slots=True)
class ColdStarts:
    """Too large a share of requests waits for a cold start."""

    share: Decimal
    cold_start_s: Decimal
    limit_s: Decimal


@dataclass(frozen=True, slots=True)
class TooFewWarm:
    """Fewer replicas are kept warm than the peak needs; the rest start cold."""

    warm: int
    needed: int


@dataclass(frozen=True, slots=True)
class Batched:
    """Batches come without any limit on the time to first token."""


Detail = Missing | Unmeasured | TooFewGpus | Slow | ColdStarts | TooFewWarm | Batched


@dataclass(frozen=True, slots=True)
class Exclusion:
    """Why an option cannot be chosen."""

    kind: ExclusionKind
    detail: Detail


def unpriced(key: str, *, billed: bool = False) -> Exclusion:
    """Return that an option has no cost without a figure."""
    return Exclusion(ExclusionKind.UNPRICED, Missing(key, billed))


def over_limit(detail: Slow | ColdStarts | TooFewWarm | Batched) -> Exclusion:
    """Return that an option breaks the limit on the time to first token."""
    return Exclusion(ExclusionKind.SLO_EXCLUDES, detail)


@dataclass(frozen=True, slots=True)
class Remedy:
    """A command that mends something, as it can be typed."""

    command: str


@dataclass(frozen=True, slots=True)
class Remedies:
    """The commands that a verdict may name; None where the user has none.

    Attributes:
        measure: finds what one GPU carries.
        confirm: confirms a price of a GPU or an API with today's date.
    """

    measure: Remedy | None = None
    confirm: Remedy | None = None


NO_REMEDIES = Remedies()


@dataclass(frozen=True, slots=True)
class Unlike:
    """The two sides do not serve the same thing.

    Attributes:
        what: ``model``, ``quantisation`` or ``context``; ``input tokens`` where they are counted
            otherwise for the same prompts.
    """

    what: str
    gpu: str | Decimal
    api: str | Decimal


@dataclass(frozen=True, slots=True)
class NotGiven:
    """Figures without which nothing can be decided, and what follows from that."""

    keys: tuple[str, ...]
    consequence: Literal["no_api_price", "nothing_to_compare", "no_request_cost", "no_rate"]


@dataclass(frozen=True, slots=True)
class TooFewRequests:
    """Fewer requests were seen than tell their mean."""

    seen: Decimal
    needed: int


@dataclass(frozen=True, slots=True)
class TooShort:
    """Traffic was seen in too few stretches to tell how unevenly it comes."""

    seen_s: Decimal


PriceOf = Literal["gpu", "contract", "api", "currency"]


@dataclass(frozen=True, slots=True)
class StalePrice:
    """A price that is too old to decide on.

    Attributes:
        of: which; `code` is that of a currency whose rate is old.
    """

    of: PriceOf
    days: int
    code: str = ""


Refusal = Unlike | NotGiven | TooFewRequests | TooShort
"""Why nothing is decided, before anything is computed."""
