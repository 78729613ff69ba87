"""Takes secrets out of what is about to be written down."""

import re
from typing import Any

HIDDEN = "***"

_SECRET_FLAG = re.compile(r"--(api[-_]key|hf[-_]token)$")
_SECRET_FIELD = re.compile(
    r"(^|[_-])(api[_-]?key|token|secret|password|authorization)$", re.IGNORECASE
)
_SECRET_TEXT = re.compile(
    r"\b(?:hf_[A-Za-z0-9]{16,}|sk-[A-Za-z0-9_-]{16,})"  # keys that tell themselves by their prefix
    r"|(?<=Bearer )[^\s'\"]+"
    r"|(?<=://)[^\s/@'\"]+:[^\s/@'\"]+(?=@)"
    r"|(?<=--api[-_]key[ =])[^\s'\"]+"
    r"|(?<=--hf[-_]token[ =])[^\s'\"]+"
    r"|(?<='api_key': )\[[^\]]*\]",  # how vLLM logs the arguments that are not defaults
    re.IGNORECASE,
)


def without_secrets(value: Any) -> Any:
    """Return plain data with ``***`` in place of every key, token and password it shows."""
    match value:
        case str():
            # JSON may smuggle in a lone surrogate, which has no UTF-8 form to be stored in.
            return _SECRET_TEXT.sub(HIDDEN, value.encode("utf-8", "replace").decode())
        case dict():
            return {
                key: HIDDEN if item and _is_secret(key, item) else without_secrets(item)
                for key, item in value.items()
            }
        case list() | tuple():
            return _list_without_secrets(value)
        case _:
            return value


def _is_secret(key: object, item: object) -> bool:
    return isinstance(key, str) and isinstance(item, str) and bool(_SECRET_FIELD.search(key))


def _list_without_secrets(items: list[Any] | tuple[Any, ...]) -> list[Any]:
    """Hide what follows a secret flag or name, as in ``["--api-key", "K"]``."""
    kept: list[Any] = []
    hide = False
    for item in items:
        is_word = isinstance(item, str)
        kept.append(HIDDEN if hide and is_word else without_secrets(item))
        hide = is_word and bool(_SECRET_FLAG.fullmatch(item) or _SECRET_FIELD.fullmatch(item))
    return kept
