"""Asks a server whether it serves: for its models, its health and a first token."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import Any

import msgspec

from backends.domain.stamp import Stamp
from backends.http1 import Address, NoAnswer, Reply, WrongAnswer, ask
from backends.keeper.clock import now

QUICK_S = 5.0
FIRST_TOKEN_S = 600.0
"""A first request may still build kernels; vLLM itself waits 600 s for its engine."""

MOST_LINES = 20_000
"""Of a series; a server of 64 engines has fewer of all together."""

SLEEP_STATE = "vllm:engine_sleep_state"

_SAMPLE = re.compile(r"(?P<name>[\w:]+)(?:\{(?P<labels>.*)\})? (?P<value>\S+)")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')

Sample = tuple[str, dict[str, str], float]
"""Name, labels and value of one line of ``/metrics``."""

NO_JSON = (msgspec.MsgspecError, RecursionError)
"""What decoding raises; the second one where brackets are nested thousands deep."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The server will not generate; `reason` is what it says."""

    reason: str


def never() -> bool:
    """Cancel nothing."""
    return False


def served_models(
    address: Address, cancelled: Callable[[], bool] = never, *, timeout_s: float = QUICK_S
) -> tuple[str, ...]:
    """Return the names in ``/v1/models``.

    Raises:
        NoAnswer: nobody answers.
        WrongAnswer: it asks for a key, or is no OpenAI-compatible server.
        Cancelled: `cancelled` became true.
    """
    reply = ask(address, "/v1/models", timeout_s=timeout_s, cancelled=cancelled)
    body = reply.body()
    if reply.status != 200:
        key = "; the server asks for a key: set VLLM_API_KEY" if reply.status == 401 else ""
        raise WrongAnswer(f"/v1/models answers {reply.status}{key}")
    try:
        return tuple(str(model["id"]) for model in msgspec.json.decode(body)["data"])
    except (*NO_JSON, KeyError, TypeError) as error:
        raise WrongAnswer("/v1/models is not that of an OpenAI-compatible server") from error


def health(address: Address, *, timeout_s: float = QUICK_S) -> str:
    """Return why the server is unhealthy, empty when it is well.

    No request is sent to its engine: one to a sleeping engine hangs.
    """
    try:
        status = health_status(address, timeout_s=timeout_s)
    except NoAnswer as error:
        return f"/health: {error}"
    return "" if status == 200 else f"/health answers {status}"


def health_status(
    address: Address, cancelled: Callable[[], bool] = never, *, timeout_s: float = QUICK_S
) -> int:
    """Return the status with which ``/health`` answers.

    Raises:
        NoAnswer: it does not.
        Cancelled: `cancelled` became true.
    """
    reply = ask(address, "/health", timeout_s=timeout_s, cancelled=cancelled)
    reply.body()
    return reply.status


def metrics_lines(
    address: Address, names: tuple[str, ...], cancelled: Callable[[], bool] = never
) -> list[str]:
    """Return the lines of ``/metrics`` that begin with one of these names.

    Raises:
        NoAnswer: it does not answer, or answers with an error.
        Cancelled: `cancelled` became true.
    """
    wanted = tuple(name.encode() for name in names)
    reply = ask(address, "/metrics", timeout_s=QUICK_S, cancelled=cancelled)
    if reply.status != 200:
        raise NoAnswer(f"/metrics answers {reply.status}")
    found = (line.decode("utf-8", "replace") for line in reply.lines if line.startswith(wanted))
    lines = list(islice(found, MOST_LINES + 1))
    if len(lines) > MOST_LINES:
        raise NoAnswer(f"/metrics has over {MOST_LINES:,} lines of {', '.join(names)}")
    return lines


def samples(lines: list[str]) -> list[Sample]:
    """Return name, labels and value of each line that is a sample."""
    found = []
    for line in lines:
        sample = _SAMPLE.match(line)
        try:
            value = float(sample["value"]) if sample else None
        except ValueError:
            value = None
        if sample is not None and value is not None:
            found.append((sample["name"], dict(_LABEL.findall(sample["labels"] or "")), value))
    return found


def sleep_level(address: Address) -> int | None:
    """Return how deep a server sleeps, 0 awake; None where it does not say."""
    try:
        return sleep_level_in(samples(metrics_lines(address, (SLEEP_STATE,))))
    except NoAnswer:
        return None


def sleep_level_in(found: list[Sample]) -> int | None:
    """Return the deepest sleep of any engine; vLLM's own help has ``awake`` the wrong way round."""
    states = {"awake": 0, "weights_offloaded": 1, "discard_all": 2}
    levels = [
        states[labels["sleep_state"]]
        for name, labels, value in found
        if name == SLEEP_STATE and value and labels.get("sleep_state") in states
    ]
    return max(levels, default=None)


def first_token(address: Address, model: str, cancelled: Callable[[], bool]) -> Stamp | Refused:
    """Ask for one token and return when it came, or what the server says where it refuses.

    Raises:
        NoAnswer: the connection failed or the time is over.
        Cancelled: `cancelled` became true.
    """
    common = {
        "model": model,
        "max_tokens": 1,
        "temperature": 0,
        "stream": True,
        "stream_options": {"include_usage": True, "continuous_usage_stats": True},
    }
    chat = common | {"messages": [{"role": "user", "content": "Hi"}]}
    # A model without a chat template answers 400, one that only completes 404.
    for path, question in (
        ("/v1/chat/completions", chat),
        ("/v1/completions", common | {"prompt": "Hi"}),
    ):
        reply = ask(address, path, question, timeout_s=FIRST_TOKEN_S, cancelled=cancelled)
        if reply.status == 200:
            return _await_token(reply)
        refusal = Refused(f"{path} answers {reply.status}: {_message(reply.body())}")
        if reply.status not in (400, 404):
            return refusal
    return refusal


def running_requests(address: Address) -> int | None:
    """Return how many requests run or wait in the server, None where it does not say."""
    try:
        lines = metrics_lines(address, ("vllm:num_requests_running", "vllm:num_requests_waiting{"))
    except NoAnswer:
        return None
    try:
        counts = [float(line.rpartition(" ")[2]) for line in lines]
    except ValueError:
        return None
    known = [int(count) for count in counts if math.isfinite(count)]
    return sum(known) if known else None


def _await_token(reply: Reply) -> Stamp | Refused:
    """Read the stream to its end, so that the server does not count an aborted request."""
    came: Stamp | None = None
    for line in reply.lines:
        if not line.startswith(b"data:"):
            continue
        data = line[5:].strip()
        if data == b"[DONE]":
            break
        try:
            chunk = msgspec.json.decode(data, type=dict[str, Any])
            has_token = carries_token(chunk)
        except (*NO_JSON, AttributeError, TypeError) as error:
            return Refused(f"the stream has an event that is not a chunk: {error}")
        if "error" in chunk:
            return Refused(f"the stream says: {_message(data)}")
        if came is None and has_token:
            came = now()
    return came or Refused("the stream ended without a token")


def carries_token(chunk: dict[str, Any]) -> bool:
    """Tell whether a chunk of a stream stands for at least one generated token.

    A token may have no text of its own (a piece of a character), so the server's own count decides
    where it is sent. Without one, everything counts but the chunk that only names the role.
    """
    usage = chunk.get("usage")
    if usage:
        return bool(usage.get("completion_tokens"))
    for choice in chunk.get("choices", ()):
        delta = choice.get("delta", choice)
        if any(delta.get(field) for field in ("text", "content", "reasoning", "reasoning_content")):
            return True
        if delta.get("tool_calls") or "role" not in delta:
            return True
    return False


def _message(body: bytes) -> str:
    try:
        document = msgspec.json.decode(body)
        error = document.get("error", document)
        text = error.get("message") if isinstance(error, dict) else error
    except (*NO_JSON, AttributeError):
        text = None
    return str(text or body[:200].decode(errors="replace") or "nothing").strip()
