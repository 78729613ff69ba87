"""From the suspicious lines of a log and the way it ended to the one cause of a failure."""

import re
from collections.abc import Iterable
from dataclasses import replace
from signal import SIGKILL

from backends.domain.server import Exit
from backends.domain.start import Failure, FailureKind
from backends.domain.startup.crashes import CRASH
from backends.domain.startup.failure_row import Row
from backends.domain.startup.kinds import by_mechanism
from backends.domain.startup.lines import Record
from backends.domain.startup.root import Roots, Suspect, interesting_frames
from backends.domain.startup.sentences import figures_of
from backends.domain.startup.silent_end import CRASHES, signal_name, signal_of, silent_end

_UNORDERED = CRASHES | {SIGKILL}
"""Nobody stops a server that is ready with these."""
_FELLED = re.compile(r"Failed core proc\(s\): \{+'(?P<process>\w+)': -(?P<signal>\d{1,3})\}")
"""What vLLM's wrapper says of an engine that a signal ended, which could say nothing itself."""
_DEATH = re.compile(
    r"died unexpectedly|exited unexpectedly|EngineDeadError|pid \d+ died, exit|is already dead"
)
_SIGNALLED = re.compile(r"exit code: -(\d{1,3})\b")
_OF_THE_KERNEL = re.compile(r"NVRM: |Xid \(")
"""What a kernel log in between tells, which no process need have survived or not."""
_KERNEL_LOG = (
    "Look into the kernel log (`journalctl -k | grep -iE 'oom|killed process|xid|amdgpu'`): mostly "
    "the host ran out of memory, or the GPU met an error."
)
_WHO_SENT_IT = (
    "Find out who sent it: the kernel for want of memory (`journalctl -k | grep -i 'killed "
    "process'`), a job scheduler, another user."
)


SAYS_LITTLE = (FailureKind.KILLED, FailureKind.ENGINE_DIED, FailureKind.UNKNOWN)
"""What a log tells of a process that could say nothing."""


class Suspects:
    """Collects what may be the cause of a failure, and decides.

    The cause is the root of the first process that failed: a worker's before the engine's before
    the API server's, an earlier line before a later one; what only follows from another failure,
    or was survived, comes last. Lines that only report another process's failure never are.

    Attributes:
        died: a process of the engine ended, or met an error that ends it.
    """

    def __init__(self) -> None:
        self.died = False
        self._roots = Roots()
        self._death: Suspect | None = None

    @property
    def hopeless(self) -> bool:
        """Whether the start cannot succeed any more."""
        return self._roots.hopeless

    @property
    def doubtful(self) -> bool:
        """Whether a traceback was printed that no logger wrote, mostly that of a process's end."""
        return self._roots.doubtful

    def forget(self) -> None:
        """Forget what did not keep the server from becoming ready."""
        self.__init__()  # type: ignore[misc]

    def went_on(self, process: str) -> None:
        """Take into account that a process did more of its start after what it had met."""
        self._roots.went_on(process)

    def consider(
        self,
        number: int,
        record: Record,
        phase: str,
        *,
        died: bool,
        passed: Iterable[tuple[int, str]] = (),
    ) -> bool:
        """Take one line into account; return whether it tells of an ordered end instead.

        Args:
            number: of the line in the log.
            record: the line, taken apart.
            phase: in which the start is.
            died: it is known to tell of a process's death.
            passed: the lines before it that mean nothing by themselves.
        """
        for message in (record.message, *record.trace):
            if message.startswith("KeyboardInterrupt"):
                return True
            dead = _DEATH.search(message) is not None
            crashed = CRASH.search(message) is not None
            ended = crashed and not _OF_THE_KERNEL.search(message)
            self.died = self.died or died or dead or ended
            if dead or crashed or "initialization failed" in message:
                self._roots.native_before(passed, phase)
            if dead and self._death is None:
                self._death = Suspect(
                    number, message.strip()[:2000], message, record.process, 0, phase
                )
        self._roots.consider(number, record, phase)
        return False

    def verdict(
        self, exit_: Exit | None, *, ready: bool, stopping: bool, settings: dict[str, str]
    ) -> Failure | None:
        """Return the failure, None where there is none or nothing tells of one."""
        if stopping:
            return None
        signal = signal_of(exit_)
        if ready and not self.died and signal not in _UNORDERED:
            return None
        best = min(self._roots.suspects, key=Suspect.rank, default=None)
        hints = self._roots.hints
        if best is None and hints and (self.doubtful or exit_ is not None):
            best = min(hints, key=lambda hint: not hint.line.startswith("Failed to import"))
        said_little = best is None or ((best.crash or best.follows) and _row_of(best) is None)
        native = reversed(self._roots.native)
        if said_little and (best is not None or self.died or self.hopeless):
            best = next((one for one in native if _row_of(one) is not None), best)
        died = self._told_by_others(settings, ready=ready)
        died = self._without_last_line(died and self._with_last_words(died), ready=ready)
        if best is not None and not (
            self._is_of_a_request(best, ready=ready)
            or (best.follows and died and best.known is None)
        ):
            found = _failure(best, settings, ready=ready)
            return self._with_last_words(found) if best.crash else found
        told = self.hopeless or self.doubtful
        silent = silent_end(exit_, signal, settings, told=told)
        return died or self._without_last_line(silent, ready=ready)

    def _without_last_line(self, died: Failure | None, *, ready: bool) -> Failure | None:
        severed = min(self._roots.severed, key=Suspect.rank, default=None)
        silent = {FailureKind.ENGINE_DIED, FailureKind.UNKNOWN}
        if died is None or died.kind not in silent or severed is None:
            return died
        frame = next(interesting_frames(severed.frames), severed.frames[-1])
        during = f" during {severed.phase}" if severed.phase else ""
        return Failure(
            FailureKind.ENGINE_DIED if ready else FailureKind.UNKNOWN,
            severed.number,
            severed.line,
            f"{severed.process or 'vLLM'} raised an error{during} (raised in {frame}); the line "
            "that says which is missing from this log.",
            "Read the whole log, with standard error in it, from the server's launch on.",
        )

    def _with_last_words(self, failure: Failure) -> Failure:
        before = [one for one in self._roots.native if one.number < (failure.line_number or 0)]
        if not before or failure.kind not in {FailureKind.NATIVE_CRASH, FailureKind.ENGINE_DIED}:
            return failure
        said = f" Before that it wrote: {before[-1].line[:200]}"
        return replace(failure, cause=f"{failure.cause.rstrip('.')}.{said}")

    def _is_of_a_request(self, suspect: Suspect, *, ready: bool) -> bool:
        return ready and self._death is not None and suspect.place == 2 and not suspect.crash

    def _told_by_others(self, settings: dict[str, str], *, ready: bool) -> Failure | None:
        wrappers = self._roots.wrappers
        felled = next((one for one in wrappers if _FELLED.search(one.line)), None)
        if felled is not None:
            return _engine_felled(felled)
        told = self._death or (wrappers[0] if wrappers else None)
        if told is None:
            return None
        if not ready and not settings.get("phase") and not _SIGNALLED.search(told.line):
            return _root_is_missing(told)
        return _engine_died(told, settings, ready=ready)


def failure_behind(number: int, line: str, settings: dict[str, str], *, ready: bool) -> Failure:
    """Return the failure that a line behind the log tells, which no process of vLLM wrote."""
    suspect = Suspect(number, line, line, "", 0, settings.get("phase", ""))
    return _failure(suspect, settings, ready=ready)


def after_a_hang(failure: Failure | None, hung: str) -> Failure | None:
    """Return the failure that remains once it is known that the server hung.

    Args:
        failure: what else is known of the end, None for nothing.
        hung: why the server counted as hung when it ended; empty where it did not.
    """
    if not hung or (failure is not None and failure.kind not in SAYS_LITTLE):
        return failure
    end = f" Then: {failure.cause}" if failure is not None else ""
    return Failure(
        FailureKind.ENGINE_HUNG,
        failure.line_number if failure else None,
        failure.line if failure else "",
        f"The server hung while it served: {hung}.{end}",
        _HANG,
    )


_HANG = (
    "Look at what its processes do before it is stopped the next time (`py-spy dump --pid PID`, "
    "`nvidia-smi` for GPUs that are busy without progress), into the kernel log for GPU errors "
    "(`journalctl -k | grep -iE 'xid|amdgpu'`), and search vLLM's issues for the place."
)


def _failure(suspect: Suspect, settings: dict[str, str], *, ready: bool) -> Failure:
    frames = list(interesting_frames(suspect.frames))
    found = _row_of(suspect)
    figures = figures_of(suspect, frames, found and found[1], settings)
    if found is not None:
        row = found[0]
        kind, cause, remedy = row.kind, row.cause, row.remedy
    elif suspect.crash:
        kind, cause, remedy = _CRASHED
    elif ready:
        kind, (cause, remedy) = FailureKind.ENGINE_DIED, _UNSURVIVED
    else:
        kind, (cause, remedy) = FailureKind.UNKNOWN, _UNKNOWN
    return Failure(
        kind,
        suspect.number,
        suspect.line,
        " ".join(cause.format_map(figures).split()),
        " ".join(remedy.format_map(figures).split()),
    )


def _row_of(suspect: Suspect) -> tuple[Row, re.Match[str]] | None:
    frames = interesting_frames(suspect.frames)
    places = [f"{frame.path} {frame.function}" for frame in frames]
    # What only follows from another failure has none of the meaning that it would have by itself.
    return suspect.known or (None if suspect.follows else by_mechanism(places, suspect.text))


_CRASHED = (
    FailureKind.NATIVE_CRASH,
    "A process crashed in native code{crash_frame}{during}: {line}",
    (
        "Look into the kernel log (`journalctl -k`), and start once with PYTHONFAULTHANDLER=1: it "
        "prints where each thread was; another backend or release may not crash."
    ),
)
_UNSURVIVED = (
    "The engine met an error that it does not survive{in_frame}: {line}",
    "Read the traceback above this line in the log; search vLLM's issues for its text.",
)
_UNKNOWN = (
    "{process} raised an error that is not known here{during}{in_frame}.",
    "Read the traceback above this line in the log; search vLLM's issues for its text and {file}.",
)


def _engine_died(death: Suspect, settings: dict[str, str], *, ready: bool) -> Failure:
    phase = settings.get("phase")
    when = "while it served" if ready else f"while it started ({phase})" if phase else (
        "while it started"
    )  # fmt: skip
    named = re.search(r"(?:proc|Worker) (\S+)(?: pid \d+)? died", death.line)
    who = f"The process {named[1]}" if named else "The engine's process"
    ended_by = _SIGNALLED.search(death.line)
    signal = int(ended_by[1]) if ended_by else 0
    crashed = signal in CRASHES
    how = "crashed" if crashed else "was ended" if signal else "ended"
    by = f" ({signal_name(signal)})" if crashed else f" by {signal_name(signal)}" if signal else ""
    return Failure(
        FailureKind.NATIVE_CRASH if crashed else FailureKind.ENGINE_DIED,
        death.number,
        death.line,
        f"{who} {how}{by} {when} without an error message of its own.",
        _after(signal),
    )


def _after(signal: int, by_kernel: str = _KERNEL_LOG) -> str:
    """Return where to look after a signal ended a process, 0 for none that is known."""
    if signal in CRASHES:
        return _CRASHED[2]
    return by_kernel if signal in {0, SIGKILL} else _WHO_SENT_IT


def _root_is_missing(told: Suspect) -> Failure:
    """Return what a line tells of an earlier error, in a log that lacks the start before it."""
    return Failure(
        FailureKind.UNKNOWN,
        told.number,
        told.line,
        "A process failed; this log begins after that, so that its own error is not in it.",
        "Read the whole log from the server's launch on, with standard error in it.",
    )


def _engine_felled(told: Suspect) -> Failure:
    found = _FELLED.search(told.line)
    assert found is not None
    signal = int(found["signal"])
    crashed = signal in CRASHES
    return Failure(
        FailureKind.NATIVE_CRASH if crashed else FailureKind.KILLED,
        told.number,
        told.line,
        f"The process {found['process']} "
        + (f"crashed ({signal_name(signal)})" if crashed else f"was ended by {signal_name(signal)}")
        + " while the server started.",
        _after(signal, by_kernel=_WHO_SENT_IT),
    )
