"""Has written down what happens, and lays on the context what was written down."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from backends.agent.messages import PlanJudged, Snapshot, with_snapshot
from backends.domain.decision.hysteresis import ShownPlan
from backends.domain.facts import Fact, SourceFailed, Ticked
from backends.domain.session import advance, recovered
from backends.operations import meter_store, records
from backends.operations.host import Host
from backends.operations.past_traffic import past_demand
from backends.operations.recording.feed import RecordFeed
from backends.operations.records import ContextFields
from backends.problem import Problem
from backends.settings.config import TrafficSource
from console.tui.actions.console import Console
from console.tui.actions.drawing import Drawing

HISTORY = "history"
"""The source that fails where what was written down cannot be read, or nothing be added."""

AGENT = "agent"
"""The source that fails where the process that is to keep the record cannot be had."""

AGAIN_S = 1.0
"""Seconds between attempts to read a history that cannot be read."""

PAST_TRAFFIC_S = 600.0
"""Past traffic is read again as often as a window of the plan is judged."""


class RecordActions:
    """Between the history and the context; nothing here waits for a disk."""

    def __init__(self, console: Console, drawing: Drawing, feed: RecordFeed) -> None:
        self._console = console
        self._drawing = drawing
        self._feed = feed
        self._record_problem = ""
        self._taken_up = False

    def take(self, message: Snapshot | PlanJudged) -> None:
        """Go on with what whoever keeps the record of the host tells."""
        console = self._console
        life = console.session.life
        name = life.server.name if life else ""
        if isinstance(message, PlanJudged):
            plans = {**console.context.plans, message.server: message.shown}
            console.context = replace(console.context, plans=plans)
            if message.server == name:
                console.context = replace(console.context, shown=message.shown)
            return
        console.session = with_snapshot(console.session, message)
        read = message.servers.get(name)
        shown = read.shown if read else ShownPlan()
        plans = {server: each.shown for server, each in message.servers.items()}
        console.context = replace(console.context, shown=shown, plans=plans)
        self._record_problem = message.problem
        meter = message.account.meter
        if meter is not None and not self._taken_up:
            self._taken_up = True
            console.carry_out(
                self._read(partial(_measured, console.host, meter.earliest_s)), "measured"
            )

    def keep(self, fact: Fact) -> None:
        """Have written what a fact adds to an A/B, and read what a fact has changed."""
        console = self._console
        if isinstance(fact, Ticked):
            self._note_failure()
        console.context = records.record_run(
            console.history, console.session, console.context, fact
        )
        if read := records.to_read(console.host, console.session, console.context, fact):
            console.carry_out(self._read(read), f"recall {type(fact).__name__}")

    def _note_failure(self) -> None:
        """Say on screen what hinders the record, for as long as it is so."""
        console = self._console
        hindered = {
            HISTORY: console.history.problem or self._record_problem,
            AGENT: self._feed.problem,
        }
        for source, problem in hindered.items():
            if problem:
                failed = SourceFailed(console.host.now(), source, problem)
                console.session = advance(console.session, failed)
            else:
                console.session = recovered(console.session, source)

    def recall(self, read: Callable[[], ContextFields]) -> None:
        """Read what is to be known of a server that is shown from now on."""
        self._console.carry_out(self._read(read), "recall server")

    async def _read(self, read: Callable[[], ContextFields]) -> None:
        """Lay on the context what is read of the history, once it can be read."""
        console = self._console
        while True:
            try:
                fields = await console.history.read(read)
            except Problem:
                await asyncio.sleep(AGAIN_S)  # the next tick says why
            else:
                console.context = replace(console.context, **fields)
                self._drawing.soon()
                return

    async def read_past_traffic(self) -> None:
        """Lay past traffic on the context, again and again; say once why it cannot be had."""
        console, problem_said = self._console, ""
        source = console.host.settings.traffic
        while source != TrafficSource():
            life = console.session.life
            model = life.server.model if life else None
            try:
                traffic = await asyncio.to_thread(
                    past_demand,
                    source,
                    model,
                    console.host.now().wall_s,
                    console.host.settings.endpoints,
                )
            except Problem as problem:
                if str(problem) != problem_said:
                    problem_said = str(problem)
                    console.notify(problem_said, severity="error", markup=False)
            else:
                problem_said = ""
                console.context = replace(console.context, traffic=traffic)
            await asyncio.sleep(PAST_TRAFFIC_S)


def _measured(host: Host, began_s: float) -> ContextFields:
    """Return what the history holds for a console that opens."""
    return {**records.measured_known(host), "tests_usd": meter_store.spent_usd(host, began_s)}
