"""Lines of one start -> facts about it, one line at a time; used live and on recorded logs."""

import re
from collections import deque
from dataclasses import replace
from functools import lru_cache

from backends.domain.facts import (
    BecameReady,
    FailureSeen,
    StartFact,
    StartWaits,
)
from backends.domain.server import Exit
from backends.domain.stamp import Stamp
from backends.domain.start import Failure, FailureKind
from backends.domain.startup.crashes import is_native
from backends.domain.startup.diagnosis import Suspects, after_a_hang, failure_behind
from backends.domain.startup.endings import MOST_LINES, Ending
from backends.domain.startup.failures import ENDS_A_START
from backends.domain.startup.figures import Figures, progressed
from backends.domain.startup.lines import Record, head_of, read
from backends.domain.startup.root import ATTENTION_LINES
from backends.domain.startup.root import WORDS as FAILURE_WORDS
from backends.domain.startup.timeline import RankTimelines, Timeline
from backends.domain.startup.unfinished import LONG_SILENCE_S, Wait, Waits, wait_sentence
from backends.domain.startup.wording import Event, Wording
from backends.domain.startup.wordings import WORDS, find, named_figure

_EXCEPTIONS = (
    "Error:",
    "Error",
    "Exception:",
    "Exception",
    "Interrupt:",
    "Interrupt",
    "version",
    "model",
    " 000:",
)
_BEHIND_A_BAR = re.compile(r"(?<=(?:it/s|s/it)\])(?=[(A-Z])")
"""Where a record of another process is glued to a progress bar that has no end of line yet."""

_SERVER_ERROR = re.compile(r'"(?!GET /(?:health|ping)\b)[A-Z]+ \S+ HTTP/[\d.]+" 5\d\d\b')
_WITHOUT_TOKENS = re.compile(r"prompt throughput: 0\.0 .*generation throughput: 0\.0 ")


_ALL_WORDS = WORDS | FAILURE_WORDS

STILL_RUNS = "the start has failed, and its processes have not ended yet; stop it if they do not"
"""How a start waits for its own end; some vLLM's workers never do."""


@lru_cache(maxsize=512)  # every client of an access log has a word of its own
def is_interesting(word: str) -> bool:
    """Tell whether a line whose message begins with `word` can mean anything to a reader."""
    return (
        word in _ALL_WORDS
        or word.endswith(_EXCEPTIONS)
        or is_native(word)
        or ("=" in word and named_figure(word) in _ALL_WORDS)
    )


def is_server_error(line: str) -> bool:
    """Tell whether a line of the access log is of an answer with an error of the server."""
    return '" 5' in line and _SERVER_ERROR.search(line) is not None


class StartReader:
    """Reads the log of one start.

    Attributes:
        stopping_at: when the log first told of an ordered shutdown, None while it does not.
        engine_ready_at: when the engine had come up, None before.
        has_api_server: the log told of an API server, so the engine alone is not yet ready.
        ready: the log told that the server answers.
        suspects: the lines that may tell why it fails.
        timeline: the phases that were seen to begin and to end.
        attention: how many more lines count because they follow a failure's line.
        failed: why the start failed, where the log said so while the server's processes still ran.
        answers_5xx: answers with an error of the server that the log told of.
        passed: the last lines, with their numbers; `feed` adds what it is given, whoever passes
            over a line adds that.
    """

    def __init__(self) -> None:
        self.stopping_at: Stamp | None = None
        self.engine_ready_at: Stamp | None = None
        self.has_api_server = False
        self.ready = False
        self._routes_at: Stamp | None = None
        self.timeline = Timeline()
        self._ranks = RankTimelines()
        self.suspects = Suspects()
        self._figures = Figures()
        self._servers = self._servers_awaited = 1
        self._number = 0
        self.attention = 0
        self._waits = Waits()
        self.failed: Failure | None = None
        self.answers_5xx = 0
        self.passed: deque[tuple[int, str]] = deque(maxlen=MOST_LINES)

    def attends(self, line: str, word: str) -> bool:
        """Tell whether a line counts for its place: a frame, or what follows a failure's line."""
        return self.attention > 0 or (word == "" and 'File "' in line)

    @property
    def over(self) -> bool:
        """Whether the log has told of the end: the start cannot succeed, or was ordered to stop."""
        return self.suspects.hopeless or (self.stopping_at is not None)

    @property
    def waiting(self) -> Wait | None:
        """The wait that the log announced last, None once the start went on."""
        return self._waits.now

    @property
    def awaits_servers(self) -> bool:
        """Whether some of several API servers said that they are up, and some did not yet."""
        return 0 < self._servers_awaited < self._servers

    def feed(self, at: Stamp, line: str, number: int | None = None) -> list[StartFact]:
        """Return what one line tells; `number` is its place in the log, counted here if None."""
        self._number = self._number + 1 if number is None else number
        self.passed.append((self._number, line))
        if self.ready and is_server_error(line):
            self.answers_5xx += 1
        facts: list[StartFact] = []
        has_bar = "it/s]" in line or "s/it]" in line
        for part in _BEHIND_A_BAR.split(line) if has_bar else (line,):
            glimpse = head_of(part)
            if is_interesting(glimpse.word) or self.attends(part, glimpse.word):
                facts += self._read(at, read(part, glimpse))
        return facts

    def close(
        self,
        at: Stamp,
        exit: Exit | None,  # noqa: A002
        ending: Ending | None = None,
    ) -> list[StartFact]:
        """Return what the end of the log tells.

        Args:
            at: when it ended.
            exit: how the process ended; None where nobody saw it.
            ending: what whoever ran it wrote behind the log; None where nobody did.
        """
        facts: list[StartFact] = []
        if not self.ready and self.stopping_at is None:
            facts += self._ready_after_all()
        known = self._known
        failure = self.suspects.verdict(
            exit or (ending.exit if ending else None),
            ready=self.ready,
            stopping=self.stopping_at is not None,
            settings=known,
        )
        ended = failure is not None or self.stopping_at is not None
        if self.ready and self.waiting and ended and not self._is_explained(failure, self.waiting):
            failure = after_a_hang(failure, wait_sentence(self.waiting))
            if failure is not None and not failure.line:
                number, line = self._waits.since
                failure = replace(failure, line_number=number, line=line)
        if failure is not None:
            if ending is not None and failure.line_number is None:
                failure = replace(failure, line_number=ending.number, line=ending.line)
                if ending.known:
                    failure = failure_behind(ending.number, ending.line, known, ready=self.ready)
            facts.append(FailureSeen(at, failure))
        return facts

    def _is_explained(self, failure: Failure | None, wait: Wait) -> bool:
        """Tell whether a process's death is why a worker was silent: the dead do not answer."""
        died = failure is not None and failure.kind is FailureKind.ENGINE_DIED
        return died and wait.seconds < LONG_SILENCE_S

    def _ready_after_all(self) -> list[StartFact]:
        # An engine used without a server never says that it is ready, and a log without uvicorn's
        # stream shows a server that announced its routes but never that it had started.
        doubtful = self.has_api_server and self.suspects.doubtful
        if self.suspects.hopeless or doubtful:
            return []
        at = self._routes_at if self.has_api_server else self.engine_ready_at
        return [] if at is None else self._became_ready(at)

    def _read(self, at: Stamp, record: Record) -> list[StartFact]:
        found = find(record.word, record.tag, record.message)
        if found is None or found[0].event is Event.DIED:
            return self._suspect(at, record, died=found is not None)
        row, match = found
        if row.begins is not None or row.ends is not None:
            self.suspects.went_on(record.process)
            self.passed.clear()
            self._waits.over()
        rank = self._figures.rank(record.process) if record.rank is None else record.rank
        return self._facts_of(at, row, match, rank)

    @property
    def _known(self) -> dict[str, str]:
        return self._figures.known | {"phase": "" if self.ready else self.timeline.phase or ""}

    def _suspect(self, at: Stamp, record: Record, *, died: bool) -> list[StartFact]:
        plain = not (died or is_interesting(record.word))
        self.attention = max(0, self.attention - 1) if plain else ATTENTION_LINES
        # A container's two streams are joined in any order: the older line is the cause.
        if self.stopping_at is not None and at.mono_s >= self.stopping_at.mono_s:
            return []
        phase = "" if self.ready else self.timeline.phase or ""
        ordered = self.suspects.consider(self._number, record, phase, died=died, passed=self.passed)
        if ordered:
            self.stopping_at = at
        elif self.suspects.died:
            self.stopping_at = None
        if not phase or self.failed is not None or not ENDS_A_START.search(record.message):
            return []
        self.failed = self.suspects.verdict(
            None, ready=False, stopping=ordered, settings=self._known
        )
        if self.failed is None:
            return []
        return [StartWaits(at, f"{STILL_RUNS}: {self.failed.cause}")]

    def _facts_of(
        self, at: Stamp, row: Wording, match: re.Match[str], rank: int | None
    ) -> list[StartFact]:
        if self.ready:
            return self._event(at, row, match)
        groups = {name: value for name, value in match.groupdict().items() if value is not None}
        facts = self._figures.identified(at, row, groups)
        facts += self.timeline.boundaries(at, row, groups)
        facts += self._ranks.boundaries(at, row, groups, rank)
        facts += progressed(at, row, groups, self.timeline.phase)
        if row.item == "graph" and self._waits.captured(match.string):
            reason = wait_sentence(self.waiting) if self.waiting else ""
            facts.append(StartWaits(at, reason))
        facts += self._figures.counted(at, row, groups)
        facts += self._figures.measured(at, row, groups, rank)
        return facts + self._event(at, row, match)

    def _event(self, at: Stamp, row: Wording, match: re.Match[str]) -> list[StartFact]:
        event = row.event
        if event is Event.BANNER or event is Event.SERVING_ADDRESS:
            self.has_api_server = True
        elif event is Event.WAITING:
            wait = self._waits.announced(self._number, match)
            return [] if self.ready else [StartWaits(at, wait_sentence(wait))]
        elif event is Event.JOINING and not self.ready:
            joining = self._waits.joined(match.string)
            return [StartWaits(at, wait_sentence(joining))] if joining else []
        elif event is Event.ENGINE_READY:
            self.engine_ready_at = at
        elif event is Event.ROUTES:
            self._routes_at, self.has_api_server = at, True
        elif event is Event.SERVERS:
            self._servers = self._servers_awaited = int(match["servers"])
        elif event is Event.SHUTDOWN and self.stopping_at is None:
            return self._shut_down(at)
        elif event is Event.READY and not self.ready and self.timeline.phase is not None:
            self._servers_awaited -= 1
            return self._became_ready(at) if self._servers_awaited <= 0 else []
        elif event is Event.SERVING and self.ready and not _WITHOUT_TOKENS.search(match.string):
            self._waits.over()
        elif event is Event.SERVING and self._routes_at is not None and not self.ready:
            return self._became_ready(self._routes_at)
        return []

    def _shut_down(self, at: Stamp) -> list[StartFact]:
        facts: list[StartFact] = []
        if self._routes_at is not None and not self.ready and not self.suspects.hopeless:
            facts = self._became_ready(self._routes_at)
        if not self.suspects.died:
            self.stopping_at = at
        return facts

    def _became_ready(self, at: Stamp) -> list[StartFact]:
        self.ready = True
        self._waits.over()
        self.suspects.forget()
        return [BecameReady(at)]
