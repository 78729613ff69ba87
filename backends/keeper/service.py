"""Answers clients on the keeper's Unix socket: follow the journal, or order the stop."""

import contextlib
import os
import selectors
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from backends.host import unix_socket
from backends.keeper.folder import ServerFolder, Unreadable, keeper_id
from backends.keeper.journal import Journal

ORDER_LIMIT_BYTES = 4096
LOOK_EVERY_S = 1.0
"""How often to look whether the socket is still where clients look for it."""
MOST_CLIENTS = 200
"""More would use up the descriptors that a process may have, of which many hosts allow 1024."""
FAREWELL_S = 2.0
"""How long a client may take to read the last facts when the keeper leaves."""


class ClientOrder(msgspec.Struct):
    """One line from a client; the keeper answers with lines of the journal until it leaves."""

    order: str
    by: str = ""
    drain_s: float = 0.0


@dataclass(slots=True)
class _Client:
    """A connection, what it has sent so far, and how far it was sent the journal."""

    connection: socket.socket
    received: bytes = b""
    offset: int | None = None


class Service:
    """Serves clients in the thread that calls `run`; the journal file is the buffer of each.

    A client that reads slowly costs nothing and delays nobody.
    """

    def __init__(self, folder: ServerFolder, journal: Journal, wakeup: "Wakeup") -> None:
        self._folder = folder
        self._journal = journal
        self._wakeup = wakeup
        self._selector = selectors.DefaultSelector()
        self._clients: list[_Client] = []
        self._look_at_s = time.monotonic() + LOOK_EVERY_S
        self._place: int | None = None
        self._listener: socket.socket | None = None
        self._listen()
        self._selector.register(wakeup.receiver, selectors.EVENT_READ)

    def run(self, order_stop: Callable[[str, float], int], on_wakeup: Callable[[], bool]) -> None:
        """Serve until `on_wakeup`, called at each wakeup, returns True; then send the last facts.

        Args:
            order_stop: takes who orders and the seconds to drain, returns the journal's offset of
                the order that won.
            on_wakeup: acts on the signals that came.
        """
        leaving_at: float | None = None
        while leaving_at is None or (time.monotonic() < leaving_at and self._behind()):
            self._look_after_socket()
            self._journal.write_waiting()
            for key, events in self._selector.select(LOOK_EVERY_S if leaving_at is None else 0.1):
                if key.fileobj is self._listener:
                    self._accept()
                elif isinstance(key.data, _Client):
                    self._serve(key.data, events, order_stop)
            self._wakeup.clear()
            if on_wakeup() and leaving_at is None:
                leaving_at = time.monotonic() + FAREWELL_S
            self._wake_followers()

    def close(self) -> None:
        """Hang up on everybody."""
        for client in list(self._clients):
            self._hang_up(client)
        if self._listener is not None:
            self._listener.close()
        self._selector.close()
        with contextlib.suppress(OSError):  # nobody answers there from now on
            self._folder.socket.unlink()

    def _listen(self) -> None:
        """Listen in the folder, where the disk lets us; without it SIGTERM orders the stop."""
        before = self._listener
        try:
            self._listener, self._place = listen(self._folder)
        except OSError:
            return
        self._selector.register(self._listener, selectors.EVENT_READ)
        if before is not None:
            self._selector.unregister(before)
            before.close()

    def _look_after_socket(self) -> None:
        """Listen again where somebody removed the socket, unless another keeper has the folder."""
        if time.monotonic() < self._look_at_s:
            return
        self._look_at_s = time.monotonic() + LOOK_EVERY_S
        lost = self._listener is None or _inode(self._folder.socket) != self._place
        keeper = keeper_id(self._folder) if lost else None
        if lost and (keeper is None or keeper.pid == os.getpid()):
            self._listen()

    def _accept(self) -> None:
        assert self._listener is not None
        connection, _ = self._listener.accept()
        if len(self._clients) >= MOST_CLIENTS:
            connection.close()
            return
        connection.setblocking(False)
        client = _Client(connection)
        self._clients.append(client)
        self._selector.register(connection, selectors.EVENT_READ, client)

    def _serve(self, client: _Client, events: int, order_stop: Callable[[str, float], int]) -> None:
        try:
            if events & selectors.EVENT_READ:
                self._receive(client, order_stop)
            if events & selectors.EVENT_WRITE:
                self._send(client)
        except (ConnectionError, msgspec.MsgspecError, _HungUp):
            self._hang_up(client)

    def _receive(self, client: _Client, order_stop: Callable[[str, float], int]) -> None:
        data = client.connection.recv(ORDER_LIMIT_BYTES)
        client.received += data
        if not data or len(client.received) > ORDER_LIMIT_BYTES:
            raise _HungUp
        line, newline, _ = client.received.partition(b"\n")
        if not newline or client.offset is not None:
            return
        order = msgspec.json.decode(line, type=ClientOrder)
        client.offset = order_stop(order.by, order.drain_s) if order.order == "stop" else 0

    def _send(self, client: _Client) -> None:
        assert client.offset is not None
        data = self._journal.read(client.offset)
        if data:
            client.offset += client.connection.send(data)
        else:
            self._selector.modify(client.connection, selectors.EVENT_READ, client)

    def _wake_followers(self) -> None:
        size = self._journal.size
        for client in self._clients:
            if client.offset is not None and client.offset < size:
                both = selectors.EVENT_READ | selectors.EVENT_WRITE
                self._selector.modify(client.connection, both, client)

    def _behind(self) -> bool:
        size = self._journal.size
        return any(one.offset is not None and one.offset < size for one in self._clients)

    def _hang_up(self, client: _Client) -> None:
        self._clients.remove(client)
        self._selector.unregister(client.connection)
        client.connection.close()


class Wakeup:
    """Wakes the service, from any thread and from signal handlers."""

    def __init__(self) -> None:
        self.receiver, self.sender = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def wake(self) -> None:
        """Wake the service."""
        with contextlib.suppress(BlockingIOError):  # full of wakeups that it has not come to yet
            os.write(self.sender, b"!")

    def clear(self) -> None:
        """Take back every wakeup so far."""
        with contextlib.suppress(BlockingIOError):
            while os.read(self.receiver, 4096):
                pass


class _HungUp(Exception):
    """The client left."""


def listen(folder: ServerFolder) -> tuple[socket.socket, int | None]:
    """Return a socket that listens in the folder, for this user alone, and its inode there.

    Raises:
        OSError: the folder is gone, or takes no new file.
    """
    return unix_socket.listen(folder.socket), _inode(folder.socket)


def _inode(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except OSError:
        return None


def connect(folder: ServerFolder) -> socket.socket | None:
    """Return a connection to the living keeper of this folder, None where there is none.

    Raises:
        Unreadable: this user may not connect to it.
    """
    try:
        return unix_socket.connect(folder.socket)
    except PermissionError as error:
        raise Unreadable.of(folder.socket, error) from error
