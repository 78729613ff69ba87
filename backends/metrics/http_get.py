"""One GET over the standard library: no proxy, no redirect, a limit on time and size."""

import contextlib
import http.client
import socket
import threading
from urllib.parse import urlsplit

from backends.domain.address import with_zone

MOST_BYTES = 16 * 2**20


class Unreachable(Exception):
    """No answer came; the message is one sentence with the remedy."""


def http_get(
    address: str, timeout_s: float, *, accept: str, bearer: str | None = None
) -> tuple[int, str]:
    """Return status and text of what an address answers.

    Args:
        address: where it is asked.
        timeout_s: how long it may take, its last byte included.
        accept: the media type that is wanted.
        bearer: the key that authorises it.

    Raises:
        Unreachable: it is no address, nobody listens there, or no answer came in time.
    """
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise _no_address(address, f" ({error})") from error
    if parts.scheme not in {"http", "https"} or host is None:
        raise _no_address(address)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(with_zone(host), port, timeout=timeout_s)
    place = f"{parts.scheme}://{parts.netloc}"
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    if not target.isascii():
        raise _no_address(address, " (its path needs %-escapes)")
    late = threading.Event()
    end: threading.Timer | None = None
    try:
        connection.connect()
        # A socket's own limit is for each read: whoever sends a byte at a time never exceeds it.
        end = threading.Timer(timeout_s, _hang_up, (connection.sock, late))
        end.daemon = True
        end.start()
        headers = {"Accept": accept} | ({"Authorization": f"Bearer {bearer}"} if bearer else {})
        connection.request("GET", target, headers=headers)
        response = connection.getresponse()
        body = response.read(MOST_BYTES + 1)
        if late.is_set():
            raise TimeoutError
        if len(body) > MOST_BYTES:
            raise Unreachable(
                f"{place} answers with over {MOST_BYTES >> 20} MiB; check the address"
            )
        return response.status, body.decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        if late.is_set() or isinstance(error, TimeoutError):
            slow = f"{place} did not answer within {timeout_s:g} s; it may be overloaded"
            raise Unreachable(slow) from error
        raise Unreachable(f"{place} does not answer ({error}); check that it runs") from error
    finally:
        if end is not None:
            end.cancel()
        connection.close()


def _hang_up(connected: socket.socket, late: threading.Event) -> None:
    late.set()
    with contextlib.suppress(OSError):  # it has just been closed
        connected.shutdown(socket.SHUT_RDWR)


def _no_address(address: str, why: str = "") -> Unreachable:
    asked = address.partition("?")[0]
    return Unreachable(f'"{asked}" is not an address{why}; write it as http://127.0.0.1:8000')
