"""All actions over one console, the sources behind them, and what each fact leads to."""

from backends.domain.facts import Fact, ServersSeen
from backends.domain.session import Session
from backends.operations.recording.feed import RecordFeed
from backends.operations.watched import Watched
from console.tui import feeds
from console.tui.actions.ab import AbActions
from console.tui.actions.console import Console, pumped
from console.tui.actions.drawing import Drawing
from console.tui.actions.forms import FormActions
from console.tui.actions.load import LoadActions
from console.tui.actions.records import RecordActions
from console.tui.actions.server import ServerActions
from console.tui.actions.setup import SetupActions
from console.tui.actions.show import ShowActions
from console.tui.actions.study import StudyActions
from console.tui.actions.tail import TailActions
from console.tui.actions.watch import WatchActions


class Actions:
    """Each kind of action, built once.

    Attributes:
        drawing: draws what has changed.
        records: writes the history and reads it.
        feed: the record of the host.
        watch: which server is shown.
        server: the keys for a server.
        ab: the keys for an A/B.
        load: the load tests.
        study: the whole measurement of a server beside an endpoint.
        setup: the welcome's choices.
        forms: the tables of the configuration.
        show: the other screens.
        tail: the log beside a start.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self.drawing = Drawing(console)
        self.feed = RecordFeed(lambda: console.host, console.history)
        self.records = RecordActions(console, self.drawing, self.feed)
        self.watch = WatchActions(console, self.drawing, self.records, self.feed)
        self.server = ServerActions(console, self.watch)
        self.ab = AbActions(console)
        self.load = LoadActions(console, self.drawing)
        self.study = StudyActions(console, self.drawing)
        self.setup = SetupActions(console, self.watch)
        self.forms = FormActions(console, self.watch)
        self.show = ShowActions(
            console, self.drawing, self.setup.choose, self.watch.turn_to, self.feed.series
        )
        self.tail = TailActions(console, self.drawing)

    async def begin(self, watched: Watched | None, *, start_at_once: bool) -> None:
        """Start everything that yields facts."""
        console, host = self._console, self._console.host
        if watched is not None:
            self.watch.show(watched)

        def look() -> Session:
            return console.session

        console.carry_out(pumped(console, feeds.ticks(host, look)), "clock")
        console.carry_out(pumped(console, self.feed.messages()), "record")
        console.carry_out(self.records.read_past_traffic(), "past traffic")
        if start_at_once:
            self.server.act("start")

    def follow_up(self, fact: Fact) -> None:
        """Do what a fact leads to, once it is folded."""
        if isinstance(fact, ServersSeen):
            self.watch.follow_restarted(fact)
            self.watch.adopt_orphaned(fact)
        self.records.keep(fact)
        self.tail.keep_up()
