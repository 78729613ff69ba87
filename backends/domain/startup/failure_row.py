"""The shape of one row of the table of failures."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from backends.domain.start import FailureKind, PhaseName


@dataclass(frozen=True, slots=True)
class Row:
    """One wording of a failure.

    Attributes:
        pattern: searched for in the line; its named groups fill the sentences.
        cause: one sentence with the line's own figures.
        remedy: one sentence naming the flag, command or file.
        frames: found in a path and function of the traceback, where that decides.
        phases: in which alone this is the meaning; empty for any.
    """

    kind: FailureKind
    pattern: re.Pattern[str]
    cause: str
    remedy: str
    frames: re.Pattern[str] | None = None
    phases: frozenset[str] = frozenset()

    def find(self, text: str, phase: str, frames: Sequence[str]) -> re.Match[str] | None:
        """Return where the row's wording stands, None where it or its place is another."""
        if self.phases and phase not in self.phases:
            return None
        if self.frames is not None and not any(map(self.frames.search, frames)):
            return None
        return self.pattern.search(text)


def row(
    kind: FailureKind,
    pattern: str,
    cause: str,
    remedy: str,
    *,
    frames: str = "",
    phases: Iterable[PhaseName] = (),
) -> Row:
    """Return a row whose patterns ignore case."""
    place = re.compile(frames, re.IGNORECASE) if frames else None
    return Row(kind, re.compile(pattern, re.IGNORECASE), cause, remedy, place, frozenset(phases))
