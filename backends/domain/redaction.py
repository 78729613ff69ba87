"""Keeps keys, tokens and passwords out of whatever is shown, sent on or written down.

A key that is known is found wherever it stands, whole or in part; an unknown one is found by
the flag, field or prefix that gives it away.
"""

import re
from collections.abc import Iterable
from typing import Any

HIDDEN = "***"
KNOWN_KEY_HIDDEN = "[API key]"

SHORTEST_PIECE = 8
"""So many characters of a known key in a row are hidden too; a shorter key only whole."""

_SECRET_FLAGS = ("--api-key", "--hf-token")
_SECRET_FIELD = re.compile(
    r"(^|[_-])(api[_-]?key|token|secret|password|authorization)$", re.IGNORECASE
)
_SECRET_VARIABLE = re.compile(r"(key|token|secret|passw(or)?d|credential)s?$", re.IGNORECASE)
_SECRET_TEXT = re.compile(
    # keys that tell themselves by their prefix
    r"\b(?:hf_[A-Za-z0-9]{16,}|(?:sk|nvapi|gsk|glpat|xox[abp])-[A-Za-z0-9_-]{16,}"
    r"|gh[opsu]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|AKIA[A-Z0-9]{16}|AIza[\w-]{30,}"
    r"|eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,})"
    r"|(?<=Bearer )[^\s'\"]+"
    r"|(?<=Basic )[A-Za-z0-9+/=]{16,}"
    r"|(?<=://)[^\s/@'\"]+:[^\s/@'\"]+(?=@)"
    r"|(?<=--api[-_]key[ =])[^\s'\"]+"
    r"|(?<=--hf[-_]token[ =])[^\s'\"]+"
    r"|(?<='api_key': )\[[^\]]*\]",  # how vLLM logs the arguments that are not defaults
    re.IGNORECASE,
)


def may_hold_a_key(variable: str) -> bool:
    """Tell by its name whether an environment variable holds what only its user may know."""
    return bool(_SECRET_VARIABLE.search(variable))


def without_secrets(value: Any) -> Any:
    """Return plain data with ``***`` in place of every key, token and password it shows."""
    match value:
        case str():
            return _SECRET_TEXT.sub(HIDDEN, value)
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


def _list_without_secrets(items: Iterable[Any]) -> list[Any]:
    """Hide what follows a secret flag, up to the next flag, and the one after a secret name."""
    kept: list[Any] = []
    after_flag = after_name = False
    for item in items:
        if isinstance(item, str) and item.startswith("--"):
            flag, equals, _ = item.partition("=")
            flag = flag.replace("_", "-")  # vLLM takes either in its flags
            after_flag, after_name = flag in _SECRET_FLAGS, False
            hidden = f"{flag}={HIDDEN}"
            kept.append(hidden if after_flag and equals else without_secrets(item))
            continue
        is_word = isinstance(item, str)
        kept.append(HIDDEN if is_word and (after_flag or after_name) else without_secrets(item))
        after_name = is_word and bool(_SECRET_FIELD.fullmatch(item))
    return kept


def without_keys(value: Any, keys: Iterable[str]) -> Any:
    """Return plain data in which no text shows one of these keys whole.

    A key of less than `SHORTEST_PIECE` characters may be a word of any text, and is left.
    """
    return _without(value, [key for key in keys if len(key) >= SHORTEST_PIECE])


def _without(value: Any, keys: list[str]) -> Any:
    match value:
        case str():
            for key in keys:
                value = value.replace(key, KNOWN_KEY_HIDDEN)
            return value
        case dict():
            return {name: _without(item, keys) for name, item in value.items()}
        case list() | tuple():
            return [_without(item, keys) for item in value]
        case _:
            return value


def redacted(text: str, key: str | None) -> str:
    """Return a whole text without the key or any piece of it, see `SHORTEST_PIECE`."""
    redactor = Redactor(key)
    return redactor.feed(text) + redactor.close()


def redacted_bytes(data: bytes, key: str | None) -> bytes:
    """Return bytes without the key as UTF-8, for what is cut or taken apart before it is text."""
    return data.replace(key.encode(), KNOWN_KEY_HIDDEN.encode()) if key else data


class Redactor:
    """Replaces a key and its pieces in a text that comes in parts, wherever those are cut.

    The end of a part that may go on as the key, or as a piece of it, is held back until the next.
    """

    def __init__(self, key: str | None) -> None:
        self._key = key or ""
        self._size = min(SHORTEST_PIECE, len(self._key))
        places = range(len(self._key) - self._size + 1)
        self._pieces = {self._key[at : at + self._size] for at in places}
        self._beginnings = {piece[:end] for piece in self._pieces for end in range(self._size)}
        self._held = ""

    def feed(self, text: str) -> str:
        """Return what may be shown so far."""
        if not self._key:
            return text
        text = self._held + text
        found = self._found(text)
        kept = len(text) - self._tail(text)
        begun = next((begin for begin, end in found if begin < kept < end), kept)
        if found and found[-1][1] == len(text):
            begun = min(begun, found[-1][0])
        self._held = text[begun:]
        return self._hidden(text[:begun], [place for place in found if place[1] <= begun])

    def close(self) -> str:
        """Return what was held back, without the key that may be in it."""
        held, self._held = self._held, ""
        return self._hidden(held, self._found(held))

    def _found(self, text: str) -> list[tuple[int, int]]:
        """Where pieces stand, each as long as one reaches into the next."""
        size, found = self._size, list[tuple[int, int]]()
        if not self._key:
            return found
        for at in range(len(text) - size + 1):
            if text[at : at + size] not in self._pieces:
                continue
            if found and at < found[-1][1]:
                found[-1] = (found[-1][0], at + size)
            else:
                found.append((at, at + size))
        return found

    def _tail(self, text: str) -> int:
        """How many characters at the end are the beginning of a piece."""
        for length in range(min(len(text), self._size - 1), 0, -1):
            if text[-length:] in self._beginnings:
                return length
        return 0

    @staticmethod
    def _hidden(text: str, found: list[tuple[int, int]]) -> str:
        shown, before = "", 0
        for begin, end in found:
            shown += text[before:begin] + KNOWN_KEY_HIDDEN
            before = end
        return shown + text[before:]
