"""A verb measures while another process holds the history: what it measured is there later."""

import threading
from contextlib import ExitStack, closing

import pytest

from backends.domain.server import ServerState
from backends.domain.start import Outcome
from backends.history.history import open_history
from backends.settings.paths import history_file
from tests.console.cli.conftest import Cli
from tests.console.conftest import MadeHost
from tests.console.tui.test_history_locked import held_by_another

HELD_S = 7.0
"""Longer than one attempt to open the history waits."""


@pytest.mark.slow
def test_a_start_that_was_waited_for_is_recorded_and_told(configured: MadeHost, cli: Cli) -> None:
    open_history(history_file()).close()
    with ExitStack() as held:
        held.enter_context(held_by_another(history_file()))
        threading.Thread(target=_free_after_the_start, args=(configured, held)).start()
        ran = cli("start", "chat", "--wait", "--force")
    assert ran.code == 0, ran.err
    assert "chat is ready" in ran.err
    with closing(open_history(history_file())) as history:
        (record,) = history.recent_starts()
    assert record.start.outcome is Outcome.READY


def _free_after_the_start(made_host: MadeHost, held: ExitStack) -> None:
    paused = threading.Event()
    while made_host.state() is not ServerState.READY:
        paused.wait(0.1)
    paused.wait(HELD_S)
    held.close()
