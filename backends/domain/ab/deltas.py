"""What one choice of a chunk brings, in whichever form its server writes it."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from backends.domain.ab.errors import well_formed

DEEPEST = 5

_NO_END = ("", "null", "none", "None")
_PLAIN = frozenset({"role", "content"})
_REASONING = ("reasoning", "reasoning_content")
_THOUGHT_NAME = re.compile(r"reason|think|thought", re.IGNORECASE)
_NO_THOUGHT_NAME = re.compile(
    r"(finish|stop|end|done)_?reason|signature|effort|token|budget|_id$|_details$", re.IGNORECASE
)
_TEXT_NAMES = ("text", "content", "value", "parts", "transcript", "summary", "refusal")

_OPENING = re.compile(r"\s*(<\|?(?:think(?:ing)?|thoughts?|reason(?:ing)?)\|?>|\[THINK\]|◁think▷)")
_CLOSING = re.compile(
    r"(</\|?(?:think(?:ing)?|thoughts?|reason(?:ing)?)\|?>|\[/THINK\]|◁/think▷)\s*"
)
_ONLY_CLOSING = re.compile(r"</think>\s*")


class Delta(NamedTuple):
    """What a choice brings.

    Attributes:
        whole: `content` is everything so far, not what is new.
    """

    content: str = ""
    reasoning: str = ""
    called: bool = False
    finish_reason: str | None = None
    whole: bool = False


def read_choice(choice: Mapping[str, object]) -> Delta:
    """Return what a choice of a chat completion or a completion brings."""
    reason = choice.get("finish_reason")
    finish = None
    if isinstance(reason, str) and reason not in _NO_END:
        finish = well_formed(reason)
    delta = choice.get("delta")
    if not isinstance(delta, dict):
        message = choice.get("message")
        if delta is None and isinstance(message, dict):
            return _read_delta(message)._replace(finish_reason=finish, whole=True)
        return Delta(_text(delta) or _text(choice.get("text")), finish_reason=finish)
    content = delta.get("content")
    if content.__class__ is str and delta.keys() <= _PLAIN:
        return Delta(well_formed(content) or _text(choice.get("text")), finish_reason=finish)
    read = _read_delta(delta)
    if not read.content and choice.get("text"):
        read = read._replace(content=_text(choice["text"]))
    return read._replace(finish_reason=finish)


def read_event(event: Mapping[str, object]) -> Delta | None:
    """Return what an event of the Responses or the Messages API brings, None for any other one.

    The names are those of platform.openai.com/docs/api-reference/responses-streaming and of
    docs.anthropic.com/en/api/messages-streaming, whose events some compatible endpoints pass on.
    """
    kind, delta = event.get("type"), event.get("delta")
    if kind == "content_block_delta":
        content, thought = _parts(delta)
        return Delta(content, thought, called=not (content or thought))
    if kind == "message_delta" and isinstance(delta, dict):
        reason = delta.get("stop_reason")
        return Delta(finish_reason=well_formed(reason) if isinstance(reason, str) else None)
    if not isinstance(kind, str) or not kind.startswith("response."):
        return None
    if kind.endswith(".delta"):
        text = _text(delta)
        if "call" in kind:
            return Delta(called=bool(text))
        return Delta(reasoning=text) if "reasoning" in kind else Delta(text)
    ends = {"response.completed": "stop", "response.incomplete": _incomplete(event)}
    return Delta(finish_reason=ends.get(kind))


def _incomplete(event: Mapping[str, object]) -> str:
    """Why a response is incomplete, as the finish reason of a chat completion says it."""
    response = event.get("response")
    details = response.get("incomplete_details") if isinstance(response, dict) else None
    reason = details.get("reason") if isinstance(details, dict) else None
    limited = not isinstance(reason, str) or "max_output_tokens" in reason
    return "length" if limited else well_formed(str(reason))


def without_tagged_thoughts(contents: list[str]) -> list[tuple[str, str]]:
    """Return the visible and the thought part of each piece of a text with thoughts in tags.

    Only thoughts at the beginning are known as such; the tags count among them. Some templates
    open the tag in the prompt, so that only its end is seen.
    """
    text = "".join(contents)
    opened = _OPENING.match(text)
    closed = _CLOSING.search(text, opened.end()) if opened else _ONLY_CLOSING.search(text)
    if not opened and not closed:
        return [(content, "") for content in contents]
    ends_at = closed.end() if closed else len(text)
    parts, at = [], 0
    for content in contents:
        cut = min(max(0, ends_at - at), len(content))
        parts.append((content[cut:], content[:cut]))
        at += len(content)
    return parts


def _read_delta(delta: Mapping[str, object]) -> Delta:
    content, thought = _parts(delta.get("content"))
    for name in ("refusal", "audio"):
        content += _text(delta.get(name)) if delta.get(name) else ""
    if _is_flagged(delta):
        content, thought = "", thought + content
    if not thought:
        thought = _thought_of(delta)
    return Delta(content, thought, called=_calls(delta))


def _thought_of(delta: Mapping[str, object]) -> str:
    """The first text under a name of thoughts; servers write the same one under several."""
    others = (name for name in delta if name not in _REASONING)
    for name in (*_REASONING, *others):
        if name in _REASONING or _is_thought_name(name):
            text = "".join(_parts(delta.get(name)))
            if text:
                return text
    return "".join(_parts(delta.get("reasoning_details")))


def _is_thought_name(name: str) -> bool:
    return bool(_THOUGHT_NAME.search(name)) and not _NO_THOUGHT_NAME.search(name)


def _calls(delta: Mapping[str, object]) -> bool:
    calls = delta.get("tool_calls")
    called = isinstance(calls, list) and any(isinstance(call, dict) and call for call in calls)
    return called or bool(delta.get("function_call"))


def _is_flagged(part: Mapping[str, object], depth: int = 0) -> bool:
    """Whether a flag says that this text is a thought, as Gemini's ``thought`` does."""
    if depth > DEEPEST:
        return False
    return any(
        (value is True and _is_thought_name(name))
        or (isinstance(value, dict) and _is_flagged(value, depth + 1))
        for name, value in part.items()
    )


def _text(value: object) -> str:
    return "".join(_parts(value))


def _parts(value: object, depth: int = 0) -> tuple[str, str]:
    """The visible text and the thoughts of a content: a string, a part, or a list of parts."""
    if isinstance(value, str):
        return well_formed(value), ""
    if depth > DEEPEST:
        return "", ""
    if isinstance(value, list):
        found = [_parts(part, depth + 1) for part in value]
        return (
            well_formed("".join(text for text, _ in found)),
            well_formed("".join(thought for _, thought in found)),
        )
    if not isinstance(value, dict):
        return "", ""
    kind = value.get("type")
    text = next(
        (got for name in _TEXT_NAMES if any(got := _parts(value.get(name), depth + 1))), ("", "")
    )
    thought = "".join(
        part
        for name, each in value.items()
        if _is_thought_name(name) and not isinstance(each, bool)
        for part in _parts(each, depth + 1)
    )
    if (isinstance(kind, str) and _THOUGHT_NAME.search(kind)) or _is_flagged(value):
        return "", "".join(text) + thought
    return text[0], text[1] + thought
