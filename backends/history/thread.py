"""The one thread that opens a history for a program whose event loop must not wait for a disk."""

import asyncio
import contextlib
import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TypeVar

from backends.history.history import History, open_history
from backends.history.spool import Record, spool, write_record, write_spooled
from backends.problem import Problem

T = TypeVar("T")

Write = Callable[[History], None]
"""Puts records into an open history; safe to repeat, for it is tried again when it fails."""

ATTEMPT_S = 0.25
"""How long one attempt to write waits for a lock; reads that were asked for wait behind it."""

AGAIN_S = 0.5
"""Seconds between attempts while the history is locked, or its disk is full."""

MOST_WAITING = 2000
"""Writes that may wait; a run with its latencies is some tens of kB."""


class HistoryThread:
    """Writes in the order in which it was asked, as soon as the history can be written.

    The thread begins with the first order. Methods may be called from any thread.

    Attributes:
        problem: why the last order failed, one sentence with the remedy; empty once one succeeds.
        refused: how many writes were given up because `MOST_WAITING` were waiting already.
    """

    def __init__(self, path: Path) -> None:
        self.problem = ""
        self.refused = 0
        self._path = path
        self._waiting: deque[Write] = deque()
        self._writing: Write | None = None
        self._orders: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._gives_up_s: float | None = None
        self._retry = False

    @property
    def spools(self) -> bool:
        """Whether records of this program wait in files, to be written later by whoever can."""
        return self._retry

    @property
    def unwritten(self) -> int:
        """How many writes were asked for and are not in the history."""
        return len(self._waiting) + (self._writing is not None) + self.refused

    def keep(self, record: Record) -> None:
        """Have a record written; where the history cannot be, it waits in a file beside it."""
        self.write(partial(write_record, record=record))

    def write(self, write: Write) -> None:
        """Have something written, without waiting for it."""
        if len(self._waiting) >= MOST_WAITING:
            self.refused += 1
            return
        self._waiting.append(write)
        self._order(lambda: None)

    async def read(self, work: Callable[[], T]) -> T:
        """Return what a function returns that opens the history itself, run on this thread.

        What was written before is found, unless the history cannot be written now.

        Raises:
            Problem: what `work` raises.
        """
        found: Future[T] = Future()

        def answer() -> None:
            if not found.set_running_or_notify_cancel():
                return
            try:
                result = work()
            except Problem as problem:
                # That there is no such record is an answer, not a failure of the history.
                if problem.kind == "failed":
                    self.problem = str(problem)
                found.set_exception(problem)
            except BaseException as error:  # it belongs to whoever waits for it
                found.set_exception(error)
            else:
                self.problem = self.problem if self._waiting else ""
                found.set_result(result)

        self._order(answer)
        return await asyncio.wrap_future(found)

    def close(self, within_s: float) -> int:
        """End the thread once nothing is left to write, at the latest after a time.

        Returns:
            How many writes are not in the history; `problem` says why.
        """
        if self._thread is not None:
            self._gives_up_s = time.monotonic() + within_s
            self._orders.put(None)
            self._thread.join(within_s + ATTEMPT_S)
        return self.unwritten

    def _order(self, order: Callable[[], None]) -> None:
        if self._thread is None or not self._thread.is_alive():
            # A disk that never answers must not keep the program from ending.
            self._thread = threading.Thread(target=self._run, name="history", daemon=True)
            self._thread.start()
        self._orders.put(order)

    def _run(self) -> None:
        while not self._is_over():
            order: Callable[[], None] | None = None
            with contextlib.suppress(queue.Empty):
                order = self._orders.get(timeout=AGAIN_S if self._waiting or self._retry else None)
            self._write_all()
            if order is not None:
                order()

    def _is_over(self) -> bool:
        if self._gives_up_s is None or not self._orders.empty():
            return False
        return not (self._waiting or self._retry) or time.monotonic() > self._gives_up_s

    def _spool(self) -> None:
        """Keep the records that wait in a file, so that the end of this program loses none."""
        # Others add at the end meanwhile: only what is taken out here may be put away.
        taken = [self._waiting.popleft() for _ in range(len(self._waiting))]
        records = [record for each in taken if (record := _record_of(each)) is not None]
        try:
            if records:
                spool(self._path, records)
        except OSError:  # a full disk: they wait in memory
            self._waiting.extendleft(reversed(taken))
            return
        self._retry = self._retry or bool(records)
        self._waiting.extendleft(each for each in reversed(taken) if _record_of(each) is None)

    def _write_all(self) -> None:
        if not self._waiting and not self._retry:
            return
        try:
            with closing(open_history(self._path, wait_s=ATTEMPT_S)) as history:
                write_spooled(history, self._path)
                while self._waiting:
                    self._writing = self._waiting.popleft()
                    self._writing(history)
                    self._writing = None
        except Problem as problem:
            self.problem = str(problem)
            if self._writing is not None:
                self._waiting.appendleft(self._writing)
                self._writing = None
            self._spool()
        else:
            self.problem, self._retry = "", False


def _record_of(write: Write) -> Record | None:
    """Return the record that a write is about, None for one that may be lost."""
    if isinstance(write, partial) and write.func is write_record:
        record: Record = write.keywords["record"]
        return record
    return None
