"""The lines of a log in which a failure may show -> suspects, each with where it was raised."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from backends.domain.startup.crashes import (
    COMPLAINT,
    CRASH,
    CRASH_WORDS,
    NATIVE_ERROR,
    NATIVE_WARNING,
)
from backends.domain.startup.failure_row import Row
from backends.domain.startup.failures import FOLLOW_ONS, QUOTED, WRAPPERS, classify
from backends.domain.startup.lines import Record, head_of, read

WORDS = CRASH_WORDS | {
    "Traceback",
    "File",
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
    "WorkerProc",
    "EngineCore",
    "MPClient:",
    "docker:",
    "nvidia-container-cli:",
}
"""First words, beyond the names of exceptions, under which a cause may be told."""

ATTENTION_LINES = 400
"""Lines after such a line that may still be its traceback or the rest of its message."""

_EXCEPTION = re.compile(r"[\w.]*(?:Error|Exception|Interrupt|Exit|Exhausted)(?::|$)")
_ENDS_A_TRACEBACK = re.compile(r"[A-Za-z_][\w.]*(?:: |:?$)")
_CHAIN = re.compile(r"(?P<during>During handling of)|The above exception was")
_OTHER_CAUSES = re.compile(
    r"  (?:Value error|Assertion failed), |vllm(?: \w+)?: error: |api_server\.py: error: |"
    r"docker: Error response|nvidia-container-cli: \w+ error|"
    r"\[Errno \d+\]|Failed to load model - |Out of memory: |slurmstepd: .*oom|Killed$"
)
_USAGE = re.compile(r"(?:vllm(?: \w+)?|api_server\.py): error: ")
_FRAME = re.compile(
    r"\s*File (?:[\"\u201c](?P<path>[^\"\u201d]{1,400})[\"\u201d], "
    r"line (?P<line>\d{1,7}),? in (?P<name>\S+)|"
    r"(?P<cell_path>\S{1,400}\.py):(?P<cell_line>\d{1,7}), in (?:\w+\.)*(?P<cell_name>[\w<>]+)\()"
)
"""A page that was copied may have typographic quotes in place of Python's own; the other form is
a notebook's."""
_DETAIL = re.compile(r"(?:Value error|Assertion failed), ")
_ANNOUNCES = re.compile(r"\braised:$")
_HINT = re.compile(r"Failed to import from vllm|No platform detected")
_PASSING = re.compile(r"(?:[\w.]*\.)?(?:KeyError|ImportError|ModuleNotFoundError|AttributeError|"
                      r"FileNotFoundError|StopIteration|IndexError)(?::|$)")  # fmt: skip
"""What code mostly meets and answers with an exception that says more."""
_SAYS_NOTHING = re.compile(
    r"(?:CUDA|HIP) kernel errors might be|For debugging consider|Compile with `?TORCH_USE_|"
    r"Search for `?\w+'? in|Device-side assertion tracking|Set TORCHDYNAMO_VERBOSE|"
    r"You can suppress this exception"
)
"""What PyTorch puts behind every error of a device or of its compiler, whatever it was."""
_AT_THE_END = {"__del__", "_exitfunc", "shutdown"}
"""Functions in which a process meets only what its own end brings about."""
_BOILERPLATE = re.compile(r"(?<=\S) (?:CUDA|HIP) kernel errors might be asynchronously reported")
"""The same on one line with the error."""
_OUTSIDE = re.compile(r".*(?:site|dist)-packages/|.*/(?=vllm(?:_[a-z]+)?/\w)")
"""What stands before a package in the path of its file, or before vLLM's in a checkout of it."""
_WHAT = re.compile(r"\s*what\(\):\s+(?P<what>\S.*)")
_SECRET = re.compile(r"\b(?:hf_|sk-|nvapi-)[\w-]{8,}|(?<=--api-key[= ])\S+")
_LONGEST, _LONGEST_TEXT = 2000, 6000
_MOST_FRAMES, _MOST_MORE, _MOST_PROCESSES, _MOST_SUSPECTS = 60, 40, 64, 100
_MOST_NATIVE = 8


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame of a traceback."""

    path: str
    line: str
    function: str

    def __str__(self) -> str:
        file = _OUTSIDE.sub("", self.path, count=1)
        return f"{file}:{self.line} in {self.function}"


@dataclass(slots=True)
class Suspect:
    """A line that may be the root, and all that the log says around it.

    Attributes:
        line: as its writer wrote it, without prefix.
        said: what counts of the line, where a wrapper only quotes it.
        place: 0 in a worker or in native code, 1 in the engine, 2 in the API server.
        frames: of its traceback, the innermost last.
        more: the lines that continue the message.
        phase: of the start, when the line was read.
        crash: a runtime wrote it, not Python.
        survived: its process went on with the start afterwards.
    """

    number: int
    line: str
    said: str
    process: str
    place: int
    phase: str
    frames: list[Frame] = field(default_factory=list)
    more: list[str] = field(default_factory=list)
    crash: bool = False
    survived: bool = False

    @property
    def text(self) -> str:
        """The message with the lines that continue it."""
        return "\n".join((self.said, *self.more))[:_LONGEST_TEXT]

    @property
    def known(self) -> tuple[Row, re.Match[str]] | None:
        """The row of the table that knows it."""
        return classify(
            self.text, self.phase, [frame.path + frame.function for frame in self.frames]
        )

    @property
    def follows(self) -> bool:
        """Whether it only tells that another process has failed before."""
        ends = any(frame.function in _AT_THE_END for frame in self.frames)
        return ends or FOLLOW_ONS.search(self.said) is not None

    def rank(self) -> tuple[int, int, int]:
        """Return the order of roots: what follows from another failure last, workers first."""
        if self.follows:
            tier = 3
        elif self.survived:
            tier = 2
        else:
            tier = 0 if self.crash or self.known is not None else 1
        return (tier, self.place, self.number)


@dataclass(slots=True)
class _Block:
    """What one process is about to tell."""

    frames: list[Frame] = field(default_factory=list)
    open: bool = False
    chained: bool = False
    suspect: Suspect | None = None
    last_frame: Suspect | None = None
    """The line of the innermost frame."""

    @property
    def severed(self) -> Suspect | None:
        """What was raised where the frames end, if the line that says what is missing."""
        last = self.last_frame
        if not self.open or last is None or not self.frames:
            return None
        return replace(last, line=last.said.strip(), frames=list(self.frames))


def refuses_arguments(message: str) -> bool:
    """Tell whether a message is the end of a command line that vLLM did not accept."""
    return _USAGE.match(message) is not None


class Roots:
    """Collects suspects line by line, each process's traceback by itself.

    Attributes:
        doubtful: a traceback was printed that no logger wrote, mostly that of a process's end.
        hopeless: a line told that the start cannot succeed any more.
        native: what native code said of errors, since the start last went on.
    """

    def __init__(self) -> None:
        self.doubtful = self.hopeless = False
        self.suspects: list[Suspect] = []
        self.hints: list[Suspect] = []
        self.wrappers: list[Suspect] = []
        self.native: list[Suspect] = []
        self._severed: list[Suspect] = []
        self._crashes = 0
        self._blocks: dict[str, _Block] = {}

    def forget(self) -> None:
        """Forget what did not keep the server from becoming ready."""
        self.__init__()  # type: ignore[misc]

    def went_on(self, process: str) -> None:
        """Take into account that a process did more of its start after what it had met."""
        self.native.clear()
        for suspect in self.suspects:
            if suspect.process == process and not suspect.crash:
                suspect.survived = True

    def native_before(self, passed: Iterable[tuple[int, str]], phase: str) -> None:
        """Take the lines before a crash or death into account that say what went wrong."""
        if self._crashes >= _MOST_SUSPECTS:
            return
        self._crashes += 1
        said = {one.number for one in self.native}
        for number, line in passed:
            head = head_of(line)
            message = read(line, head).message
            of_a_logger = head.stamp and not head.outer
            if number not in said and not of_a_logger and COMPLAINT.search(message):
                self.native.append(_told(Suspect(number, "", message[:_LONGEST], "", 0, phase)))
        self.native.sort(key=lambda one: one.number)
        del self.native[:-_MOST_NATIVE]

    def consider(self, number: int, record: Record, phase: str) -> None:
        """Take one line of the log into account."""
        block = self._blocks.get(record.process)
        if block is None:
            if len(self._blocks) >= _MOST_PROCESSES:
                self._blocks.clear()
            block = self._blocks[record.process] = _Block()
        for message in (record.message, *record.trace):
            if message.strip():
                text = message[:_LONGEST]
                new = Suspect(number, "", text, record.process, _place(record), phase)
                self._consider(new, block, record)

    def _consider(self, new: Suspect, block: _Block, record: Record) -> None:
        message = new.said
        frame = _FRAME.match(message)
        if frame is not None:
            path, line, name = (part for part in frame.groups() if part is not None)
            _add_frame(block, Frame(path.replace("\\", "/"), line, name))
            block.last_frame = new
        elif message[0] == " " and not _OTHER_CAUSES.match(message):
            _continue(block, new, record)
        elif message.startswith("Traceback"):
            self.doubtful = self.doubtful or not record.level
            self._keep(block.severed)
            block.frames, block.open, block.suspect = [], True, None
        elif chain := _CHAIN.match(message):
            block.chained = chain is not None
            block.suspect = None
        elif _HINT.match(message):
            self.hints.append(_told(new))
        elif CRASH.search(message):
            # Python mostly tells first what then aborts the process that said it.
            first = 0 if not self.suspects else 2
            new.crash, new.place = True, new.place if record.process else first
            self._add(new, block, record)
        elif NATIVE_WARNING.search(message):
            if classify(message, new.phase, []) is not None:
                new.place = 0
                self._add(new, block, record)
        elif block.suspect is None and NATIVE_ERROR.match(message):
            new.place = 0
            self.native.append(_told(new))
            del self.native[:-_MOST_NATIVE]
        elif WRAPPERS.search(message):
            self._wrapped(new, block)
        elif self._is_exception(message, block) or _OTHER_CAUSES.match(message):
            self._add(new, block, record)
        else:
            _continue(block, new, record)

    def _keep(self, severed: Suspect | None) -> None:
        if severed is not None and len(self._severed) < _MOST_SUSPECTS:
            self._severed.append(severed)

    @property
    def severed(self) -> list[Suspect]:
        """The tracebacks whose last line is missing, each with the line of its last frame."""
        open_ones = (block.severed for block in self._blocks.values())
        return [*self._severed, *(one for one in open_ones if one is not None)]

    def _is_exception(self, message: str, block: _Block) -> bool:
        if _EXCEPTION.match(message):
            return True
        ends = (block.open and bool(block.frames)) or (block.open and block.suspect is None)
        return bool(ends and block.suspect is None and _ENDS_A_TRACEBACK.match(message))

    def _wrapped(self, new: Suspect, block: _Block) -> None:
        self.hopeless = True
        block.open, block.suspect = False, None
        quoted = QUOTED.search(new.said)
        if quoted is not None and quoted["quote"].strip():
            new.line, new.said = _neutral(new.said), quoted["quote"]
            new.place, block.frames = 3, []
            self._append(new)
        elif len(self.wrappers) < _MOST_SUSPECTS:
            self.wrappers.append(_told(new))

    def _add(self, new: Suspect, block: _Block, record: Record) -> None:
        self.doubtful = self.doubtful or not record.level
        self.hopeless = self.hopeless or refuses_arguments(new.said.strip())
        of = block.suspect
        _told(new)
        new.frames, block.frames, block.open = block.frames, [], False
        if not record.process and not new.crash:
            new.place = min(new.place, _place_of(new.frames))
        if of in self.suspects and _ANNOUNCES.search(of.said):
            of.more.append(new.said)
            return
        if of in self.suspects and _DETAIL.match(new.said) and not _DETAIL.match(of.said):
            # pydantic's error only counts what its lines then tell.
            new.frames = of.frames
            self.suspects.remove(of)
        chained, block.chained = block.chained, False
        block.suspect = new
        before = next((one for one in reversed(self.suspects) if one.process == new.process), None)
        if chained and before is not None:
            if _tells_more(before, new):
                return
            self.suspects.remove(before)
        self._append(new)

    def _append(self, new: Suspect) -> None:
        if len(self.suspects) < _MOST_SUSPECTS:
            self.suspects.append(new)


def _tells_more(before: Suspect, new: Suspect) -> bool:
    """Tell whether the first of two chained exceptions is the better root."""
    if new.known is not None or before.known is not None:
        return new.known is None
    return not _PASSING.match(before.said)


def _told(new: Suspect) -> Suspect:
    new.said = _BOILERPLATE.split(_neutral(new.said))[0]
    new.line = new.said
    return new


def _neutral(message: str) -> str:
    return _SECRET.sub("***", message.strip()[:_LONGEST])


def _add_frame(block: _Block, frame: Frame) -> None:
    if block.suspect is not None and block.suspect.crash:
        # Python's own report of a crash shows the most recent call first, after the message.
        if len(block.suspect.frames) < _MOST_FRAMES:
            block.suspect.frames.insert(0, frame)
        return
    block.open, block.suspect = True, None
    block.frames.append(frame)
    del block.frames[:-_MOST_FRAMES]


def _continue(block: _Block, new: Suspect, record: Record) -> None:
    suspect, message = block.suspect, new.said
    if suspect is None or block.chained or _SAYS_NOTHING.match(message):
        return
    if suspect.crash and (what := _WHAT.match(message)):
        suspect.number, suspect.line, suspect.said = new.number, message.strip(), what["what"]
        return
    if record.level in {"INFO", "DEBUG", "WARNING"} or len(suspect.more) >= _MOST_MORE:
        block.suspect = None
        return
    suspect.more.append(_neutral(message)[:400])


def _place(record: Record) -> int:
    if "Worker" in record.process or record.process.startswith("rank "):
        return 0
    return 1 if "EngineCore" in record.process else 2


def _place_of(frames: list[Frame]) -> int:
    """Return whose traceback it is, where no prefix says so: both loops are a process's own."""
    functions = {frame.function for frame in frames}
    if functions & {"worker_main", "worker_busy_loop"}:
        return 0
    engine = {"run_engine_core", "run_busy_loop", "run_mp_engine", "engine_step"}
    return 1 if functions & engine else 2


def interesting_frames(frames: list[Frame]) -> Iterator[Frame]:
    """Yield the frames from the innermost on, without those of Python and of mere dispatch."""
    for frame in reversed(frames):
        if not _DISPATCH.search(frame.path):
            yield frame


_DISPATCH = re.compile(
    r"torch/nn/modules|torch/_dynamo|torch/utils/_contextlib|torch/_ops\.py|<frozen|"
    r"/lib/python3\.\d+/(?!site-packages|dist-packages)|/concurrent/|/contextlib\.py|"
    r"multiprocessing|asyncio|uvloop|pluggy|libc_sigaction|nptl/"
)
