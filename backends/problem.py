"""Expected failures: one sentence with its place and remedy, never a traceback."""

from typing import ClassVar, Literal


class Problem(Exception):
    """Something the user can put right; `str` is the sentence to show."""

    kind: ClassVar[Literal["failed", "usage", "not_found"]] = "failed"


class UsageProblem(Problem):
    """What was asked for cannot be asked for: a bad argument, price or configuration key."""

    kind = "usage"


class NotFound(Problem):
    """What was named does not exist or does not answer yet."""

    kind = "not_found"
