"""What putting a server to sleep, or waking it, took and what it did to the GPUs' memory."""

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median
from typing import Literal

from backends.domain.format import GIB

KEPT_IN_HOST_MEMORY, DISCARDED = 1, 2
"""vLLM's levels: the weights move to the host's memory, or have to be loaded again."""


@dataclass(frozen=True, slots=True)
class SleepReport:
    """One order to sleep or to wake, measured from outside.

    Attributes:
        began_wall_s: when it was sent, seconds since 1970.
        level: of the sleep that it began or ended.
        took_s: until the server answered that it was done, the reload of weights included.
        memory_bytes: what the server held less after falling asleep, or more after waking; None
            with `memory_reason`.
    """

    sleep_id: str
    began_wall_s: float
    server: str
    model: str
    order: Literal["sleep", "wake"]
    level: int
    took_s: float
    memory_bytes: int | None
    memory_reason: str = ""


def sleep_csv(report: SleepReport) -> str:
    """Return it as a head and one row; what is not known is empty."""
    row = (
        *(report.sleep_id, report.began_wall_s, report.server, report.order, report.level),
        *(report.took_s, "" if report.memory_bytes is None else report.memory_bytes),
    )
    head = "sleep_id,began_wall_s,server,order,level,took_s,memory_bytes"
    return f"{head}\n{','.join(map(str, row))}\n"


def sleep_sentence(report: SleepReport) -> str:
    """Return what was measured, in one sentence."""
    freed = report.order == "sleep"
    did = "fell asleep" if freed else "woke"
    told = f"{report.server} {did} from level {report.level}" if not freed else ""
    told = told or f"{report.server} {did} at level {report.level}"
    said = f"{told} in {report.took_s:.2f} s"
    if report.memory_bytes is None:
        return f"{said}; memory: {report.memory_reason}"
    if freed and report.memory_bytes <= 0:
        return f"{said} and freed nothing: start it with --enable-sleep-mode"
    return f"{said}, {report.memory_bytes / GIB:.1f} GiB {'freed' if freed else 'taken again'}"


@dataclass(frozen=True, slots=True)
class Asleep:
    """What is known of a server that sleeps, by what it and its earlier sleeps took here.

    Attributes:
        freed_bytes: what falling asleep freed; None where that was not measured.
        wake_s: the median of what waking from that level took here, None before any was measured.
    """

    freed_bytes: int | None = None
    wake_s: float | None = None


def asleep(server: str, reports: Iterable[SleepReport]) -> Asleep:
    """Return what is known of a server that sleeps now, from its reports, the newest first.

    What this sleep freed is not known where it was ordered by something else than inferctl.
    """
    own = [each for each in reports if each.server == server]
    last = next((each for each in own if each.order == "sleep"), None)
    wakes = [
        each.took_s
        for each in own
        if each.order == "wake" and (last is None or each.level == last.level)
    ]
    freed_bytes = own[0].memory_bytes if own and own[0] is last else None
    return Asleep(freed_bytes, median(wakes) if wakes else None)
