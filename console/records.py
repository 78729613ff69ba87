"""What the console writes down and looks up: starts, series and the meter, in the history."""

from contextlib import closing
from decimal import Decimal

from backends.domain.ab import Ab
from backends.domain.lifecycle import Life
from backends.domain.money.meter import MeterState, advance_meter, begin_meter
from backends.domain.stamp import Stamp
from backends.domain.start import Outcome, Start
from backends.history.history import open_history
from backends.history.records import SeriesRecord, StartRecord
from backends.host.boot import boot_wall_s
from backends.settings.config import Profile
from backends.wire import plain, typed
from console.machine import Machine

METER = "host"
SAME_BOOT_S = 30.0
"""The boot time is computed from two clocks, and moves when one of them is set."""

SECONDS_PER_HOUR = 3600


def earlier_starts(machine: Machine, profile: Profile | None, but: str = "") -> tuple[Start, ...]:
    """Return the complete starts of a profile's model and arguments, newest first."""
    if profile is None:
        return ()
    with closing(open_history(machine.history_file)) as history:
        records = history.starts_like(profile.model, profile.args)
    starts = (record.start for record in records)
    return tuple(
        start for start in starts if start.outcome is Outcome.READY and start.start_id != but
    )


def keep_start(machine: Machine, life: Life, start: Start) -> None:
    """Write a start down; the more complete of two records of one start stays."""
    profile = machine.settings.profile(life.server.name)
    if profile is None or life.spawned_at is None:
        return
    price = profile.gpu_usd_per_hour
    cost = price * Decimal(repr(start.total_s)) / SECONDS_PER_HOUR if price and start.total_s else None
    record = StartRecord(
        server=profile.name,
        model=profile.model,
        args=profile.args,
        began_wall_s=life.spawned_at.wall_s,
        start=start,
        cost_usd=cost,
    )
    with closing(open_history(machine.history_file)) as history:
        history.add_start(record)


def keep_series(machine: Machine, ab: Ab, prompt_sha256: str, report: dict[str, object]) -> None:
    """Write an A/B and its runs down."""
    record = SeriesRecord(
        series_id=ab.series_id,
        began_wall_s=ab.began_at.wall_s,
        lanes=tuple((lane.name, lane.endpoint) for lane in ab.lanes),
        prompt_sha256=prompt_sha256,
        report=report,
    )
    with closing(open_history(machine.history_file)) as history:
        history.add_series(record)
        for lane in ab.lanes:
            for run in lane.runs:
                history.add_run(ab.series_id, run)


def load_meter(machine: Machine, now: Stamp) -> MeterState:
    """Return the meter of this rental: kept from an earlier console, or begun at the host's boot."""
    began_s = boot_wall_s()
    with closing(open_history(machine.history_file)) as history:
        kept = history.load_meter(METER)
    if kept is not None:
        state = typed(kept, MeterState)
        if abs(state.began_s - began_s) < SAME_BOOT_S:
            return advance_meter(state, now.wall_s, "unwatched")
    return begin_meter("host_boot", began_s, now.wall_s)


def keep_meter(machine: Machine, state: MeterState) -> None:
    """Write the meter down."""
    with closing(open_history(machine.history_file)) as history:
        history.save_meter(METER, state.last_s, plain(state))
