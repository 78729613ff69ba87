"""Where a server on this host is reached."""

from ipaddress import ip_address

_EVERY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104
"""What a server may bind to listen everywhere, and what reaches it from this host."""


def reachable_host(host: str) -> str:
    """Return the address to connect to for a server that binds `host`."""
    return _EVERY_ADDRESS.get(host, host)


def base_url(host: str, port: int) -> str:
    """Return the OpenAI-compatible base URL of a server on this host, with ``/v1``."""
    reached = reachable_host(host)
    return f"http://{f'[{reached}]' if ':' in reached else reached}:{port}/v1"


def with_zone(host: str) -> str:
    """Return the host of a URL as sockets take it: a zone follows ``%``, in URLs ``%25``.

    Source: RFC 6874, section 2.
    """
    return host.replace("%25", "%", 1) if ":" in host else host


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach an address or name."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
