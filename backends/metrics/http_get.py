"""One GET over the standard library: no proxy, no redirect, a limit on time and size."""

import http.client
from urllib.parse import urlsplit

MOST_BYTES = 16 * 2**20


class Unreachable(Exception):
    """No answer came; the message is one sentence with the remedy."""


def http_get(
    address: str, timeout_s: float, *, accept: str, bearer: str | None = None
) -> tuple[int, str]:
    """Return status and text of what an address answers.

    Args:
        address: where it is asked.
        timeout_s: how long it may take.
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
    connection = kind(host, port, timeout=timeout_s)
    place = f"{parts.scheme}://{parts.netloc}"
    try:
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        headers = {"Accept": accept} | ({"Authorization": f"Bearer {bearer}"} if bearer else {})
        connection.request("GET", target, headers=headers)
        response = connection.getresponse()
        return response.status, response.read(MOST_BYTES).decode("utf-8", "replace")
    except TimeoutError as error:
        raise Unreachable(
            f"{place} did not answer within {timeout_s:g} s; it may be overloaded"
        ) from error
    except (OSError, http.client.HTTPException) as error:
        raise Unreachable(f"{place} does not answer ({error}); check that it runs") from error
    finally:
        connection.close()


def _no_address(address: str, why: str = "") -> Unreachable:
    asked = address.partition("?")[0]
    return Unreachable(f'"{asked}" is no address{why}; write it as http://127.0.0.1:8000')
