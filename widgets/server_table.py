"""The server table: every vLLM of this host, what runs it, and what it holds."""

from dataclasses import dataclass
from decimal import Decimal

from textual.message import Message
from textual.reactive import reactive
from textual.widgets import DataTable

from backends.domain import format as fmt
from backends.domain.format import UNKNOWN
from backends.domain.server import ServerState
from widgets.columns import Column, FittedTable
from widgets.status_strip import STATES
from widgets.text import safe


@dataclass(frozen=True, slots=True)
class ServerRow:
    """One server.

    Attributes:
        runtime: what runs it, and its name there.
        state: with the running phase while it starts.
        address: what reaches it from here; empty where nothing does.
        gpus: the numbers of those that it holds memory on.
        restarts: how often its runtime started it again, and by which policy.
        share: of the bill of this host so far, by the GPUs that it held; None where nobody saw it.
        usd: what that is in money, None where the price is not known.
        verdict: the plan as it holds for its own traffic; empty before ten minutes were judged.
    """

    name: str
    runtime: str
    state: ServerState
    phase: str = ""
    model: str = ""
    address: str = ""
    gpus: tuple[int, ...] = ()
    used_bytes: int | None = None
    age_s: float | None = None
    restarts: str = ""
    owner: str = ""
    share: float | None = None
    usd: Decimal | None = None
    verdict: str = ""


@dataclass(frozen=True, slots=True)
class ServersView:
    """All of them, and the sentence on the marked one."""

    rows: tuple[ServerRow, ...] = ()
    reason: str = "looking for servers"


def _bill(row: ServerRow) -> str:
    if row.share is None:
        return UNKNOWN
    return f"{row.share:.0%}" if row.usd is None else f"{fmt.usd(row.usd)} {row.share:.0%}"


_COLUMNS: tuple[Column[ServerRow], ...] = (
    Column("server", lambda row: safe(row.name), 0, least=8, most=28),
    Column("state", lambda row: f"{STATES[row.state][0]} {row.phase or row.state}", 1, most=24),
    Column("runtime", lambda row: safe(row.runtime), 2, least=10, most=32),
    Column("address", lambda row: safe(row.address) or UNKNOWN, 3, least=12, most=28),
    Column("GiB", lambda row: fmt.gib(row.used_bytes), 4, right=True),
    Column("GPU", lambda row: ",".join(map(str, row.gpus)) or UNKNOWN, 6),
    Column("model", lambda row: safe(row.model) or UNKNOWN, 5, least=10, most=44),
    Column("bill", _bill, 7, right=True),
    Column("verdict", lambda row: row.verdict or UNKNOWN, 8, least=10, most=24),
    Column("up", lambda row: fmt.clock(row.age_s), 9, right=True),
    Column("restarts", lambda row: safe(row.restarts) or UNKNOWN, 10, most=24),
    Column("owner", lambda row: safe(row.owner), 11, least=8, most=48),
)


class ServerTable(FittedTable[ServerRow]):
    """One row for each server; Enter chooses one."""

    class Opened(Message):
        """A server was chosen."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    BORDER_TITLE = "Servers"
    COLUMNS = _COLUMNS

    view: reactive[ServersView] = reactive(ServersView())

    def reason(self) -> str:
        """Return why there is no server."""
        return self.view.reason

    def records(self) -> list[tuple[str | None, ServerRow]]:
        """Return every server by its name."""
        return [(row.name, row) for row in self.view.rows]

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        """Say which server was chosen."""
        event.stop()
        if event.row_key.value:
            self.post_message(self.Opened(event.row_key.value))
