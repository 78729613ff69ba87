"""Sees a server fetch its model, of which vLLM itself prints nothing until it is over.

vLLM turns the progress bars of its downloads off (``DisabledTqdm`` in its weight_utils.py); the
files grow in the cache all the same.
"""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from backends.domain.facts import DownloadSeen, ServerFact
from backends.domain.stamp import Stamp
from backends.keeper.model_cache import Cached, look

POLL_S = 0.25
TELL_EVERY_S = 1.0
RATE_OVER_S = 5.0
QUIET_S = 3.0
"""A download is over when nothing has come for this long and no file is still open."""
SMALLEST_BYTES = 1 << 20
"""Less than this is the configuration and the like, which every start looks up."""


class DownloadMeter:
    """Turns looks at a cache into facts; what lay there at the first look was not fetched."""

    def __init__(self, at: Stamp, cached: Cached) -> None:
        self._first = self._last = cached
        self._last_at = self._grew_at = at
        self._before_bytes = cached.size_bytes
        self._window: deque[tuple[float, int]] = deque()
        self._since: Stamp | None = None
        self._had_bytes = 0
        self._told_at: Stamp | None = None

    def see(self, at: Stamp, cached: Cached) -> DownloadSeen | None:
        """Return what there is to tell after one more look, None where that is nothing new."""
        if cached.size_bytes < self._last.size_bytes:  # a file was thrown away, not fetched
            self._before_bytes += cached.size_bytes - self._last.size_bytes
        elif cached.size_bytes > self._last.size_bytes:
            self._grow(at)
        self._last, self._last_at = cached, at
        fetched = cached.size_bytes - self._before_bytes
        if self._since is None:
            return None
        self._window.append((at.mono_s, fetched))
        while self._window[0][0] < at.mono_s - RATE_OVER_S:
            self._window.popleft()
        over = at.mono_s - self._grew_at.mono_s >= QUIET_S and not self._is_open(cached)
        told = self._tell(at, fetched, over=over)
        if over:
            self._since, self._told_at = None, None
        return told

    def end(self, at: Stamp) -> DownloadSeen | None:
        """Return the last word on a stretch that is still going on."""
        if self._told_at is None:
            return None
        return self._tell(at, self._last.size_bytes - self._before_bytes, over=True)

    def _grow(self, at: Stamp) -> None:
        self._grew_at = at
        if self._since is None:
            self._since = self._last_at
            self._had_bytes = self._last.size_bytes - self._before_bytes
            self._window.clear()
            self._window.append((self._last_at.mono_s, self._had_bytes))

    def _is_open(self, cached: Cached) -> bool:
        """Tell whether a file is being fetched; one that was left unfinished long ago is not."""
        first = self._first.unfinished
        return any(first.get(name) != came for name, came in cached.unfinished.items())

    def _tell(self, at: Stamp, fetched: int, *, over: bool) -> DownloadSeen | None:
        assert self._since is not None
        if fetched - self._had_bytes < SMALLEST_BYTES:
            return None
        if not over and self._told_at and at.mono_s - self._told_at.mono_s < TELL_EVERY_S:
            return None
        self._told_at = at
        return DownloadSeen(
            self._grew_at if over else at,
            self._since,
            fetched,
            self._total(fetched),
            self._rate(),
            over,
        )

    def _total(self, fetched: int) -> int | None:
        if self._last.index_bytes is None:
            return None
        return max(fetched, self._last.index_bytes - self._first.weights_bytes)

    def _rate(self) -> float | None:
        (began_s, had), (until_s, has) = self._window[0], self._window[-1]
        return (has - had) / (until_s - began_s) if until_s > began_s else None


def watch_download(
    folders: tuple[Path, ...],
    record: Callable[[ServerFact], object],
    now: Callable[[], Stamp],
    over: threading.Event,
) -> None:
    """Record what is fetched into these folders until the start is `over`."""
    meter = DownloadMeter(now(), look(folders))
    while not over.wait(POLL_S):
        seen = meter.see(now(), look(folders))
        if seen is not None:
            record(seen)
    last = meter.end(now())
    if last is not None:
        record(last)


def left_open(facts: list[ServerFact]) -> DownloadSeen | None:
    """Return the end of a stretch whose keeper was killed meanwhile, None where there is none."""
    seen = [fact for fact in facts if isinstance(fact, DownloadSeen)]
    return replace(seen[-1], over=True) if seen and not seen[-1].over else None
