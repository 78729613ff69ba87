"""The whole console through its keys, while its event loop asks no disk, lock or process."""

import asyncio
import importlib
import os
import pkgutil
import signal
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from textual.binding import Binding
from textual.command import CommandPalette
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Input, OptionList

import console.tui.screens
from backends.domain.server import ServerState
from backends.history.history import open_history
from backends.keeper.folder import ServerFolder, keeper_id, server_folder
from backends.operations import load_test, meter_store
from backends.operations.ab import targets as ab_targets
from backends.operations.host import Host, this_host
from backends.operations.watched import first_watched
from backends.prober.client import run_load
from backends.prober.protocol import LoadOrder
from backends.simulated.gpus import SimulatedGpus
from console.tui.actions.setup import DEMO
from console.tui.app import InferctlApp
from console.tui.screens.comparison import ComparisonScreen
from console.tui.screens.costs import CostScreen
from console.tui.screens.form import FormScreen
from console.tui.screens.gpus import GpuScreen
from console.tui.screens.help import HelpScreen
from console.tui.screens.history import HistoryScreen
from console.tui.screens.inputs import InputsScreen
from console.tui.screens.load import LoadScreen
from console.tui.screens.logs import LogScreen
from console.tui.screens.main import MainScreen
from console.tui.screens.problems import ProblemsScreen
from console.tui.screens.question import Question, TextQuestion
from console.tui.screens.record import RecordScreen
from console.tui.screens.series import SeriesScreen
from console.tui.screens.servers import ServersScreen
from console.tui.screens.welcome import WelcomeScreen
from console.tui.views.keys import load_runs
from tests.console.cli.conftest import configure
from tests.console.cli.test_history import start as earlier_start
from tests.console.conftest import MODEL, SERVER, MadeHost, started, state, until
from tests.console.tui.loop_audit import audited
from tests.console.tui.test_ab import ended
from widgets.form_field import Lines
from widgets.history_table import HistoryTable
from widgets.log_view import LogLines
from widgets.series_panel import SeriesPanel
from widgets.welcome import Welcome

pytestmark = [pytest.mark.slow, pytest.mark.process]

SIZE = (120, 45)
READY = ServerState.READY
MODEL_HERE = "org/chat"
"""Chosen on the welcome; the profile that is written for it has the name of `SERVER`."""


@dataclass
class Driver:
    """Presses keys and keeps which key was pressed on which screen."""

    pilot: Pilot[str]
    app: InferctlApp
    driven: list[tuple[str, str]] = field(default_factory=list)

    async def press(self, *keys: str) -> None:
        for key in keys:
            self.driven.append((type(self.app.screen).__name__, key))
            await self.pilot.press(key)

    async def until(self, condition: Callable[[], object], within_s: float = 60.0) -> None:
        try:
            async with asyncio.timeout(within_s):
                while not condition():
                    await self.pilot.pause(0.02)
        except TimeoutError as error:
            said = [each.message for each in self.app._notifications]
            raise AssertionError(f"{self.app.screen_stack} {said}\n{self}") from error

    async def on(self, screen: type[Screen[Any]]) -> None:
        await self.until(lambda: isinstance(self.app.screen, screen) and self.app.screen.is_mounted)

    async def palette(self, words: str) -> None:
        """Run what the palette offers first for these words."""
        await self.press("ctrl+p")
        await self.on(CommandPalette)
        palette = self.app.screen
        await self.pilot.press(*("space" if each == " " else each for each in words))
        await self.until(lambda: palette.query_one(OptionList).option_count == 1)
        await self.press("enter")
        await self.until(lambda: self.app.screen is not palette)

    async def to_main(self, key: str = "escape") -> None:
        await self.press(key)
        await self.on(MainScreen)

    def __str__(self) -> str:
        return "\n".join(f"{screen}: {key}" for screen, key in self.driven)


@pytest.fixture
def host(made_host: MadeHost, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    """A host with a model and a vLLM to choose on the welcome, and one configured endpoint."""
    folder = made_host.folder
    hub = folder / "hf" / "hub"
    snapshot = hub / "models--org--chat" / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text("{}")
    (snapshot / "model.safetensors").write_bytes(b"weights")
    monkeypatch.setenv("HF_HOME", str(folder / "hf"))
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("PATH", os.pathsep.join((str(folder), "/usr/bin", "/bin")))
    for key, value in made_host.profile.environment:
        monkeypatch.setenv(key, value)
    configure(f"""
        theme = "textual-dark"
        [endpoint.serverless]
        base_url = "http://127.0.0.1:{made_host.endpoint_port}/v1"
        model = "{MODEL}"
        input_usd_per_mtok = "0.10"
        output_usd_per_mtok = "0.70"
        price_as_of = 2026-11-01
        [limits]
        ttft_p99_s = 1.0
        """)
    here = replace(this_host(), open_gpus=lambda: SimulatedGpus(folder / "gpu.json"))
    yield here
    made_host.folder = here.state_folder
    made_host.clean()
    made_host.folder = folder


def short_loads(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(order: LoadOrder, cancel: asyncio.Event) -> AsyncGenerator[Any, None]:
        return run_load(replace(order, step_s=1.0, max_s=2.5, max_tokens=16), cancel)

    monkeypatch.setattr(load_test, "run_load", run)


async def welcome(drive: Driver) -> None:
    """From an empty configuration to a profile on the main screen."""
    await drive.on(WelcomeScreen)
    await drive.until(lambda: not drive.app.screen.query_one(Welcome).view.looking)
    await drive.press("n")
    await drive.on(TextQuestion)
    await drive.press("escape")
    await drive.on(WelcomeScreen)
    await drive.until(lambda: drive.app.session.servers_seen and drive.app.session.gpus)
    shown = drive.app.screen.query_one(Welcome)
    while shown.marked is None or shown.marked.value != MODEL_HERE:
        await drive.press("down")
    await drive.press("enter")
    await drive.until(lambda: not isinstance(drive.app.screen, WelcomeScreen))
    if isinstance(drive.app.screen, Question):  # this machine has another vLLM as well
        await drive.press("enter")
    await drive.on(MainScreen)
    await drive.until(lambda: state(drive.app) is ServerState.STOPPED)


async def start(drive: Driver) -> None:
    app = drive.app
    await drive.press("s")
    await drive.until(
        lambda: isinstance(app.screen, Question) or state(app) in {ServerState.STARTING, READY}
    )
    if isinstance(app.screen, Question):  # this machine lacks what vLLM needs
        await drive.press("down", "enter")
    await drive.until(lambda: state(app) is READY)


async def ab(drive: Driver) -> None:
    app = drive.app
    await drive.press("p")
    await drive.on(TextQuestion)
    await drive.press("down", "enter")
    await drive.on(MainScreen)
    await drive.press("p")
    await drive.on(TextQuestion)
    await drive.press(*("at", "slash", "n", "o"), "enter")
    await drive.on(MainScreen)
    await drive.press("a")
    await drive.until(lambda: ended(app))
    await drive.press("A")
    await drive.on(Question)
    await drive.press("enter")
    await drive.until(lambda: not ended(app) and app.session.ab and app.session.ab.series.runs)
    await drive.press("x")
    await drive.until(lambda: ended(app))
    for panel in "12345":
        await drive.press(panel, panel)
    await drive.press("1", "escape")
    await drive.press("e")


async def screens(drive: Driver) -> None:
    await drive.press("g")
    await drive.on(GpuScreen)
    await drive.to_main()
    await drive.press("w")
    await drive.on(ServersScreen)
    await drive.to_main()
    await drive.press("exclamation_mark")
    await drive.on(ProblemsScreen)
    await drive.to_main()
    await drive.press("t")
    await drive.on(SeriesScreen)
    await drive.until(lambda: drive.app.screen.query_one(SeriesPanel).view.lines)
    await drive.press("t", "T")
    await drive.to_main()
    await drive.press("question_mark")
    await drive.on(HelpScreen)
    await drive.press("i", "i")
    await drive.to_main()
    await drive.press("n")  # there is one server, and it stays
    await drive.press("l")
    await drive.on(LogScreen)
    log = drive.app.screen.query_one(LogLines)
    await drive.until(lambda: log.virtual_size.height > 20)
    await drive.press("slash", *"weights", "enter", "n", "f", *"engine", "enter", "w", "end")
    await drive.press("N", "W", "o", "y", "escape")
    await drive.to_main()
    await drive.press("c")
    await drive.on(CostScreen)
    await drive.press("down", "right", "left", "up", "1", "2", "3", "0", "e", "i")
    await drive.on(InputsScreen)
    await drive.press("escape")
    await drive.on(CostScreen)
    await drive.to_main()
    await drive.palette("Welcome")
    await drive.on(WelcomeScreen)
    await drive.to_main()
    await drive.palette("Watch chat")
    await drive.on(MainScreen)
    await drive.until(lambda: state(drive.app) is READY)


def question(app: InferctlApp) -> str:
    return str(app.screen.query("Static").first().render())


async def load(drive: Driver) -> None:
    for endpoint, key in (("chat", ""), ("serverless", "x")):
        await drive.palette(f"Load {endpoint}")
        await drive.on(Question)
        await drive.press("down", "enter")
        await drive.on(LoadScreen)
        if key:
            await drive.press(key)
        screen = drive.app.screen
        await drive.until(lambda: not screen.check_action("cancel", ()))  # noqa: B023
        await drive.to_main()
    await drive.press("L")
    await drive.on(Question)
    await drive.press("enter")
    await drive.until(lambda: "load on" in question(drive.app))
    await drive.press("down", "enter")
    await drive.on(LoadScreen)
    await drive.to_main()
    await drive.press("x")
    await drive.until(lambda: not load_runs(drive.app.context))


async def study(drive: Driver) -> None:
    await drive.press("S")
    await drive.on(Question)
    await drive.press("down", "enter")
    await drive.until(lambda: "a quick study of" in question(drive.app))
    await drive.to_main()


async def history(drive: Driver) -> None:
    app = drive.app
    await drive.press("h")
    await drive.on(HistoryScreen)
    table = app.screen.query_one(HistoryTable)
    await drive.until(lambda: table.row_count >= 5)
    await searched(drive, table)
    series = {each.series_id for each in table.view.series}
    for open_key in ("enter", "b"):
        while table.chosen() not in series:
            await drive.press("down")
        await drive.press(open_key)
        if open_key == "enter":
            await drive.on(RecordScreen)
            await drive.press("e", "escape")
            await drive.on(HistoryScreen)
    await drive.on(MainScreen)
    assert app.context.beside is not None
    await drive.palette("Put the recorded A/B away")
    await drive.until(lambda: app.context.beside is None)
    await drive.press("h")
    await drive.on(HistoryScreen)
    table = app.screen.query_one(HistoryTable)
    while table.chosen() not in series:
        await drive.press("down")
    await drive.press("enter")
    await drive.on(RecordScreen)
    await drive.to_main("b")
    await drive.press("h")
    await drive.on(HistoryScreen)
    await drive.to_main()


async def forms(drive: Driver) -> None:
    app = drive.app
    await drive.press("E")
    await drive.on(Question)
    await drive.press("enter")
    await drive.on(FormScreen)
    await drive.press("down", "down")
    lines = app.screen.query(Lines).first()
    await drive.until(lambda: lines.has_focus and any(one.about for one in lines.arguments))
    await drive.press("end", *"--max-m", "right", *" 4096", "up", "down", "ctrl+s")
    await drive.on(Question)
    await drive.press("escape")
    await drive.on(FormScreen)
    await drive.to_main()
    await drive.palette("Budget and billing")
    await drive.on(FormScreen)
    await drive.press("down", "down", "down", "up", "down", *"50", "ctrl+s")
    await drive.on(Question)
    await drive.press("enter")
    await drive.until(lambda: app.context.settings.billing.budget_usd_per_day == 50)
    await drive.on(MainScreen)
    app.theme = "nord"
    await drive.until(lambda: app.context.settings.theme == "nord")
    await drive.palette("Reload configuration")
    await drive.on(MainScreen)


async def searched(drive: Driver, table: HistoryTable) -> None:
    """Search, note and compare in the history, and list everything again."""
    await drive.press("t", "t", "k")
    await drive.until(lambda: table.view.search == "kind:start" and len(table.view.starts) == 2)
    await drive.press("space", "down", "d")
    await drive.on(ComparisonScreen)
    await drive.press("e", "escape")
    await drive.on(HistoryScreen)
    await drive.press("n")
    await drive.until(lambda: drive.app.screen.query_one(Input).has_focus)
    await drive.press(*"quiet", "enter")
    await drive.until(lambda: any(each.note == "quiet" for each in table.view.starts))
    await drive.press("slash", *"quiet", "enter")  # added to what is searched for
    await drive.until(lambda: table.view.search == "kind:start quiet")
    await drive.press("escape")
    await drive.until(lambda: not table.view.search)


async def stop_and_restart(drive: Driver) -> None:
    app = drive.app
    await drive.press("s")
    await drive.on(Question)
    await drive.to_main()
    await drive.press("r")
    await drive.on(Question)
    before = app.session.life
    await drive.press("down", "enter")
    await drive.until(lambda: state(app) is not READY)
    await drive.until(lambda: state(app) is READY)
    assert before is not None


def kill_keeper(host: Host, number: signal.Signals = signal.SIGKILL) -> int:
    keeper = keeper_id(ServerFolder(server_folder(host.state_folder, SERVER)))
    assert keeper is not None
    os.kill(keeper.pid, number)
    return keeper.pid


async def orphans(drive: Driver) -> None:
    """A keeper that is killed is replaced; what serves nobody is ended by a key."""
    app = drive.app
    killed = await asyncio.to_thread(kill_keeper, app.host)
    await drive.until(
        lambda: any(each.keeper_pid not in (None, killed) for each in app.session.servers)
    )
    while not app.check_action("server", ("end",)):
        await orphaned(drive)
    await drive.press("x")
    await drive.on(Question)
    await drive.press("down", "enter")
    await drive.until(lambda: not any(each.survivors for each in app.session.servers))


async def orphaned(drive: Driver) -> None:
    """Leave an engine without server and keeper, unless a new keeper comes first and ends it."""
    app = drive.app
    if app.session.life is None or app.session.life.server.state is not READY:
        await start(drive)
    assert app.session.life is not None
    first_pid = app.session.life.server.pid
    assert first_pid is not None
    # Suspended, it can neither end the engine nor be replaced before its server is gone.
    await asyncio.to_thread(kill_keeper, app.host, signal.SIGSTOP)
    os.kill(first_pid, signal.SIGKILL)
    await asyncio.to_thread(kill_keeper, app.host)
    await drive.until(
        lambda: (
            app.check_action("server", ("end",))
            or not any(each.pid or each.survivors for each in app.session.servers)
        )
    )


async def leave(drive: Driver) -> None:
    await start(drive)
    await drive.press("q")
    await drive.on(Question)
    await drive.press("down", "enter")
    await drive.until(lambda: not drive.app.is_running)


WHOLE = (welcome, start, ab, screens, load, study, history, forms, stop_and_restart, orphans, leave)
"""The way through the console."""


def bound() -> set[tuple[str, str]]:
    """Return every key of every screen, by the name of its class."""
    keys = set()
    for module in pkgutil.iter_modules(console.tui.screens.__path__):
        found = importlib.import_module(f"console.tui.screens.{module.name}")
        for each in vars(found).values():
            if (
                isinstance(each, type)
                and issubclass(each, Screen)
                and each.__module__ == found.__name__
            ):
                for binding in each.BINDINGS:
                    assert isinstance(binding, Binding)
                    keys |= {(each.__name__, key) for key in binding.key.split(",")}
    return keys


async def test_the_loop_asks_no_disk_no_lock_and_no_process_on_the_whole_way(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(meter_store, "WRITE_EVERY_S", 0.5)
    short_loads(monkeypatch)
    with closing(open_history(host.history_file)) as kept:
        kept.add_start(replace(earlier_start("st1", 24.0, (), 0), server=SERVER))
    app, demo = InferctlApp(host, first_watched(host)), InferctlApp(host, None)
    with audited(monkeypatch) as audit:
        async with app.run_test(size=SIZE, notifications=True) as pilot:
            audit.mounted = True
            drive = Driver(pilot, app)
            for part in WHOLE:
                await part(drive)
        audit.mounted = False
        async with demo.run_test(size=SIZE) as pilot:
            audit.mounted = True
            other = Driver(pilot, demo)
            await other.on(WelcomeScreen)
            await other.press("d")
            await other.until(lambda: demo.return_value == DEMO)
    print(drive, other, sep="\n")
    assert not audit.violations, audit.told()
    assert bound() - {*drive.driven, *other.driven} == set()


async def test_a_load_that_is_left_as_it_ends_goes_back_one_screen(
    made_host: MadeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    short_loads(monkeypatch)
    app = made_host.app()
    async with app.run_test(size=SIZE) as pilot:
        await started(pilot, app)
        (target,) = ab_targets([SERVER], app.host.settings)
        app.actions.load.begin(LoadOrder(target, "Say it.", 8))
        await until(pilot, lambda: isinstance(app.screen, LoadScreen) and app.screen.is_mounted)
        screen = app.screen
        assert isinstance(screen, LoadScreen)
        await until(pilot, lambda: not screen.check_action("cancel", ()))
        screen.action_leave()
        screen.action_leave()
        await until(pilot, lambda: not screen.is_running)
        assert isinstance(app.screen, MainScreen)
