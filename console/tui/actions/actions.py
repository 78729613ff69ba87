"""All actions over one console, the sources behind them, and what each fact leads to."""

import asyncio

from backends.domain.facts import Fact, ServersSeen
from backends.domain.session import Session
from backends.operations.watched import Watched
from console.tui import feeds
from console.tui.actions.ab import AbActions
from console.tui.actions.console import Console, pumped
from console.tui.actions.drawing import Drawing
from console.tui.actions.load import LoadActions
from console.tui.actions.records import RecordActions
from console.tui.actions.server import ServerActions
from console.tui.actions.setup import SetupActions
from console.tui.actions.show import ShowActions
from console.tui.actions.watch import WatchActions

HISTORY_WAIT_S = 0.5
"""How long a history that is locked may delay all else."""


class Actions:
    """Each kind of action, built once.

    Attributes:
        drawing: draws what has changed.
        records: writes the history and reads it.
        watch: which server is shown.
        server: the keys for a server.
        ab: the keys for an A/B.
        load: the palette's loads.
        setup: the welcome's choices.
        show: the other screens.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self.drawing = Drawing(console)
        self.records = RecordActions(console, self.drawing)
        self.watch = WatchActions(console, self.drawing, self.records)
        self.server = ServerActions(console, self.watch)
        self.ab = AbActions(console)
        self.load = LoadActions(console)
        self.setup = SetupActions(console, self.watch)
        self.show = ShowActions(console, self.drawing, self.setup.choose, self.watch.turn_to)

    async def begin(self, watched: Watched | None, *, start_at_once: bool) -> None:
        """Take up the history and the meter, and start everything that yields facts."""
        console, host = self._console, self._console.host
        taken_up = asyncio.create_task(self.records.take_up())
        await asyncio.wait([taken_up], timeout=HISTORY_WAIT_S)  # the meter goes on where it stood
        if watched is not None:
            self.watch.show(watched)

        def look() -> Session:
            return console.session

        for group, source in {
            "clock": feeds.ticks(host, look),
            "gpus": feeds.gpus(host, look),
            "metrics": feeds.metrics(host, look),
            "metrics of others": feeds.metrics_of_others(host, look),
            "servers": feeds.servers(host),
        }.items():
            console.carry_out(pumped(console, source), group)
        console.carry_out(self.records.read_past_traffic(), "past traffic")
        if start_at_once:
            self.server.act("start")
        await taken_up

    def follow_up(self, fact: Fact) -> None:
        """Do what a fact leads to, once it is folded."""
        if isinstance(fact, ServersSeen):
            self.watch.follow_restarted(fact)
            self.watch.adopt_orphaned(fact)
        self.records.keep(fact)
