"""How far a start got that is not over where its log ends, and what it waits for."""

import re
from dataclasses import dataclass, replace

from backends.domain.format import spoken
from backends.domain.start import Outcome, Phase, PhaseName, Progress, Start

LONG_SILENCE_S = 120.0
"""A worker that is silent for longer hangs. vLLM says so each minute (its
`VLLM_RINGBUFFER_WARNING_INTERVAL`), and the first such line comes of a slow kernel build too."""

_BAR_CLOCK = re.compile(r"\[(?P<clock>\d{1,3}(?::\d\d){1,2})<")


@dataclass(frozen=True, slots=True)
class Wait:
    """A wait that the log announced.

    Attributes:
        what: who waits for what, with ``{seconds}`` for how long.
        seconds: waited until the latest line that tells of it.
        remedy: what to look at, empty where nothing is known.
    """

    what: str
    seconds: float
    remedy: str


def announced(groups: dict[str, str], before: Wait | None) -> Wait:
    """Return the wait that a line tells of; repeated lines of one kind add up."""
    if "placement_s" in groups:
        gpus = groups.get("specs", "").count("'GPU'")
        return Wait(
            f"waiting for {{seconds}} s for Ray to give {gpus or 'the'} GPUs",
            float(groups["placement_s"]),
            "see `ray status` for what the cluster has, and set VLLM_HOST_IP on each node to the "
            "address under which Ray knows it",
        )
    what = "the engine has waited {seconds} s for a worker that does not answer"
    seconds = float(groups["silent_s"])
    if before is not None and before.what == what:
        seconds += before.seconds
    return Wait(
        what,
        seconds,
        "it hangs, or it compiles or builds kernels for long: `py-spy dump --pid PID` of the "
        "worker shows which",
    )


_RANK = re.compile(
    r"world_size=(?P<world>\d{1,6}) rank=(?P<rank>\d{1,6}) local_rank=\d{1,6} "
    r"distributed_init_method=(?:\w{1,10}://)?(?P<address>[^\s,]{1,200})"
)


class Ranks:
    """The ranks that began to wait for one another, as far as one log tells of them."""

    def __init__(self) -> None:
        self._seen: set[int] = set()

    def joined(self, message: str) -> Wait | None:
        """Return what is waited for once one more rank is there; None for a rank by itself."""
        found = _RANK.match(message)
        if found is None or int(found["world"]) < 2:
            return None
        self._seen.add(int(found["rank"]))
        world, address = int(found["world"]), found["address"]
        awaited = "until all are connected"
        if len(self._seen) < world:
            awaited = f"and {world - len(self._seen)} of them are not in this log yet"
        return Wait(
            f"{len(self._seen)} of {world} ranks wait at {address} to join, {awaited}",
            0.0,
            "look into the logs of the other ranks and nodes; each must reach that address "
            "(VLLM_HOST_IP, firewall) and be started with the same sizes",
        )


class Waits:
    """What one start waits for, as its lines announce it.

    Attributes:
        now: the wait that was announced last, None once the start went on.
        since: the number and text of the line that announced it first.
    """

    def __init__(self) -> None:
        self.now: Wait | None = None
        self.since: tuple[int, str] = (0, "")
        self._ranks = Ranks()
        self._crawled = False

    def announced(self, number: int, match: re.Match[str]) -> Wait:
        """Return the wait that a line tells of."""
        if self.now is None:
            self.since = number, match.string
        self.now = announced(match.groupdict(), self.now)
        return self.now

    def joined(self, message: str) -> Wait | None:
        """Return what is waited for once one more rank is there."""
        self.now = self._ranks.joined(message)
        return self.now

    def captured(self, bar: str) -> bool:
        """Take the bar of a capture into account; return whether it crawls, or did until now."""
        self.now, crawled = crawling_capture(bar), self._crawled
        self._crawled = self.now is not None
        return crawled or self._crawled

    def over(self) -> None:
        """Forget the wait: the start went on."""
        self.now = None


LONG_CAPTURE_S = 600.0
"""A capture of CUDA graphs that goes on for longer than this crawls: mostly it takes a minute."""
_SLOW_BAR = re.compile(
    r".*(?<!\d)(?P<done>\d{1,9})/(?P<total>\d{1,9}) \[[^\]]{1,40}, +(?P<each>\d{1,9}(?:\.\d+)?)s/it"
)


def crawling_capture(bar: str) -> Wait | None:
    """Return that the capture of CUDA graphs which a progress bar shows will take very long."""
    found = _SLOW_BAR.match(bar)
    if found is None:
        return None
    done, total, each_s = int(found["done"]), int(found["total"]), float(found["each"])
    left_s = (total - done) * each_s
    if left_s < LONG_CAPTURE_S:
        return None
    return Wait(
        f"the capture of CUDA graphs crawls: {done} of {total}, {each_s:.0f} s each, about "
        f"{spoken(left_s)} to go",
        0.0,
        "see whether the host's CPUs are busy (`top`): with LoRA or kernels that are compiled "
        "meanwhile fewer sizes (--compilation-config "
        "'{\"cudagraph_capture_sizes\": [1, 2, 4, 8]}'), or --enforce-eager, start sooner",
    )


def bar_clock_s(line: str) -> float:
    """Return how long a progress bar says that it has run, in seconds; 0 where it says nothing."""
    found = _BAR_CLOCK.search(line)
    seconds = 0
    for part in found["clock"].split(":") if found else ():
        seconds = seconds * 60 + int(part)
    return float(seconds)


def with_standing(start: Start, wait: Wait | None, bar_s: float) -> Start:
    """Return an incomplete start with the sentence that says how far it got.

    Args:
        start: as its lines tell it.
        wait: what the log announced last.
        bar_s: how long the bar of the weights says that it has run.
    """
    if start.outcome is not Outcome.INCOMPLETE:
        return start
    told = [text for text in (_progress(start, bar_s), wait_sentence(wait) if wait else "") if text]
    if not told and start.phases:
        last = start.phases[-1]
        told = [f"the log ends in {last.name}{_lasting(last.duration_s)}"]
    phases = tuple(_with_count(phase, start.progress) for phase in start.phases)
    return replace(start, phases=phases, standing="; ".join(told) or None)


def _with_count(phase: Phase, progress: Progress | None) -> Phase:
    if progress is None or progress.phase is not phase.name or progress.total is None:
        return phase
    count = f"{progress.done} of {progress.total}"
    detail = dict(phase.detail) | {progress.item: count}
    return replace(phase, detail=tuple(detail.items()))


def _progress(start: Start, bar_s: float) -> str:
    progress = start.progress
    if progress is None or progress.total is None:
        return ""
    phase = next((one for one in start.phases if one.name is progress.phase), None)
    loads = progress.phase is PhaseName.LOAD_WEIGHTS
    seconds = bar_s if loads and bar_s else phase.duration_s if phase is not None else None
    text = f"{progress.phase}: {progress.done} of {progress.total} {progress.item}s"
    text += f", {seconds:.0f} s" if seconds else ""
    size = dict(start.settings).get("checkpoint_gib")
    if loads and size and seconds and progress.total:
        read_gib = float(size) * progress.done / progress.total
        text += f", {read_gib / seconds:.2f} GiB/s"
    return text


def wait_sentence(wait: Wait) -> str:
    """Return who waits for what, how long already, and what to look at."""
    return f"{wait.what.replace('{seconds}', f'{wait.seconds:.0f}')}: {wait.remedy}"


def _lasting(seconds: float | None) -> str:
    return f", {seconds:.0f} s after it began" if seconds else ""
