"""Puts a server of this host to sleep and wakes it, and measures both.

vLLM offers this only with ``VLLM_SERVER_DEV_MODE=1``, and frees memory only where it was started
with ``--enable-sleep-mode`` (vllm/entrypoints/serve/sleep, docs/features/sleep_mode.md).
"""

import time
import uuid
from contextlib import closing
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from backends.domain.reports.sleep import DISCARDED, KEPT_IN_HOST_MEMORY, SleepReport
from backends.domain.server import Owner, Server, ServerState
from backends.domain.vram_owners import Held, held_by
from backends.history.history import open_history
from backends.history.records import FindingRecord
from backends.http1 import Address, NoAnswer, ask
from backends.keeper.probe import running_requests, sleep_level
from backends.operations.host import Host
from backends.problem import NotFound, Problem
from backends.servers.gpu_owners import attributed
from backends.servers.listing import list_servers, server_pids
from backends.wire import plain

LONGEST_S = 1800.0
"""Weights that were discarded are read again from a disk; a start may take as long."""
SHOWN_WITHIN_S = 15.0
"""A keeper reads the counters, and with them whether a server sleeps, every six seconds."""
POLL_S = 0.2

NOT_OFFERED = (
    "{name} has no sleep mode: start it with --enable-sleep-mode and VLLM_SERVER_DEV_MODE=1, which "
    "also opens orders without a key, so let it listen on 127.0.0.1 alone"
)


def sleep(host: Host, name: str, level: int, *, force: bool = False) -> SleepReport:
    """Put a server to sleep and return what that took; blocks until it sleeps.

    Args:
        host: whose servers.
        name: of the server.
        level: 1 keeps the weights in the host's memory, 2 discards them.
        force: although requests run, which wait until it is awake again or are aborted.

    Raises:
        Problem: it does not serve, offers no sleep mode, sleeps already, or has requests.
    """
    server, address = _serving(host, name)
    if _is_sleeping(server, address):
        raise Problem(f"{name} is already asleep; run: inferctl wake {name}")
    running = running_requests(address)
    if running and not force:
        requests = "1 request" if running == 1 else f"{running} requests"
        raise Problem(f"{requests} of {name} would be lost; wait for the end, or add --force")
    with _Timed(host, server, address) as timed:
        timed.ask(f"/sleep?level={level}")
    return timed.kept("sleep", level)


def wake(host: Host, name: str) -> SleepReport:
    """Wake a server and return what that took; blocks until it is awake.

    After level 2 the weights are loaded again, as vLLM asks for: waking alone leaves none.

    Raises:
        Problem: it does not run, offers no sleep mode, or is awake.
    """
    server, address = _serving(host, name)
    if not _is_sleeping(server, address):
        raise Problem(f"{name} is awake")
    level = sleep_level(address) or KEPT_IN_HOST_MEMORY
    with _Timed(host, server, address) as timed:
        if level == DISCARDED:
            timed.ask("/wake_up?tags=weights")
            timed.ask("/collective_rpc", {"method": "reload_weights"})
            timed.ask("/wake_up?tags=kv_cache")
        else:
            timed.ask("/wake_up")
    return timed.kept("wake", level)


def _serving(host: Host, name: str) -> tuple[Server, Address]:
    server = next((each for each in list_servers(host.state_folder) if each.name == name), None)
    if server is None:
        raise NotFound(f"no server is called {name}; inferctl status lists them all")
    if server.base_url is None or server.pid is None:
        raise Problem(f"{name} is not serving: it is {server.state}")
    parts = urlsplit(server.base_url)
    return server, Address(parts.hostname or "127.0.0.1", parts.port or 80)


def _is_sleeping(server: Server, address: Address) -> bool:
    try:
        reply = ask(address, "/is_sleeping", timeout_s=5.0)
        body = reply.body()
        if reply.status == 404:
            raise Problem(NOT_OFFERED.format(name=server.name))
        return bool(msgspec.json.decode(body)["is_sleeping"])
    except (NoAnswer, msgspec.MsgspecError, KeyError, TypeError) as error:
        raise Problem(f"{server.name} does not report whether it is asleep: {error}") from error


class _Timed:
    """The time between entering and leaving, and what the server held before and after."""

    def __init__(self, host: Host, server: Server, address: Address) -> None:
        self._host = host
        self._server = server
        self._address = address
        self._before = Held()
        self._began = host.now()
        self._took_s = 0.0

    def __enter__(self) -> "_Timed":
        self._before = _held(self._host, self._server)
        self._began = self._host.now()
        return self

    def __exit__(self, *_: object) -> None:
        self._took_s = self._host.now().mono_s - self._began.mono_s

    def ask(self, path: str, body: object = None) -> None:
        """Give one order, and return once it is done.

        Raises:
            Problem: the server does not answer, or refuses.
        """
        name = self._server.name
        try:
            reply = ask(self._address, path, body, timeout_s=LONGEST_S, method="POST")
            said = reply.body()
        except NoAnswer as error:
            raise Problem(f"{name} did not answer {path}: {error}") from error
        if reply.status >= 400:
            text = said[:200].decode(errors="replace")
            raise Problem(f"{name} answers {reply.status} to {path}: {text}")

    def kept(self, order: Literal["sleep", "wake"], level: int) -> SleepReport:
        """Write down what was measured, and return it once the lists of servers show it."""
        _await_shown(self._host, self._server, asleep=order == "sleep")
        before, after, change = self._before, _held(self._host, self._server), None
        if before.used_bytes is not None and after.used_bytes is not None:
            freed = before.used_bytes - after.used_bytes
            change = freed if order == "sleep" else -freed
        report = SleepReport(
            uuid.uuid4().hex[:12],
            self._began.wall_s,
            self._server.name,
            self._server.model or "",
            order,
            level,
            self._took_s,
            change,
            "" if change is not None else before.reason or after.reason,
        )
        record = FindingRecord(
            "sleep", report.sleep_id, report.began_wall_s, report.server, plain(report)
        )
        with closing(open_history(self._host.history_file)) as history:
            history.findings.keep(record)
        return report


def _held(host: Host, server: Server) -> Held:
    with closing(host.open_gpus()) as source:
        sample = source.sample(processes=True)
    return held_by(server.name, attributed(sample, [server], server_pids(host.state_folder)))


def _await_shown(host: Host, server: Server, *, asleep: bool) -> None:
    """Wait until whoever lists the servers sees it, so that the next verb says so too."""
    deadline = time.monotonic() + SHOWN_WITHIN_S
    while time.monotonic() < deadline:
        listed = list_servers(host.state_folder)
        found = next((each for each in listed if each.name == server.name), None)
        if found is None or (found.state is ServerState.SLEEPING) is asleep:
            return
        if found.owner is Owner.EXTERNAL and found.keeper_pid is None:
            return  # without a keeper only its arguments tell that it may sleep
        time.sleep(POLL_S)
