"""The connections to one origin: one is kept open and used again where the last reply allows it."""

import socket
import ssl

from backends.prober import clock, problems
from backends.prober.connection import Address, Connection
from backends.prober.loop import Loop
from backends.prober.origin import Origin, Proxy


class Unresolved(Exception):
    """The host name has no address; the message is a whole sentence."""


class Pool:
    """Idle and new connections to one origin, without a limit on their number."""

    def __init__(
        self, origin: Origin, loop: Loop, connect_timeout_s: float, proxy: Proxy | None = None
    ) -> None:
        self._origin = origin
        self._proxy = proxy
        self._loop = loop
        self._timeout_s = connect_timeout_s
        self._tls = _tls_context() if origin.scheme == "https" else None
        self._addresses: tuple[Address, ...] = ()
        self._idle: list[Connection] = []

    def idle(self) -> Connection | None:
        """Return a kept connection that is still open."""
        while self._idle:
            connection = self._idle.pop()
            if connection.alive():
                return connection
            connection.close()
        return None

    def new(self) -> tuple[Connection, tuple[Address, ...], float | None]:
        """Return a connection to be opened, the addresses to try, and the time of their lookup.

        Raises:
            Unresolved: the name has no address.
        """
        dns_s = None
        if not self._addresses:
            began_ns = clock.now_ns()
            self._addresses = _look_up(self._proxy.origin if self._proxy else self._origin)
            dns_s = (clock.now_ns() - began_ns) / clock.NS
        connection = Connection(self._origin, self._loop, self._tls, self._timeout_s, self._proxy)
        return connection, self._addresses, dns_s

    def keep(self, connection: Connection) -> None:
        """Take a connection back for the next request."""
        connection.listener = None
        self._idle.append(connection)

    def close(self) -> None:
        """Close what is idle."""
        for connection in self._idle:
            connection.close()
        self._idle.clear()


def _look_up(origin: Origin) -> tuple[Address, ...]:
    try:
        found = socket.getaddrinfo(origin.host, origin.port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        raise Unresolved(problems.name_lookup(origin, error)) from error
    except UnicodeError as error:
        raise Unresolved(f"'{origin.host}' is not a host name: check base_url") from error
    return tuple((family, address) for family, _, _, _, address in found)


def _tls_context() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context
