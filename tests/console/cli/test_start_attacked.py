"""``start`` as a production host treats it: twice at once, and with its terminal torn away."""

import asyncio
import fcntl
import os
import pty
import signal
import sys
import termios
from asyncio.subprocess import DEVNULL, PIPE, Process
from pathlib import Path

from backends.domain.facts import FirstTokenSeen, Stopped
from backends.domain.server import ServerState
from backends.keeper import client
from backends.keeper.folder import ServerFolder, read_journal, server_folder
from backends.settings.paths import config_file
from tests.backends.keeper.conftest import eventually, everything, until
from tests.console.conftest import REPOSITORY, SERVER, SPEED, MadeHost


async def inferctl(*argv: str, terminal: int | None = None) -> Process:
    """Run a verb as a process of its own; with a terminal, as the leader of its session."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "console", *argv),
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        stdin=DEVNULL if terminal is None else terminal,
        stdout=PIPE if terminal is None else terminal,
        stderr=PIPE if terminal is None else terminal,
        start_new_session=terminal is not None,
        preexec_fn=None if terminal is None else _take_terminal,
    )


def _take_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def folder_of(made_host: MadeHost) -> Path:
    return server_folder(made_host.folder, SERVER)


async def test_of_two_starts_at_once_one_launches_and_the_other_says_who_did(
    configured: MadeHost,
) -> None:
    verbs = [await inferctl("start", SERVER, "--force") for _ in range(2)]
    said = [(await verb.communicate())[1].decode() for verb in verbs]
    assert sorted(verb.returncode or 0 for verb in verbs) == [0, 1]
    lost = said[[verb.returncode for verb in verbs].index(1)]
    assert "is already kept" in lost
    assert "Traceback" not in "".join(said)
    folder = folder_of(configured)
    assert len(list(ServerFolder(folder).starts.iterdir())) == 1
    facts = await everything(client.stop(folder, "test"))
    assert isinstance(facts[-1], Stopped)


async def test_a_start_goes_on_when_the_terminal_that_waited_for_it_is_gone(
    configured: MadeHost,
) -> None:
    path = config_file()
    path.write_text(path.read_text().replace(f'SPEED = "{SPEED}"', 'SPEED = "20"'))
    own, its = pty.openpty()
    verb = await inferctl("start", SERVER, "--wait", terminal=its)
    os.close(its)
    folder = folder_of(configured)
    await eventually(lambda: bool(read_journal(ServerFolder(folder).journal)))
    os.close(own)  # the kernel hangs up on everybody in its session
    async with asyncio.timeout(15):
        assert await verb.wait() == -signal.SIGHUP
    await until(client.follow(folder), FirstTokenSeen)
    assert configured.state() is ServerState.READY
    facts = await everything(client.stop(folder, "test"))
    assert isinstance(facts[-1], Stopped)
