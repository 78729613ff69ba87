"""The facts of an A/B: what the prober tells while it measures."""

from dataclasses import dataclass

from backends.domain.ab.run import ClientAudit, Run, SeriesMode, TargetName
from backends.domain.stamp import Stamp


@dataclass(frozen=True, slots=True)
class SeriesBegan:
    """An A/B begins: the endpoint of each target, and how many runs each will have.

    Attributes:
        models: the model of each target, in the order of `targets`.
        prompt_sha256: of the prompt as the user gave it, without the nonce of a run.
        max_tokens: asked of every target alike, as are `temperature` and `ignore_eos`.
        cached: the prompt is sent without a nonce, so that prefix caches may answer.
        efforts: the reasoning effort asked of each target, empty for the endpoint's own.
    """

    at: Stamp
    series_id: str
    targets: tuple[tuple[TargetName, str], ...]
    runs: int
    models: tuple[str, ...] = ()
    prompt_sha256: str = ""
    order: SeriesMode = "interleaved"
    max_tokens: int | None = None
    temperature: float | None = None
    ignore_eos: bool = False
    cached: bool = False
    efforts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RunBegan:
    """A request was sent in a target."""

    at: Stamp
    target: TargetName
    index: int


@dataclass(frozen=True, slots=True)
class TextArrived:
    """Text of a running request; `tokens` are all tokens so far, None where usage is not sent."""

    at: Stamp
    target: TargetName
    text: str
    reasoning: bool
    tokens: int | None


@dataclass(frozen=True, slots=True)
class TargetWaits:
    """A target is asked again after a while: it limits the rate, or wakes up.

    Attributes:
        why: what it refused with, one line.
        cold: it wakes up, as far as one can tell.
        delay_s: until it is asked again.
        waited_s: since its first refusal.
    """

    at: Stamp
    target: TargetName
    why: str
    cold: bool
    delay_s: float
    waited_s: float


@dataclass(frozen=True, slots=True)
class RunEnded:
    """A run is over, with its figures or its error."""

    at: Stamp
    run: Run


@dataclass(frozen=True, slots=True)
class SeriesEnded:
    """An A/B is over; `reason` is empty unless it was cut short."""

    at: Stamp
    series_id: str
    reason: str = ""
    client: ClientAudit | None = None


AbFact = SeriesBegan | RunBegan | TargetWaits | TextArrived | RunEnded | SeriesEnded
"""What the prober tells about an A/B."""
