"""Plays cues: waits for each one's time, prints it in vLLM's wording, and reports the memory."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from backends.simulated.arguments import ServeArguments
from backends.simulated.pace import Pace
from backends.simulated.script import Author, StartScript
from backends.simulated.timeline import Cue
from backends.simulated.wording import Speaker, Wording


@dataclass(frozen=True, slots=True)
class Seconds:
    """A duration in a text: ``{seconds:24.02}`` prints it at the speed of the simulation."""

    speed: float

    def __format__(self, recorded: str) -> str:
        decimals = len(recorded.partition(".")[2])
        return f"{float(recorded) / self.speed:.{decimals}f}"


def _forget(_figure: float) -> None:
    """Take no note of it."""


@dataclass(slots=True)
class Player:
    """Prints cues as their authors, each at its time.

    Attributes:
        speakers: who speaks for each author, one for each rank where there are several.
        wait_until: sleeps until that many recorded seconds after launch.
        hold: gets what every rank holds after a cue, in bytes.
        busy: gets how busy the device is after a cue, in percent.
    """

    wording: Wording
    pace: Pace
    values: dict[str, object]
    speakers: dict[Author, list[Speaker]]
    wait_until: Callable[[float], None]
    hold: Callable[[int], None] = field(default=_forget)
    busy: Callable[[float], None] = field(default=_forget)

    def play(self, cues: Iterable[Cue]) -> None:
        """Print every cue at its time, and report the memory with it."""
        for cue in cues:
            self.wait_until(cue.at_s)
            if cue.memory_bytes is not None:
                self.hold(cue.memory_bytes)
            if cue.step.busy_percent is not None and not cue.done:
                self.busy(cue.step.busy_percent)
            if cue.step.bar:
                self._draw(cue)
            else:
                self._say(cue)

    def _draw(self, cue: Cue) -> None:
        step = cue.step
        who = self.speakers[step.by][0]
        elapsed_s = (cue.at_s - cue.began_s) / self.pace.speed
        if step.bar == "shards":
            self.wording.shards(who, cue.done, step.items, elapsed_s)
        else:
            self.wording.bar(who, step.bar, cue.done, step.items, elapsed_s)

    def _say(self, cue: Cue) -> None:
        step = cue.step
        speakers = self.speakers[step.by]
        for rank, who in enumerate(speakers if step.ranks == "all" else speakers[:1]):
            text = step.text.format_map({**self.values, "rank": rank, "pid": who.pid})
            if step.source:
                self.wording.record(who, text, level=step.level, source=step.source, bare=step.bare)
            else:
                self.wording.raw(who, text, stream=step.stream)


def spoken_values(
    script: StartScript, arguments: ServeArguments, speed: float
) -> dict[str, object]:
    """Return what the placeholders of a script's text stand for in this start."""
    max_model_len = arguments.max_model_len or script.max_model_len
    return {
        "model": arguments.model,
        "served": arguments.served,
        "host": arguments.host or "127.0.0.1",
        "port": arguments.port,
        "arguments": arguments.not_default(),
        "version": script.vllm_version,
        "architecture": script.architecture,
        "tp": arguments.tensor_parallel_size or script.tensor_parallel_size,
        "eager": arguments.enforce_eager,
        "max_model_len": f"{max_model_len}",
        "max_model_len_grouped": f"{max_model_len:,}",
        "kv_cache_tokens": f"{script.kv_cache_tokens:,}",
        "max_concurrency": f"{script.kv_cache_tokens / max_model_len:.2f}",
        "last_argument": arguments.last_given(),
        "seconds": Seconds(speed),
    }
