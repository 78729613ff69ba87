"""The start-up panel: the phases of a start, what is still expected, and why it failed."""

from dataclasses import dataclass

from textual.content import Content
from textual.reactive import reactive

from backends.domain.start import Failure, Outcome
from widgets import format as fmt
from widgets.panel import Panel
from widgets.phase_bars import LONG_NAMES, PhaseRow, elapsed_s, phase_lines
from widgets.text import UNKNOWN, Part, arrange, fit, safe, styled, wrap, wrap_to


@dataclass(frozen=True, slots=True)
class PreviousStarts:
    """The totals of the earlier starts of this model on this host, in seconds."""

    n: int
    median_s: float
    min_s: float
    max_s: float


@dataclass(frozen=True, slots=True)
class StartupView:
    """One start, running or over.

    Attributes:
        phases: in order of time; those only expected, without `start_s`, last.
        total_s: launch until now, or until the end of a start that is over; None without a start.
        eta_s: seconds still expected, None where nothing is known to expect.
        eta_spread_s: half the width of what `eta_s` may be.
        eta_reason: why there is no estimate, for example ``first start of this model``.
        unlogged_s: what no phase explains.
        outcome: None while the start runs.
        compact: show one line, for a start that ended well and is old news.
        start_key: the key that starts a server, shown where there is no start.
        reason: why there is no start to show, instead of that key.
    """

    phases: tuple[PhaseRow, ...] = ()
    total_s: float | None = None
    eta_s: float | None = None
    eta_spread_s: float | None = None
    eta_reason: str = ""
    unlogged_s: float = 0.0
    previous: PreviousStarts | None = None
    outcome: Outcome | None = None
    failure: Failure | None = None
    compact: bool = False
    start_key: str = "s"
    reason: str = ""


class StartupPanel(Panel):
    """Phases, seconds, what is expected, and why it failed."""

    BORDER_TITLE = "Start-up"

    view: reactive[StartupView] = reactive(StartupView(), repaint=False)

    def lines(self, width: int, height: int) -> list[Content]:
        """Return the phases, the failure, or one line."""
        return draw(self.view, width, height)


def draw(view: StartupView, width: int, height: int) -> list[Content]:
    """Return the panel's lines: a failure first, phases in the middle, the total last."""
    if view.total_s is None:
        return [_no_start(view, width)]
    if height < 3 or (view.compact and view.failure is None):
        return [_compact(view, width)]
    if view.failure is not None:
        told = _failure(view, width, height)
        room = height - len(told)
        return [*told, *_phases(view, width, room)] if room >= 4 else told
    body = _phases(view, width, height - 1)
    return [*body, _summary(view, width)]


def _phases(view: StartupView, width: int, height: int) -> list[Content]:
    return phase_lines(
        view.phases,
        now_s=view.total_s or 0.0,
        over=view.outcome is not None,
        broken=view.outcome is Outcome.FAILED,
        unlogged_s=view.unlogged_s,
        width=width,
        height=height,
    )


def _no_start(view: StartupView, width: int) -> Content:
    if view.reason:
        return styled(fit(f"{UNKNOWN} {safe(view.reason)}", width), "$foreground-muted")
    key = f"press {view.start_key} to start a server"
    parts = [Part.of(0, f"○ no start yet: {key}", key, droppable=False)]
    if view.previous is not None:
        parts.append(Part.of(1, _previous(view.previous), style="$foreground-muted"))
    return arrange(parts, width)


def _previous(previous: PreviousStarts) -> str:
    median = fmt.about(previous.median_s)
    if previous.n == 1:
        return f"last start {median}"
    low, high = (f"{value:.0f}" for value in (previous.min_s, previous.max_s))
    return f"median of {previous.n}: {median} ({low} to {high})"


def _outcome_part(view: StartupView) -> Part:
    total = fmt.seconds(view.total_s)
    match view.outcome:
        case Outcome.READY:
            return Part.of(0, f"✔ ready in {total}", style="$text-success bold", droppable=False)
        case Outcome.FAILED:
            return Part.of(
                0,
                f"✖ failed after {total}",
                f"✖ failed {total}",
                style="$text-error bold",
                droppable=False,
            )
        case Outcome.STOPPED:
            return Part.of(0, f"○ stopped after {total}", style="bold", droppable=False)
        case Outcome.INCOMPLETE:
            forms = (f"◌ log ends after {total}", f"◌ {total}")
            return Part.of(0, *forms, style="$text-warning bold", droppable=False)
        case None:
            return Part.of(0, f"total {total}", style="bold", droppable=False)


def _eta_part(view: StartupView) -> Part:
    if view.outcome is not None:
        return Part(0, ())
    if view.eta_s is None:
        reason = f"ETA — {safe(view.eta_reason)}" if view.eta_reason else "ETA —"
        return Part.of(
            1, reason, fit(reason, 20), "ETA —", style="$foreground-muted", droppable=False
        )
    eta = f"ETA {fmt.about(view.eta_s)}"
    if view.eta_spread_s is None:
        return Part.of(1, eta, style="$text-accent", droppable=False)
    forms = (f"{eta} ± {fmt.about(view.eta_spread_s)}", eta)
    return Part.of(1, *forms, style="$text-accent", droppable=False)


def _summary(view: StartupView, width: int) -> Content:
    return arrange([_outcome_part(view), _eta_part(view), *_previous_part(view)], width)


def _compact(view: StartupView, width: int) -> Content:
    running = next((phase for phase in view.phases if phase.running), None)
    if view.outcome is None and running is not None:
        name = LONG_NAMES[running.name]
        seconds = fmt.seconds(elapsed_s(running, view.total_s or 0.0))
        forms = (f"▶ {name} {seconds} {safe(running.item)}".rstrip(), f"▶ {name} {seconds}")
        phase = Part.of(3, *forms, style="$text-accent", droppable=False)
        total = Part.of(2, f"total {fmt.seconds(view.total_s)}", style="bold")
        return arrange([phase, _eta_part(view), total, *_previous_part(view)], width)
    parts = [_outcome_part(view), _eta_part(view)]
    begun = [phase for phase in view.phases if phase.duration_s is not None]
    if view.failure is not None:
        cause = safe(view.failure.cause)
        parts.append(Part.of(1, cause, fit(cause, width // 2)))
    elif begun:
        slowest = max(begun, key=lambda phase: phase.duration_s or 0.0)
        told = f"{LONG_NAMES[slowest.name]} {fmt.seconds(slowest.duration_s)}"
        parts.append(Part.of(2, f"slowest: {told}", told))
    return arrange([*parts, *_previous_part(view)], width)


def _previous_part(view: StartupView) -> list[Part]:
    if view.previous is None:
        return []
    forms = (_previous(view.previous), f"median {fmt.about(view.previous.median_s)}")
    return [Part.of(4, *forms, style="$foreground-muted")]


def _failure(view: StartupView, width: int, height: int) -> list[Content]:
    """Return what failed and where, its cause, its remedy and, with room, the log line itself."""
    failure = view.failure
    assert failure is not None
    line_number = failure.line_number
    place = "no log line tells it" if line_number is None else f"log line {line_number:,}"
    head = arrange([_outcome_part(view), Part.of(1, place, droppable=False)], width)
    cause, remedy = f"cause: {safe(failure.cause)}", f"remedy: {safe(failure.remedy)}"
    room = height - 1
    remedy_lines = min(len(wrap(remedy, width)), max(1, room - min(2, room // 2)))
    told_cause = wrap_to(cause, width, room - remedy_lines)
    told_remedy = wrap_to(remedy, width, room - len(told_cause))
    lines = [
        head,
        *(styled(text) for text in told_cause),
        *(styled(text, "bold") for text in told_remedy),
    ]
    if failure.line and len(lines) < height:
        quoted = wrap_to(f"│ {safe(failure.line)}", width, 1)
        lines += [styled(text, "$foreground-muted") for text in quoted]
    return lines
