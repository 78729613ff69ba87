"""Arguments with which vLLM serves where inferctl cannot ask: refused at a start, and said."""

from collections.abc import Iterable, Iterator

_TLS = (
    "makes it speak TLS, which inferctl does not",
    "remove it, as loopback needs no TLS, or let a proxy in front of the server speak it",
)

_HIDING = {
    "--ssl-keyfile": _TLS,
    "--ssl-certfile": _TLS,
    "--uds": (
        "makes it listen on a Unix socket instead of its port",
        "remove it, and set port = … in the profile",
    ),
    "--grpc": ("makes it speak gRPC instead of HTTP", "remove it"),
    "--headless": (
        "makes it an engine without an API",
        "remove it, or start it outside inferctl beside the node that has the API",
    ),
}
"""``--root-path`` is none of them: vLLM answers with and without it in the path. Neither is
``--ssl-ca-certs``, as TLS begins with a key or a certificate."""

SHORTEST = 6
"""vLLM takes the beginning of a flag for all of it; fewer letters are those of several."""


def hiding_flags(arguments: Iterable[str]) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield each flag that hides a server from HTTP on its port: what it does, and the remedy."""
    for word in arguments:
        flag = _flag(word)
        if flag is not None:
            yield flag, _HIDING[flag]


def why_unasked(arguments: Iterable[str]) -> str:
    """Return why nobody can ask a running server how it is, empty where its port can be."""
    words = tuple(arguments)
    told = [f"{flag} {what}" for flag, (what, _) in hiding_flags(words)]
    told += ["it speaks gRPC instead of HTTP" for one in words if one.endswith(".grpc_server")]
    return f"{told[0]}: its state cannot be asked from here" if told else ""


def _flag(word: str) -> str | None:
    written = word.partition("=")[0].replace("_", "-")
    if written in _HIDING:
        return written
    begun = (flag for flag in _HIDING if flag.startswith(written))
    return next(begun, None) if len(written) >= SHORTEST else None
