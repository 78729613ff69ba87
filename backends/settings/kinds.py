"""The kinds of value that a key may hold: each takes what TOML gave and returns our value.

Every function raises `Unfit` with the fault and the remedy for anything else.
"""

import re
from datetime import datetime
from decimal import Decimal
from typing import Literal
from urllib.parse import quote, urlsplit

from backends.domain.server import RuntimeKind
from backends.domain.values import Unfit, kind_of, text

NAME_PATTERN = "[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
_NAME = re.compile(NAME_PATTERN)
_ENVIRONMENT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*")
PRICE_PATTERN = r"\d{1,9}(\.\d{1,12})?"
_PRICE = re.compile(PRICE_PATTERN, re.ASCII)
_KEY_NAMES = re.compile(r"[^\s,]+(,[^\s,]+)*")

PATH_CHARACTERS = "/%:@!$&'()*+,;="
"""What may stand in a path as it is, beside letters, digits and ``-._~`` (RFC 3986, 3.3)."""

SECRET_NAME = re.compile(
    r"(api[_-]?key|token|secret|password|passwd|credential|access[_-]?key)s?$", re.IGNORECASE
)
"""Names under which people keep secrets."""

OWN_ARGUMENTS = {"--host": "host", "--port": "port", "--served-model-name": "served_name"}
"""vLLM's arguments that a profile gives by a key of its own."""

SECRET_ARGUMENTS = frozenset({"--api-key", "--hf-token"})
"""vLLM's arguments whose value every user of the host could read in the process table."""

SHORTEST_FLAG = len("--por")
"""Shorter beginnings of these arguments are those of others too, which vLLM refuses itself."""


def name(value: str) -> str:
    """Check the name of a server or endpoint, which also names a folder."""
    if not _NAME.fullmatch(value):
        raise Unfit(
            "is not a usable name",
            "use up to 64 letters, digits, dots, dashes and underscores, a letter or digit first",
        )
    return value


def file(value: object) -> str:
    """Take the path of a file that means the same wherever inferctl is started."""
    word = text(value)
    if not word.startswith(("/", "~/")):
        raise Unfit(f"is {word!r}, which depends on the working folder", f'write "~/{word}"')
    return word


def columns(value: object) -> str:
    """Return which column is what, such as ``at=when,input=prompt``; the reader of files checks it.

    Raises:
        Unfit: it is no such text.
    """
    if not isinstance(value, str) or "=" not in value:
        raise Unfit("is not a list of columns", 'write it as "at=when,input=prompt"')
    return value


STARTED = (
    RuntimeKind.PROCESS,
    RuntimeKind.DOCKER,
    RuntimeKind.PODMAN,
    RuntimeKind.EXEC,
    RuntimeKind.SYSTEMD,
)
"""The runtimes in which inferctl starts a server; it watches those of others in more."""


def runtime(value: object) -> RuntimeKind:
    """Take the runtime in which a server is started."""
    word = text(value)
    if word not in STARTED:
        known = ", ".join(f'"{one}"' for one in STARTED)
        raise Unfit(f"is {word!r}, which starts no server", f"write one of {known}")
    return RuntimeKind(word)


def network(value: object) -> str:
    """Take the network of a container."""
    word = text(value)
    if word not in ("bridge", "host"):
        raise Unfit(f"is {word!r}", 'write "bridge", which publishes the port, or "host"')
    return word


def mounts(value: object) -> tuple[str, ...]:
    """Take a list of ``HOST:CONTAINER`` paths, each with ``:ro`` where it is only read."""
    if not isinstance(value, list):
        raise Unfit(f"is {kind_of(value)}, not a list", 'write ["/data:/data:ro"]')
    for each in value:
        parts = text(each).split(":")
        if len(parts) not in (2, 3) or not all(one.startswith("/") for one in parts[:2]):
            raise Unfit(f"holds {each!r}, which is not a mount", 'write "/on/the/host:/inside:ro"')
    return tuple(value)


def names(value: object) -> tuple[str, ...]:
    """Take a list of names of servers or models."""
    if not isinstance(value, list) or not value:
        raise Unfit("is not a list of names", 'write for example ["chat", "org/model"]')
    return tuple(text(each) for each in value)


def arguments(value: object) -> tuple[str, ...]:
    """Take a list of arguments for ``vllm serve``, without secrets and what has its own key."""
    if isinstance(value, str):
        raise Unfit(
            "is one string, not a list of strings",
            'write one string for each word, for example ["--max-model-len", "32768"]',
        )
    if not isinstance(value, list):
        raise Unfit(f"is {kind_of(value)}, not a list of strings", 'write for example ["--seed"]')
    for place, word in enumerate(value, start=1):
        if not isinstance(word, str):
            raise Unfit(
                f"has {kind_of(word)} as item {place}, not a string",
                f'put it in double quotes: "{str(word).lower()}"',
            )
        if "\0" in word:
            raise Unfit(f"has a NUL character in item {place}", "remove it")
        _check_argument(word)
    return tuple(value)


def _check_argument(word: str) -> None:
    flag = _whole_flag(word.partition("=")[0].replace("_", "-"))
    if flag in SECRET_ARGUMENTS:
        raise Unfit(
            f"passes {flag}, which every user of this host can read in the process table",
            'keep the key in an environment variable and name it: api_key_env = "VLLM_API_KEY"'
            if flag == "--api-key"
            else "remove it and set HF_TOKEN in the environment of inferctl",
        )
    if flag in OWN_ARGUMENTS:
        key = OWN_ARGUMENTS[flag]
        raise Unfit(f"passes {flag}, which has a key of its own", f"remove it and set {key} = …")


def _whole_flag(written: str) -> str:
    """Return the flag that this is the beginning of, which vLLM takes for all of it."""
    if len(written) < SHORTEST_FLAG:
        return written
    whole = (flag for flag in (*SECRET_ARGUMENTS, *OWN_ARGUMENTS) if flag.startswith(written))
    return next(whole, written)


def port(value: object) -> int:
    """Take a TCP port."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise Unfit(f"is {kind_of(value)}, not a whole number", "write for example port = 8000")
    if not 1 <= value <= 65535:
        raise Unfit(f"is {value}, which is not a TCP port", "choose one from 1024 to 65535")
    return value


def host(value: object) -> str:
    """Take an address or host name to bind, without scheme and port."""
    word = text(value)
    if not _HOST.fullmatch(word):
        raise Unfit(f"is {word!r}, which is not an address", 'write for example host = "127.0.0.1"')
    return word


def amount(value: object) -> Decimal:
    """Take a price or percentage as a string of digits; binary floats cannot hold 0.10."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise Unfit(
            "is a bare number, which programs round",
            f'put it in double quotes: "{value}"',
        )
    word = text(value)
    if not _PRICE.fullmatch(word):
        digits = re.search(r"\d+(\.\d+)?", word, re.ASCII)
        example = digits.group() if digits and not word.startswith("-") else "1.88"
        raise Unfit(
            f"is {word!r}, which is not a plain decimal number",
            f'write digits with a dot, without sign and currency: "{example}"',
        )
    return Decimal(word)


def seconds(value: object) -> float:
    """Take a duration above zero."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Unfit(f"is {kind_of(value)}, not a number of seconds", "write for example 1.0")
    if not 0 < value < 1e9:  # also turns away NaN
        raise Unfit(f"is {value}, not a duration", "write seconds above zero, for example 1.0")
    return float(value)


def whole_seconds(value: object) -> int:
    """Take a duration in whole seconds, zero included."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise Unfit(f"is {kind_of(value)}, not whole seconds", "write for example 3600")
    if not 0 <= value <= 10**9:
        raise Unfit(f"is {value}, not a duration", "write whole seconds, for example 3600")
    return value


def count(value: object) -> int:
    """Take a whole number from 1 on."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise Unfit(f"is {kind_of(value)}, not a whole number", "write for example 8")
    if not 1 <= value <= 10**6:
        raise Unfit(f"is {value}, which cannot be", "write a whole number from 1 on")
    return value


def billed_since(value: object) -> Literal["boot", "server"] | datetime:
    """Take ``boot``, ``server`` or an instant with its offset from UTC."""
    remedy = 'write "boot", "server" or an instant such as 2026-11-21T08:00:00Z'
    match value:
        case "boot":
            return "boot"
        case "server":
            return "server"
        case datetime():
            instant = value
        case str():
            try:
                instant = datetime.fromisoformat(value)
            except ValueError as error:
                raise Unfit(f"is {value!r}", remedy) from error
        case _:
            raise Unfit(f"is {kind_of(value)}", remedy)
    if instant.tzinfo is None:
        raise Unfit("has no offset from UTC", remedy)
    if not 1970 < instant.year < 9999:  # at the calendar's ends an instant has no day in UTC
        raise Unfit(f"is of the year {instant.year}, when no server ran", remedy)
    return instant


def base_url(value: object) -> str:
    """Take the http or https address of an API; ``/v1`` is added to one without a path."""
    word = address(value, "https://inference.example/v1")
    parts = urlsplit(word)
    return word if parts.path else f"{parts.scheme}://{parts.netloc}/v1"


def address(value: object, example: str = "http://127.0.0.1:9090") -> str:
    """Take an http or https address without its last slash, its path in %-escapes (RFC 3986)."""
    word = text(value)
    remedy = f'write for example "{example}"'
    try:
        parts = urlsplit(word)
        has_host, has_port_or_none = bool(parts.hostname), parts.port != 0
    except ValueError as error:
        raise Unfit(f"is not an address: {error}", remedy) from error
    if parts.scheme not in {"http", "https"}:
        raise Unfit(f"is {word!r}, not an http or https address", remedy)
    if parts.username is not None or parts.password is not None:
        raise Unfit("contains a user name or password", "remove it and use api_key_env")
    if not has_host or not has_port_or_none or " " in word:
        raise Unfit(f"is {word!r}, which names no host", remedy)
    if parts.query or parts.fragment:
        what = "remove what follows the path"
        what += ", and write it as query = { … }" if parts.query else ""
        raise Unfit("contains a query or fragment", f"{what}; {remedy}")
    if not parts.netloc.isascii():
        raise Unfit(
            f"is {word!r}, whose host has letters beyond ASCII", "write its ASCII form, xn--…"
        )
    path = quote(parts.path, safe=PATH_CHARACTERS)
    return f"{parts.scheme}://{parts.netloc}{path}".rstrip("/")


def environment_name(value: object) -> str:
    """Take the name of an environment variable."""
    word = text(value)
    if not _ENVIRONMENT_NAME.fullmatch(word):
        raise Unfit(
            "is not the name of an environment variable",
            'name the variable that holds the key, for example "INFERENCE_KEY", not the key',
        )
    return word


def environment(value: object) -> tuple[tuple[str, str], ...]:
    """Take a table of environment variables, none of them named like a secret."""
    if not isinstance(value, dict):
        raise Unfit(f"is {kind_of(value)}, not a table", 'write { VLLM_USE_V1 = "1" }')
    for variable, content in value.items():
        if not _ENVIRONMENT_NAME.fullmatch(variable):
            raise Unfit(f"has {variable!r}, which is not a variable's name", "rename or remove it")
        if not isinstance(content, str) or "\0" in content:
            raise Unfit(
                f"gives {variable} {kind_of(content)}, not a string", "put it in double quotes"
            )
        if SECRET_NAME.search(variable):
            raise Unfit(
                f"sets {variable}, which is a secret",
                "remove it here and set it in the environment from which inferctl is started",
            )
    return tuple(value.items())


def key_names(value: object) -> str:
    """Take the keys of a binding, as ``s`` or ``s,ctrl+s``."""
    word = text(value)
    if not _KEY_NAMES.fullmatch(word):
        raise Unfit(f"is {word!r}, which names no key", 'write for example "s" or "s,ctrl+s"')
    return word
