"""What a refusal says of when to come back: rate limits, endpoints that wake up, queues."""

import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Literal

from backends.domain.ab.errors import decoded_json
from backends.domain.ab.names import words
from backends.prober.exchange import Asked

Why = Literal["limited", "cold", "unavailable"]

OVERLOADED = 529
UNAVAILABLE = frozenset({408, 425, 502, 503, 504, 520, 521, 522, 523, 524, 530})
LASTING = frozenset({401, 402, 403, 405, 413})

_COLD = re.compile(
    r"not (?:yet |currently )?ready|cold[ _-]?start|scal(?:ed?|ing) (?:up |down )?(?:to|from) zero"
    r"|scaling up|sleeping|loading (?:the )?model|waking|warming|booting|provisioning|spinning up"
    r"|in[ _]queue|still (?:down|asleep)"
    r"|(?:is|are|still|currently|model|being) (?:loading|load|starting|initiali[sz]ing|deploying)"
    r"|no (?:ready |available |healthy |running )?(?:worker|replica|instance|pod|upstream)s?\b",
    re.IGNORECASE,
)
_LIMITED = re.compile(
    r"rate.?limit|too many requests|overloaded|throttl|at capacity|over capacity|busy|slow down"
    r"|capacity.?exceeded|(?:request|qps|concurrency) limit (?:is |was )?(?:reached|exceeded)",
    re.IGNORECASE,
)
_NO_CREDIT = re.compile(
    r"insufficient.?(?:quota|credit|balance|funds)|out of credit", re.IGNORECASE
)
_NO_QUOTA = re.compile(
    r"billing|payment|credit balance|\b(?:daily|weekly|monthly)\b|\b(?:per|each|this) "
    r"(?:day|week|month)\b",
    re.IGNORECASE,
)
"""Said of limits that pass as well, as Gemini's are, which then say when."""

_QUEUED = re.compile(
    r"in.?queue|queued|pending|starting|in.?progress|initiali[sz]ing|loading|processing|running"
    r"|waking|scheduled|accepted|cold|booting|provisioning|not.?ready|warming.*",
    re.IGNORECASE,
)

_FINISHED = re.compile(r"completed?|succeeded|finished|done", re.IGNORECASE)
_JOB_ADDRESS = ({"status", "url"}, {"poll", "url"}, {"polling", "url"}, {"response", "url"})

_UNITS_S = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|us|µs|h|m|s))+")
_STEP = re.compile(r"(\d+(?:\.\d+)?)(ms|us|µs|h|m|s)")
_NUMBER = re.compile(r"\d{1,16}(?:\.\d{1,9})?")
_IN_WORDS = re.compile(
    r"\b(?:in|after|within|wait|wait for) ((?:\d+(?:\.\d+)?\s*(?:ms|milliseconds?|s|secs?"
    r"|seconds?|m|mins?|minutes?|h|hours?)\b\s*)+)",
    re.IGNORECASE,
)
_BODY_NAMES = (
    *({"retry", "after"}, {"retry", "delay"}, {"retry", "in"}, {"estimated", "time"}),
    *({"retryafter"}, {"retrydelay"}, {"wait", "seconds"}),
)
_EPOCH_S, _EPOCH_MS = 1e9, 1e12
DEEPEST = 5
LONGEST_SEARCHED = 4096


@dataclass(frozen=True, slots=True)
class Later:
    """The endpoint may answer later.

    Attributes:
        why: ``unavailable`` where it says neither that it limits nor that it starts.
        after_s: how long it asks to wait, None where it does not say.
        location: where the reply will be, on the same host; None: ask again.
        job_id: of what the request has become, in a queue that may say how far it is.
        job_url: where it says so, None where the reply names no address.
    """

    why: Why
    after_s: float | None = None
    location: str | None = None
    job_id: str | None = None
    job_url: str | None = None


def later_of(exchange: Asked) -> Later | None:
    """Return when a failed request may succeed, None where it was none, or nothing says so."""
    head = exchange.reply.head
    began = any(piece.carries for piece in exchange.reply.reader.pieces)
    if exchange.error is None or head is None or began:
        return None
    body = bytes(exchange.reply.plain_body).strip()
    document = decoded_json(body)
    after_s = delay_of(head.fields, document, exchange.error, time.time())
    said = f"{exchange.error} {body[:LONGEST_SEARCHED].decode('utf-8', 'replace')}"
    if _NO_CREDIT.search(said) or (after_s is None and _NO_QUOTA.search(said)):
        return None
    why = _why(head.status, exchange.error, document, streamed=bool(exchange.reply.reader.error))
    location = head.fields.get("location")
    if location and head.status in (HTTPStatus.SEE_OTHER, HTTPStatus.ACCEPTED):
        why = "cold"
    if why is None:
        return None
    if why != "cold" or head.status >= HTTPStatus.BAD_REQUEST:
        return Later(why, after_s)
    job_id, job_url = _job_in(document)
    return Later(why, after_s, location, job_id, job_url)


def has_finished(exchange: Asked) -> bool:
    """Whether a reply says that a job is over, so that its endpoint is awake."""
    document = decoded_json(bytes(exchange.reply.plain_body).strip())
    return isinstance(document, dict) and any(map(_FINISHED.fullmatch, _states(document)))


def _why(status: int, said: str, document: object, *, streamed: bool) -> Why | None:
    if status in LASTING:
        return None
    limited, cold = _LIMITED.search(said) is not None, _COLD.search(said) is not None
    whole = status == HTTPStatus.OK and not streamed
    reasons: tuple[tuple[bool, Why | None], ...] = (
        (cold or status == HTTPStatus.ACCEPTED or (whole and _is_queued(document)), "cold"),
        (limited or status in (HTTPStatus.TOO_MANY_REQUESTS, OVERLOADED), "limited"),
        (status == HTTPStatus.OK, None),
        (status in UNAVAILABLE, "unavailable"),
    )
    return next((why for holds, why in reasons if holds), None)


def _is_queued(document: object) -> bool:
    if not isinstance(document, dict) or "choices" in document:
        return False
    return any(map(_QUEUED.fullmatch, _states(document)))


def _states(document: Mapping[str, object]) -> list[str]:
    found = (document.get(name) for name in ("status", "state", "phase"))
    return [state for state in found if isinstance(state, str)]


def _job_in(document: object) -> tuple[str | None, str | None]:
    """The job that a queued request has become, and where the reply says that it can be seen."""
    if not isinstance(document, dict) or not _is_queued(document):
        return None, None
    job_id = document.get("id")
    urls = (
        value
        for name, value in document.items()
        if isinstance(value, str) and any(sign <= words(name) for sign in _JOB_ADDRESS)
    )
    return job_id if isinstance(job_id, str) else None, next(urls, None)


def delay_of(fields: Mapping[str, str], document: object, said: str, wall_s: float) -> float | None:
    """Return for how long a refusal asks to wait, in seconds; None where it does not say.

    ``Retry-After`` is of RFC 9110, 10.2.3; ``retry-after-ms`` and ``x-ratelimit-reset-*`` with
    durations such as ``6m0s`` are OpenAI's (platform.openai.com/docs/guides/rate-limits); other
    providers send seconds, instants, or say it in the body.
    """
    exact = fields.get("retry-after-ms", "")
    if _NUMBER.fullmatch(exact):
        return float(exact) / 1000
    found = _delay(fields.get("retry-after", ""), wall_s)
    found = _reset_of(fields, wall_s) if found is None else found
    found = next(_delays_in(document, wall_s, 0), None) if found is None else found
    words_of_it = _IN_WORDS.search(said) if found is None else None
    return _spoken(words_of_it[1]) if words_of_it else found


def _reset_of(fields: Mapping[str, str], wall_s: float) -> float | None:
    """The reset of the limit that is used up; of all of them, where none says so."""
    resets = {
        name: delay
        for name, value in fields.items()
        if "ratelimit" in name.replace("-", "")
        and "reset" in name
        and (delay := _delay(value, wall_s)) is not None
    }
    used_up = [
        delay
        for name, delay in resets.items()
        if fields.get(name.replace("reset", "remaining"), "").strip() in ("0", "0.0")
    ]
    return max(used_up or resets.values(), default=None)


def _delay(value: str, wall_s: float) -> float | None:
    """A number of seconds, a duration such as ``1m30s``, or an instant, as seconds from now."""
    value = value.strip()
    if _NUMBER.fullmatch(value):
        number = float(value)
        if number >= _EPOCH_MS:
            return max(0.0, number / 1000 - wall_s)
        return max(0.0, number - wall_s) if number >= _EPOCH_S else number
    if _DURATION.fullmatch(value):
        return sum(float(number) * _UNITS_S[unit] for number, unit in _STEP.findall(value))
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            instant = read(value)
        except (ValueError, TypeError, OverflowError):
            continue
        return max(0.0, instant.replace(tzinfo=instant.tzinfo or UTC).timestamp() - wall_s)
    return None


def _delays_in(document: object, wall_s: float, depth: int) -> Iterator[float]:
    if depth > DEEPEST:
        return
    if isinstance(document, list):
        for each in document[:16]:
            yield from _delays_in(each, wall_s, depth + 1)
    elif isinstance(document, dict):
        for name, value in document.items():
            named = words(name)
            if any(sign <= named for sign in _BODY_NAMES):
                text = str(value) if isinstance(value, int | float | str) else ""
                delay = _delay(text, wall_s)
                if delay is not None:
                    yield delay / 1000 if named & {"ms", "milliseconds", "millis"} else delay
            else:
                yield from _delays_in(value, wall_s, depth + 1)


def _spoken(text: str) -> float:
    steps = re.findall(r"(\d+(?:\.\d+)?)\s*([a-z]+)", text.lower())
    return sum(
        float(number) * _UNITS_S["ms" if unit.startswith(("ms", "milli")) else unit[0]]
        for number, unit in steps
    )
