"""One phase as a bar on the time axis: what has passed, what is expected, and how it stands."""

import math
from dataclasses import dataclass

from textual.content import Content

from backends.domain.start import PhaseName
from widgets import bars
from widgets.text import line

_EIGHTHS = "▏▎▍▌▋▊▉█"


@dataclass(frozen=True, slots=True)
class RankRow:
    """How long one rank took of a phase; `start_s` None where its beginning is not known."""

    rank: int
    took_s: float
    start_s: float | None = None


@dataclass(frozen=True, slots=True)
class PhaseRow:
    """One phase of a start.

    Attributes:
        start_s: seconds from launch to its beginning; None for one that is only expected.
        duration_s: None while it runs, and for one that is only expected.
        reported_s: what vLLM itself says it took, None when it says nothing.
        expected_s: the median of earlier starts, None when there were none.
        expected_between_s: their shortest and longest; None for fewer than two.
        item: where it is, for example ``shard 9/15``.
        fraction: the same as a share of one, None where the total is unknown.
        ranks: each rank's share, by rank; empty for a single one.
    """

    name: PhaseName
    start_s: float | None = None
    duration_s: float | None = None
    reported_s: float | None = None
    expected_s: float | None = None
    item: str = ""
    fraction: float | None = None
    expected_between_s: tuple[float, float] | None = None
    ranks: tuple[RankRow, ...] = ()

    @property
    def running(self) -> bool:
        """The phase has begun and not ended."""
        return self.start_s is not None and self.duration_s is None


def elapsed_s(phase: PhaseRow, now_s: float) -> float:
    """Return how long a phase took, or has been running."""
    if phase.duration_s is not None:
        return phase.duration_s
    return 0.0 if phase.start_s is None else max(0.0, now_s - phase.start_s)


def mark(phase: PhaseRow, *, failed: bool) -> str:
    """Return the sign of how a phase stands."""
    if failed:
        return "✖"
    if phase.running:
        return "▶"
    return "·" if phase.start_s is None else "✔"


def style(phase: PhaseRow, *, failed: bool) -> str:
    """Return the colour of how a phase stands."""
    if failed:
        return "$text-error"
    if phase.running:
        return "$accent"
    return "$foreground-muted" if phase.start_s is None else "$primary"


def ink(colour: str) -> str:
    """Return the style of text beside a bar of this style, legible on any background."""
    return {"$accent": "$text-accent", "$primary": "$text-primary"}.get(colour, colour)


def bar(phase: PhaseRow, width: int, times_s: tuple[float, float, float], colour: str) -> Content:
    """Draw what has passed as blocks, what is still expected as shade, its end as a mark.

    `times_s` are the phase's beginning, now, and the right end of the axis.
    """
    begin_s, now_s, last_s = times_s
    if width <= 0:
        return Content("")
    row = [(" ", "")] * width
    begin = bars.column(begin_s, 0, last_s, width)
    expected = None
    if phase.expected_s is not None:
        expected = bars.column(begin_s + phase.expected_s, 0, last_s, width)
        if phase.duration_s is None:
            row[begin : expected + 1] = [("░", "$foreground-muted")] * (expected + 1 - begin)
        row[expected] = ("┊", "$foreground-muted")
    if phase.start_s is not None:
        blocks = _blocks(begin_s, begin_s + elapsed_s(phase, now_s), last_s, width)
        for at, block in enumerate(blocks, start=begin):
            overrun = at == expected and block == "█"
            row[at] = ("┊", f"$background on {colour}") if overrun else (block, colour)
    return line(*row)


def rank_bar(phase: PhaseRow, rank: RankRow, width: int, last_s: float) -> Content:
    """Draw how long one rank took of a phase, from its own beginning or else the phase's."""
    begin_s = (phase.start_s or 0.0) if rank.start_s is None else rank.start_s
    begin = min(max(0, width - 1), bars.column(begin_s, 0, last_s, width))
    blocks = _blocks(begin_s, begin_s + rank.took_s, last_s, width)
    return line(" " * begin, (blocks, "$primary 60%"))


def _blocks(begin_s: float, end_s: float, last_s: float, width: int) -> str:
    begin = bars.column(begin_s, 0, last_s, width)
    eighths = max(1, min(width * 8, math.ceil(end_s / last_s * width * 8)) - begin * 8)
    blocks = "█" * (eighths // 8) + (_EIGHTHS[eighths % 8 - 1] if eighths % 8 else "")
    return blocks[: width - begin]
