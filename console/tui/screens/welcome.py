"""The welcome screen: what this host offers to someone who has configured nothing."""

import asyncio
from collections.abc import Coroutine
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.getters import query_one
from textual.screen import Screen
from textual.widgets import Footer, OptionList, Static

from backends.domain.session import Session
from console.tui.actions import setup
from console.tui.views.welcome import welcome_view
from widgets.welcome import Welcome, WelcomeView

if TYPE_CHECKING:
    from backends.discovery.offer import Offer
    from console.tui.app import InferctlApp

GREETING = Content.assemble(
    ("inferctl", "bold $text-primary"),
    ("  the console for a GPU host that runs vLLM\n", "$foreground-muted"),
    "Choose what to watch or to serve. ",
    ("Nothing starts before you say so.", "bold"),
)


class WelcomeScreen(Screen[None]):
    """A list that fills while the search goes on, and what Enter would do."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "n", "name", "Name a model", id="welcome.name", tooltip="Serve a model by its name"
        ),
        Binding("d", "demo", "Demo", id="welcome.demo", tooltip="The whole console, SIMULATED"),
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

    def __init__(self) -> None:
        super().__init__()
        self._found: Offer | None = None

    @property
    def _inferctl(self) -> "InferctlApp":
        return cast("InferctlApp", self.app)

    def compose(self) -> ComposeResult:
        """Lay out the greeting, the list, and what the marked item leads to."""
        yield Static(GREETING, id="greeting")
        welcome = Welcome()
        welcome.view = WelcomeView(looking=True)
        yield welcome
        yield Static(id="consequence")
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        """Begin the search; the frame is drawn before it answers."""
        self.offered.focus()
        self.show(self._inferctl.session)
        self.run_worker(self._look(), group="look", exclusive=True)

    async def _look(self) -> None:
        self._found = await asyncio.to_thread(search_host)
        self.show(self._inferctl.session)

    def show(self, session: Session) -> None:
        """Draw what is known by now."""
        self.offered.view = welcome_view(session, self._found)
        self._tell()

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Say what Enter would do."""
        event.stop()
        self._tell()

    def _tell(self) -> None:
        item = self.offered.marked
        self.consequence.update(Content(setup.consequence(item) if item else ""))

    def on_welcome_chosen(self, message: Welcome.Chosen) -> None:
        """Act on the choice."""
        self._work(setup.choose(self._inferctl, message.kind, message.value, self._found))

    def _work(self, choice: Coroutine[None, None, None]) -> None:
        self.app.run_worker(choice, group="choose", exclusive=True)

    def action_name(self) -> None:
        """Ask for a model that need not be on this host yet."""
        self._work(setup.name_model(self._inferctl, self._found))

    def action_demo(self) -> None:
        """Leave this console for the simulated one."""
        self.app.exit(setup.DEMO)

    def action_back(self) -> None:
        """Go back to the main screen."""
        self.app.pop_screen()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Go back only where there is a server to go back to."""
        del parameters
        if action == "back":
            return self._inferctl.session.life is not None
        return True


def search_host() -> "Offer":
    """Look for executables and models; loading what looks may take as long as looking."""
    from backends.discovery.offer import discover

    return discover()
