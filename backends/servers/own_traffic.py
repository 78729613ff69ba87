"""Which servers inferctl itself sends requests to, shared by its processes in small files."""

import asyncio
import contextlib
import secrets
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from os import getpid
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from backends.domain.address import is_loopback
from backends.domain.server import ProcessId
from backends.host import processes
from backends.host.files import replace_file
from backends.problem import Problem
from backends.wire import UnreadableRecord, plain, read_json, typed

KEPT_S = 60.0
"""How long the end of a test is remembered; every console has read its server by then."""


@dataclass(frozen=True, slots=True)
class OwnRequests:
    """One A/B or load.

    Attributes:
        process: who sends.
        ended_wall_s: None while it sends.
    """

    process: ProcessId
    base_urls: tuple[str, ...]
    ended_wall_s: float | None = None


class TrafficNotRecorded(Problem):
    """A test cannot be announced to other processes; the message holds the remedy."""


@asynccontextmanager
async def sending(state_folder: Path, base_urls: Iterable[str]) -> AsyncIterator[None]:
    """Tell, as long as the block runs, that requests go to these addresses.

    Raises:
        TrafficNotRecorded: the state folder cannot be written; nothing was begun.
    """
    file = _folder(state_folder) / f"{secrets.token_hex(6)}.json"
    begun = asyncio.ensure_future(asyncio.to_thread(_begun, file, tuple(base_urls)))
    try:
        await asyncio.shield(begun)
        yield
    finally:  # whoever gives up while the file is written takes it back as well
        await asyncio.to_thread(_ended, file, await begun)


def _begun(file: Path, base_urls: tuple[str, ...]) -> OwnRequests:
    folder = file.parent
    own = OwnRequests(processes.identity(getpid()), base_urls)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace_file(file, msgspec.json.encode(plain(own)))
    except OSError as error:
        raise TrafficNotRecorded(
            f"{folder} cannot be written: {error.strerror}; without it the test would pass for"
            " traffic: free some space, or set XDG_STATE_HOME"
        ) from error
    return own


def _ended(file: Path, own: OwnRequests) -> None:
    over = OwnRequests(own.process, own.base_urls, time.time())
    with contextlib.suppress(OSError):  # it is over with this process at the latest
        replace_file(file, msgspec.json.encode(plain(over)))


def were_sent(state_folder: Path, base_url: str, since_wall_s: float) -> bool:
    """Return whether inferctl has sent requests to a server since then, or does now."""
    return any(
        _address(base_url) in map(_address, own.base_urls)
        and (own.ended_wall_s is None or own.ended_wall_s >= since_wall_s)
        for own in _known(state_folder)
    )


def _known(state_folder: Path) -> Iterator[OwnRequests]:
    """Yield those that are read, and remove what nobody needs any more."""
    for file in _folder(state_folder).glob("*.json"):
        try:
            own = typed(read_json(file.read_bytes()), OwnRequests)
        except (FileNotFoundError, UnreadableRecord):
            continue
        if _still_tells(own):
            yield own
        else:
            with contextlib.suppress(FileNotFoundError):
                file.unlink()


def _still_tells(own: OwnRequests) -> bool:
    if own.ended_wall_s is None:
        return processes.is_alive(own.process)
    return time.time() - own.ended_wall_s < KEPT_S


def _folder(state_folder: Path) -> Path:
    return state_folder / "sending"


def _address(base_url: str) -> tuple[str, int | None]:
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    return ("loopback" if is_loopback(host) else host), parts.port
