"""What the actions ask of the app they act for."""

from collections.abc import AsyncIterator, Callable, Coroutine
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar

from textual.screen import Screen

from backends.agent.messages import Message
from backends.domain.session import Session
from backends.operations.context import Context
from backends.operations.host import Host
from backends.problem import Problem
from backends.settings.config import Settings

if TYPE_CHECKING:
    from backends.history.thread import HistoryThread

Answer = TypeVar("Answer")

Severity = Literal["information", "warning", "error"]

UNDER_WAY = {
    "server": "a start, stop or restart is under way; nothing more was ordered",
    "series": "an A/B is under way; x cancels it",
    "load": "a load test is under way; L shows it",
    "study": "a study is under way; x ends it, and what is measured is kept",
}
"""Groups of which one order at a time is carried out, and what is said of one that is refused.

A newer order does not replace the older one: cancelling a coroutine ends neither its thread nor its
process, which would then compete with those of the newer order.
"""


class Running(Protocol):
    """Work that was begun."""

    @property
    def is_finished(self) -> bool:
        """Whether it has ended, in whatever way."""

    def cancel(self) -> None:
        """End it where it waits next."""


class Console(Protocol):
    """The state that actions change, and the few things of Textual's app that they use.

    Attributes:
        session: what the facts of all sources come to.
        context: what lies beside the session.
        host: what can be asked of this host.
    """

    session: Session
    context: Context
    host: Host

    @property
    def history(self) -> "HistoryThread":
        """The thread that reads and writes the history."""

    @property
    def is_running(self) -> bool:
        """Whether messages are handled: not before the first screen, nor while it is taken down."""

    @property
    def screen_stack(self) -> list[Screen[Any]]:
        """The screens, the top one last."""

    def happened(self, fact: Message) -> None:
        """Take a fact from any source."""

    def take_looks(self, settings: Settings) -> None:
        """Take the theme and the keys of a configuration."""

    def carry_out(self, work: Coroutine[Any, Any, None], group: str) -> Running | None:
        """Begin work in the background; in a group, the newer replaces the older.

        Returns:
            What runs; None where the group is one of `UNDER_WAY` and an older order is at work.
        """

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: Severity = "information",
        timeout: float | None = None,
        markup: bool = True,
    ) -> None:
        """Say something in the corner of the screen."""

    def push_screen(self, screen: Screen[None]) -> object:
        """Open a screen."""

    async def push_screen_wait(self, screen: Screen[Answer]) -> Answer:
        """Open a screen, and return with what it was closed."""

    def pop_screen(self) -> object:
        """Close the top screen."""

    def set_timer(self, delay: float, callback: Callable[[], None]) -> object:
        """Call a function after seconds."""

    def call_later(self, callback: Callable[[], None]) -> bool:
        """Call a function after the facts that came before."""

    def export_screenshot(self) -> str:
        """Return a picture of the screen as SVG."""

    def exit(self, result: str | None = None) -> None:
        """Leave the app."""


async def pumped(console: Console, source: AsyncIterator[Message]) -> None:
    """Hand every fact of a source to the console until it ends."""
    try:
        async for fact in source:
            console.happened(fact)
    except Problem as problem:
        console.notify(str(problem), severity="error", markup=False)
