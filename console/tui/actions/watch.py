"""Which server the console shows: by the user's choice, and when others start it again."""

import asyncio
import math
from dataclasses import replace
from functools import partial

from backends.domain.decision.hysteresis import ShownPlan
from backends.domain.facts import ServersSeen
from backends.domain.server import Owner, Server
from backends.domain.session import watching, watching_external
from backends.keeper.order import AlreadyKept, KeeperError
from backends.operations.recording.feed import RecordFeed
from backends.operations.records import starts_known
from backends.operations.servers import adopt, watch_external
from backends.operations.watched import Watched
from backends.problem import Problem
from backends.settings.config import Settings
from console.tui import feeds
from console.tui.actions.console import Console, Running, pumped
from console.tui.actions.drawing import Drawing
from console.tui.actions.records import RecordActions

LISTED_S = 5.0
"""By then a list of servers shows a keeper that was begun; lists come every three seconds."""


class WatchActions:
    """Follows one server: its profile, its earlier starts, its current journal."""

    def __init__(
        self, console: Console, drawing: Drawing, records: RecordActions, feed: RecordFeed
    ) -> None:
        self._console = console
        self._drawing = drawing
        self._records = records
        self._feed = feed
        self._adopting: set[str] = set()
        self._adopted_s: dict[str, float] = {}
        self._following: Running | None = None

    @property
    def follows(self) -> bool:
        """Whether facts of the watched server's journal still come."""
        return self._following is not None and not self._following.is_finished

    def turn_to(self, target: Watched) -> None:
        """Show another server on the main screen.

        The turn waits its place in the queue: facts of the server before it must not reach its
        Life.
        """
        if self._following is not None:
            self._following.cancel()
        self._console.call_later(partial(self._turn, target))

    def _turn(self, target: Watched) -> None:
        self._drawing.to_main()
        self.show(target)
        self._drawing.soon()

    def show(self, target: Watched) -> None:
        """Begin to show a server: follow its journal, or watch it from outside."""
        if isinstance(target, str):
            self.follow(target)
            return
        console = self._console
        console.session = watching_external(console.session, target)
        console.context = replace(console.context, earlier=(), shown=ShownPlan())
        self._feed.refresh()
        if target.pid is not None and not console.host.simulated:
            console.carry_out(self._observe(target), f"observe {target.name}")

    async def _observe(self, server: Server) -> None:
        """Have a keeper watch a server of others, and follow what it journals."""
        console = self._console
        try:
            await asyncio.to_thread(watch_external, console.host, server)
        except AlreadyKept:
            pass  # another console was quicker
        except Problem as problem:
            console.notify(str(problem), severity="warning", markup=False)
            return
        life = console.session.life
        if life is not None and life.server.name == server.name:
            self.follow(server.name)

    def follow(self, name: str) -> None:
        """Follow a server of ours."""
        console = self._console
        profile = console.host.settings.profile(name)
        if console.session.life is None or console.session.life.server.name != name:
            model = profile.request_model if profile else None
            console.session = watching(console.session, name, model)
        console.context = replace(console.context, shown=ShownPlan())
        self._records.recall(partial(starts_known, console.host, profile))
        self._feed.refresh()
        self._follow_journal(name)

    def _follow_journal(self, name: str) -> None:
        source = feeds.follow(self._console.host, name)
        self._following = self._console.carry_out(pumped(self._console, source), "follow")

    def reconfigure(self, settings: Settings) -> None:
        """Go on with a configuration that was just written or read."""
        console = self._console
        console.host = replace(console.host, settings=settings)
        console.context = replace(console.context, settings=settings)
        console.take_looks(settings)
        self._feed.reconfigure()
        self._drawing.soon()

    def follow_restarted(self, fact: ServersSeen) -> None:
        """Follow the watched server of ours where another console or a verb has started it."""
        life = self._console.session.life
        if life is None or self.follows:
            return
        seen = next((each for each in fact.servers if each.name == life.server.name), None)
        if seen is not None and seen.keeper_pid is not None and life.server.owner is Owner.MANAGED:
            self._follow_journal(life.server.name)

    def adopt_orphaned(self, fact: ServersSeen) -> None:
        """Give a new keeper to each server of ours that lost its own and whose API server lives."""
        for each in () if self._console.context.read_only else fact.servers:
            # A second keeper would only wait for the first; a list may have begun before that came.
            since_s = fact.at.mono_s - self._adopted_s.get(each.name, -math.inf)
            taken = each.name in self._adopting or since_s < LISTED_S
            if each.lost_its_keeper and each.pid is not None and not taken:
                self._adopting.add(each.name)
                self._console.carry_out(self._adopt(each.name), f"keep {each.name}")

    async def _adopt(self, name: str) -> None:
        console = self._console
        try:
            await asyncio.to_thread(adopt, console.host, name)
        except KeeperError:
            return  # another console was quicker, or it has ended meanwhile
        finally:
            self._adopting.discard(name)
            self._adopted_s[name] = console.host.now().mono_s
        console.notify(
            f"the keeper of {name} was killed; the server went on and has a new one",
            severity="warning",
            markup=False,
        )
