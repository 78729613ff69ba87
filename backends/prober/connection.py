"""One TCP or TLS connection on the loop, with a stamp on everything that arrives."""

import errno
import os
import socket
import ssl
import struct
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Protocol

from backends.domain.ab.run import Connect
from backends.prober import clock, problems
from backends.prober.http import LARGEST_HEAD
from backends.prober.loop import READABLE, WRITABLE, Loop, Timer
from backends.prober.origin import Origin, Proxy, tunnel_bytes
from backends.prober.tls import Tls

# Larger buffers cost a memory mapping for each read.
LARGEST_READ = 32 * 1024
# Offsets in Linux's struct tcp_info (include/uapi/linux/tcp.h): tcpi_rtt, tcpi_data_segs_in.
TCP_INFO_SPACE = 160
RTT_AT = 68
DATA_SEGMENTS_IN_AT = 152

Address = tuple[int, Any]


class Listener(Protocol):
    """Gets the events of a connection."""

    def opened(self) -> None:
        """The connection is ready for a request."""

    def received(self, at_ns: int, read_ns: int, from_kernel: bool, data: bytes) -> None:
        """Bytes arrived: when the kernel took them (if it says), and when they were read."""

    def ended(self, problem: str | None) -> None:
        """The connection is closed: by the peer (None), or by this problem."""


class Connection:
    """A connection to an origin; used by one listener at a time.

    Attributes:
        sent_ns: right before the send that took the last byte of the request.
        connect: what it took to open; None until it is open.
    """

    def __init__(
        self,
        origin: Origin,
        loop: Loop,
        tls: ssl.SSLContext | None,
        timeout_s: float,
        proxy: Proxy | None = None,
    ) -> None:
        self.listener: Listener | None = None
        self.sent_ns = 0
        self.connect: Connect | None = None
        self._origin = origin
        self._proxy = proxy
        self._hop = proxy.origin if proxy else origin
        self._tunnel = bytearray() if proxy and tls else None
        self._loop = loop
        self._tls_context = tls
        self._timeout_ns = int(timeout_s * clock.NS)
        self._timer: Timer | None = None
        self._socket: socket.socket | None = None
        self._addresses: list[Address] = []
        self._out = b""
        self._tls: Tls | None = None
        self._dns_s: float | None = None
        self._tcp_s: float | None = None
        self._began_ns = 0

    def open(self, addresses: Sequence[Address], dns_s: float | None) -> None:
        """Connect to the first of the addresses that answers."""
        self._dns_s = dns_s
        self._addresses = list(addresses)
        late = problems.connect_timeout(self._hop, self._timeout_ns / clock.NS)
        due_ns = clock.now_ns() + self._timeout_ns
        self._timer = self._loop.call_at(due_ns, partial(self._end, late))
        self._connect_next(problems.UNREACHABLE)

    def send(self, data: bytes) -> None:
        """Send a request; `sent_ns` tells when."""
        self._out = data if self._tls is None else self._tls.encrypt(data)
        self._flush()

    def alive(self) -> bool:
        """Whether an idle connection is still open, and silent but for TLS's own records."""
        if self._socket is None:
            return False
        try:
            waiting = self._socket.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return True
        except OSError:
            return False
        if not waiting or self._tls is None:
            return False
        self._ready(READABLE)
        return self._socket is not None

    def tcp_info(self) -> tuple[float, int]:
        """Return the smoothed round trip in seconds, and the data segments received so far.

        Both 0 where the kernel does not tell.
        """
        if self._socket is None:
            return 0.0, 0
        try:
            info = self._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, TCP_INFO_SPACE)
        except OSError:
            return 0.0, 0
        if len(info) < TCP_INFO_SPACE:
            return 0.0, 0
        (rtt_us,) = struct.unpack_from("I", info, RTT_AT)
        (segments,) = struct.unpack_from("I", info, DATA_SEGMENTS_IN_AT)
        return rtt_us / 1e6, segments

    def close(self) -> None:
        """Close it without telling the listener."""
        if self._timer is not None:
            self._timer.cancel()
        if self._socket is not None:
            self._loop.forget(self._socket.fileno())
            self._socket.close()
            self._socket = None

    def _connect_next(self, problem: str) -> None:
        """Try the next address; `problem` is what was wrong with the one before."""
        if self._socket is not None:
            self._loop.forget(self._socket.fileno())
            self._socket.close()
            self._socket = None
        if not self._addresses:
            self._end(problem)
            return
        family, address = self._addresses.pop(0)
        made = socket.socket(family, socket.SOCK_STREAM)
        made.setblocking(False)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with suppress(OSError):  # without it, stamps are taken here and the run says so
            made.setsockopt(socket.SOL_SOCKET, clock.SO_TIMESTAMPNS, 1)
        self._socket = made
        self._began_ns = clock.now_ns()
        status = made.connect_ex(address)
        if status in (0, errno.EINPROGRESS):
            self._loop.watch(made.fileno(), WRITABLE, self._connected)
        else:
            self._connect_next(problems.connecting(self._hop, _error(status)))

    def _connected(self, _mask: int) -> None:
        assert self._socket is not None
        status = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if status:
            self._connect_next(problems.connecting(self._hop, _error(status)))
            return
        self._loop.watch(self._socket.fileno(), READABLE, self._ready)
        if self._tunnel is not None and self._proxy is not None:
            self._out = tunnel_bytes(self._origin, self._proxy)
            self._flush()
            return
        self._secure()

    def _take_tunnel(self, data: bytes) -> None:
        """Read a proxy's answer to CONNECT, behind which the origin is reached."""
        assert self._tunnel is not None
        self._tunnel += data
        head, end, _ = bytes(self._tunnel).partition(b"\r\n\r\n")
        if not end and len(head) <= LARGEST_HEAD:
            return
        words = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ", 2)
        if not end or len(words) < 2 or not words[1].startswith("2"):
            self._end(problems.no_tunnel(self._hop, " ".join(words[1:])))
            return
        self._tunnel = None
        self._secure()

    def _secure(self) -> None:
        """The way to the origin stands; TLS goes over it where the origin asks for that."""
        now_ns = clock.now_ns()
        self._tcp_s = (now_ns - self._began_ns) / clock.NS
        self._began_ns = now_ns
        if self._tls_context is None:
            self._opened(None)
            return
        self._tls = Tls(self._tls_context, self._origin.host)
        self._shake_hands(self._tls, b"")

    def _shake_hands(self, tls: Tls, data: bytes) -> bool:
        """Go on with the handshake; return whether that made the connection ready."""
        problem, done = None, False
        try:
            done = tls.shake_hands(data)
        except ssl.SSLError as error:
            problem = problems.tls(self._origin, error)
        self._out += tls.pending()
        if self._out:
            self._flush()
        if done and not tls.speaks_http_1():
            problem = problems.NO_HTTP_1
        if problem is not None:
            self._end(problem)
        elif done:
            self._opened((clock.now_ns() - self._began_ns) / clock.NS)
        return done and problem is None

    def _opened(self, tls_s: float | None) -> None:
        assert self._timer is not None
        self._timer.cancel()
        self.connect = Connect(self._dns_s, self._tcp_s, tls_s, reused=False)
        if self.listener is not None:
            self.listener.opened()

    def _flush(self) -> None:
        if self._socket is None:
            return
        self.sent_ns = clock.now_ns()
        try:
            sent = self._socket.send(self._out)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            self._end(problems.broken(error))
            return
        self._out = self._out[sent:]
        wanted = READABLE | WRITABLE if self._out else READABLE
        self._loop.watch(self._socket.fileno(), wanted, self._ready)

    def _ready(self, mask: int) -> None:
        if self._out and mask & WRITABLE:
            self._flush()
        if self._socket is None or not mask & ~WRITABLE:
            return
        try:
            data, ancillary, _, _ = self._socket.recvmsg(LARGEST_READ, clock.STAMP_SPACE)
        except BlockingIOError:
            return
        except OSError as error:
            self._end(problems.broken(error))
            return
        read_ns = clock.now_ns()
        stamp = clock.kernel_stamp_ns(ancillary, self._loop.wall_offset_ns, read_ns)
        if not data:
            self._end(None if self.connect else problems.closed_early(self._hop))
        elif self._tunnel is not None:
            self._take_tunnel(data)
        elif self._tls is not None and self.connect is None:
            if self._shake_hands(self._tls, data):
                self._take(stamp, read_ns, b"")
        else:
            self._take(stamp, read_ns, data)

    def _take(self, stamp: int | None, read_ns: int, data: bytes) -> None:
        """Hand what arrived to the listener, in plain."""
        closed, problem = False, None
        if self._tls is not None:
            try:
                data, closed = self._tls.decrypt(data)
            except ssl.SSLError as error:
                data, closed, problem = b"", True, problems.tls(self._origin, error)
        if data and self.listener is not None:
            self.listener.received(stamp or read_ns, read_ns, stamp is not None, data)
        if closed:
            self._end(problem)

    def _end(self, problem: str | None) -> None:
        listener, self.listener = self.listener, None
        self.close()
        if listener is not None:
            listener.ended(problem)


def _error(status: int) -> OSError:
    return OSError(status, os.strerror(status))
