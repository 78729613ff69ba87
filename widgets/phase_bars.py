"""The phases of a start as rows: mark, name, seconds, and a bar on a time axis they share."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from textual.content import Content

from backends.domain.start import PhaseName
from widgets import bars
from widgets import format as fmt
from widgets.text import UNKNOWN, cells, fit, line, safe, styled

LONG_NAMES = {
    PhaseName.LAUNCH: "launch",
    PhaseName.CONFIGURE: "configure",
    PhaseName.SPAWN_ENGINE: "spawn engine",
    PhaseName.INIT_DEVICES: "init devices",
    PhaseName.DOWNLOAD: "download",
    PhaseName.LOAD_WEIGHTS: "load weights",
    PhaseName.COMPILE: "compile",
    PhaseName.PROFILE_MEMORY: "profile memory",
    PhaseName.ALLOCATE_KV_CACHE: "allocate KV cache",
    PhaseName.WARM_UP_KERNELS: "warm up kernels",
    PhaseName.CAPTURE_GRAPHS: "capture graphs",
    PhaseName.START_API: "start API",
    PhaseName.FIRST_TOKEN: "first token",
    PhaseName.JIT_BUILD: "JIT build",
    PhaseName.UNLOGGED: "unlogged",
}
SHORT_NAMES = LONG_NAMES | {
    PhaseName.PROFILE_MEMORY: "profile mem",
    PhaseName.ALLOCATE_KV_CACHE: "KV cache",
    PhaseName.WARM_UP_KERNELS: "warm-up",
    PhaseName.CAPTURE_GRAPHS: "graphs",
}
_SECONDS_WIDTH = 7
_REPORTED_WIDTH = 10
_EIGHTHS = "▏▎▍▌▋▊▉█"


@dataclass(frozen=True, slots=True)
class PhaseRow:
    """One phase of a start.

    Attributes:
        start_s: seconds from launch to its beginning; None for one that is only expected.
        duration_s: None while it runs, and for one that is only expected.
        reported_s: what vLLM itself says it took, None when it says nothing.
        expected_s: what it took in earlier starts, None when there were none.
        item: where it is, for example ``shard 9/15``.
        fraction: the same as a share of one, None where the total is unknown.
    """

    name: PhaseName
    start_s: float | None = None
    duration_s: float | None = None
    reported_s: float | None = None
    expected_s: float | None = None
    item: str = ""
    fraction: float | None = None

    @property
    def running(self) -> bool:
        """The phase has begun and not ended."""
        return self.start_s is not None and self.duration_s is None


@dataclass(frozen=True, slots=True)
class _Columns:
    names: dict[PhaseName, str]
    name: int
    bar: int
    reported: int

    @classmethod
    def of(cls, width: int) -> "_Columns":
        names = LONG_NAMES if width >= 50 else SHORT_NAMES
        name = max(map(len, names.values()))
        reported = _REPORTED_WIDTH if width >= 72 else 0
        return cls(names, name, width - 2 - name - 1 - _SECONDS_WIDTH - 1 - reported, reported)


def phase_lines(
    phases: Sequence[PhaseRow],
    *,
    now_s: float,
    over: bool,
    broken: bool,
    unlogged_s: float,
    width: int,
    height: int,
) -> list[Content]:
    """Return the phases in at most `height` lines, the most telling ones where not all fit.

    Args:
        phases: in order of time, expected ones last.
        now_s: seconds from launch until now, or until the end of the start.
        over: the start has ended; what was only expected is left out.
        broken: the last phase is where the start failed.
        unlogged_s: what no phase explains; a row of its own where there is room.
        width: in cells.
        height: in lines.
    """
    shown = [phase for phase in phases if phase.start_s is not None or not over]
    columns = _Columns.of(width)
    begins_s, last_s = _placed(shown, now_s)
    running = next((phase for phase in shown if phase.running), None)
    item_lines = 1 if running is not None and running.item else 0
    axis = height >= len(shown) + item_lines + 1 or height >= 9
    room = height - item_lines - axis
    kept = _most_telling(shown, room)
    rows = [_head(columns, last_s)] if axis else []
    for phase in kept:
        failed = broken and phase is shown[-1]
        style = _style(phase, failed=failed)
        meter = _bar(phase, columns.bar, (begins_s[phase], now_s, last_s), style)
        rows.append(_row(phase, columns, now_s, meter, failed=failed))
        if item_lines and phase is running:
            rows.append(_item_line(phase, width))
    others = [phase for phase in shown if phase not in kept and phase.start_s is not None]
    rows += _rest(others, now_s, unlogged_s, columns, room - len(kept))
    return rows[:height]


def elapsed_s(phase: PhaseRow, now_s: float) -> float:
    """Return how long a phase took, or has been running."""
    if phase.duration_s is not None:
        return phase.duration_s
    return 0.0 if phase.start_s is None else max(0.0, now_s - phase.start_s)


def _placed(phases: Sequence[PhaseRow], now_s: float) -> tuple[dict[PhaseRow, float], float]:
    """Return where each phase begins, expected ones end to end, and the right end of the axis."""
    begins_s: dict[PhaseRow, float] = {}
    end_s = now_s
    for phase in phases:
        begins_s[phase] = end_s if phase.start_s is None else phase.start_s
        if phase.start_s is None or phase.running:
            end_s = max(end_s, begins_s[phase] + (phase.expected_s or 0.0))
    return begins_s, end_s or 1.0


def _most_telling(phases: Sequence[PhaseRow], room: int) -> list[PhaseRow]:
    """Return the phases that fit: the running one first, then the longest; one line for others."""
    if len(phases) <= room:
        return list(phases)
    weight = {
        at: (phase.running, phase.duration_s or phase.expected_s or 0.0)
        for at, phase in enumerate(phases)
    }
    best = sorted(weight, key=lambda at: weight[at], reverse=True)[: max(1, room - 1)]
    return [phases[at] for at in sorted(best)]


def _head(columns: _Columns, last_s: float) -> Content:
    text = " " * (2 + columns.name + 1 + _SECONDS_WIDTH + 1)
    text += bars.axis(0, last_s, columns.bar, " s")
    return styled(
        text + "vLLM says".rjust(columns.reported) * bool(columns.reported), "$foreground-muted"
    )


def _row(
    phase: PhaseRow, columns: _Columns, now_s: float, meter: Content, *, failed: bool
) -> Content:
    style = _style(phase, failed=failed)
    if phase.start_s is None:
        seconds = f"~{fmt.about(phase.expected_s)}" if phase.expected_s else UNKNOWN
    else:
        seconds = fmt.seconds(elapsed_s(phase, now_s))
    name = columns.names[phase.name].ljust(columns.name)
    reported = "" if phase.reported_s is None else fmt.seconds(phase.reported_s)
    return line(
        (f"{_mark(phase, failed=failed)} ", _ink(style)),
        (name, "bold" if phase.running else "$foreground-muted" if phase.start_s is None else ""),
        (f" {seconds.rjust(_SECONDS_WIDTH)} ", _ink(style) if phase.running else ""),
        meter,
        (reported.rjust(columns.reported) if columns.reported else "", "$foreground-muted"),
    )


def _mark(phase: PhaseRow, *, failed: bool) -> str:
    if failed:
        return "✖"
    if phase.running:
        return "▶"
    return "·" if phase.start_s is None else "✔"


def _style(phase: PhaseRow, *, failed: bool) -> str:
    if failed:
        return "$text-error"
    if phase.running:
        return "$accent"
    return "$foreground-muted" if phase.start_s is None else "$primary"


def _ink(style: str) -> str:
    """Return the style of text beside a bar of this style, legible on any background."""
    return {"$accent": "$text-accent", "$primary": "$text-primary"}.get(style, style)


def _bar(phase: PhaseRow, width: int, times_s: tuple[float, float, float], style: str) -> Content:
    """Draw what has passed as blocks, what is still expected as shade, its end as a mark."""
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
        end_s = begin_s + elapsed_s(phase, now_s)
        eighths = max(1, min(width * 8, math.ceil(end_s / last_s * width * 8)) - begin * 8)
        blocks = "█" * (eighths // 8) + (_EIGHTHS[eighths % 8 - 1] if eighths % 8 else "")
        for at, block in enumerate(blocks[: width - begin], start=begin):
            overrun = at == expected and block == "█"
            row[at] = ("┊", f"$background on {style}") if overrun else (block, style)
    return line(*row)


def _item_line(phase: PhaseRow, width: int) -> Content:
    if phase.fraction is None:
        return line("  ", (fit(safe(phase.item), width - 2), "$text-accent"))
    share = f" {fmt.percent(phase.fraction)} "
    item = fit(safe(phase.item), width - 2 - cells(share))
    room = min(20, width - 2 - cells(item) - cells(share))
    meter = bars.bar(phase.fraction, room) if room >= 6 else ""
    return line("  ", (item, "$text-accent"), share, (meter, "$accent 60%"))


def _rest(
    others: Sequence[PhaseRow], now_s: float, unlogged_s: float, columns: _Columns, room: int
) -> list[Content]:
    """Return the lines for what has no row: the other phases, and what no phase explains."""
    told = []
    if others:
        told.append((f"{len(others)} others", sum(elapsed_s(phase, now_s) for phase in others)))
    if unlogged_s >= 0.05:
        told.append(("unlogged", unlogged_s))
    if len(told) > room:
        told = [("others", sum(seconds for _, seconds in told))]
    return [
        styled(
            f"  {name.ljust(columns.name)} {fmt.seconds(seconds).rjust(_SECONDS_WIDTH)}",
            "$foreground-muted",
        )
        for name, seconds in told[: max(0, room)]
    ]
