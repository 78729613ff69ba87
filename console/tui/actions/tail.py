"""Reads the log that stands on the main screen beside a start and beside a failure."""

from dataclasses import replace

from backends.domain.server import ServerState
from console.tui import feeds
from console.tui.actions.console import Console, Running
from console.tui.actions.drawing import Drawing
from console.tui.views.keys import state_of

KEPT_LINES = 2_000
"""Enough for the tracebacks behind a failure's root line."""

_SHOWN = frozenset({ServerState.STARTING, ServerState.STOPPING, ServerState.FAILED})


class TailActions:
    """Follows the log of the watched server for as long as the main screen shows it."""

    def __init__(self, console: Console, drawing: Drawing) -> None:
        self._console = console
        self._drawing = drawing
        self._followed: object = None
        self._reading: Running | None = None

    def keep_up(self) -> None:
        """Begin to read where the screen shows the log, and cease where it does not."""
        session, context = self._console.session, self._console.context
        life = session.life
        wanted: object = None
        if life is not None and state_of(session) in _SHOWN and not context.replayed:
            wanted = (life.server.name, life.spawned_at)
        if wanted == self._followed:
            return
        self._followed = wanted
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None
        self._console.context = replace(context, log_tail=())
        if wanted is not None and life is not None:
            self._reading = self._console.carry_out(self._read(life.server.name), "tail")

    async def _read(self, name: str) -> None:
        async for fact in feeds.log(self._console.host, name, far_back=True):
            context = self._console.context
            kept = (*context.log_tail, *fact.lines)[-KEPT_LINES:]
            self._console.context = replace(context, log_tail=kept)
            self._drawing.soon()
