"""The server screen: every vLLM of this host; Enter watches one."""

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.getters import query_one
from textual.screen import Screen
from textual.widgets import DataTable, Footer, Static

from backends.domain.server import Server
from backends.domain.session import Session
from backends.operations.context import Context
from console.tui.bindings import BACK
from console.tui.views.servers import servers_view
from widgets.server_table import ServerTable
from widgets.status_strip import StatusStrip
from widgets.text import safe


class ServersScreen(Screen[None]):
    """The table, and below it what it has no room for of the marked server.

    Args:
        watchable: returns the servers that can be watched.
        watch: turns to one of them.
    """

    BINDINGS: ClassVar[list[BindingType]] = [BACK]
    DEFAULT_CSS = """
    ServersScreen {
        & > ServerTable { height: 1fr; }
        & > #remark { height: auto; max-height: 4; padding: 0 2; color: $text-accent; }
    }
    """

    table = query_one(ServerTable)
    remark = query_one("#remark", Static)

    def __init__(
        self, watchable: Callable[[Session], tuple[Server, ...]], watch: Callable[[Server], None]
    ) -> None:
        super().__init__()
        self._watchable = watchable
        self._watch = watch
        self._servers: tuple[Server, ...] = ()

    def compose(self) -> ComposeResult:
        """Lay out the table above the sentence and the footer."""
        yield StatusStrip()
        yield ServerTable()
        yield Static(id="remark")
        yield Footer(show_command_palette=False, compact=True)

    def show(self, session: Session, context: Context) -> None:
        """Draw the servers as they were listed last."""
        self._servers = self._watchable(session)
        view = servers_view(session, context, self._servers)
        if view != self.table.view:
            self.table.view = view
        self._say()

    def on_data_table_row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        """Say more of the marked server."""
        event.stop()
        self._say()

    def _say(self) -> None:
        row = self.table.cursor_row
        marked = self._servers[row] if 0 <= row < len(self._servers) else None
        self.remark.update(Content(safe(_remark(marked)) if marked else ""))

    def on_server_table_opened(self, message: ServerTable.Opened) -> None:
        """Turn to the chosen server."""
        found = next((one for one in self._servers if one.name == message.name), None)
        if found is not None:
            self._watch(found)


def _remark(server: Server) -> str:
    runtime = server.runtime
    again = ""
    if runtime.policy:
        again = f"{runtime.label} starts it again ({runtime.policy}); what ends it: {runtime.ends}"
    failure = server.failure.cause if server.failure else ""
    return ". ".join(
        part
        for part in (failure or server.address_reason, server.note, server.unrecorded, again)
        if part
    )
