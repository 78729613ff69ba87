"""One thread, one epoll: sockets first, timers when due, everything else when nothing arrives."""

import heapq
import select
from collections import deque
from collections.abc import Callable
from itertools import count

from backends.prober import clock

READABLE = select.EPOLLIN
WRITABLE = select.EPOLLOUT
MS = 1_000_000


class Timer:
    """Something due at an instant of the monotonic clock."""

    __slots__ = ("action",)

    def __init__(self, action: Callable[[], None]) -> None:
        self.action: Callable[[], None] | None = action

    def cancel(self) -> None:
        """Make it not happen."""
        self.action = None


class Loop:
    """Reads sockets as soon as they have something, so that segments are not read together.

    Attributes:
        wall_offset_ns: for the conversion of kernel stamps, refreshed on every wake-up.
        held_bytes: of the replies under way, as far as they were understood.
        spun_ns: CPU spent on waiting for exact instants, which is not work.
    """

    def __init__(self) -> None:
        self.wall_offset_ns = clock.wall_offset_ns()
        self.spun_ns = 0
        self.held_bytes = 0
        self._epoll = select.epoll()
        self._handlers: dict[int, Callable[[int], None]] = {}
        self._timers: list[tuple[int, int, Timer]] = []
        self._exact: list[tuple[int, int, Timer]] = []
        self._number = count()
        self._deferred: deque[Callable[[], None]] = deque()

    def watch(self, fd: int, events: int, handler: Callable[[int], None]) -> None:
        """Call `handler` with the event mask whenever `fd` has one of `events`."""
        if fd in self._handlers:
            self._epoll.modify(fd, events)
        else:
            self._epoll.register(fd, events)
        self._handlers[fd] = handler

    def forget(self, fd: int) -> None:
        """Watch `fd` no longer; to be called before it is closed."""
        if self._handlers.pop(fd, None) is not None:
            self._epoll.unregister(fd)

    def call_at(self, due_ns: int, action: Callable[[], None]) -> Timer:
        """Call `action` once at an instant, or up to a millisecond later."""
        return self._push(self._timers, due_ns, action)

    def call_exactly_at(self, due_ns: int, action: Callable[[], None]) -> Timer:
        """Call `action` once at an instant; the last millisecond before it is spent spinning."""
        return self._push(self._exact, due_ns, action)

    def defer(self, action: Callable[[], None]) -> None:
        """Call `action` once as soon as no socket has anything to read."""
        self._deferred.append(action)

    def run(self, finished: Callable[[], bool]) -> None:
        """Work until `finished` says so."""
        while not finished():
            wait_s, before_ns = self._wait_s(), clock.now_ns()
            events = self._epoll.poll(wait_s)
            if events:
                self.wall_offset_ns = clock.wall_offset_ns()
                for fd, mask in events:
                    handler = self._handlers.get(fd)
                    if handler is not None:
                        handler(mask)
            elif self._deferred:
                self._deferred.popleft()()
            elif wait_s == 0:
                self.spun_ns += clock.now_ns() - before_ns
            self._run_due()

    def close(self) -> None:
        """Give the epoll back."""
        self._epoll.close()

    def _push(
        self, timers: list[tuple[int, int, Timer]], due_ns: int, action: Callable[[], None]
    ) -> Timer:
        timer = Timer(action)
        heapq.heappush(timers, (due_ns, next(self._number), timer))
        return timer

    def _run_due(self) -> None:
        for timers in (self._exact, self._timers):
            while timers and timers[0][0] <= clock.now_ns():
                timer = heapq.heappop(timers)[2]
                if timer.action is not None:
                    timer.action()

    def _wait_s(self) -> float:
        """Until the next timer; epoll counts in whole milliseconds and rounds up."""
        if self._deferred:
            return 0.0
        wait_ms = -1
        for timers, late_ns in ((self._exact, 0), (self._timers, MS - 1)):
            while timers and timers[0][2].action is None:
                heapq.heappop(timers)
            if timers:
                left_ms = max(0, (timers[0][0] - clock.now_ns() + late_ns) // MS)
                wait_ms = left_ms if wait_ms < 0 else min(wait_ms, left_ms)
        return wait_ms / 1000 if wait_ms >= 0 else -1.0
