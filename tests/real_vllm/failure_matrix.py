"""Failures of the true vLLM, as a table: ``python -m tests.real_vllm.failure_matrix [NAME...]``.

Each cell is started under a true keeper. The console's session, ``inferctl status --json`` and
``inferctl explain --json`` are to name the same kind of failure, the cell's own. The exit code is
the number of cells in which one of them does not.
"""

import argparse
import asyncio
import json
import os
import shutil
import signal
import sys
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import reduce
from pathlib import Path

from backends.domain.facts import (
    FirstTokenSeen,
    HealthChanged,
    PhaseBegan,
    ServerFact,
    StartWaits,
    Stopped,
)
from backends.domain.lifecycle import failure_of
from backends.domain.session import Session, advance
from backends.domain.start import Failure
from backends.domain.startup.reader import STILL_RUNS
from backends.host import processes
from backends.host.survivors import MARKER
from backends.keeper import client
from backends.keeper.clock import now
from backends.keeper.folder import ServerFolder, keeper_id, read_journal, server_folder
from backends.keeper.launch import launch
from backends.keeper.order import LaunchOrder
from backends.keeper.take import spawned
from tests.backends.keeper.conftest import everything
from tests.backends.keeper.matrix.consoles import inferctl
from tests.real_vllm.environment import CpuVllm, found
from tests.real_vllm.failure_cells import CELLS, CannotBeMade, Cell, Setup

LIMIT_S = 420.0
"""For one cell on a loaded machine."""

ENDS_WITHIN_S = 60.0
"""A worker of vLLM 0.32 that is ended while Python drops a weak reference goes on for ever."""

# With a thread on every core the engine starves its own API server, for seconds.
ENVIRONMENT = {
    "VLLM_CPU_KVCACHE_SPACE": "1",
    "HF_HUB_OFFLINE": "1",
    "OMP_NUM_THREADS": "1",
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
}
KEPT = ("PATH", "HOME", "LANG", "TMPDIR")
HEAD = ("FAILURE", "EXPECTED", "CONSOLE", "STATUS", "EXPLAIN", "SECONDS")
WIDTHS = (22, 24, 24, 24, 24, 7)


@dataclass(frozen=True)
class Outcome:
    """What three places call the failure of one cell; empty for none.

    Attributes:
        skipped: why this machine cannot make it, empty where it did.
        broken: what went wrong with the cell itself.
        left: the processes that outlived the server's end.
        told: the failure as the console's session has it.
    """

    cell: Cell
    console: str = ""
    status: str = ""
    explain: str = ""
    seconds: float = 0.0
    skipped: str = ""
    broken: str = ""
    left: tuple[str, ...] = ()
    told: Failure | None = None

    @property
    def wrong(self) -> bool:
        """Whether one of them does not name the cell's kind, or something is left."""
        names = {self.console, self.status, self.explain}
        right = [{kind.value} for kind in (self.cell.kind, self.cell.without_status) if kind]
        return not self.skipped and (names not in right or bool(self.left))


async def play(cell: Cell, vllm: CpuVllm, home: Path) -> Outcome:
    """Start what fails, wait for its end, and ask everybody why."""
    began_s = time.monotonic()
    setup = Setup(vllm, home, Path(vllm.model))
    with setup.undo:
        try:
            cell.make(setup)
        except CannotBeMade as reason:
            return Outcome(cell, skipped=str(reason))
        folder = _launch(setup)
        try:
            async with asyncio.timeout(LIMIT_S):
                facts = await _until_the_end(cell, folder)
                left = tuple(map(processes.display_name, await asyncio.to_thread(_left, folder)))
        except TimeoutError:
            last = read_journal(ServerFolder(folder).journal)[-1]
            return Outcome(cell, broken=f"no end within {LIMIT_S:.0f} s; last: {last}")
        finally:
            await asyncio.to_thread(_end_all, folder)
    session = reduce(advance, facts, Session(now()))
    failure = failure_of(session.life) if session.life else None
    verbs = {"XDG_STATE_HOME": str(home), "XDG_CONFIG_HOME": str(home / "config")}
    _, listed, _ = await inferctl("status", "tiny", "--json", environment=verbs)
    log = str(ServerFolder(folder).log)
    _, explained, _ = await inferctl("explain", log, "--json", environment=verbs)
    return Outcome(
        cell,
        failure.kind.value if failure else "",
        _kind(json.loads(listed)["servers"]),
        _kind(json.loads(explained)["starts"]),
        time.monotonic() - began_s,
        left=left,
        told=failure,
    )


def _kind(entries: list[dict[str, dict[str, str] | None]]) -> str:
    failure = entries[-1]["failure"] if entries else None
    return failure["kind"] if failure else ""


def _launch(setup: Setup) -> Path:
    name = ("--served-model-name", "tiny", "--host", "127.0.0.1", "--port", str(setup.port))
    serve = (setup.vllm.executable, "serve", str(setup.model), *name, "--dtype", "bfloat16")
    inherited = {key: os.environ[key] for key in KEPT if key in os.environ}
    order = LaunchOrder(
        "tiny",
        (*setup.before, *serve, *setup.arguments),
        {**inherited, **ENVIRONMENT, **setup.environment},
        "127.0.0.1",
        setup.port,
        "tiny",
        "first",
    )
    folder = server_folder(setup.home / "inferctl", "tiny")
    launch(order, folder)
    return folder


async def _until_the_end(cell: Cell, folder: Path) -> list[ServerFact]:
    """Follow the server to its end; one that is to be struck is, and stopped where it hangs."""
    struck, asking, stopping = False, None, None
    async for fact in client.follow(folder):
        if isinstance(fact, FirstTokenSeen) and cell.strike is not None and not cell.strike_at:
            asking = asyncio.create_task(asyncio.to_thread(_ask, folder))
            await asyncio.sleep(0)
            await _running(folder)
            cell.strike(_members(folder))
            struck = True
        if isinstance(fact, PhaseBegan) and fact.phase is cell.strike_at and not struck:
            assert cell.strike is not None
            cell.strike(_members(folder))
            struck = True
        if struck and isinstance(fact, HealthChanged) and "progress" in fact.reason:
            await everything(client.stop(folder, "the matrix"), within_s=LIMIT_S)
        if isinstance(fact, StartWaits) and fact.reason.startswith(STILL_RUNS):
            stopping = asyncio.create_task(_stop_if_it_lasts(folder))
        if isinstance(fact, Stopped):
            break
    if stopping is not None:
        stopping.cancel()
    if asking is not None:
        await asking
    return read_journal(ServerFolder(folder).journal)


async def _stop_if_it_lasts(folder: Path) -> None:
    """Stop a server whose start has failed, once its processes had the time to end."""
    await asyncio.sleep(ENDS_WITHIN_S)
    await everything(client.stop(folder, "the matrix"), within_s=LIMIT_S)


def _port(folder: Path) -> int:
    return spawned(read_journal(ServerFolder(folder).journal)).port


def _ask(folder: Path) -> None:
    """Ask for a long answer, of which the end never comes."""
    question = {"model": "tiny", "prompt": "hi", "ignore_eos": True, "max_tokens": 2000}
    request = urllib.request.Request(
        f"http://127.0.0.1:{_port(folder)}/v1/completions",
        data=json.dumps(question).encode(),
        headers={"Content-Type": "application/json"},
    )
    with suppress(OSError):
        urllib.request.urlopen(request, timeout=LIMIT_S).read()


async def _running(folder: Path) -> None:
    """Wait until the server counts a request that runs."""
    url = f"http://127.0.0.1:{_port(folder)}/metrics"
    while True:
        text = await asyncio.to_thread(lambda: urllib.request.urlopen(url).read().decode())
        counts = [line for line in text.splitlines() if "num_requests_running{" in line]
        if any(float(line.rpartition(" ")[2]) for line in counts):
            return


def _members(folder: Path) -> list[processes.Process]:
    begun = spawned(read_journal(ServerFolder(folder).journal))
    marker = f"{begun.server}:{begun.start_id}"
    descends = {one.id for one in processes.descendants(begun.keeper.pid, processes.running())}
    return [
        one
        for one in processes.running()
        if one.id in descends or _marked(one.id.pid, marker, str(folder))
    ]


def _marked(pid: int, marker: str, folder: str) -> bool:
    """Tell whether a process is of this cell: the marker alone may be another cell's."""
    if processes.environment_value(pid, MARKER) != marker:
        return False
    with suppress(OSError):
        return any(str(Path(f"/proc/{pid}/fd/1").readlink()).startswith(folder) for _ in (0,))
    return False


def _left(folder: Path) -> list[processes.Process]:
    """Return what lives of a server that has ended, but for its keeper, which leaves by itself."""
    keeper = keeper_id(ServerFolder(folder))
    return [one for one in _members(folder) if one.id != keeper]


def _end_all(folder: Path) -> None:
    members = _members(folder)
    keeper = keeper_id(ServerFolder(folder))
    for one in [*([keeper] if keeper else []), *(each.id for each in members)]:
        processes.send(one, signal.SIGKILL, lambda _: True)


def line(outcome: Outcome) -> str:
    """Return one line of the table."""
    cell = outcome.cell
    if outcome.skipped:
        return f"{_columns((cell.name, cell.kind.value, *[''] * 4))}  SKIPPED: {outcome.skipped}"
    told = (outcome.console, outcome.status, outcome.explain)
    words = (cell.name, cell.kind.value, *told, f"{outcome.seconds:.0f}")
    wrong = f"  WRONG {outcome.broken} {' '.join(outcome.left)}" if outcome.wrong else ""
    return f"{_columns(words)}{wrong}"


def _columns(words: tuple[str, ...]) -> str:
    return "  ".join(word.ljust(width) for word, width in zip(words, WIDTHS, strict=True))


async def _print(cells: list[Cell], vllm: CpuVllm, *, keep: bool) -> int:
    folder = Path(tempfile.mkdtemp(prefix="failure-matrix-"))
    wrong = 0
    print(_columns(HEAD))
    for cell in cells:
        (home := folder / cell.name).mkdir()
        outcome = await play(cell, vllm, home)
        print(line(outcome), flush=True)
        if outcome.wrong and outcome.told is not None:
            print(f"    {outcome.told.cause} {outcome.told.line}", flush=True)
        wrong += outcome.wrong
    if not keep:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{len(cells)} cells, {wrong} wrong{f', kept in {folder}' if keep else ''}")
    return wrong


def main(among: Sequence[Cell] = CELLS, words: Sequence[str] | None = None) -> int:
    """Play the chosen cells."""
    parser = argparse.ArgumentParser(prog="failure_matrix", description=__doc__)
    parser.add_argument("names", nargs="*", help="play only these")
    parser.add_argument("--keep", action="store_true", help="keep logs and journals")
    asked = parser.parse_args(words)
    vllm = found()
    if vllm is None:
        parser.error("no CPU vLLM; build it with `make vllm-cpu`")
    cells = [cell for cell in among if not asked.names or cell.name in asked.names]
    return asyncio.run(_print(cells, vllm, keep=asked.keep))


if __name__ == "__main__":
    sys.exit(main())
