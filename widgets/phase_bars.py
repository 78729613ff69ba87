"""The phases of a start as rows: mark, name, seconds, and a bar on a time axis they share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from textual.content import Content

from backends.domain import format as fmt
from backends.domain.format import UNKNOWN
from backends.domain.start import PHASE_TITLES, PhaseName
from widgets import bars
from widgets.phase_bar import PhaseRow, bar, elapsed_s, ink, mark, rank_bar, style
from widgets.phase_names import SHORT_NAMES
from widgets.text import cells, first_fitting, fit, line, safe, styled
from widgets.time_line import column_shares

_SECONDS_WIDTH = 7
_REPORTED_WIDTH = 10
_FEWEST_PHASES = 4
"""Rows that phases keep before anything else gets one."""
_TALLEST_MEMORY = 6


@dataclass(frozen=True, slots=True)
class MemoryTimeline:
    """The memory in use on all GPUs since the launch.

    Attributes:
        points: seconds since launch and bytes, in order.
        total_bytes: the height of the line; None where the total is unknown.
    """

    points: tuple[tuple[float, int], ...] = ()
    total_bytes: int | None = None


NO_MEMORY = MemoryTimeline()


@dataclass(frozen=True, slots=True)
class PhaseChart:
    """Everything that is drawn on the time axis of one start.

    Attributes:
        phases: in order of time, expected ones last.
        now_s: seconds from launch until now, or until the end of the start.
        over: the start has ended; what was only expected is left out.
        broken: the last phase is where the start failed.
        unlogged_s: what no phase explains; a row of its own where there is room.
        memory: drawn below the phases, on their axis.
    """

    phases: tuple[PhaseRow, ...] = ()
    now_s: float = 0.0
    over: bool = False
    broken: bool = False
    unlogged_s: float = 0.0
    memory: MemoryTimeline = NO_MEMORY

    @property
    def placed_phases(self) -> tuple[PhaseRow, ...]:
        """The phases that have a place on the axis."""
        return tuple(each for each in self.phases if each.start_s is not None or not self.over)

    @property
    def last_s(self) -> float:
        """The right end of the axis: now, or the expected end."""
        return _placed(self.placed_phases, self.now_s)[1]

    @property
    def least_lines(self) -> int:
        """The lines that show every phase, what is unlogged, the memory and the axis."""
        return len(self.placed_phases) + (self.unlogged_s >= 0.05) + bool(self.memory.points) + 1


@dataclass(frozen=True, slots=True)
class _Columns:
    names: dict[PhaseName, str]
    name: int
    bar: int
    reported: int
    usual: int

    @classmethod
    def of(cls, width: int, phases: Sequence[PhaseRow]) -> "_Columns":
        names = PHASE_TITLES if width >= 50 else SHORT_NAMES
        name = max(map(len, names.values()))
        reported = _REPORTED_WIDTH if width >= 72 else 0
        widest = max((len(_usual(phase)) for phase in phases), default=0)
        usual = max(5, widest) + 2 if width >= 72 and widest else 0
        room = width - 2 - name - 1 - _SECONDS_WIDTH - 1 - reported - usual
        return cls(names, name, room, reported, usual)

    @property
    def before_bar(self) -> int:
        return 2 + self.name + 1 + _SECONDS_WIDTH + 1


def phase_lines(chart: PhaseChart, width: int, height: int) -> list[Content]:
    """Return the phases in at most `height` lines, the most telling ones where not all fit."""
    shown = chart.placed_phases
    columns = _Columns.of(width, shown)
    begins_s, last_s = _placed(shown, chart.now_s)
    running = next((phase for phase in shown if phase.running), None)
    item_lines = 1 if running is not None and running.item else 0
    axis = height >= len(shown) + item_lines + 1 or height >= 9
    memory = _memory_lines(chart.memory, columns, last_s, height - axis - item_lines, len(shown))
    room = height - item_lines - axis - len(memory)
    ranks = _rank_lines(shown, columns, last_s, room)
    room -= sum(map(len, ranks.values()))
    kept = _most_telling(shown, room)
    rows = [_head(columns, last_s)] if axis else []
    for phase in kept:
        failed = chart.broken and phase is shown[-1]
        meter = bar(
            phase,
            columns.bar,
            (begins_s[phase], chart.now_s, last_s),
            style(phase, failed=failed),
        )
        rows.append(_row(phase, columns, chart.now_s, meter, failed=failed))
        if item_lines and phase is running:
            rows.append(_item_line(phase, width))
        rows += ranks.get(phase, [])
    others = [phase for phase in shown if phase not in kept and phase.start_s is not None]
    rows += _rest(others, chart.now_s, chart.unlogged_s, columns, room - len(kept))
    return [*rows[: height - len(memory)], *memory]


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
    text = " " * columns.before_bar + bars.axis(0, last_s, columns.bar, " s")
    reported = "reported".rjust(columns.reported) if columns.reported else ""
    usual = "usual".rjust(columns.usual) if columns.usual else ""
    return styled(text + reported + usual, "$foreground-muted")


def _row(
    phase: PhaseRow, columns: _Columns, now_s: float, meter: Content, *, failed: bool
) -> Content:
    colour = ink(style(phase, failed=failed))
    if phase.start_s is None:
        seconds = f"~{fmt.about(phase.expected_s)}" if phase.expected_s else UNKNOWN
    else:
        seconds = fmt.seconds(elapsed_s(phase, now_s))
    name = columns.names[phase.name].ljust(columns.name)
    reported = "" if phase.reported_s is None else fmt.seconds(phase.reported_s)
    return line(
        (f"{mark(phase, failed=failed)} ", colour),
        (name, "bold" if phase.running else "$foreground-muted" if phase.start_s is None else ""),
        (f" {seconds.rjust(_SECONDS_WIDTH)} ", colour if phase.running else ""),
        meter,
        (reported.rjust(columns.reported) if columns.reported else "", "$foreground-muted"),
        (_usual(phase).rjust(columns.usual) if columns.usual else "", "$foreground-muted"),
    )


def _usual(phase: PhaseRow) -> str:
    if phase.expected_s is None:
        return ""
    if phase.expected_between_s is None:
        return fmt.about(phase.expected_s)
    digits = 0 if phase.expected_between_s[1] >= 9.95 else 1
    median, low, high = (
        f"{value:.{digits}f}" for value in (phase.expected_s, *phase.expected_between_s)
    )
    return f"{median} s" if low == high else f"{median} ({low} to {high})"


def _item_line(phase: PhaseRow, width: int) -> Content:
    if phase.fraction is None:
        return line("  ", (fit(safe(phase.item), width - 2), "$text-accent"))
    share = f" {fmt.percent(phase.fraction)} "
    if cells(safe(phase.item)) + cells(share) > width - 2:
        share = ""
    item = fit(safe(phase.item), width - 2 - cells(share))
    room = min(20, width - 2 - cells(item) - cells(share))
    meter = bars.bar(phase.fraction, room) if room >= 6 else ""
    return line("  ", (item, "$text-accent"), share, (meter, "$accent 60%"))


def _memory_lines(
    memory: MemoryTimeline, columns: _Columns, last_s: float, height: int, phases: int
) -> list[Content]:
    """Return the memory on the axis of the phases, in as many lines as they leave, or none."""
    if len(memory.points) < 2 or height <= _FEWEST_PHASES or columns.bar < 4:
        return []
    rows = max(1, min(_TALLEST_MEMORY, height - phases - 1))
    top = memory.total_bytes or max(used for _, used in memory.points)
    shares = column_shares(memory.points, (0.0, last_s), top, columns.bar)
    blocks = bars.block_rows(shares, rows)
    label = f"  {'VRAM GiB'.ljust(columns.name)} "
    figure = fmt.gib(memory.points[-1][1]).rjust(_SECONDS_WIDTH) + " "
    scale = f"{fmt.gib(top)} ┤".rjust(columns.before_bar)
    texts = [scale] + [" " * columns.before_bar] * (rows - 2) + [label + figure]
    texts = texts[-rows:]
    return [
        line((text, "$foreground-muted"), (row, "$success 70%"))
        for text, row in zip(texts, blocks, strict=True)
    ]


def _rank_lines(
    phases: Sequence[PhaseRow], columns: _Columns, last_s: float, room: int
) -> Mapping[PhaseRow, list[Content]]:
    """Return the lines of each phase's ranks: a row each, one line each, or of one phase."""
    told = [phase for phase in phases if phase.ranks]
    width = columns.before_bar + columns.bar
    spare = room - len(phases)
    rows = {phase: _rank_rows(phase, columns, last_s) for phase in told}
    lines = {phase: [_rank_line(phase, width)] for phase in told}
    most = max(told, key=_uneven_s, default=None)
    if most is None:
        return {}
    for shown in (rows, {**lines, most: rows[most]}, lines):
        if sum(map(len, shown.values())) <= spare:
            return shown
    return {most: lines[most]} if room > _FEWEST_PHASES else {}


def _uneven_s(phase: PhaseRow) -> float:
    seconds = [rank.took_s for rank in phase.ranks]
    return max(seconds) - min(seconds)


def _rank_line(phase: PhaseRow, width: int) -> Content:
    slowest = max(phase.ranks, key=lambda rank: rank.took_s)
    fastest_s = min(rank.took_s for rank in phase.ranks)
    told = f"slowest rank {slowest.rank}: {fmt.seconds(slowest.took_s)}"
    slow = f"slow rank {slowest.rank}: {fmt.seconds(slowest.took_s)}, fast {fmt.seconds(fastest_s)}"
    forms = (f"{told}, fastest {fmt.seconds(fastest_s)}", slow, told)
    return styled(f"  {first_fitting(width - 2, *forms)}", "$foreground-muted")


def _rank_rows(phase: PhaseRow, columns: _Columns, last_s: float) -> list[Content]:
    slowest_s = max(rank.took_s for rank in phase.ranks)
    rows = []
    for rank in phase.ranks:
        name = f"{'▸' if rank.took_s == slowest_s else ' '} rank {rank.rank}".ljust(columns.name)
        text = f"  {name} {fmt.seconds(rank.took_s).rjust(_SECONDS_WIDTH)} "
        meter = rank_bar(phase, rank, columns.bar, last_s)
        rows.append(line((text, "$foreground-muted"), meter))
    return rows


def _rest(
    others: Sequence[PhaseRow], now_s: float, unlogged_s: float, columns: _Columns, room: int
) -> list[Content]:
    """Return the lines for what has no row: the other phases, and what no phase explains."""
    told = []
    if others:
        told.append((f"+{len(others)} more", sum(elapsed_s(phase, now_s) for phase in others)))
    if unlogged_s >= 0.05:
        told.append(("other", unlogged_s))
    if len(told) > room:
        told = [("other", sum(seconds for _, seconds in told))]
    return [
        styled(
            f"  {name.ljust(columns.name)} {fmt.seconds(seconds).rjust(_SECONDS_WIDTH)}",
            "$foreground-muted",
        )
        for name, seconds in told[: max(0, room)]
    ]
