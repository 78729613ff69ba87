"""Servers of others that the user asked to watch, remembered while their processes live."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from backends.domain.server import ProcessId, Server
from backends.host import processes
from backends.host.files import read_file, replace_file
from backends.wire import UnreadableRecord, plain, read_json, typed


@dataclass(frozen=True, slots=True)
class Watched:
    """One server, and the very process that it was when the user asked."""

    server: Server
    process: ProcessId


def remember(state_folder: Path, server: Server) -> None:
    """Keep a running external server in ``<state>/watched.json``, the newest first.

    Raises:
        ProcessLookupError: it has ended meanwhile.
        OSError: the file cannot be written.
    """
    assert server.pid is not None
    process = processes.identity(server.pid)
    others = (each for each in _living(state_folder) if each.process != process)
    kept = [Watched(server, process), *others]
    replace_file(_file(state_folder), msgspec.json.encode(plain(kept)))


def remembered(state_folder: Path) -> tuple[Server, ...]:
    """Return the remembered servers that still run, the newest first."""
    return tuple(each.server for each in _living(state_folder))


def _living(state_folder: Path) -> list[Watched]:
    try:
        entries = read_json(read_file(_file(state_folder)), list[object])
        kept = [typed(_renamed(entry), Watched) for entry in entries]
    except (FileNotFoundError, UnreadableRecord):
        return []  # nothing that cannot be had again by one more `inferctl adopt`
    return [each for each in kept if processes.is_alive(each.process)]


def _renamed(entry: Any) -> Any:
    """Return an entry by the words of today: version 0.1.0 of November 2026 wrote ``foreign``.

    It knew no state of such a server but that it answered.
    """
    server = entry.get("server") if isinstance(entry, dict) else None
    if not isinstance(server, dict):
        return entry
    earlier = {"foreign", "external"}
    owner = {"owner": "external"} if server.get("owner") in earlier else {}
    state = {"state": "ready"} if server.get("state") in earlier else {}
    return {**entry, "server": {**server, **owner, **state}}


def _file(state_folder: Path) -> Path:
    return state_folder / "watched.json"
