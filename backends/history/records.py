"""The values that the history keeps."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from backends.domain.ab.run import TargetName
from backends.domain.start import Outcome, Start


@dataclass(frozen=True, slots=True)
class StartRecord:
    """One start, and what it was a start of.

    Attributes:
        model: the model as the profile names it, which starts are compared by.
        args: the arguments of ``vllm serve``.
        began_wall_s: launch as seconds since 1970 UTC.
        cost_usd: what the host cost for the length of the start, None without a price.
        started_by: user, terminal and where they were logged in from; empty where that is not
            known. So is `stopped_by`, also empty for a server that nobody stopped.
        ended_wall_s: when its server ended, at the latest; None while it may run.
    """

    server: str
    model: str
    args: tuple[str, ...]
    began_wall_s: float
    start: Start
    cost_usd: Decimal | None = None
    started_by: str = ""
    stopped_by: str = ""
    ended_wall_s: float | None = None

    @property
    def completeness(self) -> int:
        """How much of the start was seen; of two records of one start the higher is kept."""
        start = self.start
        steps = (
            start.first_token_s is not None,
            start.outcome is not Outcome.INCOMPLETE,
            start.ready_s is not None,
            self.cost_usd is not None,
        )
        rank = sum(step << place for place, step in enumerate(reversed(steps)))
        return rank * 1000 + min(len(start.phases), 999)


@dataclass(frozen=True, slots=True)
class SeriesRecord:
    """One A/B: which endpoint stood in which target, and what was found.

    Attributes:
        targets: target and the endpoint's name or address, never its key.
        report: the document of ``ab --json`` without its runs; empty while the series runs.
    """

    series_id: str
    began_wall_s: float
    targets: tuple[tuple[TargetName, str], ...]
    prompt_sha256: str
    report: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class FirstTokens:
    """What the runs with one model of one endpoint took, whatever their prompts.

    Attributes:
        runs: those that succeeded; `failed` is how many did not.
        p99_s: None below 300 runs, which cannot tell it.
        since_wall_s: when the first series among them began, seconds since 1970 UTC.
        charged_over_priced: what the endpoint itself said that its requests cost, over what they
            cost at the prices that were known then; None where it did not say.
    """

    endpoint: str
    model: str | None
    runs: int
    failed: int
    p99_s: float | None
    since_wall_s: float
    charged_over_priced: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """What someone wrote beside a record; an empty text takes the note away."""

    record_id: str
    text: str
    wall_s: float
    by: str = ""


@dataclass(frozen=True, slots=True)
class Point:
    """One figure of one record: of which server or target, when, and how much."""

    of: str
    wall_s: float
    value: float


FindingKind = Literal["load", "coldprobe", "sleep"]


@dataclass(frozen=True, slots=True)
class FindingRecord:
    """A load, a cold-start probe or an order to sleep, with everything that was measured.

    Attributes:
        endpoint: its name or address, never its key.
        document: a `LoadReport`, a `ColdProbeReport` or a `SleepReport` as plain data.
    """

    kind: FindingKind
    finding_id: str
    began_wall_s: float
    endpoint: str
    document: Mapping[str, Any]
