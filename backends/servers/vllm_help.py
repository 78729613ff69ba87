"""Which arguments a vLLM takes, by its own ``--help``: with what they do and which values."""

import asyncio
import os
import signal
import subprocess
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from backends.discovery.executables import handed_over_to
from backends.domain.redaction import may_hold_a_key
from backends.domain.vllm_help import VllmArgument, read_help
from backends.host.processes import send_to_child
from backends.servers.vllm_flags import known_flags
from backends.settings.kinds import OWN_ARGUMENTS, SECRET_ARGUMENTS

HELP_S = 90.0
"""It imports torch first: ten seconds on a quiet host."""

ALL = ("--help=all", "--help")
"""Plain ``--help`` names the groups alone; where it names everything, there is no ``all``."""

NOT_IN_A_PROFILE = frozenset({*OWN_ARGUMENTS, *SECRET_ARGUMENTS, "--model", "--help"})


def arguments_of_source(executable: Path) -> tuple[VllmArgument, ...]:
    """Return the arguments that stand in the source of an installed vLLM, at once."""
    return _of_profiles(VllmArgument(flag) for flag in sorted(known_flags(executable)))


async def arguments_of_help(executable: Path) -> tuple[VllmArgument, ...]:
    """Return the arguments that a vLLM names itself; none where it does not answer in time."""
    if await asyncio.to_thread(handed_over_to, executable):
        return ()  # it would start a container to answer
    for flag in ALL:
        asked = await asyncio.to_thread(_ask, executable, flag)
        if asked is None:
            return ()
        try:
            text, _ = await asyncio.to_thread(partial(asked.communicate, timeout=HELP_S))
        except subprocess.TimeoutExpired:
            return ()
        finally:
            await asyncio.to_thread(_end, asked)  # also where the console is left meanwhile
        if asked.returncode == 0:
            return _of_profiles(read_help(text.decode("utf-8", "replace")))
    return ()


def _ask(executable: Path, flag: str) -> "subprocess.Popen[bytes] | None":
    environment = {name: value for name, value in os.environ.items() if not may_hold_a_key(name)}
    try:
        return subprocess.Popen(
            [executable, "serve", flag],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**environment, "COLUMNS": "80"},
        )
    except OSError:
        return None


def _end(asked: "subprocess.Popen[bytes]") -> None:
    send_to_child(asked.pid, signal.SIGKILL)
    asked.wait()


def _of_profiles(found: Iterable[VllmArgument]) -> tuple[VllmArgument, ...]:
    return tuple(
        each for each in found if each.flag.startswith("--") and each.flag not in NOT_IN_A_PROFILE
    )
