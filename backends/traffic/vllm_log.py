"""A vLLM server's own log as traffic: what it says of each request, or of every ten seconds.

With ``--enable-log-requests`` and ``--enable-log-outputs`` it prints the token ids of each request;
every log has the throughput of each engine in steps, and one access line for each request.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from backends.traffic.json_records import Record

_STAMP = re.compile(r"(?:(\d{4})-)?(\d{2})-(\d{2}) (\d{2}):(\d{2}):(\d{2})")
_STEP = re.compile(
    r"(?:Engine (\d+): )?Avg prompt throughput: ([\d.]+) tokens/s, "
    r"Avg generation throughput: ([\d.]+) tokens/s"
)
_SERVED = re.compile(
    r"\"POST \S*/(?:completions|responses|messages|generate)\S* HTTP/[\d.]+\" 2\d\d"
)
_RECEIVED = re.compile(r"Received request (\S+?):.*?prompt_token_ids: \[([\d, ]*)\]")
_GENERATED = re.compile(
    r"Generated response (\S+?)(?: \(streaming complete\))?:.*?output_token_ids: \[([\d, ]*)\]"
)

STEP_S = 10.0
"""How often vLLM prints its throughput, where no two lines tell (`VLLM_LOG_STATS_INTERVAL`)."""


def is_vllm_log(lines: Iterable[str]) -> bool:
    """Return whether the lines are those of a vLLM server that says what it served."""
    return any(_STEP.search(line) or _RECEIVED.search(line) for line in lines)


def vllm_records(lines: Iterable[str], latest: datetime) -> Iterator[tuple[int, Record]]:
    """Return the requests that a log tells, or else the intervals of its throughput.

    Args:
        lines: of the log.
        latest: when it was last written; its stamps have no year and are not later.
    """
    reader = _Reader(latest)
    for number, line in enumerate(lines, 1):
        yield from ((number, record) for record in reader.read(line))
    yield from ((number, record) for record in reader.rest())


class _Reader:
    """What is under way while a log is read."""

    def __init__(self, latest: datetime) -> None:
        self._latest = latest
        self._at_s: float | None = None
        self._asked: dict[str, tuple[float, int]] = {}
        self._by_request = False
        self._last_s: dict[str, float] = {}
        self._steps: list[tuple[float, float, float, float]] = []
        self._served = self._received = 0

    def read(self, line: str) -> Iterator[Record]:
        if stamp := _STAMP.search(line):
            self._at_s = self._instant(stamp)
        if self._at_s is None:
            return
        self._received += "Received request " in line
        if received := _RECEIVED.search(line):
            self._asked[received[1]] = (self._at_s, _tokens(received[2]))
        elif generated := _GENERATED.search(line):
            yield from self._answered(generated[1], _tokens(generated[2]))
        elif step := _STEP.search(line):
            self._step(step)
        elif _SERVED.search(line):
            self._served += 1

    def _answered(self, request: str, out: int) -> Iterator[Record]:
        began = self._asked.pop(request, None)
        if began is not None:
            self._by_request = True
            yield {"at": began[0], "input_tokens": began[1], "output_tokens": out}

    def _step(self, step: re.Match[str]) -> None:
        engine, ended_s = step[1] or "", self._at_s or 0.0
        length_s = ended_s - self._last_s.get(engine, ended_s - STEP_S)
        self._last_s[engine] = ended_s
        self._steps.append((ended_s, length_s, float(step[2]), float(step[3])))

    def rest(self) -> Iterator[Record]:
        """Return the intervals of a log that does not tell single requests.

        Which request ended in which interval the log does not say where nothing was computed in
        between; they are spread as the tokens that were generated.
        """
        if self._by_request or not self._steps:
            return
        served = self._served or self._received
        generated = sum(out * length for _, length, _, out in self._steps)
        for ended_s, length_s, into, out in self._steps:
            share = out * length_s / generated if generated else 1 / len(self._steps)
            yield {
                "at": ended_s - length_s,
                "end": ended_s,
                "requests": served * share,
                "input_tokens": into * length_s,
                "output_tokens": out * length_s,
            }

    def _instant(self, stamp: re.Match[str]) -> float:
        year, *rest = (int(part) if part else None for part in stamp.groups())
        month, day, hour, minute, second = (part or 0 for part in rest)
        year = year or self._latest.year
        try:
            moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
            if moment.date() > self._latest.date():
                moment = moment.replace(year=year - 1)
        except ValueError:
            return self._at_s or 0.0
        return moment.timestamp()


def _tokens(ids: str) -> int:
    return ids.count(",") + 1 if ids.strip() else 0
