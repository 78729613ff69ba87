"""How far a study is that runs."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StudyProgress:
    """A study that runs.

    Attributes:
        title: of the step that runs; empty before the first.
        number: of that step, from 1; `of` are all; None before the first.
        detail: what it is at, a few words.
        step_ends_s: when it is expected to end, on the monotonic clock; None before the first.
        later_s: what is expected of the steps behind it.
    """

    server: str
    endpoint: str
    title: str = ""
    number: int | None = None
    of: int | None = None
    detail: str = ""
    step_ends_s: float | None = None
    later_s: float = 0.0

    def left_s(self, now_s: float) -> float | None:
        """Return what is expected from now on, in seconds; None before the first step."""
        if self.step_ends_s is None:
            return None
        return max(0.0, self.step_ends_s - now_s) + self.later_s
