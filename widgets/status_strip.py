"""The header of every screen: which server, in which state, where, and what it has cost."""

from dataclasses import dataclass
from decimal import Decimal

from textual.content import Content
from textual.message import Message
from textual.reactive import reactive

from backends.domain import format as fmt
from backends.domain.server import Owner, ServerState
from widgets.panel import Panel
from widgets.text import Part, arrange, fit_name, line, safe, spread, styled

STATES = {
    ServerState.STOPPED: ("○", "$foreground-muted"),
    ServerState.STARTING: ("◔", "$text-accent bold"),
    ServerState.READY: ("●", "$text-success bold"),
    ServerState.UNHEALTHY: ("▲", "$text-warning bold"),
    ServerState.STOPPING: ("◌", "$text-warning bold"),
    ServerState.FAILED: ("✖", "$text-error bold"),
    ServerState.SLEEPING: ("◇", "$text-primary bold"),
    ServerState.UNKNOWN: ("?", "$foreground-muted bold"),
}
"""Glyph and style of each state; the word beside them is the state's own."""


@dataclass(frozen=True, slots=True)
class StatusView:
    """One server at a glance.

    Attributes:
        state: None where no server is known.
        looked: this host was searched for servers; without it nothing is said of them.
        spent_usd: what the host has cost since its bill began; None without a price.
        usd_per_hour: what it costs now; None without a price.
        simulated: the server, its GPU or its prices are made up.
        replayed: all of it was recorded, and is over.
        read_only: no key orders anything.
        started_by: who started the server; empty where that is not known.
        problems: what a source cannot tell, as short sentences.
        end_of_service: how a server that had served failed, empty for any other.
    """

    server: str = ""
    model: str = ""
    state: ServerState | None = None
    pid: int | None = None
    port: int | None = None
    uptime_s: float | None = None
    owner: Owner | None = None
    spent_usd: Decimal | None = None
    usd_per_hour: Decimal | None = None
    simulated: bool = False
    replayed: bool = False
    read_only: bool = False
    started_by: str = ""
    looked: bool = False
    problems: tuple[str, ...] = ()
    end_of_service: str = ""


class StatusStrip(Panel):
    """One line across the screen."""

    DEFAULT_CSS = """
    StatusStrip {
        height: 1;
        border: none;
        background: $panel;
        &:focus { border: none; }
    }
    """

    view: reactive[StatusView] = reactive(StatusView(), repaint=False)

    class Mounted(Message):
        """A header stands on a new screen, and is to be given its view before it is drawn."""

        def __init__(self, strip: "StatusStrip") -> None:
            super().__init__()
            self.strip = strip

    def on_mount(self) -> None:
        """Ask for the view: no screen is without SIMULATED, not even in its first frame."""
        self.post_message(self.Mounted(self))

    def lines(self, width: int, height: int) -> list[Content]:
        """Return the one line."""
        return draw(self.view, width)[:height]


def draw(view: StatusView, width: int) -> list[Content]:
    """Return the strip; state, model, port, uptime and the badge outlast everything else."""
    word = "REPLAY" if view.replayed else "SIMULATED" if view.simulated else ""
    word = f"{word} READ-ONLY".lstrip() if view.read_only else word
    badge = styled(f" {word} ", "bold reverse $text-warning") if word else Content("")
    room = width - badge.cell_length - 1 if badge else width
    line = arrange([*_server_parts(view), _problem_part(view)], room)
    return [spread(line, badge, width) if badge else line]


def _server_parts(view: StatusView) -> list[Part]:
    if view.state is None:
        word = "○ no server" if view.looked else "◌ looking for servers"
        return [Part.of(0, word, style="$foreground-muted", droppable=False)]
    glyph, style = STATES[view.state]
    model = safe(view.model)
    short = fit_name(model, 20)
    parts = [Part.of(0, f"{glyph} {view.state.value}", style=style, droppable=False)]
    if view.end_of_service:
        parts.append(Part.of(1, view.end_of_service, style="$text-error bold", droppable=False))
    if view.server:
        parts.append(Part.of(5, safe(view.server), style="bold"))
    if model:
        forms = (model, model.rpartition("/")[2], short, fit_name(model, 12))
        parts.append(Part.of(3, *forms, droppable=False))
    if view.port is not None:
        parts.append(Part.of(1, f"port {view.port}", f":{view.port}", droppable=False))
    if view.uptime_s is not None:
        up = fmt.clock(view.uptime_s)
        parts.append(Part.of(2, f"up {up}", droppable=False))
    if view.spent_usd is not None:
        spent, rate = fmt.spent_usd(view.spent_usd), fmt.short_usd(view.usd_per_hour)
        parts.append(Part.of(4, f"spent {spent} at {rate}/h", f"{spent} at {rate}/h", spent))
    if view.pid is not None:
        parts.append(Part.of(6, f"pid {view.pid}", style="$foreground-muted"))
    if view.owner is not None:
        owner = "managed" if view.owner is Owner.MANAGED else "external"
        by = [f"started by {safe(view.started_by)}"] if view.started_by else []
        parts.append(Part.of(7, *by, owner, style="$foreground-muted"))
    return parts


def _problem_part(view: StatusView) -> Part:
    if not view.problems:
        return Part(4, ())
    first, more = safe(view.problems[0]), len(view.problems) - 1
    told = f"▲ {first}" + (f" (+{more}, press !)" if more else "")
    count = len(view.problems)
    forms = (told, f"▲ {count} problem{'s' if count > 1 else ''} (!)", f"▲ {count}")
    return Part(4, tuple(line((form, "$text-warning")) for form in forms))
