"""Lines of one start -> facts about it, one line at a time; used live and on recorded logs."""

import re

from backends.domain.facts import (
    BecameReady,
    FailureSeen,
    KvCacheSized,
    MemoryReported,
    PhaseProgressed,
    PhaseReported,
    StartFact,
    StartIdentified,
)
from backends.domain.server import Exit
from backends.domain.stamp import Stamp
from backends.domain.start import MemoryPart, PhaseName
from backends.domain.startup.diagnosis import WORDS as FAILURE_WORDS
from backends.domain.startup.diagnosis import Suspects
from backends.domain.startup.lines import Record, glance, read
from backends.domain.startup.settings import global_rank, settings_of
from backends.domain.startup.timeline import Timeline
from backends.domain.startup.wording import Event, Wording
from backends.domain.startup.wordings import WORDS, find

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
_NO_SETTINGS = frozenset(
    {"took", "done", "total", "mode", "version", "model", "args", "config", "module"}
    | {"servers", "compilation", "tokens", "concurrency", "blocks", "per_request"}
    | {"weights", "kv_cache", "cuda_graphs", "activation_peak"}
)
_PARTS: tuple[MemoryPart, ...] = ("weights", "kv_cache", "cuda_graphs", "activation_peak")
_GLUED = re.compile(r"(?:it/s|s/it)\](?=\S)")


_ALL_WORDS = WORDS | FAILURE_WORDS


def is_interesting(word: str) -> bool:
    """Tell whether a line whose message begins with `word` can mean anything to a reader."""
    return word in _ALL_WORDS or word.endswith(_EXCEPTIONS)


class StartReader:
    """Reads the log of one start.

    Attributes:
        stopping_at: when the log first told of an ordered shutdown, None while it does not.
        engine_ready_at: when the engine had come up, None before.
        has_api_server: the log told of an API server, so the engine alone is not yet ready.
        ready: the log told that the server answers.
    """

    def __init__(self) -> None:
        self.stopping_at: Stamp | None = None
        self.engine_ready_at: Stamp | None = None
        self.has_api_server = False
        self.ready = False
        self._routes_at: Stamp | None = None
        self._timeline = Timeline()
        self._suspects = Suspects()
        self._settings: dict[str, str] = {}
        self._model = ""
        self._parts: dict[str, str] = {}
        self._servers_awaited = 1
        self._kv_tokens: int | None = None
        self._weights_time_told = False
        self._compile_told = False
        self._number = 0
        self._latest: Stamp | None = None

    @property
    def over(self) -> bool:
        """Whether the log has told of the end: the start cannot succeed, or was ordered to stop."""
        return self._suspects.hopeless or (self.stopping_at is not None)

    @property
    def doubtful(self) -> bool:
        """Whether a traceback was printed that may or may not have been the end."""
        return self._suspects.doubtful

    @property
    def reached(self) -> PhaseName | None:
        """The phase that the start is in, None before the first."""
        return self._timeline.phase

    def feed(self, at: Stamp, line: str, number: int | None = None) -> list[StartFact]:
        """Return what one line tells; `number` is its place in the log, counted here if None."""
        self._number = self._number + 1 if number is None else number
        self._latest = at
        glimpse = glance(line)
        if not is_interesting(glimpse.word):
            return []
        record = read(line, glimpse)
        facts = self._read(at, record)
        glued = _GLUED.search(record.message)
        if glued and facts:
            facts += self.feed(at, record.message[glued.end() :], self._number)
        return facts

    def close(self, at: Stamp, exit: Exit | None) -> list[StartFact]:  # noqa: A002
        """Return what the end of the log tells; `exit` is None where nobody saw the process end."""
        facts: list[StartFact] = []
        if not self.ready and self.stopping_at is None:
            facts += self._ready_after_all()
        known = self._settings | {"model": self._model, "phase": self._timeline.phase or ""}
        known |= {f"{part}_gib": gib for part, gib in self._parts.items()}
        failure = self._suspects.verdict(
            exit, ready=self.ready, stopping=self.stopping_at is not None, settings=known
        )
        if failure is not None:
            facts.append(FailureSeen(at, failure))
        return facts

    def _ready_after_all(self) -> list[StartFact]:
        # An engine used without a server never says that it is ready, and a log without uvicorn's
        # stream shows a server that announced its routes but never that it had started.
        doubtful = self.has_api_server and self._suspects.doubtful
        if self._suspects.hopeless or doubtful:
            return []
        at = self._routes_at if self.has_api_server else self.engine_ready_at
        return [] if at is None else self._became_ready(at)

    def _read(self, at: Stamp, record: Record) -> list[StartFact]:
        found = find(record.word, record.tag, record.message)
        if found is None or found[0].event is Event.DIED:
            self._suspect(at, record, died=found is not None)
            return []
        row, match = found
        return self._told(at, row, match, self._rank(record))

    def _suspect(self, at: Stamp, record: Record, *, died: bool) -> None:
        if self.stopping_at is None:
            ordered = self._suspects.consider(self._number, record, died=died)
            if ordered:
                self.stopping_at = at

    def _told(
        self, at: Stamp, row: Wording, match: re.Match[str], rank: int | None
    ) -> list[StartFact]:
        if self.ready:
            return self._event(at, row, match)
        groups = {name: value for name, value in match.groupdict().items() if value is not None}
        facts: list[StartFact] = list(self._identified(at, row, groups))
        took_s = float(groups["took"]) if "took" in groups else None
        facts += self._timeline.told(at, row, groups)
        if took_s is not None:
            facts += self._reported(at, row, took_s, rank, groups)
        if "done" in groups:
            done, total = int(groups["done"]), int(groups["total"])
            phase = row.begins or self._timeline.phase or PhaseName.LOAD_WEIGHTS
            item = f"{groups['mode']} {row.item}" if "mode" in groups else row.item
            facts.append(PhaseProgressed(at, phase, item, done, total))
        for part in _PARTS:
            if part in groups:
                facts.append(MemoryReported(at, part, float(groups[part]), rank))
                self._parts[part] = groups[part]
        facts += self._kv_sized(at, groups)
        facts += self._event(at, row, match)
        return facts

    def _identified(self, at: Stamp, row: Wording, groups: dict[str, str]) -> list[StartFact]:
        told = settings_of(groups.get("args", ""), groups.get("config", ""))
        told |= {k: v for k, v in groups.items() if k not in _NO_SETTINGS}
        if row.setting:
            told |= dict([row.setting])
        model = groups.get("model") or told.pop("model", None)
        new = {name: value for name, value in told.items() if name not in self._settings}
        if told.get("compile_cache") == "miss" and self._settings.get("compile_cache") == "hit":
            new["compile_cache"] = "miss"
        self._settings |= new
        self._model = self._model or model or ""
        if not (new or model or "version" in groups):
            return []
        return [StartIdentified(at, groups.get("version"), model, tuple(new.items()))]

    def _reported(
        self, at: Stamp, row: Wording, took_s: float, rank: int | None, groups: dict[str, str]
    ) -> list[StartFact]:
        phase = row.reports or row.ends
        if row.event is Event.ENGINE_READY:
            facts: list[StartFact] = [
                PhaseReported(at, PhaseName.START_API, took_s, rank, row.measure)
            ]
            if "compilation" in groups and not self._compile_told:
                seconds = float(groups["compilation"])
                facts.append(PhaseReported(at, PhaseName.COMPILE, seconds, rank, "compile_s"))
            return facts
        if row.event is Event.BUILD_ENDED:
            return [PhaseReported(at, PhaseName.JIT_BUILD, took_s, rank)]
        if phase is PhaseName.LOAD_WEIGHTS and row.measure:
            self._weights_time_told = True
        elif phase is PhaseName.LOAD_WEIGHTS and self._weights_time_told:
            return []  # "Model loading took" repeats what "Loading weights took" said, and more
        if phase is PhaseName.COMPILE:
            if not row.measure:
                return []  # Dynamo's share is part of the total that follows
            self._compile_told = True
        return [] if phase is None else [PhaseReported(at, phase, took_s, rank, row.measure)]

    def _kv_sized(self, at: Stamp, groups: dict[str, str]) -> list[StartFact]:
        concurrency = float(groups["concurrency"]) if "concurrency" in groups else None
        if "tokens" in groups:
            self._kv_tokens = int(groups["tokens"].replace(",", ""))
        elif "blocks" in groups:
            self._settings["kv_blocks"] = groups["blocks"]
        elif concurrency is not None and self._kv_tokens is None:
            self._kv_tokens = self._tokens_of_blocks(groups["per_request"], concurrency)
        if self._kv_tokens is None or not ("tokens" in groups or concurrency is not None):
            return []
        return [KvCacheSized(at, self._kv_tokens, concurrency)]

    def _tokens_of_blocks(self, per_request: str, concurrency: float) -> int | None:
        # The V0 engine gives blocks; their size follows from the concurrency printed beside them.
        request = int(per_request.replace(",", ""))
        blocks = int(self._settings.get("kv_blocks", "0"))
        for block_size in (16, 32, 64, 128, 8, 1):
            if blocks and request and abs(blocks * block_size / request - concurrency) < 0.0051:
                return blocks * block_size
        return None

    def _event(self, at: Stamp, row: Wording, match: re.Match[str]) -> list[StartFact]:
        event = row.event
        if event is Event.BANNER or event is Event.SERVING_ADDRESS:
            self.has_api_server = True
        elif event is Event.ENGINE_READY:
            self.engine_ready_at = at
        elif event is Event.ROUTES:
            self._routes_at, self.has_api_server = at, True
        elif event is Event.SERVERS:
            self._servers_awaited = int(match["servers"])
        elif event is Event.SHUTDOWN and self.stopping_at is None:
            return self._shut_down(at)
        elif event is Event.READY and not self.ready and self._timeline.phase is not None:
            self._servers_awaited -= 1
            return self._became_ready(at) if self._servers_awaited <= 0 else []
        elif event is Event.SERVING and self._routes_at is not None and not self.ready:
            return self._became_ready(self._routes_at)
        return []

    def _shut_down(self, at: Stamp) -> list[StartFact]:
        facts: list[StartFact] = []
        if self._routes_at is not None and not self.ready and not self._suspects.hopeless:
            facts = self._became_ready(self._routes_at)
        if not self._suspects.died:
            self.stopping_at = at
        return facts

    def _became_ready(self, at: Stamp) -> list[StartFact]:
        self.ready = True
        self._suspects.forget()
        return [BecameReady(at)]

    def _rank(self, record: Record) -> int | None:
        return (
            record.rank if record.rank is not None else global_rank(record.process, self._settings)
        )
