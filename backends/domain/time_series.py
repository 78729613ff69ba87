"""Figures over time at several resolutions: fine for what is new, coarse for what is old."""

import math
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

FIGURES = (
    "vram_used_bytes",
    "kv_cache_share",
    "requests_running",
    "requests_waiting",
    "input_tokens_per_s",
    "output_tokens_per_s",
    "requests_per_s",
    "usd",
)
"""What a row holds beside its instant, in this order; each is None where it is not known."""


@dataclass(frozen=True, slots=True)
class Resolution:
    """Rows of one length of time each, and how many of them are kept."""

    step_s: float
    rows: int


TEN_MINUTES = Resolution(1.0, 600)
DAY = Resolution(15.0, 5760)
YEAR = Resolution(300.0, 105_120)

_WIDTH = 1 + len(FIGURES)

Row = tuple[float, ...]
"""An instant in seconds since 1970, and the figures in the order of `FIGURES`; NaN for unknown."""


class Rows:
    """The rows of one resolution, oldest first; a row is the mean of what came within it."""

    def __init__(self, resolution: Resolution) -> None:
        self.resolution = resolution
        self._closed = array("d")
        self._sums = [0.0] * len(FIGURES)
        self._counts = [0] * len(FIGURES)
        self._began_s: float | None = None

    def add(self, wall_s: float, figures: Sequence[float | None]) -> Row | None:
        """Take figures of one instant, and return the row that they close, None if none."""
        began_s = math.floor(wall_s / self.resolution.step_s) * self.resolution.step_s
        closed = None
        if self._began_s is not None and began_s > self._began_s:
            closed = self._row(self._began_s)
            self._close(closed)
        if self._began_s is None or began_s > self._began_s:
            self._began_s = began_s
            self._sums = [0.0] * len(FIGURES)
            self._counts = [0] * len(FIGURES)
        for place, figure in enumerate(figures):
            if figure is not None and math.isfinite(figure):
                self._sums[place] += figure
                self._counts[place] += 1
        return closed

    def rows(self) -> list[Row]:
        """Return the closed rows, oldest first."""
        flat = self._closed
        found = [tuple(flat[at : at + _WIDTH]) for at in range(0, len(flat), _WIDTH)]
        return found[-self.resolution.rows :]

    def put_before(self, kept: Iterable[float]) -> None:
        """Put rows, one after another as `flat` gives them, before those that came since."""
        self._closed = array("d", kept) + self._closed

    def flat(self) -> "array[float]":
        """Return the closed rows one after another, as `put_before` takes them."""
        return self._closed

    def _row(self, began_s: float) -> Row:
        means = (
            total / count if count else math.nan
            for total, count in zip(self._sums, self._counts, strict=True)
        )
        return (began_s, *means)

    def _close(self, row: Row) -> None:
        self._closed.extend(row)
        most = self.resolution.rows * _WIDTH
        if len(self._closed) > most + most // 4:  # moved now and then, not at every row
            del self._closed[: len(self._closed) - most]
