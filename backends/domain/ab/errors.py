"""What a reply says went wrong, in one line, in whichever form its endpoint says it."""

import json
import re
from collections.abc import Iterator, Mapping
from html import unescape

DEEPEST = 6
LONGEST_NESTED = 64 * 1024
MOST_PARTS = 3

_DECODER = json.JSONDecoder()
_NAMES = (
    "message",
    "msg",
    "status_msg",
    "error_message",
    "errorMessage",
    "error_msg",
    "errmsg",
    "error_description",
    "description",
    "error",
    "errors",
    "detail",
    "details",
    "fault",
    "reason",
    "title",
    "Message",
    "raw",
    "type",
    "code",
    "status",
)
"""Under which an error says itself, most telling first, at any depth."""

_CAUSES = ("metadata", "innererror", "inner_error", "cause", "raw")
"""Where a gateway keeps what the endpoint behind it said."""

_FIELDS = ("param", "params", "field", "loc", "parameter", "path", "fieldViolations", "property")
_FAILED = frozenset({"error", "failed", "failure", "cancelled", "canceled", "timed_out", "timeout"})
_CODE_NAME = re.compile(r"[A-Z][a-z]\w*(?:\.\w+)*")
"""As of DashScope's errors, which are no object: ``Throttling.RateQuota``, ``InvalidApiKey``."""

_SUCCESS = ("Ok", "Success", "Succeeded")
_FAULT_NAME = re.compile(r"error|exception|failed|failure", re.IGNORECASE)
_TITLE = re.compile(r"<(title|h1)[^>]*>(.{1,500}?)</\1", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<[^>]{0,200}>")


def decoded_json(data: bytes) -> object:
    """Return what is exactly one JSON value, None for anything else, nested too deep included.

    Bytes that are no UTF-8 are replaced, as the streams of events are to be read (HTML, 9.2.6).
    """
    try:
        text = str(data, "utf-8", "replace")
        value, end = _DECODER.raw_decode(text)
    except (ValueError, RecursionError):
        return None
    return value if end == len(text) else None


def well_formed(text: str) -> str:
    """Return a text that can be encoded: JSON may hold halves of surrogate pairs (RFC 8259, 8.2).

    Halves beside each other become their letter, a lone one the replacement character.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def one_line(text: str) -> str:
    """Return a text without line breaks that can be encoded."""
    return " ".join(well_formed(text).split())


def error_message(document: object) -> str | None:
    """Return what a JSON document says as an error, None if it is none."""
    if isinstance(document, list):
        return next((said for each in document[:8] if (said := error_message(each))), None)
    if not isinstance(document, dict):
        return None
    for name in ("error", "errors"):
        if document.get(name):
            return _with_words(document, name)
    if document.get("choices"):
        return _of_choice(document["choices"])
    response = document.get("response")
    if isinstance(response, dict) and response.get("error"):
        return _said(response["error"])
    parts = (part for part in document.values() if isinstance(part, dict))
    failed = next((part for part in parts if _has_error_code(part)), None)
    if document.get("detail") or _says_failed(document):
        failed = document
    return None if failed is None else _said(failed) or "no reason is given"


def _with_words(document: Mapping[str, object], name: str) -> str:
    """An error with the words that stand beside it, where it is itself only a name or a code."""
    error = document[name]
    said = _said(error) or one_line(str(error))
    if isinstance(error, dict | list):
        return said
    others = ("message", "msg", "error_description", "description", "detail", "reason")
    more = next((got for other in others if (got := _said(document.get(other)))), None)
    return said if more is None or more in said else f"{said}: {more}"


def refusal(body: bytes) -> str | None:
    """Return the cause that the body of a failed reply names: JSON, a web page or plain text."""
    document = decoded_json(body.strip())
    if document is not None:
        return error_message(document) or _said(document)
    text = body[:LONGEST_NESTED].decode("utf-8", "replace").strip()
    if not text.startswith("<"):
        # what begins like JSON and is none has nothing to read
        return None if text.startswith(("{", "[")) else _first_words(text)
    found = _TITLE.search(text)
    shown = found[2] if found else text
    return one_line(unescape(_TAG.sub(" ", shown))) or None


def named_fields(document: object, depth: int = 0) -> Iterator[str]:
    """Yield the request fields that an error names apart from its words."""
    if depth > DEEPEST:
        return
    if isinstance(document, list):
        for each in document[:16]:
            yield from named_fields(each, depth + 1)
    elif isinstance(document, dict):
        for name, value in document.items():
            if name in _FIELDS and isinstance(value, str):
                yield value
            elif name in _FIELDS and _is_path(value):
                yield ".".join(str(part) for part in value)
            elif name == "raw" and isinstance(value, str):
                yield from named_fields(_nested(value), depth + 1)
            else:
                yield from named_fields(value, depth + 1)


def _is_path(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(part, str | int) for part in value)


def _of_choice(choices: object) -> str | None:
    if not (isinstance(choices, list) and choices and isinstance(choices[0], dict)):
        return None
    choice = choices[0]
    if choice.get("error"):
        return _said(choice["error"])
    if choice.get("finish_reason") == "error":
        return "it ended with finish_reason 'error'"
    return None


def _says_failed(document: Mapping[str, object]) -> bool:
    """Whether a document that is no chunk says by a status or code that something failed."""
    status = document.get("status")
    if isinstance(status, str) and status.lower() in _FAILED:
        return True
    if document.get("object") == "error" or document.get("error_code"):
        return True
    code = document.get("code")
    named = isinstance(code, str) and _CODE_NAME.fullmatch(code) and "message" in document
    if _has_error_code(document) or (named and code not in _SUCCESS):
        return True
    kind = document.get("type") or document.get("__type")
    return (isinstance(kind, str) and bool(_FAULT_NAME.search(kind))) or (
        document.get("success") is False
    )


def _has_error_code(document: Mapping[str, object]) -> bool:
    codes = (document.get(name) for name in ("status", "code", "statusCode", "status_code"))
    return any(isinstance(code, int) and code >= 400 for code in codes)


def _said(value: object, depth: int = 0) -> str | None:
    """The words of an error, the cause that it nests behind them."""
    if depth > DEEPEST or value is None or isinstance(value, bool):
        return None
    if isinstance(value, str):
        nested = _nested(value)
        return (_said(nested, depth + 1) if nested is not None else None) or one_line(value)
    if isinstance(value, list):
        parts = [said for each in value[:MOST_PARTS] if (said := _said(each, depth + 1))]
        return "; ".join(parts) or None
    if isinstance(value, dict):
        return _said_by_object(value, depth)
    return str(value) if depth and isinstance(value, int | float) else None


def _said_by_object(value: Mapping[str, object], depth: int) -> str | None:
    said = next((got for name in _NAMES if (got := _said(value.get(name), depth + 1))), None)
    causes = (
        got
        for name in _CAUSES
        if name in value and (got := _said(value[name], depth + 1)) and got != said
    )
    cause = next(causes, None)
    where = value.get("loc") or value.get("field")
    if said and (_is_path(where) or isinstance(where, str)):
        place = ".".join(map(str, where)) if isinstance(where, list) else str(where)
        said = f"{place}: {said}"
    if said and cause and cause not in said:
        return f"{said}: {cause}"
    return said or cause


def _nested(text: str) -> object:
    """A document that stands in a string, as gateways pass on what they got."""
    begun = text.lstrip()[:1] in ("{", "[") and len(text) <= LONGEST_NESTED
    value = decoded_json(text.strip().encode("utf-8", "replace")) if begun else None
    return value if isinstance(value, dict | list) else None


def _first_words(text: str) -> str | None:
    line = one_line(text[:2000])
    return line if line.isprintable() and line else None
