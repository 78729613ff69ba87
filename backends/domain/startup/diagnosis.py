"""From the suspicious lines of a log and the way it ended to the one cause of a failure."""

import re
from collections import defaultdict
from dataclasses import dataclass
from signal import SIGKILL

from backends.domain.server import Exit
from backends.domain.start import Failure, FailureKind
from backends.domain.startup.failure_row import Row
from backends.domain.startup.failures import WRAPPERS, classify
from backends.domain.startup.lines import Record
from backends.domain.startup.silent_end import signal_name, signal_of, silent_end

WORDS = frozenset(
    {
        "Traceback",
        "During",
        "The above",
        "Failed",
        "Killed",
        "No",
        "Out",
        "[Errno",
        "vllm:",
        "vllm",
        "api_server.py:",
        "slurmstepd:",
        "  Value error",
    }
)
"""First words, beyond the names of exceptions, under which a cause may be told."""

_EXCEPTION = re.compile(r"[\w.]*(?:Error|Exception|Interrupt|Exit)(?::|$)")
_CHAIN = re.compile(r"(?:During handling of|The above exception was)")
_OTHER_CAUSES = re.compile(
    r"  Value error, |vllm(?: \w+)?: error: |api_server\.py: error: |\[Errno \d+\]|"
    r"Failed to load model - |Out of memory: |slurmstepd: .*oom|Killed$"
)
_USAGE = re.compile(r"(?:vllm(?: \w+)?|api_server\.py): error: ")
_LONGEST = 2000
_SECRET = re.compile(r"\b(?:hf_|sk-|nvapi-)[\w-]{8,}|(?<=--api-key[= ])\S+")
_FELLED = re.compile(r"Failed core proc\(s\): \{+'(?P<process>\w+)': -(?P<signal>\d+)\}")
"""What vLLM's wrapper says of an engine that a signal ended, which could say nothing itself."""
_HINT = re.compile(r"Failed to import from vllm|No platform detected")


def refuses_arguments(message: str) -> bool:
    """Tell whether a message is the end of a command line that vLLM did not accept."""
    return _USAGE.match(message) is not None


@dataclass(frozen=True, slots=True)
class _Suspect:
    number: int
    line: str
    place: int
    known: tuple[Row, re.Match[str]] | None


class Suspects:
    """Collects what may be the cause of a failure, and decides.

    The cause is the last exception of a process's first traceback: a worker's before the engine's
    before the API server's, one that the table knows before one that it does not, an earlier line
    before a later one. Lines that only report the failure of another process never are.

    Attributes:
        hopeless: the start cannot succeed any more.
        doubtful: a traceback was printed that no logger wrote, mostly that of a process's end.
        died: a process of the engine ended, or met an error that ends it.
    """

    def __init__(self) -> None:
        self.hopeless = False
        self.doubtful = False
        self.died = False
        self._suspects: list[_Suspect] = []
        self._hints: list[_Suspect] = []
        self._death: _Suspect | None = None
        self._felled: _Suspect | None = None
        self._chained: set[str] = set()

    def forget(self) -> None:
        """Forget what did not keep the server from becoming ready."""
        self.hopeless = self.doubtful = self.died = False
        self._suspects.clear()
        self._hints.clear()
        self._chained.clear()
        self._death = self._felled = None

    def consider(self, number: int, record: Record, *, died: bool) -> bool:
        """Take one line into account; return whether it tells of an ordered end instead."""
        if died:
            self._met_death(number, record)
        for message in (record.message, *record.trace):
            if message.startswith("KeyboardInterrupt"):
                return True
            self._consider(number, record, message)
        return False

    def verdict(
        self, exit_: Exit | None, *, ready: bool, stopping: bool, settings: dict[str, str]
    ) -> Failure | None:
        """Return the failure, None where there is none or nothing tells of one."""
        if stopping:
            return None
        signal = signal_of(exit_)
        if ready and not self.died and signal != SIGKILL:
            return None
        best = min(self._suspects, key=_rank, default=None)
        if best is None and self._hints and (self.doubtful or exit_ is not None):
            best = min(self._hints, key=lambda hint: not hint.line.startswith("Failed to import"))
        if best is not None:
            return _failure(best, settings, ready=ready)
        if self._death is not None:
            return _engine_died(self._death, ready=ready)
        if self._felled is not None:
            return _engine_felled(self._felled)
        return silent_end(exit_, signal, settings, told=self.hopeless or self.doubtful)

    def _met_death(self, number: int, record: Record) -> None:
        self.died = True
        if self._death is None and "died unexpectedly" in record.message:
            self._death = _Suspect(number, record.message, 0, None)

    def _consider(self, number: int, record: Record, message: str) -> None:
        if _CHAIN.match(message):
            self._chained.add(record.process)
        elif message.startswith("Traceback"):
            self.doubtful = self.doubtful or not record.level
        elif _HINT.match(message):
            self._hints.append(_Suspect(number, message, 3, classify(message)))
        elif WRAPPERS.search(message):
            self.hopeless = True
            self.died = self.died or "EngineDeadError" in message
            if _FELLED.search(message):
                self._felled = _Suspect(number, message, 2, None)
        elif _EXCEPTION.match(message) or _OTHER_CAUSES.match(message):
            line = _SECRET.sub("***", message.strip()[:_LONGEST])
            self._add(_Suspect(number, line, _place(record), classify(line)), record)

    def _add(self, suspect: _Suspect, record: Record) -> None:
        self.doubtful = self.doubtful or not record.level
        self.hopeless = self.hopeless or refuses_arguments(suspect.line)
        chained = record.process in self._chained
        self._chained.discard(record.process)
        before = self._suspects[-1] if self._suspects else None
        if chained and before is not None and before.place == suspect.place:
            if suspect.known is None and before.known is not None:
                return
            self._suspects[-1] = suspect
        elif len(self._suspects) < 100:
            self._suspects.append(suspect)


def _rank(suspect: _Suspect) -> tuple[bool, int, int]:
    return (suspect.known is None, suspect.place, suspect.number)


def _place(record: Record) -> int:
    if "Worker" in record.process:
        return 0
    return 1 if "EngineCore" in record.process else 2


def _failure(suspect: _Suspect, settings: dict[str, str], *, ready: bool) -> Failure:
    if suspect.known is None:
        kind = FailureKind.ENGINE_DIED if ready else FailureKind.UNKNOWN
        return Failure(
            kind,
            suspect.number,
            suspect.line,
            "The engine met an error that it does not survive."
            if ready
            else "vLLM raised an error that is not known here; the line is its own.",
            "Read the traceback above this line in the log; search vLLM's issues for its text.",
        )
    row, found = suspect.known
    figures = _figures(found, settings, suspect.line)
    return Failure(
        row.kind,
        suspect.number,
        suspect.line,
        row.cause.format_map(figures),
        row.remedy.format_map(figures),
    )


def _figures(found: re.Match[str], settings: dict[str, str], line: str) -> dict[str, str]:
    told = {name: value.rstrip(".") for name, value in found.groupdict().items() if value}
    figures: dict[str, str] = defaultdict(str, told)
    model = settings.get("model", "")
    figures["line"] = line[:200]
    figures.setdefault("port", settings.get("port", "8000"))
    figures.setdefault("choice", "see `vllm serve --help=all`")
    figures.setdefault("model", model or "MODEL")
    figures["named"] = f" {told['model']}" if "model" in told else ""
    figures["asked"] = told.get("asked") or told.get("name") or told.get("path") or model
    utilization = settings.get("gpu_memory_utilization")
    figures["utilization_note"] = f" (it was {utilization})" if utilization else ""
    figures["parser_flag"] = f"--{told.get('which', '').replace(' ', '-')}-parser"
    if "kv_cache_gib" in settings:
        figures["kv_note"] = f" ({settings['kv_cache_gib']} GiB)"
    if settings.get("phase"):
        figures["during"] = f" during {settings['phase']}"
    if "free" in told and "total" in told:
        figures["of_total"] = f": {told['free']} of {told['total']} were free"
    if "share" in told and float(told["total"]) > 0:
        figures["free_share"] = f"{int(float(told['free']) / float(told['total']) * 100) / 100:.2f}"
    if "heads" in told:
        heads = int(told["heads"])
        figures["divisors"] = ", ".join(str(n) for n in range(1, heads + 1) if heads % n == 0)
    if "found" in told:
        figures["found_cuda"] = f"{int(told['found']) // 1000}.{int(told['found']) % 1000 // 10}"
    return figures


def _engine_died(death: _Suspect, *, ready: bool) -> Failure:
    when = "while it served" if ready else "while it started"
    return Failure(
        FailureKind.ENGINE_DIED,
        death.number,
        death.line,
        f"A process of the engine ended {when} without a word of its own.",
        "Look into the kernel log (`journalctl -k | grep -iE 'oom|xid|amdgpu'`): mostly the host "
        "ran out of memory, or the GPU met an error.",
    )


def _engine_felled(told: _Suspect) -> Failure:
    found = _FELLED.search(told.line)
    assert found is not None
    return Failure(
        FailureKind.KILLED,
        told.number,
        told.line,
        f"The process {found['process']} was ended by {signal_name(int(found['signal']))} "
        "while the server started.",
        "Find out who sent it: the kernel for want of memory (`journalctl -k | grep -i 'killed "
        "process'`), a job scheduler, another user.",
    )
