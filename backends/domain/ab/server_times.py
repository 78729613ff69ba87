"""The times that an endpoint itself reports of one request, under any provider's names."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from backends.domain.ab.names import KNOWN_NAMES, words

DEEPEST = 4

_TIMES = frozenset({"time", "duration", "latency", "ms", "seconds", "s"})
_KINDS = (
    ("queue_s", frozenset({"queue", "queued", "queueing", "wait", "delay"})),
    ("prompt_s", frozenset({"prompt", "prefill", "input"})),
    (
        "completion_s",
        frozenset({"completion", "decode", "generation", "output", "predicted", "eval"}),
    ),
)


@dataclass(frozen=True, slots=True)
class ServerTimes:
    """Times that the endpoint itself reports of one request, in seconds; None for the others.

    Attributes:
        ttft_s: to the first token, where it says so itself; else what it queued and prefilled.
    """

    queue_s: float | None = None
    prompt_s: float | None = None
    completion_s: float | None = None
    ttft_s: float | None = None


@lru_cache(KNOWN_NAMES)
def _time_kind(name: str) -> tuple[str, float] | None:
    """Which time a key holds, and its unit in seconds."""
    named = words(name)
    unit = 1e-3 if named & {"ms", "millis", "milliseconds"} else 1.0
    if {"eval", "duration"} <= named:
        unit = 1e-9  # docs.ollama.com/api/usage
    if "ttft" in named or {"first", "token"} <= named:
        return "ttft_s", unit
    if {"first", "byte", "latency"} <= named:
        return "ttft_s", 1e-3  # docs.aws.amazon.com/bedrock: firstByteLatency, in milliseconds
    if not named & _TIMES or "per" in named:
        return None
    return next(((kind, unit) for kind, signs in _KINDS if named & signs), None)


def server_timing(value: str) -> dict[str, str]:
    """Return the entries of a Server-Timing field (W3C Server Timing), names ending in ``_ms``."""
    entries = re.findall(r"([\w-]+)\s*;[^,]*?\bdur=([\d.]+)", value[:1000])
    return {f"{name}_duration_ms": dur for name, dur in entries}


def server_times(*parts: object) -> ServerTimes | None:
    """Return the times that chunks and header fields of a reply report; None where none does."""
    found: dict[str, float] = {}
    for part in parts:
        _gather_times(part, found, 0)
    if not found:
        return None
    known = [found[name] for name in ("queue_s", "prompt_s") if name in found]
    if "ttft_s" not in found and "prompt_s" in found:
        found["ttft_s"] = sum(known)
    return ServerTimes(**found)


def _gather_times(part: object, found: dict[str, float], depth: int) -> None:
    if not isinstance(part, Mapping) or depth > DEEPEST:
        return
    for name, value in part.items():
        if isinstance(value, Mapping):
            _gather_times(value, found, depth + 1)
        elif (kind := _time_kind(name)) is not None and kind[0] not in found:
            seconds = _seconds(value, kind[1])
            if seconds is not None:
                found[kind[0]] = seconds


def _seconds(value: object, unit: float) -> float | None:
    if isinstance(value, str) and re.fullmatch(r"\d{1,9}(\.\d{1,12})?", value):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    seconds = float(value) * unit if abs(value) < 1e15 else math.inf
    return seconds if 0 <= seconds < 1e6 else None
