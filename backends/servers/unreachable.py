"""Arguments with which a vLLM serves, yet not where inferctl looks: plain HTTP on its port."""

from collections.abc import Iterable

from backends.discovery.finding import Finding

_TLS = (
    "makes it speak TLS, which inferctl does not: it would never become ready",
    "remove it, as loopback needs no TLS, or let a proxy in front of the server speak it",
)

UNREACHABLE = {
    "--ssl-keyfile": _TLS,
    "--ssl-certfile": _TLS,
    "--uds": (
        "makes it listen on a Unix socket instead of its port: it would never become ready",
        "remove it, and set port = … in the profile",
    ),
    "--grpc": (
        "makes it speak gRPC instead of HTTP: it would never become ready",
        "remove it",
    ),
    "--headless": (
        "makes it an engine without an API: it would never become ready",
        "remove it, or start it outside inferctl beside the node that has the API",
    ),
}
"""``--root-path`` is none of them: vLLM answers with and without it in the path. Neither is
``--ssl-ca-certs``, as TLS begins with a key or a certificate."""

SHORTEST = 6
"""vLLM takes the beginning of a flag for all of it; fewer letters are those of several."""


def out_of_reach(arguments: Iterable[str]) -> Iterable[Finding]:
    """Yield what keeps a server from ever being seen as ready, each with its remedy."""
    for word in arguments:
        flag = _flag(word)
        if flag is not None:
            what, remedy = UNREACHABLE[flag]
            yield Finding("reach", "fail", f"{flag} {what}", remedy)


def _flag(word: str) -> str | None:
    written = word.partition("=")[0].replace("_", "-")
    if written in UNREACHABLE:
        return written
    begun = (flag for flag in UNREACHABLE if flag.startswith(written))
    return next(begun, None) if len(written) >= SHORTEST else None
