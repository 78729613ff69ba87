"""``inferctl advise``: what binds a server now, the one flag to try, keep or revert."""

import argparse
import asyncio
from contextlib import aclosing

from backends.domain.advise.binding import BINDS
from backends.domain.advise.trial import Changed, Trial
from backends.domain.facts import MetricsScraped
from backends.domain.format import UNKNOWN, figure
from backends.operations import advise as operation
from backends.operations.host import Host, this_host
from console.cli.output import document, draw_progress, show
from console.cli.status import settings_without_faults


def run(arguments: argparse.Namespace) -> int:
    """Watch a server's counters for a while and say what would help.

    Raises:
        Problem: it does not serve, or its counters cannot be read.
    """
    host = this_host(settings_without_faults())
    server = operation.serving(host, arguments.name)
    known = operation.known_of(host, server.name)
    try:
        readings = asyncio.run(_watched(host, server.base_url or "", arguments.for_s))
    finally:
        draw_progress("")
    found = operation.advised(server.name, readings, known)
    if arguments.json:
        document(operation.advice_document(found))
        return 0
    show(f"{found.server}: {BINDS[found.binding.resource]}")
    show(f"  {found.binding.reason}")
    if found.attempt is not None:
        show(f"  try {found.attempt.flag}: {found.attempt.effect}")
        show(f"  its price: {found.attempt.price}")
    if found.instead:
        show(f"  {found.instead}")
    if found.trial is not None:
        _show_trial(found.trial)
    return 0


async def _watched(host: Host, base_url: str, for_s: float) -> list[MetricsScraped]:
    readings: list[MetricsScraped] = []
    async with aclosing(operation.readings_of(host, base_url, for_s)) as watched:
        async for reading in watched:
            readings.append(reading)
            left_s = for_s - (reading.at.mono_s - readings[0].at.mono_s)
            draw_progress(f"watching its counters, {max(0.0, left_s):.0f} s left")
    return readings


def _show_trial(trial: Trial) -> None:
    word = trial.decision.replace("_", " ")
    changes = "; ".join(trial.changes) or "the order of arguments"
    show(f"last try, {changes}: {word}")
    show(f"  {trial.reason}")
    for changed in trial.figures:
        if changed.shift is not None:
            show(f"  {_row(changed)}")


def _row(changed: Changed) -> str:
    shift = changed.shift
    if shift is None or shift.low is None or shift.high is None:
        return f"{changed.figure} {UNKNOWN}"
    low, high = figure(shift.low), figure(shift.high)
    return (
        f"{changed.figure} {shift.value:+.3g} {changed.unit} ({low} to {high}; "
        f"{changed.before} before, {changed.after} after)"
    )
