"""The shape of one row of the table of wordings."""

import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Literal

from backends.domain.start import PhaseName

Measure = Literal["", "weights_load_s", "compile_s", "cuda_graph_s", "engine_init_s"]


class Event(Enum):
    """What a line means beyond phases and figures."""

    NOTHING = auto()
    PLATFORM = auto()
    BANNER = auto()
    CONFIGURED = auto()
    SPAWNING = auto()
    ENGINE_UP = auto()
    ENGINE_READY = auto()
    BUILD_BEGAN = auto()
    BUILD_ENDED = auto()
    BUILD_BAR = auto()
    BUILD_AWAITED = auto()
    SERVING_ADDRESS = auto()
    ROUTES = auto()
    SERVERS = auto()
    READY = auto()
    SERVING = auto()
    SHUTDOWN = auto()
    DIED = auto()
    WAITING = auto()
    JOINING = auto()


@dataclass(frozen=True, slots=True)
class Wording:
    """One row: the first words under which it is found, and what its lines mean.

    Attributes:
        begins: a phase that begins at this line, unless the start is already past it.
        ends: a phase that ends at this line; `then` is what follows.
        reports: the phase to which ``took`` belongs, where the line bounds none.
        setting: a name and value that the mere line tells.
    """

    words: str
    pattern: re.Pattern[str]
    begins: PhaseName | None = None
    ends: PhaseName | None = None
    then: PhaseName | None = None
    reports: PhaseName | None = None
    measure: Measure = ""
    item: str = ""
    event: Event = Event.NOTHING
    tag: str | None = None
    setting: tuple[str, str] | None = None


def begins(phase: PhaseName, words: str, pattern: str, **more: Any) -> Wording:
    """Return the row of a line at which a phase begins."""
    return Wording(words, re.compile(pattern), begins=phase, **more)


def ends(phase: PhaseName, then: PhaseName, words: str, pattern: str, **more: Any) -> Wording:
    """Return the row of a line at which a phase ends, and what is presumed to follow."""
    return Wording(words, re.compile(pattern), ends=phase, then=then, **more)


def tells(words: str, pattern: str, **more: Any) -> Wording:
    """Return the row of a line that bounds no phase."""
    return Wording(words, re.compile(pattern), **more)
