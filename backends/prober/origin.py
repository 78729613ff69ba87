"""Where requests go: the parts of a base URL, and the bytes of one request."""

import os
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlencode, urlsplit
from urllib.request import getproxies_environment, proxy_bypass

import msgspec

from backends.domain.address import is_loopback, with_zone
from backends.prober.protocol import Target

PROXY_KINDS = ("http", "https", "all")
"""The ``openai`` client reads all three before its first request, whichever it then uses."""

PATHS = {"chat": "/chat/completions", "completions": "/completions", "responses": "/responses"}
CRLF = "\r\n"

PROXY_SCHEMES = ("http", "https")


class BadAddress(ValueError):
    """A base URL or its key cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class Origin:
    """The parts of a base URL that a connection and a request need."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """The value of the Host field, which names no zone (RFC 6874, section 3)."""
        host = f"[{self.host.partition('%')[0]}]" if ":" in self.host else self.host
        default = 443 if self.scheme == "https" else 80
        return host if self.port == default else f"{host}:{self.port}"


def origin_of(base_url: str) -> Origin:
    """Return the parts of a base URL.

    Raises:
        BadAddress: it is no http or https URL with a host.
    """
    try:
        parts = urlsplit(base_url)
        port = parts.port
    except ValueError as error:
        raise BadAddress(f"base_url '{base_url}' is not a URL: {error}") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadAddress(f"base_url '{base_url}' must look like https://host/v1")
    if not (parts.hostname.isascii() and parts.path.isascii() and base_url.isprintable()):
        raise BadAddress(
            f"base_url '{base_url}' holds characters that no HTTP request can carry: write the host"
            " as xn--… and the path with %-escapes"
        )
    default = 443 if parts.scheme == "https" else 80
    host = with_zone(parts.hostname)
    return Origin(parts.scheme, host, port or default, parts.path.rstrip("/"))


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy that stands between, asked by plain HTTP.

    Attributes:
        authorization: the header line with its user and password, empty without them.
    """

    origin: Origin
    authorization: str = field(default="", repr=False)


def plain_proxy(url: str) -> Proxy | None:
    """Return a proxy of an http URL, None for one that is itself reached by TLS."""
    parts = urlsplit(url if "://" in url else f"http://{url}")
    if parts.scheme != "http" or not parts.hostname:
        return None
    line = ""
    if parts.username is not None:
        user, password = unquote(parts.username), unquote(parts.password or "")
        word = b64encode(f"{user}:{password}".encode()).decode()
        line = f"Proxy-Authorization: Basic {word}{CRLF}"
    return Proxy(Origin("http", parts.hostname, parts.port or 80, ""), line)


def proxy_for(origin: Origin) -> str | None:
    """Return the proxy that the environment names for an origin, None for a direct connection.

    This very host is never reached through a proxy, whatever NO_PROXY says.

    Raises:
        BadAddress: a proxy is named that cannot be used; the message names the variable.
    """
    if is_loopback(origin.host):
        return None
    proxies = getproxies_environment()
    proxy = proxies.get(origin.scheme) or proxies.get("all")
    if not proxy or proxy_bypass(f"{origin.host}:{origin.port}", proxies):
        return None
    for kind in PROXY_KINDS:
        _check_proxy(kind, proxies.get(kind, ""))
    return proxy


def _check_proxy(kind: str, proxy: str) -> None:
    """Refuse what is no HTTP proxy; its value is not shown, because it may hold a password."""
    if not proxy:
        return
    try:
        parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
        usable = bool(parts.hostname) and parts.port != 0 and proxy.isascii()
    except ValueError:
        usable = False
    if usable and parts.scheme in PROXY_SCHEMES:
        return
    known = (f"{kind}_proxy", f"{kind}_proxy".upper())
    variable = next((name for name in known if os.environ.get(name)), known[1])
    fault = f"a {parts.scheme} proxy" if usable else "no usable proxy"
    raise BadAddress(
        f"the environment variable {variable} names {fault}: set it to http://HOST:PORT, unset it,"
        " or name the endpoint's host in NO_PROXY"
    )


def header_lines(target: Target) -> str:
    """Return the lines of the header that carry a target's key and its further fields.

    Raises:
        BadAddress: a value holds what cannot stand in a header.
    """
    fields = list(target.headers)
    if target.api_key and target.auth == "bearer":
        fields.append(("Authorization", f"Bearer {target.api_key}"))
    elif target.api_key and target.auth != "none":
        fields.append((target.auth, target.api_key))
    for name, value in fields:
        if not (value.isascii() and value.isprintable()):
            what = "the API key" if value.endswith(target.api_key or "\0") else f"the field {name}"
            raise BadAddress(f"{what} holds characters that no HTTP header can carry: set it again")
    return "".join(f"{name}: {value}\r\n" for name, value in fields)


def request_bytes(
    origin: Origin,
    target: Target,
    lines: str,
    body: Mapping[str, object],
    proxy: Proxy | None = None,
) -> bytes:
    """Return a whole POST of a completion, ready to be sent; `lines` are of `header_lines`."""
    content = msgspec.json.encode(body)
    query = f"?{urlencode(target.query)}" if target.query else ""
    head = _head("POST", origin, f"{origin.path}{PATHS[target.api]}{query}", lines, proxy)
    about = f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    return (head + about).encode("ascii") + content


def fetch_bytes(origin: Origin, lines: str, path: str, proxy: Proxy | None = None) -> bytes:
    """Return a whole GET of a path of the same origin."""
    return (_head("GET", origin, path, lines, proxy) + "\r\n").encode("ascii")


def tunnel_bytes(origin: Origin, proxy: Proxy) -> bytes:
    """Return the request that makes a proxy connect to an origin (RFC 9110, 9.3.6)."""
    host = f"[{origin.host}]" if ":" in origin.host else origin.host
    where = f"{host}:{origin.port}"
    return (f"CONNECT {where} HTTP/1.1\r\nHost: {where}\r\n{proxy.authorization}\r\n").encode(
        "ascii"
    )


def _head(method: str, origin: Origin, path: str, lines: str, proxy: Proxy | None) -> str:
    if proxy is not None and origin.scheme == "http":  # RFC 9112, 3.2.2
        path, lines = f"http://{origin.authority}{path}", lines + proxy.authorization
    return (
        f"{method} {path} HTTP/1.1\r\n"
        f"Host: {origin.authority}\r\n"
        "Accept: text/event-stream, application/json\r\n"
        "Accept-Encoding: identity\r\n"
        f"{'' if 'user-agent:' in lines.lower() else 'User-Agent: inferctl' + CRLF}"
        f"{lines}"
    )
