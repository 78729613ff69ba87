"""What the keys for a server do: start, stop, restart, end orphans, and quitting."""

import asyncio
from collections.abc import Callable
from functools import partial

from backends.domain.external import is_external
from backends.domain.reports.sleep import SleepReport, sleep_sentence
from backends.domain.server import Owner, Server
from backends.domain.stamp import Stamp
from backends.operations import servers
from backends.operations import sleep as sleeping
from backends.operations.outage import lost_in_session
from backends.problem import Problem
from backends.servers.ending import what_ends
from backends.servers.holders import left_by
from backends.settings.config import Profile
from console.tui.actions.console import Console
from console.tui.actions.fix import apply_fix
from console.tui.actions.watch import WatchActions
from console.tui.screens.question import Question
from console.tui.views.keys import RUNNING, managed_name, managed_profile, orphans, state_of

SEEN_S = 0.02
"""How often it is looked whether the facts of a launch have come."""

FAILED_S = 15.0
"""How long it stays on screen why an order was not carried out."""

LEAVE, STOP, END = "leave", "stop", "end"


class ServerActions:
    """Acts on the watched server, and on what servers left behind."""

    def __init__(self, console: Console, watch: WatchActions) -> None:
        self._console = console
        self._watch = watch

    def act(self, what: str) -> None:
        """Do what the binding's word says; a stop that takes long keeps nobody from quitting."""
        match what:
            case "start":
                self._console.carry_out(self._start(), "server")
            case "fix":
                self._console.carry_out(
                    apply_fix(self._console, self._watch, self._start), "server"
                )
            case "stop":
                self._console.carry_out(self._stop(), "server")
            case "restart":
                self._console.carry_out(self._restart(), "server")
            case "sleep":
                self._console.carry_out(self._sleep(), "server")
            case "wake":
                self._console.carry_out(self._wake(), "server")
            case "end":
                self._console.carry_out(self._end_orphans(), "server end")
            case _:
                self._console.carry_out(self._leave(), "server leave")

    async def _start(self) -> None:
        """Launch the watched profile and follow it."""
        console = self._console
        profile = managed_profile(console.session, console.context)
        if profile is None:
            return
        earlier = console.session.life.spawned_at if console.session.life else None
        try:
            if not await self._clear_to_start(profile):
                return
            await asyncio.to_thread(servers.start, console.host, profile)
        except Problem as problem:
            self._failed("not started", problem)
            return
        self._watch.follow(profile.name)
        while self._awaits_launch(profile.name, earlier):  # noqa: ASYNC110 - a fold sets no event
            await asyncio.sleep(SEEN_S)  # until it is seen the key would start it once more

    def _awaits_launch(self, name: str, earlier: Stamp | None) -> bool:
        """Whether the facts of a launch are still to come to a console that follows that server."""
        life = self._console.session.life
        following = life is not None and life.server.name == name and self._watch.follows
        return following and life is not None and life.spawned_at == earlier

    async def _clear_to_start(self, profile: Profile) -> bool:
        """Look at what stands in the way; what would make the start fail is asked about."""
        console = self._console
        findings = await asyncio.to_thread(servers.preflight, console.host, profile)
        for each in findings:
            if each.state == "warn":
                console.notify(f"{each.what}; {each.remedy}", severity="warning", markup=False)
        failures = [f"✖ {each.what}; {each.remedy}" for each in findings if each.state == "fail"]
        if not failures:
            return True
        sentence = "\n".join(("The start would fail.", *failures))
        answers = (("no", "Fix the problem first"), ("launch", "Launch anyway"))
        return await console.push_screen_wait(Question(sentence, answers)) == "launch"

    async def _stop(self) -> None:
        """Ask, then stop the watched server."""
        if await self._agreed("Stop", "Stop it"):
            await self._stop_now()

    async def _restart(self) -> None:
        """Stop the watched server, if the answer is yes, and launch it again."""
        if await self._agreed("Restart", "Stop it, then start it"):
            await self._stop_now()
            await self._start()

    async def _agreed(self, what: str, words: str) -> bool:
        """Ask with what would be lost; the first answer, which Enter takes, loses nothing."""
        session = self._console.session
        if session.life is None or managed_name(session) is None:
            return False
        server = session.life.server
        unit = server.owner is Owner.EXTERNAL
        by_unit = f"\n{what_ends(server)}." if unit else ""
        sentence = f"{what} {server.name}? {lost_in_session(session, server)}.{by_unit}"
        answers = ((LEAVE, "Cancel, and leave it running"), (STOP, words))
        return await self._console.push_screen_wait(Question(sentence, answers)) == STOP

    async def _stop_now(self) -> None:
        """Stop the watched server; its steps arrive as facts."""
        life = self._console.session.life
        if life is None or managed_name(self._console.session) is None:
            return
        name, runtime = life.server.name, life.server.runtime
        try:
            async for fact in servers.stop(self._console.host, name, 0.0, runtime):
                self._console.happened(fact)
        except Problem as problem:
            self._failed("not stopped", problem)

    async def _sleep(self) -> None:
        """Ask how deep, with what would be lost, then put the watched server to sleep."""
        console = self._console
        life = console.session.life
        if life is None:
            return
        name = life.server.name
        sentence = (
            f"Put {name} to sleep? Its GPU is still billed; requests wait until it wakes.\n"
            f"{lost_in_session(console.session, life.server)}"
        )
        answers = (
            (LEAVE, "Leave it awake"),
            ("1", "Level 1: keep the weights in the host's memory"),
            ("2", "Level 2: discard the weights, and load them when it wakes"),
        )
        answer = await console.push_screen_wait(Question(sentence, answers))
        if answer in {"1", "2"}:
            order = partial(sleeping.sleep, console.host, name, int(answer), force=True)
            await self._report(order, "does not sleep")

    async def _wake(self) -> None:
        life = self._console.session.life
        if life is not None:
            order = partial(sleeping.wake, self._console.host, life.server.name)
            await self._report(order, "not woken")

    async def _report(self, order: Callable[[], SleepReport], refused: str) -> None:
        try:
            report = await asyncio.to_thread(order)
        except Problem as problem:
            self._failed(refused, problem)
        else:
            self._console.notify(sleep_sentence(report), markup=False)

    async def _leave(self) -> None:
        """Quit; a running server goes on unless the answer says otherwise."""
        console = self._console
        made_up = console.host.simulated or console.context.orders_nothing
        life = console.session.life
        managed = life is not None and not is_external(life)
        if managed and not made_up and state_of(console.session) in RUNNING:
            answers = (
                (LEAVE, "Quit, and leave the server running"),
                (STOP, "Stop the server, then quit"),
            )
            answer = await console.push_screen_wait(Question("A server is running.", answers))
            if answer is None:
                return
            if answer == STOP:
                await self._stop_now()
        console.exit()

    async def _end_orphans(self) -> None:
        """Ask with the names of all that servers left behind, and end it if the answer is yes."""
        console = self._console
        found = orphans(console.session, console.context)
        if not found:
            return
        named = await asyncio.to_thread(_named, found)
        sentence = f"Kill these orphaned processes? They serve no requests.\n{named}"
        question = Question(sentence, ((LEAVE, "Leave them"), (END, "End them")))
        if await console.push_screen_wait(question) != END:
            return
        for server in found:
            try:
                ended = await asyncio.to_thread(servers.end_left, console.host, server)
            except Problem as problem:
                self._failed("not ended", problem)
            else:
                console.notify(ended, markup=False)

    def _failed(self, title: str, problem: Problem) -> None:
        self._console.notify(
            str(problem), title=title, severity="error", timeout=FAILED_S, markup=False
        )


def _named(found: tuple[Server, ...]) -> str:
    return "\n".join(one.sentence() for server in found for one in left_by(server))
