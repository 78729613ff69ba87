"""Any vLLM log -> the starts in it, in one pass and constant memory."""

import re
from collections.abc import Iterable
from dataclasses import replace
from itertools import chain
from operator import itemgetter

from backends.domain.facts import PhaseProgressed, RequestErrorsCounted, StopOrdered
from backends.domain.serving import RequestErrors
from backends.domain.stamp import Stamp
from backends.domain.start import Outcome, PhaseName, Start
from backends.domain.startup.clock import LogClock
from backends.domain.startup.collected import is_one, lines_in
from backends.domain.startup.document import start_document
from backends.domain.startup.endings import ending_in
from backends.domain.startup.fold import apply, as_start
from backends.domain.startup.lines import Glimpse, head_of, read
from backends.domain.startup.prefixes import Prefixes, source_of
from backends.domain.startup.reader import StartReader, is_interesting, is_server_error
from backends.domain.startup.root import refuses_arguments
from backends.domain.startup.state import StartState, begin
from backends.domain.startup.unfinished import bar_clock_s, with_standing
from backends.domain.startup.wording import Event
from backends.domain.startup.wordings import find
from backends.domain.startup.wrapped import unwrapped

__all__ = ["explain", "start_document"]

_SERVED = " 200 OK"
_STILL_SERVING = "Engine 000:"
_ONLY_A_WRAPPER = re.compile(r"RuntimeError: Engine core initialization failed")
"""A fragment beside a start that says no more than this tells nothing of another."""
_RESOLUTION_S = 2.0
_MOST_SERVERS = 16
"""Servers whose lines one file may hold between one another."""
_MOST_UNDATED = 1000
"""Lines before the first that has a time; they are read as if they stood there.

The first half of them is kept whole, as any may belong to a traceback.
"""


def explain(lines: Iterable[tuple[int, str]]) -> list[Start]:
    """Return the starts that a log tells of, in order.

    Times are those of the lines themselves. Nothing in the lines makes this raise.
    """
    first, prefixes, ready = _Log(), Prefixes(), False
    logs: dict[str, _Log] = {}
    for number, held in unwrapped(lines):
        if not held or (ready and held.endswith(_SERVED)):
            continue
        for line in (held,) if is_one(held) else lines_in(held):
            log = logs.get(source_of(line), first) if logs else first
            text = prefixes.without(line) if prefixes.any else line
            opens_another = log.add(number, text, line)
            if opens_another is None:
                continue
            if opens_another:
                source = source_of(line)
                if source and source != log.source and len(logs) < _MOST_SERVERS:
                    logs.setdefault(log.source, log)
                    logs[source] = _Log(source)
                    logs[source].add(number, text, line)
                else:
                    log.begin_another(number, text)
            elif not ready and not log.source and log.evident:
                log.source = source_of(line)
            ready = not logs and log.reader.ready
    read_logs = list(logs.values()) or [first]
    found = sorted(chain.from_iterable(log.starts() for log in read_logs), key=itemgetter(0))
    # Of a file that holds nothing else, the line that reports an earlier error is all there is.
    return [start for _, start in found] or [log.rest for log in read_logs if log.rest][:1]


class _Log:
    """The start being read, and those before it.

    Attributes:
        source: whose lines these are, where a file holds those of several servers.
        reader: of the start being read.
        evident: its lines told of a start.
        rest: what is left of a start of which there is only the line that reports its failure.
    """

    def __init__(self, source: str = "") -> None:
        self.source = source
        self._first = 0
        self._starts: list[tuple[int, Start]] = []
        self._outer: bool | None = None
        self._state: StartState | None = None
        self.rest: Start | None = None
        self._reset()

    def add(self, number: int, line: str, whole: str) -> bool | None:
        """Take a line; where it opens a start while this one goes on, leave it and return True.

        None where it means nothing at all. `whole` is the line with the prefix that says whose it
        is.
        """
        glimpse = head_of(line)
        word, stamp, _, _ = glimpse
        reader = self.reader
        known = is_interesting(word) and not (
            word == _STILL_SERVING and reader.ready and reader.waiting is None
        )
        interesting = (
            known
            or ((not word or reader.attention) and reader.attends(line, word))
            or 0 < len(self._undated) < _MOST_UNDATED // 2
            or (reader.ready and '" 5' in line and is_server_error(line))
        )
        if known and _opens_another(reader, self.source, line, glimpse, whole):
            if not reader.over:
                return True
            self._turn()
        elif not interesting and (not stamp or stamp == self._stamp) and self._held is None:
            reader.passed.append((number, line))
            return None
        self._take(number, line, glimpse, interesting=bool(interesting))
        return False

    def begin_another(self, number: int, line: str) -> None:
        """Take a line that opens another start of the same server."""
        self._turn()
        self._take(number, line, head_of(line), interesting=True)

    def _turn(self) -> None:
        """Finish a start at the line that opens the next."""
        # Lines without a meaning may already be the new start's.
        self._stamp = self._stamp_read
        self._finish()
        self._reset()

    def _take(self, number: int, line: str, glimpse: Glimpse, *, interesting: bool) -> None:
        _, stamp, outer, _ = glimpse
        moved = stamp != self._stamp or self._held is not None
        if stamp and (self._outer is None or (moved and self._outer is outer)):
            self._dated(line, stamp, outer=outer)
        if not self._first:
            self._first = number
        if not interesting:
            self.reader.passed.append((number, line))
            return
        if self._held is not None and len(self._held) < _MOST_UNDATED:
            self._held.append((number, line))
        else:
            self._read_held()
            self._read(number, line)

    def starts(self) -> list[tuple[int, Start]]:
        """Return all starts, each with the number of its first line."""
        self._finish()
        return self._starts

    def _reset(self) -> None:
        self.reader = StartReader()
        self._clock = LogClock()
        self._state = None
        self._outer = None
        self._stamp = self._stamp_read = ""
        self._read_at = self._now()
        self.evident = False
        self._first = 0
        self._bar = (self._read_at.mono_s, 0.0)
        self._undated: list[tuple[int, str]] = []
        self._held: list[tuple[int, str]] | None = None

    def _dated(self, line: str, stamp: str, *, outer: bool) -> None:
        if line[0] == "(" and "." in stamp and not outer:
            # Another logger behind vLLM's prefix; vLLM's own times are whole seconds, so in the
            # second in which vLLM speaks too its fraction would only shift boundaries.
            if self._clock.between(self._stamp, stamp) < _RESOLUTION_S:
                return
            self._read_held()
            self._held = []
        elif self._held is not None:
            self._stamp = stamp if self._stamp.startswith(stamp) else self._stamp
            self._read_held()
        self._outer, self._stamp = outer, stamp
        if self._state is None:
            self._begin()

    def _read_held(self) -> None:
        held, self._held = self._held or [], None
        for number, line in held:
            self._read(number, line)

    def _now(self) -> Stamp:
        seconds = self._clock.at(self._stamp)
        return Stamp(seconds, seconds)

    def _read(self, number: int, line: str) -> None:
        if self._state is None:
            if len(self._undated) < _MOST_UNDATED:
                self._undated.append((number, line))
            return
        self._feed(self._state, number, line)

    def _begin(self) -> None:
        self._state = begin(str(len(self._starts) + 1), self._now())
        undated, self._undated = self._undated, []
        for number, line in undated:
            self._feed(self._state, number, line)

    def _feed(self, state: StartState, number: int, line: str) -> None:
        if is_interesting(head_of(line).word) or not self._stamp_read:
            self._stamp_read = self._stamp
            self._read_at = self._now()
        now = self._read_at
        facts = self.reader.feed(now, line, number)
        self.evident = self.evident or bool(facts)
        for fact in facts:
            state = apply(state, fact)
            if isinstance(fact, PhaseProgressed) and fact.phase is PhaseName.LOAD_WEIGHTS:
                ran_s = bar_clock_s(line)
                self._bar = (self._bar[0] if 0 < self._bar[1] <= ran_s else now.mono_s, ran_s)
        if self.reader.stopping_at is not None:
            state = apply(state, StopOrdered(self.reader.stopping_at, by="its log"))
        self._state = state

    def _finish(self) -> None:
        self._read_held()
        if self._state is None:
            self._begin()
        assert self._state is not None
        now = self._now()
        facts = self.reader.close(now, None, ending_in(self.reader.passed))
        for fact in facts:
            self._state = apply(self._state, fact)
        if self.reader.answers_5xx:
            errors = RequestErrors(http_5xx=float(self.reader.answers_5xx))
            self._state = apply(self._state, RequestErrorsCounted(now, errors))
        failure = self._state.failure
        if not self.evident and (failure is None or failure.line_number is None):
            return
        start = as_start(self._state, now)
        if not self.evident and _ONLY_A_WRAPPER.match(failure.line if failure else ""):
            self.rest = _without_times(start)
            return
        if start.outcome is Outcome.INCOMPLETE:
            now = _by_its_bar(self._bar, now) if _loads(start) else now
            start = with_standing(as_start(self._state, now), self.reader.waiting, self._bar[1])
        self._starts.append((self._first, start if self._stamp else _without_times(start)))


def _by_its_bar(bar: tuple[float, float], now: Stamp) -> Stamp:
    """Return `now`, or later where a progress bar, which has no time, ran on after it."""
    began, ran_s = bar
    return Stamp(max(now.mono_s, began + ran_s), max(now.wall_s, began + ran_s))


def _loads(start: Start) -> bool:
    return start.progress is not None and start.progress.phase is PhaseName.LOAD_WEIGHTS


def _without_times(start: Start) -> Start:
    phases = tuple(replace(phase, duration_s=None) for phase in start.phases)
    return replace(start, total_s=None, ready_s=None, phases=phases)


def _opens_another(
    reader: StartReader, source: str, line: str, glimpse: Glimpse, whole: str
) -> bool:
    """Tell whether this line belongs to a start after the one that `reader` reads."""
    up = reader.ready or (reader.engine_ready_at is not None and not reader.has_api_server)
    failed = reader.suspects.doubtful and reader.timeline.phase is not None
    early = not (reader.over or up or failed or reader.timeline.is_past_devices)
    if early and (not source or source_of(whole) in {"", source}):
        return False
    record = read(line, glimpse)
    found = find(record.word, record.tag, record.message)
    if early:
        return found is not None and found[0].event is Event.BANNER
    if found is None:
        return (reader.over or up) and refuses_arguments(record.message)
    row, match = found
    if row.event in {Event.BANNER, Event.ENGINE_UP} or "args" in match.groupdict():
        several = row.event is Event.ENGINE_UP and failed and not (reader.over or up)
        return not several
    if row.event is Event.PLATFORM:
        return reader.over or up
    return reader.over and (row.begins is not None or row.ends is not None)
