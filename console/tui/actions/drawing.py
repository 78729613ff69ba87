"""Draws the session on the screen that is on top."""

from console.tui.actions.console import Console
from console.tui.screens.gpus import GpuScreen
from console.tui.screens.main import MainScreen
from console.tui.screens.problems import ProblemsScreen
from console.tui.screens.servers import ServersScreen
from console.tui.screens.welcome import WelcomeScreen
from console.tui.views.keys import ab_runs, load_runs
from console.tui.views.screen import main_view
from console.tui.views.status import status_view
from widgets.status_strip import StatusStrip

REDRAW_S = 0.08
"""Facts are gathered this long before they are drawn: faster than an eye, slower than a flood."""


class Drawing:
    """Draws what has changed, many facts at once.

    Attributes:
        due: something changed that is not drawn yet.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._offered: object = None
        self.due = False

    def soon(self) -> None:
        """Draw once the facts that come now have been gathered."""
        if not self.due:
            self.due = True
            self._console.set_timer(REDRAW_S, self._draw)

    def _draw(self) -> None:
        self.due = False
        console = self._console
        screen = next((each for each in reversed(console.screen_stack) if not each.is_modal), None)
        if screen is None or not console.is_running:
            return  # facts may come while the screen is taken down
        if not screen.is_mounted:
            self.soon()
            return
        if isinstance(screen, MainScreen):
            screen.show(main_view(console.session, console.context))
        elif isinstance(screen, GpuScreen):
            screen.show(console.session.gpus)
        elif isinstance(screen, WelcomeScreen):
            screen.show(console.session)
        elif isinstance(screen, ServersScreen):
            screen.show(console.session, console.context)
        status = status_view(console.session, console.context)
        if isinstance(screen, ProblemsScreen):
            screen.show(status.problems)
        for strip in (*screen.query(StatusStrip), *console.screen_stack[-1].query(StatusStrip)):
            strip.view = status
        self._offer_keys()

    def _offer_keys(self) -> None:
        """Redraw the footer only where a key begins or ceases to act."""
        session, settings = self._console.session, self._console.host.settings
        life = session.life
        orphaned = any(each.survivors for each in session.servers)
        watched = life and (life.server.name, life.server.state)
        others = len(session.servers) > 1
        loads = load_runs(self._console.context)
        offered = (watched, ab_runs(session), loads, orphaned, others, settings)
        if offered != self._offered:
            self._offered = offered
            self._console.screen_stack[-1].refresh_bindings()

    def to_main(self) -> None:
        """Close what covers the main screen."""
        while not isinstance(self._console.screen_stack[-1], MainScreen):
            self._console.pop_screen()
