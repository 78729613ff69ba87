"""The start-up panel: the phases of a start, what is still expected, and why it failed."""

from dataclasses import dataclass

from textual.content import Content
from textual.geometry import Size
from textual.reactive import reactive

from backends.domain import format as fmt
from backends.domain.format import UNKNOWN
from backends.domain.start import PHASE_TITLES, Failure, Outcome
from backends.domain.startup.lessons import Advice, Slower
from widgets.panel import Panel
from widgets.phase_bar import PhaseRow, elapsed_s
from widgets.phase_bars import NO_MEMORY, MemoryTimeline, PhaseChart, phase_lines
from widgets.start_failure import LINES_FOR_PHASES, failure_lines, failure_part
from widgets.start_report import levers_part, report_lines, slower_part
from widgets.text import Part, arrange, fit, line, safe, styled

TALLEST = 60
"""No start has more to say than fits in so many lines."""

COMPACT_LINES = 8
"""Up to this height a start that is old news shows no phases."""


@dataclass(frozen=True, slots=True)
class PreviousStarts:
    """Launch to ready in the earlier starts of this model on this host, in seconds."""

    n: int
    median_s: float
    min_s: float
    max_s: float


@dataclass(frozen=True, slots=True)
class Eta:
    """How long it takes until the server is ready, as earlier starts took from here.

    Attributes:
        n: how many earlier starts; a single one gives no spread.
        overdue: the phase that already lasts longer than in any of them; empty for none.
    """

    median_s: float
    min_s: float
    max_s: float
    n: int
    overdue: str = ""


@dataclass(frozen=True, slots=True)
class StartupView:
    """One start, running or over.

    Attributes:
        phases: in order of time; those only expected, without `start_s`, last.
        total_s: launch until now, or until the end of a start that is over; None without a start.
        ready_s: launch until the server answered, what `previous` is compared with.
        first_token_s: launch until the first token.
        eta: None where nothing is known to expect.
        eta_reason: why there is no estimate, for example ``first start of this model``.
        unlogged_s: what no phase explains.
        outcome: None while the start runs.
        end_of_service: how a server that had served failed, empty for any other.
        slower: what took longer than usual, the largest excess first.
        levers: what would shorten the next start, those of the largest phase first.
        memory: drawn on the axis of the phases.
        compact: show few lines, for a start that ended well and is old news.
        details: what would be started, as names and values, for a server that does not run.
        start_key: the key that starts a server, shown where there is no start.
        whole_key: the key that gives the panel the whole screen.
        log_key: the key that opens the log.
        fix_key: the key that applies the remedy of a failure, empty where a person has to.
        reason: why there is no start to show, instead of that key.
    """

    phases: tuple[PhaseRow, ...] = ()
    total_s: float | None = None
    ready_s: float | None = None
    first_token_s: float | None = None
    eta: Eta | None = None
    eta_reason: str = ""
    unlogged_s: float = 0.0
    previous: PreviousStarts | None = None
    outcome: Outcome | None = None
    failure: Failure | None = None
    end_of_service: str = ""
    slower: tuple[Slower, ...] = ()
    levers: tuple[Advice, ...] = ()
    memory: MemoryTimeline = NO_MEMORY
    compact: bool = False
    details: tuple[tuple[str, str], ...] = ()
    start_key: str = "s"
    whole_key: str = "1"
    log_key: str = "l"
    fix_key: str = ""
    reason: str = ""

    @property
    def title(self) -> str:
        """What the panel is about."""
        if self.end_of_service:
            return "Stopped unexpectedly"
        if self.failure is not None:
            return "Start failed"
        if self.total_s is None:
            return "Profile"
        return "Start" if self.outcome is not None else "Cold start"

    @property
    def chart(self) -> PhaseChart:
        """What stands on the time axis."""
        return PhaseChart(
            self.phases,
            self.total_s or 0.0,
            over=self.outcome is not None,
            broken=self.outcome is Outcome.FAILED,
            unlogged_s=self.unlogged_s,
            memory=self.memory,
        )

    @property
    def axis_s(self) -> float:
        """The right end of the time axis in seconds since launch; 0 without a start."""
        return 0.0 if self.total_s is None else self.chart.last_s


class StartupPanel(Panel):
    """Phases, seconds, what is expected, and why it failed."""

    BORDER_TITLE = "Start-up"

    view: reactive[StartupView] = reactive(StartupView(), repaint=False)

    def watch_view(self) -> None:
        """Redraw what changed; where the screen leaves the height to the panel, ask for it."""
        if self.border_title != self.view.title:
            self.border_title = self.view.title
        if self.styles.is_auto_height and self._wanted_lines(self.size.width) != self.size.height:
            self.refresh(layout=True)
        super().watch_view()

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Return the lines that show all of it."""
        del container, viewport
        return self._wanted_lines(width)

    def _wanted_lines(self, width: int) -> int:
        return max(1, len(draw(self.view, width, TALLEST)))

    def lines(self, width: int, height: int) -> list[Content]:
        """Return the phases, the failure, or one line."""
        return draw(self.view, width, height)


def draw(view: StartupView, width: int, height: int) -> list[Content]:
    """Return the panel's lines: a failure first, phases in the middle, the total last."""
    if view.total_s is None:
        return _no_start(view, width, height)
    if view.failure is not None:
        return _failed(view, width, height)
    if height < 3:
        return [_compact(view, width)]
    if view.compact and height <= COMPACT_LINES:
        told = report_lines(view.slower, view.levers, view.whole_key, width, height - 1)
        return [_outcome_line(view, width) if told else _compact(view, width), *told]
    chart = view.chart
    spare = height - 1 - chart.least_lines
    told = report_lines(view.slower, view.levers, view.whole_key, width, spare)
    body = phase_lines(chart, width, height - 1 - len(told))
    summary = _summary(view, width) if told else _summary_with_advice(view, width)
    return [*body, summary, *told]


def _failed(view: StartupView, width: int, height: int) -> list[Content]:
    assert view.failure is not None
    if height < 3:
        parts = [_outcome_part(view), failure_part(view.failure, width), *_previous_part(view)]
        return [arrange(parts, width)]
    keys = view.log_key, view.whole_key, view.fix_key
    told = failure_lines(view.failure, _outcome_part(view), keys, width, height)
    room = height - len(told)
    return [*told, *phase_lines(view.chart, width, room)] if room >= LINES_FOR_PHASES else told


def _no_start(view: StartupView, width: int, height: int) -> list[Content]:
    """Return what a start would run, and the phases that earlier ones had."""
    if view.reason:
        return [styled(fit(f"{UNKNOWN} {safe(view.reason)}", width), "$foreground-muted")]
    parts = [Part.of(0, f"○ stopped: press {view.start_key} to start", style="bold")]
    if view.previous is not None:
        parts.append(Part.of(1, _previous(view.previous), style="$foreground-muted"))
    names = max((len(name) for name, _ in view.details), default=0)
    told = [
        line((f"{name.ljust(names)}  ", "$foreground-muted"), fit(safe(value), width - names - 2))
        for name, value in view.details
    ]
    lines = [arrange(parts, width), *told][:height]
    chart = PhaseChart(view.phases)
    room = height - len(lines)
    if not view.phases or room <= LINES_FOR_PHASES:
        return lines
    return [*lines, *phase_lines(chart, width, room)]


def _previous(previous: PreviousStarts) -> str:
    median = fmt.about(previous.median_s)
    if previous.n == 1:
        return f"{median} to ready in the start before"
    low, high = (f"{value:.0f}" for value in (previous.min_s, previous.max_s))
    return f"usually {median} to ready ({low} to {high}, last {previous.n} starts)"


def _outcome_part(view: StartupView) -> Part:
    total = fmt.seconds(view.total_s)
    if view.end_of_service:
        ended = f"✖ {view.end_of_service}"
        return Part.of(0, ended, style="$text-error bold", droppable=False)
    match view.outcome:
        case Outcome.READY:
            ready = f"✔ ready in {fmt.seconds(view.ready_s or view.total_s)}"
            return Part.of(0, ready, style="$text-success bold", droppable=False)
        case Outcome.FAILED:
            forms = (f"✖ failed after {total}", f"✖ failed {total}")
            return Part.of(0, *forms, style="$text-error bold", droppable=False)
        case Outcome.STOPPED:
            return Part.of(0, f"○ stopped after {total}", style="bold", droppable=False)
        case Outcome.INCOMPLETE:
            forms = (f"◌ log ends after {total}", f"◌ {total}")
            return Part.of(0, *forms, style="$text-warning bold", droppable=False)
        case None:
            return Part.of(0, f"total {total}", total, style="bold", droppable=False)


def _eta_part(view: StartupView) -> Part:
    if view.outcome is not None:
        return Part(0, ())
    eta = view.eta
    if eta is None:
        reason = safe(view.eta_reason)
        long = (f"ETA {UNKNOWN} {reason}",) if reason else ()
        first = (f"ETA {UNKNOWN} first start",) if reason.startswith("first start") else ()
        forms = (*long, *first, f"ETA {UNKNOWN}")
        return Part.of(1, *forms, style="$foreground-muted", droppable=False)
    told = f"ETA {fmt.clock(eta.median_s)}"
    if eta.overdue:
        late = f"ETA over {fmt.clock(eta.median_s)}"
        forms = (f"{late}: {eta.overdue} is overdue", f"{late}, overdue", late)
        return Part.of(1, *forms, style="$text-warning", droppable=False)
    if eta.n < 2:
        forms = (f"{told} as in the one start before", f"{told} (1 start)", told)
        return Part.of(1, *forms, style="$text-accent", droppable=False)
    low, high = fmt.clock(eta.min_s), fmt.clock(eta.max_s)
    forms = (f"{told} ({low} to {high})", f"{told} ({low}–{high})", told)
    return Part.of(1, *forms, style="$text-accent", droppable=False)


def _first_token_part(view: StartupView) -> Part:
    if view.outcome is not Outcome.READY or view.first_token_s is None:
        return Part(4, ())
    return Part.of(4, f"first token {fmt.seconds(view.first_token_s)}")


def _outcome_line(view: StartupView, width: int) -> Content:
    parts = [_outcome_part(view), _first_token_part(view), *_previous_part(view)]
    return arrange(parts, width)


def _summary(view: StartupView, width: int) -> Content:
    parts = [_outcome_part(view), _eta_part(view), _first_token_part(view), *_previous_part(view)]
    return arrange(parts, width)


def _summary_with_advice(view: StartupView, width: int) -> Content:
    hints = (slower_part(view.slower, view.whole_key), levers_part(view.levers, view.whole_key))
    parts = [_outcome_part(view), _eta_part(view), *hints, *_previous_part(view)]
    return arrange(parts, width)


def _compact(view: StartupView, width: int) -> Content:
    running = next((phase for phase in view.phases if phase.running), None)
    if view.outcome is None and running is not None:
        name = PHASE_TITLES[running.name]
        seconds = fmt.seconds(elapsed_s(running, view.total_s or 0.0))
        forms = (f"▶ {name} {seconds} {safe(running.item)}".rstrip(), f"▶ {name} {seconds}")
        phase = Part.of(3, *forms, style="$text-accent", droppable=False)
        total = Part.of(2, f"total {fmt.seconds(view.total_s)}", style="bold")
        return arrange([phase, _eta_part(view), total, *_previous_part(view)], width)
    begun = [phase for phase in view.phases if phase.duration_s is not None]
    slowest = max(begun, key=lambda phase: phase.duration_s or 0.0, default=None)
    told = f"{PHASE_TITLES[slowest.name]} {fmt.seconds(slowest.duration_s)}" if slowest else ""
    most = Part.of(3, f"most of it {told}", told) if told else Part(3, ())
    hints = [slower_part(view.slower, view.whole_key), levers_part(view.levers, view.whole_key)]
    if view.slower:
        most = Part(3, ())
    parts = [_outcome_part(view), _eta_part(view), _first_token_part(view), most, *hints]
    return arrange([*parts, *_previous_part(view)], width)


def _previous_part(view: StartupView) -> list[Part]:
    if view.previous is None:
        return []
    previous = view.previous
    median = fmt.about(previous.median_s)
    between = f"{previous.min_s:.0f} to {previous.max_s:.0f}"
    short = (f"usually {median} ({between})", f"usually {median}") if previous.n > 1 else ()
    return [Part.of(6, _previous(previous), *short, style="$foreground-muted")]
