"""Actions over a console that is no app."""

from collections.abc import Coroutine
from pathlib import Path
from typing import Any, cast

from backends.domain.session import Session
from backends.operations.context import Context
from backends.operations.host import Host
from backends.settings.config import Settings
from backends.simulated.gpus import SimulatedGpus
from console.tui.actions.ab import AbActions
from console.tui.actions.console import Console
from tests.console.sessions import EMPTY


class OnPaper:
    """Keeps what actions say and ask to be carried out."""

    def __init__(self, folder: Path) -> None:
        gpus = folder / "gpu.json"
        self.host = Host(Settings(), folder, folder / "history.sqlite", lambda: SimulatedGpus(gpus))
        self.session = Session(EMPTY.now)
        self.context = Context(Settings())
        self.said: list[str] = []
        self.work: list[tuple[str, Coroutine[Any, Any, None]]] = []

    def carry_out(self, work: Coroutine[Any, Any, None], group: str) -> None:
        self.work.append((group, work))

    def notify(self, message: str, **_: object) -> None:
        self.said.append(message)


async def test_an_ab_that_lacks_an_endpoint_says_so(tmp_path: Path) -> None:
    console = OnPaper(tmp_path)
    AbActions(cast("Console", console)).act("explain")
    ((group, work),) = console.work
    await work
    assert group == "series"
    assert len(console.said) == 1
    assert console.said[0].startswith("no A/B: ")
