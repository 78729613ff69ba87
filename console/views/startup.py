"""The start-up panel's view."""

from collections.abc import Mapping
from dataclasses import replace

from backends.domain.foreign import is_foreign
from backends.domain.lifecycle import Life
from backends.domain.server import ServerState
from backends.domain.session import Session
from backends.domain.start import Outcome, Phase, PhaseName, Progress, Start
from backends.domain.startup.expectation import (
    Expected,
    comparable,
    expected_phases,
    expected_total,
    remaining,
)
from backends.domain.startup.fold import as_start, running_phase
from console.desk import Desk
from widgets.phase_bars import PhaseRow
from widgets.startup_panel import PreviousStarts, StartupView

FIRST_START = "first start of this model on this host"

NOT_OURS = "started by others; no log to read"

SETTLED = frozenset({ServerState.READY, ServerState.UNHEALTHY})

BYTES_PER_GB = 1e9


def startup_view(session: Session, desk: Desk) -> StartupView:
    """Return the phases of the watched server's start beside what earlier starts took."""
    if is_foreign(session.life):
        return StartupView(reason=NOT_OURS, compact=True)
    start = start_of(session)
    if start is None or session.life is None or session.life.start is None:
        return StartupView(previous=_previous(desk.earlier))
    earlier = comparable(desk.earlier, start)
    expected = expected_phases(earlier)
    phase = running_phase(session.life.start)
    running = start.outcome is Outcome.INCOMPLETE and phase is not None
    now = phase if running else None
    left = remaining(earlier, start, now) if now else None
    return StartupView(
        phases=(
            *(
                _row(each, expected)
                for each in start.phases
                if each.rank is None and each.name is not now
            ),
            *(
                _running(each, expected, start.progress)
                for each in start.phases
                if each.name is now
            ),
            *(_awaited(start, expected) if running else ()),
        ),
        total_s=start.total_s,
        eta_s=left.left.median_s if left else None,
        eta_spread_s=(left.left.max_s - left.left.min_s) / 2 if left else None,
        eta_reason="" if left else FIRST_START,
        unlogged_s=start.unlogged_s,
        previous=_previous(earlier),
        outcome=None if start.outcome is Outcome.INCOMPLETE else start.outcome,
        failure=session.life.server.failure or start.failure,
        compact=_compact(session.life, start),
    )


def start_of(session: Session) -> Start | None:
    """Return the watched server's start as it stands at this instant."""
    if session.life is None or session.life.start is None:
        return None
    return as_start(session.life.start, session.now)


def _row(phase: Phase, expected: Mapping[PhaseName, Expected]) -> PhaseRow:
    usual = expected.get(phase.name)
    return PhaseRow(
        name=phase.name,
        start_s=phase.start_s,
        duration_s=phase.duration_s,
        reported_s=phase.reported_s,
        expected_s=usual.median_s if usual else None,
    )


def _running(
    phase: Phase, expected: Mapping[PhaseName, Expected], progress: Progress | None
) -> PhaseRow:
    row = replace(_row(phase, expected), duration_s=None)
    if progress is None or progress.phase is not phase.name:
        return row
    share = progress.done / progress.total if progress.total else None
    return replace(row, item=_item(progress), fraction=share)


def _item(progress: Progress) -> str:
    if progress.item == "bytes":
        total = f"/{progress.total / BYTES_PER_GB:.1f}" if progress.total else ""
        return f"fetched {progress.done / BYTES_PER_GB:.1f}{total} GB"
    total = f"/{progress.total}" if progress.total else ""
    return f"{progress.item} {progress.done}{total}"


def _awaited(start: Start, expected: Mapping[PhaseName, Expected]) -> tuple[PhaseRow, ...]:
    """Return the phases that earlier starts had and this one has not reached yet."""
    seen = {phase.name for phase in start.phases}
    return tuple(
        PhaseRow(name=name, expected_s=usual.median_s)
        for name, usual in expected.items()
        if name not in seen
    )


def _previous(earlier: tuple[Start, ...]) -> PreviousStarts | None:
    total = expected_total(earlier)
    if total is None:
        return None
    return PreviousStarts(n=total.n, median_s=total.median_s, min_s=total.min_s, max_s=total.max_s)


def _compact(life: Life, start: Start) -> bool:
    return life.server.state in SETTLED and start.outcome is Outcome.READY
