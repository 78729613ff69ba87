"""Requests for completions and the documents that answer them, chat and plain, as vLLM's are."""

import json
import time
from dataclasses import dataclass
from typing import Any

from backends.simulated.prose import natural_length, prompt_tokens


class BadRequest(ValueError):
    """The request cannot be answered; the message says why."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What one request asks for.

    Attributes:
        tokens: how many tokens the answer will have.
        finish_reason: ``length`` where `tokens` is the limit, ``stop`` where the model ends.
        input_tokens: length of the prompt.
        continuous_usage: every chunk carries the usage so far.
    """

    identity: str
    chat: bool
    model: str
    prompt: str
    tokens: int
    finish_reason: str
    input_tokens: int
    stream: bool
    include_usage: bool
    continuous_usage: bool


def read_ask(body: dict[str, Any], *, chat: bool, identity: str, room: int) -> Ask:
    """Return what a body asks for; `room` is how many tokens prompt and answer may have.

    Raises:
        BadRequest: there is no prompt, or no room for an answer.
    """
    prompt = _prompt(body, chat=chat)
    length = prompt_tokens(prompt)
    limit = body.get("max_completion_tokens") or body.get("max_tokens")
    limit = min(int(limit or (room if chat else 16)), room - length)
    if limit < 1:
        raise BadRequest(
            f"This model's maximum context length is {room} tokens. However, your prompt has "
            f"{length} input tokens. Please reduce the length of the input messages."
        )
    ends = limit if body.get("ignore_eos") else natural_length(prompt)
    options = body.get("stream_options") or {}
    return Ask(
        identity=identity,
        chat=chat,
        model=str(body.get("model", "")),
        prompt=prompt,
        tokens=min(limit, ends),
        finish_reason="length" if limit <= ends else "stop",
        input_tokens=length,
        stream=bool(body.get("stream")),
        include_usage=bool(options.get("include_usage")),
        continuous_usage=bool(options.get("continuous_usage_stats")),
    )


def _prompt(body: dict[str, Any], *, chat: bool) -> str:
    if not chat:
        prompt = body.get("prompt")
        if not isinstance(prompt, str):
            raise BadRequest("prompt must be a string")
        return prompt
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise BadRequest("messages must not be empty")
    return "\n".join(str(message.get("content", "")) for message in messages)


@dataclass(frozen=True, slots=True)
class Answerer:
    """Writes the documents of one answer."""

    ask: Ask
    created: int

    def role(self) -> bytes:
        """Return the chunk that opens a chat: the role and no text."""
        return self._chunk({"role": "assistant", "content": ""}, 0)

    def text(self, text: str, done: int) -> bytes:
        """Return a chunk with text, after which `done` tokens have been written."""
        return self._chunk({"content": text}, done)

    def last(self, text: str, done: int) -> bytes:
        """Return the chunk with the last text and the reason for the end."""
        return self._chunk({"content": text}, done, self.ask.finish_reason)

    def usage(self, done: int) -> bytes:
        """Return the chunk without choices that carries the usage."""
        return _json({**self._base(".chunk"), "choices": [], "usage": self._usage(done)})

    def whole(self, text: str) -> dict[str, Any]:
        """Return the whole answer as one document."""
        content: dict[str, Any] = {"text": text}
        if self.ask.chat:
            content = {"message": {"role": "assistant", "content": text, "reasoning": None}}
        choice = {"index": 0, **content, "finish_reason": self.ask.finish_reason}
        return {**self._base(""), "choices": [choice], "usage": self._usage(self.ask.tokens)}

    def _chunk(self, delta: dict[str, str], done: int, finish_reason: str | None = None) -> bytes:
        content: dict[str, Any] = {"delta": delta} if self.ask.chat else {"text": delta["content"]}
        choice = {"index": 0, **content, "logprobs": None, "finish_reason": finish_reason}
        document = {**self._base(".chunk"), "choices": [choice]}
        if self.ask.continuous_usage:
            document["usage"] = self._usage(done)
        return _json(document)

    def _base(self, suffix: str) -> dict[str, Any]:
        kind = f"chat.completion{suffix}" if self.ask.chat else "text_completion"
        return {
            "id": self.ask.identity,
            "object": kind,
            "created": self.created,
            "model": self.ask.model,
        }

    def _usage(self, done: int) -> dict[str, int]:
        read = self.ask.input_tokens
        return {"prompt_tokens": read, "total_tokens": read + done, "completion_tokens": done}


def answerer(ask: Ask) -> Answerer:
    """Return who writes the answer, dated now."""
    return Answerer(ask, int(time.time()))


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
