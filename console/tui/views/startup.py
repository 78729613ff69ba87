"""The start-up panel's view."""

import shlex
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from backends.domain import format as fmt
from backends.domain.external import is_external
from backends.domain.lifecycle import Life, failure_of
from backends.domain.server import SERVING
from backends.domain.session import Session
from backends.domain.start import PHASE_TITLES, Outcome, Phase, PhaseName, Start
from backends.domain.startup.advice import all_levers
from backends.domain.startup.expectation import (
    Remaining,
    comparable,
    expected_phases,
    expected_total,
    remaining,
    slower_phases,
)
from backends.domain.startup.fold import as_start, running_phase
from backends.domain.startup.lessons import Expected
from backends.operations.context import Context
from console.tui.views.keys import fix_of
from console.tui.views.progress import item
from widgets.phase_bar import PhaseRow, RankRow
from widgets.phase_bars import MemoryTimeline
from widgets.startup_panel import Eta, PreviousStarts, StartupView

FIRST_START = "first start of this model on this host"

NOT_OURS = "started externally; no log to read"

SETTLED = SERVING


def startup_view(session: Session, context: Context) -> StartupView:
    """Return the phases of the watched server's start beside what earlier starts took."""
    life = session.life
    if life is not None and is_external(life) and (life.start is None or life.no_log):
        return StartupView(reason=life.no_log or NOT_OURS, compact=True)
    start = start_of(session)
    if start is None or session.life is None or session.life.start is None:
        return StartupView(
            phases=_expected_rows(context.earlier),
            previous=_previous(context.earlier),
            details=_details(session, context),
        )
    earlier = comparable(context.earlier, start)
    phase = running_phase(session.life.start)
    running = phase if start.outcome is Outcome.INCOMPLETE else None
    left = remaining(earlier, start, running) if running else None
    view = StartupView(
        phases=_rows(start, expected_phases(earlier), running),
        total_s=start.total_s,
        ready_s=start.ready_s,
        first_token_s=start.first_token_s,
        eta=_eta(left, running) if left and running else None,
        eta_reason="" if left else FIRST_START,
        unlogged_s=start.unlogged_s,
        previous=_previous(earlier),
        outcome=None if start.outcome is Outcome.INCOMPLETE else start.outcome,
        failure=failure_of(session.life),
        end_of_service=session.life.server.end_of_service,
        memory=_memory(session),
        compact=_compact(session.life, start),
        fix_key="f" if fix_of(session, context) else "",
    )
    return _with_lessons(view, start, earlier, context) if view.outcome else view


def _details(session: Session, context: Context) -> tuple[tuple[str, str], ...]:
    """Return what a start of the watched server's profile would run and cost."""
    profile = context.settings.profile(session.life.server.name) if session.life else None
    if profile is None:
        return ()
    total = expected_total(context.earlier)
    per_hour = profile.gpu_usd_per_hour
    cost = "no price: set gpu_usd_per_hour"
    if per_hour is not None:
        cost = fmt.usd(per_hour, "h")
        if total is not None:
            usd = per_hour * Decimal(repr(total.median_s)) / 3600
            cost += f", about {fmt.short_usd(usd)} for a start"
    command = shlex.join([profile.vllm, "serve", profile.model, *profile.args])
    return (
        ("model", profile.model),
        ("command", command),
        ("port", f"{profile.port} on {profile.host}"),
        ("price", cost),
    )


def start_of(session: Session) -> Start | None:
    """Return the watched server's start as it stands at this instant."""
    if session.life is None or session.life.start is None:
        return None
    return as_start(session.life.start, session.now)


def _with_lessons(
    view: StartupView, start: Start, earlier: tuple[Start, ...], context: Context
) -> StartupView:
    """Return the view of a start that is over with what can be learnt from it."""
    return replace(
        view,
        slower=slower_phases(earlier, start),
        levers=all_levers(start, context.others, context.environment),
    )


def _rows(
    start: Start, expected: Mapping[PhaseName, Expected], running: PhaseName | None
) -> tuple[PhaseRow, ...]:
    in_time = sorted(start.phases, key=lambda phase: phase.start_s)
    over = [_row(each, expected) for each in in_time if each.name is not running]
    now = [_running(each, expected, start) for each in start.phases if each.name is running]
    return (*over, *now, *(_awaited(start, expected) if running else ()))


def _row(phase: Phase, expected: Mapping[PhaseName, Expected]) -> PhaseRow:
    usual = expected.get(phase.name)
    return PhaseRow(
        name=phase.name,
        start_s=phase.start_s,
        duration_s=phase.duration_s,
        reported_s=phase.reported_s,
        expected_s=usual.median_s if usual else None,
        expected_between_s=_between(usual),
        ranks=_ranks(phase),
    )


def _between(usual: Expected | None) -> tuple[float, float] | None:
    return (usual.min_s, usual.max_s) if usual and usual.n > 1 else None


def _ranks(phase: Phase) -> tuple[RankRow, ...]:
    """Return what each rank took: what it says itself, else how long it was seen in the phase."""
    told = ((each, each.reported_s or each.duration_s) for each in phase.ranks)
    return tuple(RankRow(each.rank, took_s, each.start_s) for each, took_s in told if took_s)


def _running(phase: Phase, expected: Mapping[PhaseName, Expected], start: Start) -> PhaseRow:
    row = replace(_row(phase, expected), duration_s=None)
    progress = start.progress
    if progress is None or progress.phase is not phase.name:
        return row
    share = progress.done / progress.total if progress.total else None
    return replace(row, item=item(phase, progress), fraction=share)


def _expected_rows(earlier: tuple[Start, ...]) -> tuple[PhaseRow, ...]:
    return tuple(
        PhaseRow(name=name, expected_s=usual.median_s, expected_between_s=_between(usual))
        for name, usual in expected_phases(earlier).items()
    )


def _awaited(start: Start, expected: Mapping[PhaseName, Expected]) -> tuple[PhaseRow, ...]:
    """Return the phases that earlier starts had and this one has not reached yet."""
    seen = {phase.name for phase in start.phases}
    return tuple(
        PhaseRow(name=name, expected_s=usual.median_s, expected_between_s=_between(usual))
        for name, usual in expected.items()
        if name not in seen
    )


def _eta(left: Remaining, running: PhaseName) -> Eta:
    overdue = PHASE_TITLES[running] if left.overdue else ""
    return Eta(left.left.median_s, left.left.min_s, left.left.max_s, left.left.n, overdue)


def _memory(session: Session) -> MemoryTimeline:
    points = tuple(
        (point.at_s, point.used_bytes)
        for point in session.memory.points
        if point.used_bytes is not None
    )
    totals = [gpu.memory.total_bytes for gpu in session.gpus.gpus] if session.gpus else []
    known = [total for total in totals if total is not None]
    total = sum(known) if known and len(known) == len(totals) else None
    return MemoryTimeline(points, total)


def _previous(earlier: tuple[Start, ...]) -> PreviousStarts | None:
    total = expected_total(earlier)
    if total is None:
        return None
    return PreviousStarts(n=total.n, median_s=total.median_s, min_s=total.min_s, max_s=total.max_s)


def _compact(life: Life, start: Start) -> bool:
    return life.server.state in SETTLED and start.outcome is Outcome.READY
