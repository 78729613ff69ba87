"""The shape of one row of the table of failures."""

import re
from dataclasses import dataclass

from backends.domain.start import FailureKind


@dataclass(frozen=True, slots=True)
class Row:
    """One wording of a failure.

    Attributes:
        pattern: searched for in the line; its named groups fill the sentences.
        cause: one sentence with the line's own figures.
        remedy: one sentence naming the flag, command or file.
    """

    kind: FailureKind
    pattern: re.Pattern[str]
    cause: str
    remedy: str


def row(kind: FailureKind, pattern: str, cause: str, remedy: str) -> Row:
    """Return a row whose pattern ignores case."""
    return Row(kind, re.compile(pattern, re.IGNORECASE), cause, remedy)
