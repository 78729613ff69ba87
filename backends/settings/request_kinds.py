"""The kinds of value that say how an endpoint is asked: header fields, query, body, key.

Every function raises `Unfit` with the fault and the remedy for anything else.
"""

import re
from collections.abc import Mapping
from typing import Any, get_args

from backends.domain.values import Unfit, kind_of, text
from backends.settings.config import API, EnvValue, HeaderValue
from backends.settings.kinds import SECRET_NAME, environment_name

_FIELD_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
"""A token of RFC 9110, 5.6.2."""

_OWN_FIELDS = frozenset({
    "host", "content-length", "transfer-encoding", "connection", "accept-encoding", "te", "upgrade",
})  # fmt: skip
_OWN_BODY = frozenset({"model", "messages", "prompt", "input", "stream"})
_SECRET_FIELD = re.compile(r"authorization|cookie|[-_]key$|^key$", re.IGNORECASE)

AUTHS = ("bearer", "api-key", "none")

_IN_ENVIRONMENT = 'keep it in an environment variable and write {{ env = "{}" }}'


def headers(value: object) -> tuple[tuple[str, HeaderValue], ...]:
    """Take header fields, each a string or ``{ env = "NAME" }``; a secret only the latter."""
    return tuple(
        (_field_name(name), _header_value(name, content))
        for name, content in _table(value, 'write { X-Tenant = "a" }').items()
    )


def _header_value(name: str, content: object) -> HeaderValue:
    if isinstance(content, dict):
        if set(content) != {"env"}:
            raise Unfit(f"gives {name} a table without env alone", 'write { env = "NAME" }')
        return EnvValue(environment_name(content["env"]))
    if not isinstance(content, str):
        raise Unfit(f"gives {name} {kind_of(content)}, not a string", "put it in double quotes")
    if SECRET_NAME.search(name) or _SECRET_FIELD.search(name):
        raise Unfit(f"holds the secret of {name}", _IN_ENVIRONMENT.format(_variable(name)))
    if not (content.isascii() and content.isprintable()):
        raise Unfit(f"gives {name} characters that no header field can carry", "use plain letters")
    return content


def _variable(name: str) -> str:
    return re.sub(r"\W+", "_", name).upper()


def _field_name(name: str) -> str:
    if not _FIELD_NAME.fullmatch(name):
        raise Unfit(f"has {name!r}, which is not a name of a header field", "rename or remove it")
    if name.lower() in _OWN_FIELDS:
        raise Unfit(f"sets {name}, which follows from the request", "remove it")
    return name


def query(value: object) -> tuple[tuple[str, str], ...]:
    """Take what follows the path of every request, as strings, none of them a secret."""
    for name, content in _table(value, 'write { api-version = "2024-10-21" }').items():
        if not isinstance(content, str):
            raise Unfit(f"gives {name} {kind_of(content)}, not a string", "put it in double quotes")
        if SECRET_NAME.search(name) or _SECRET_FIELD.search(name):
            raise Unfit(f"holds the secret of {name}", "send it as a header field: headers = { … }")
    return tuple(_table(value, "").items())


def extra_body(value: object) -> Mapping[str, Any]:
    """Take further fields of the request body; those that every request has are no part of it."""
    table = _table(value, "write { top_k = 20 }")
    own = sorted(_OWN_BODY & table.keys())
    if own:
        raise Unfit(f"sets {own[0]}, which every request sets itself", "remove it")
    _check_secrets(table)
    return table


def _check_secrets(value: object) -> None:
    if isinstance(value, list):
        for each in value:
            _check_secrets(each)
    elif isinstance(value, dict):
        for name, content in value.items():
            secret = SECRET_NAME.search(name) and not name.endswith("tokens")
            if secret and isinstance(content, str):
                raise Unfit(
                    f"holds the secret of {name}", "remove it, and send it as a header field"
                )
            _check_secrets(content)


def auth(value: object) -> str:
    """Take how the key is sent: ``bearer``, ``api-key``, ``none``, or the field that carries it."""
    word = text(value)
    return word if word in AUTHS else _field_name(word)


def api(value: object) -> API:
    """Take which of OpenAI's interfaces is spoken."""
    for known in get_args(API):
        if value == known:
            return known  # type: ignore[no-any-return]
    raise Unfit(f"is {value!r}", f"write one of {', '.join(get_args(API))}")


def command(value: object) -> tuple[str, ...]:
    """Take a command as a list of its arguments, which prints the key."""
    example = '["gcloud", "auth", "print-access-token"]'
    if not isinstance(value, list) or not value or not all(isinstance(v, str) for v in value):
        raise Unfit("is not a list of strings", f"write one string for each word: {example}")
    if any("\0" in word for word in value) or not value[0]:
        raise Unfit("has an empty or impossible word", f"write for example {example}")
    return tuple(value)


def provider(value: object) -> Mapping[str, Any]:
    """Take which providers a gateway may ask: names, or its own table of routing.

    Names become OpenRouter's order without fallbacks (openrouter.ai/docs, provider routing).
    """
    if isinstance(value, dict):
        return dict(value)
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not names or not all(isinstance(n, str) for n in names):
        raise Unfit(f"is {kind_of(value)}, not names", 'write provider = ["deepinfra"]')
    return {"order": names, "allow_fallbacks": False}


def _table(value: object, example: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Unfit(f"is {kind_of(value)}, not a table", example)
    return value
