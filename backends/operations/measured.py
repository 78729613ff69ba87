"""Reads from the history what a plan may rest on: how long starts take, how slow endpoints are."""

from contextlib import closing
from dataclasses import replace
from statistics import median
from typing import Any

from backends.domain.prices.amounts import STALE_AFTER_DAYS
from backends.domain.start import Outcome
from backends.history.first_tokens import first_tokens
from backends.history.history import History, open_history
from backends.operations.context import Desk
from backends.operations.host import Machine
from backends.operations.measured_inputs import Measured, Starts
from backends.settings.config import Profile

DAY_S = 86_400


def with_measured(desk: Desk, machine: Machine) -> Desk:
    """Return the desk with what the history tells a plan.

    Raises:
        HistoryUnavailable: the history cannot be read.
    """
    return replace(desk, measured=measured_here(machine))


def measured_known(machine: Machine) -> dict[str, Any]:
    """Return what the history tells a plan, as the field of the desk that holds it."""
    return {"measured": measured_here(machine)}


def measured_here(machine: Machine) -> Measured:
    """Return what was measured on this host: all like starts, and the A/B runs of 45 days.

    A start is like those of today with the same model and arguments; it counts once it came to its
    first token. An endpoint changes as prices do, so that its runs grow stale like them.

    Raises:
        HistoryUnavailable: the history cannot be read.
    """
    with closing(open_history(machine.history_file)) as history:
        starts = (_starts(history, profile) for profile in machine.settings.servers)
        found = tuple(each for each in starts if each is not None)
    since_wall_s = machine.now().wall_s - STALE_AFTER_DAYS * DAY_S
    return Measured(found, first_tokens(machine.history_file, since_wall_s))


def _starts(history: History, profile: Profile) -> Starts | None:
    records = history.starts_like(profile.model, profile.args)
    took_s = [
        record.start.first_token_s
        for record in records
        if record.start.outcome is Outcome.READY and record.start.first_token_s is not None
    ]
    return Starts(profile.name, len(took_s), median(took_s)) if took_s else None
