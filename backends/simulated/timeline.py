"""The steps of a script laid out in time, one cue for each thing that is printed."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from backends.domain.format import GIB
from backends.simulated.script import Author, StartScript, Step


@dataclass(frozen=True, slots=True)
class Cue:
    """One line, or one redraw of a bar.

    Attributes:
        at_s: recorded seconds after launch.
        done: items of the bar that are complete, 0 for a line.
        began_s: when the bar began.
        memory_bytes: what every rank holds from here on, None where it does not change.
    """

    at_s: float
    step: Step
    done: int = 0
    began_s: float = 0.0
    memory_bytes: int | None = None

    @property
    def by(self) -> Author:
        """Return which process says it."""
        return self.step.by

    @property
    def label(self) -> str:
        """Return what it is recognised by: the text of a line, the caption of a bar."""
        return self.step.bar or self.step.text


@dataclass(frozen=True, slots=True)
class Timeline:
    """The cues of a start: those before the engine exists, its own, and those after."""

    opening: tuple[Cue, ...]
    engine: tuple[Cue, ...]
    closing: tuple[Cue, ...]

    @property
    def all(self) -> tuple[Cue, ...]:
        """Return every cue in order."""
        return self.opening + self.engine + self.closing


def lay_out(script: StartScript, *, eager: bool) -> Timeline:
    """Return the cues of a script; `eager` leaves compilation and graphs out, and their time."""
    kept = [s for s in script.steps if s.when != ("graphs" if eager else "eager")]
    cues = tuple(_cues(kept))
    engine_at = [i for i, cue in enumerate(cues) if cue.by != "api"]
    first, last = (engine_at[0], engine_at[-1] + 1) if engine_at else (len(cues), len(cues))
    return Timeline(cues[:first], cues[first:last], cues[last:])


def before(cues: tuple[Cue, ...], label: str, share: float) -> tuple[Cue, ...]:
    """Return the cues up to one that carries `label`, that far through all which carry it.

    Where no cue carries it, all of them are returned: the failure comes at the end.
    """
    places = [i for i, cue in enumerate(cues) if label in cue.label]
    return cues[: places[int(share * (len(places) - 1))]] if places else cues


def _cues(steps: list[Step]) -> Iterator[Cue]:
    now_s, held = 0.0, 0
    for step in steps:
        goal = held if step.memory_gib is None else int(step.memory_gib * GIB)
        plain = replace(Cue(now_s, step), began_s=now_s)
        if step.bar:
            for done in range(step.items + 1):
                share = done / step.items
                yield replace(
                    plain,
                    at_s=now_s + share * step.after_s,
                    done=done,
                    memory_bytes=int(held + share * (goal - held)),
                )
        else:
            changed = goal if step.memory_gib is not None else None
            yield replace(plain, at_s=now_s + step.after_s, memory_bytes=changed)
        held, now_s = goal, now_s + step.after_s
