"""Asks a container engine: Docker's API over a Unix socket, which podman answers as well.

Paths carry no version: Docker 29 refuses those below 1.44 and Docker 20 those above 1.41, and
without one each engine speaks its own. The engine's daemon is the only one that is asked; what a
container needs is never put into an argument list.
"""

import getpass
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import msgspec

from backends.domain.server import RuntimeKind
from backends.http1 import Address, NoAnswer, Reply, ask
from backends.problem import Problem

QUICK_S = 5.0
"""Engines answer from memory; one that hangs must not hold up a list."""


class EngineUnavailable(Problem):
    """The engine cannot be asked; the message says why, and what helps."""


class EngineNotRunning(EngineUnavailable):
    """Nobody answers at its socket."""


class EngineRefused(Problem):
    """The engine answered and did not do it; the message is its own."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Engine:
    """One engine: docker or podman, and the path of its socket."""

    kind: RuntimeKind
    socket: str

    def read(self, path: str, **query: object) -> Any:
        """Return what the engine answers to a GET.

        Raises:
            EngineUnavailable: it cannot be asked.
            EngineRefused: it has no such thing.
        """
        return self._document(self.ask(path, query=query))

    def order(
        self,
        path: str,
        body: object = None,
        *,
        method: str = "POST",
        timeout_s: float = QUICK_S,
        **query: object,
    ) -> Any:
        """Have the engine do something, and return what it answers; None where that is nothing.

        Raises:
            EngineUnavailable: it cannot be asked, or does not answer in time.
            EngineRefused: it did not do it.
        """
        return self._document(
            self.ask(path, {} if body is None else body, method, query, timeout_s=timeout_s)
        )

    def ask(
        self,
        path: str,
        body: object = None,
        method: str = "",
        query: Mapping[str, object] | None = None,
        *,
        timeout_s: float = QUICK_S,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> Reply:
        """Return the reply itself, as its pieces come.

        Raises:
            EngineUnavailable: it cannot be asked.
            EngineRefused: it did not do it.
            Cancelled: `cancelled` became true. The same from the pieces.
        """
        whole = f"{path}?{urlencode(query, quote_via=quote)}" if query else path
        address = Address("engine", 0, socket=self.socket)
        try:
            reply = ask(
                address, whole, body, timeout_s=timeout_s, cancelled=cancelled, method=method
            )
            if reply.status >= 400:
                raise EngineRefused(reply.status, _message(reply.body()))
        except NoAnswer as error:
            raise self._unavailable(error) from error
        return reply

    def _document(self, reply: Reply) -> Any:
        try:
            body = reply.body()
            return msgspec.json.decode(body) if body else None
        except NoAnswer as error:
            raise self._unavailable(error) from error
        except msgspec.MsgspecError as error:
            what = f"what answers at {self.socket} is not a container engine; see DOCKER_HOST"
            raise EngineUnavailable(what) from error

    def _unavailable(self, error: NoAnswer) -> EngineUnavailable:
        cause, where = error.__cause__, self.socket
        if isinstance(cause, PermissionError):
            return EngineUnavailable(f"{where} may not be used by this user; {self._allowing()}")
        if isinstance(cause, FileNotFoundError | ConnectionRefusedError):
            what = f"{self.kind} does not run: nobody answers at {where}"
            return EngineNotRunning(f"{what}; {self._starting()}")
        what = f"{self.kind} does not answer at {where}: {error}"
        return EngineUnavailable(f"{what}; {self._starting()}")

    def _allowing(self) -> str:
        if self.kind is RuntimeKind.PODMAN:
            return "it is another user's podman: run inferctl as that user, or as root"
        return (
            f"run inferctl as root, or run: sudo usermod -aG docker {getpass.getuser()}, "
            "and log in again"
        )

    def _starting(self) -> str:
        if self.kind is RuntimeKind.DOCKER:
            return "run: sudo systemctl start docker"
        if self.socket.startswith("/run/user/"):
            return "run: systemctl --user start podman.socket"
        return "run: sudo systemctl start podman.socket"


def engines(kind: RuntimeKind, uid: int | None = None) -> tuple[Engine, ...]:
    """Return where an engine of this kind may answer: what the environment names, then its places.

    Args:
        kind: docker or podman.
        uid: whose rootless engine is meant, this user's by default.
    """
    variable = "DOCKER_HOST" if kind is RuntimeKind.DOCKER else "CONTAINER_HOST"
    named = os.environ.get(variable, "")
    user = f"/run/user/{os.getuid() if uid is None else uid}"
    if kind is RuntimeKind.DOCKER:
        places = ["/var/run/docker.sock", f"{user}/docker.sock"]
    else:
        places = ["/run/podman/podman.sock", f"{user}/podman/podman.sock"]
        if uid:  # a process of a user's own podman is not known to that of root
            places.reverse()
    if named.startswith("unix://"):
        places.insert(0, named.removeprefix("unix://"))
    existing = [place for place in places if Path(place).exists()]
    return tuple(Engine(kind, place) for place in dict.fromkeys(existing or places[:1]))


def frames(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yield what the frames of a container's output hold, standard output and error alike.

    A frame is eight bytes, the last four of which are its size, and then its content (Docker's
    API, "Attach to a container"); a container with a terminal sends none.
    """
    pending = b""
    for piece in pieces:
        pending += piece
        while len(pending) >= 8:
            size = int.from_bytes(pending[4:8], "big")
            if len(pending) < 8 + size:
                break
            yield pending[8 : 8 + size]
            pending = pending[8 + size :]


def _message(body: bytes) -> str:
    try:
        return str(msgspec.json.decode(body)["message"])
    except (msgspec.MsgspecError, KeyError, TypeError):
        return body[:200].decode(errors="replace").strip() or "it does not say why"
