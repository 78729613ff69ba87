"""The welcome screen: what this host offers to someone who has configured nothing."""

import asyncio
from collections.abc import Callable
from typing import ClassVar, Literal

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.getters import query_one
from textual.screen import Screen
from textual.widgets import OptionList, Static

from backends.discovery.offer import Offer, discover
from backends.domain.session import Session
from console.tui.views.welcome import consequence, welcome_view
from widgets.still_footer import StillFooter
from widgets.welcome import ItemKind, Welcome, WelcomeView

Choice = ItemKind | Literal["name"]
"""The kind of what is chosen; a name is asked for."""

Choose = Callable[[Choice, str, Offer | None], None]
"""Acts on a choice: its kind, its value, and what was found on this host by then."""

GREETING = Content.assemble(
    ("inferctl", "bold $text-primary"),
    ("  the console for a GPU host that runs vLLM\n", "$foreground-muted"),
    "Select a server or a model. ",
    ("Nothing is started automatically.", "bold"),
)


class WelcomeScreen(Screen[None]):
    """A list that fills while the search goes on, and what Enter would do.

    Args:
        session: what is known of servers and GPUs.
        choose: acts on what is chosen.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "n", "name", "Name a model", id="welcome.name", tooltip="Serve a model by its name"
        ),
        Binding("d", "demo", "Demo", id="welcome.demo", tooltip="The full console, SIMULATED"),
        Binding("escape", "back", "Back", id="screen.back", tooltip="To the main screen"),
    ]
    DEFAULT_CSS = """
    WelcomeScreen {
        & #greeting { height: auto; padding: 1 2; }
        & Welcome { height: 1fr; max-width: 104; }
        & #consequence { height: 2; padding: 0 2; color: $text-accent; }
    }
    """

    offered = query_one(Welcome)
    consequence = query_one("#consequence", Static)

    def __init__(self, session: Session, choose: Choose) -> None:
        super().__init__()
        self._session = session
        self._choose = choose
        self._offer: Offer | None = None

    def compose(self) -> ComposeResult:
        """Lay out the greeting, the list, and what the marked item leads to."""
        yield Static(GREETING, id="greeting")
        welcome = Welcome()
        welcome.view = WelcomeView(looking=True)
        yield welcome
        yield Static(id="consequence")
        yield StillFooter()

    def on_mount(self) -> None:
        """Begin the search; the frame is drawn before it answers."""
        self.offered.focus()
        self.show(self._session)
        self.run_worker(self._look(), group="look", exclusive=True)

    async def _look(self) -> None:
        self._offer = await asyncio.to_thread(discover)
        if self.query(Welcome):  # the screen may be taken down by the time drivers answer
            self.show(self._session)

    def show(self, session: Session) -> None:
        """Draw what is known by now."""
        self._session = session
        self.offered.view = welcome_view(session, self._offer)
        self._say_consequence()

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Say what Enter would do."""
        event.stop()
        self._say_consequence()

    def _say_consequence(self) -> None:
        item = self.offered.marked
        self.consequence.update(Content(consequence(item) if item else ""))

    def on_welcome_chosen(self, message: Welcome.Chosen) -> None:
        """Act on the choice."""
        self._choose(message.kind, message.value, self._offer)

    def action_name(self) -> None:
        """Ask for a model that need not be on this host yet."""
        self._choose("name", "", self._offer)

    def action_demo(self) -> None:
        """Leave this console for the simulated one."""
        self._choose("demo", "", self._offer)

    def action_back(self) -> None:
        """Go back to the main screen."""
        self.app.pop_screen()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Go back only where there is a server to go back to."""
        del parameters
        if action == "back":
            return self._session.life is not None
        return True
