"""Moves the server's output from its pipe to the log, and its meaning to the journal."""

import os
import traceback
from collections.abc import Callable, Collection
from typing import Protocol

from backends.domain.facts import StartFact
from backends.domain.redaction import without_keys
from backends.domain.server import Exit
from backends.domain.stamp import Stamp
from backends.domain.start import Failure
from backends.keeper.log import RotatedLog, complain
from backends.keeper.log_stamps import LONGEST_ON_THE_WAY_S, StampRemover, take_stamp

CHUNK_BYTES = 256 * 1024


class Reader(Protocol):
    """Turns lines of a vLLM log into facts."""

    @property
    def answers_5xx(self) -> int:
        """How many answers with an error of the server the log told of."""
        ...

    @property
    def stopping_at(self) -> Stamp | None:
        """When the log first told of an ordered shutdown, None while it does not."""
        ...

    @property
    def failed(self) -> Failure | None:
        """Why the start failed, where the log says so while the server's processes still run."""
        ...

    @property
    def awaits_servers(self) -> bool:
        """Whether some of several API servers are up, and some are not yet."""
        ...

    def feed(self, at: Stamp, line: str, number: int) -> list[StartFact]:
        """Return the facts of this line, which has this number in the log."""
        ...

    def close(self, at: Stamp, exit: Exit | None) -> list[StartFact]:  # noqa: A002
        """Return the facts that follow from the end of the log."""
        ...


class Splitter(Protocol):
    """Cuts bytes into lines.

    Attributes:
        numbers: of the lines that were returned last.
    """

    numbers: list[int]

    def feed(self, data: bytes) -> list[str]:
        """Return the lines that these bytes complete."""
        ...

    def rest(self) -> list[str]:
        """Return what is left when no more bytes come."""
        ...


def pump(
    pipe: int,
    log: RotatedLog,
    splitter: Splitter,
    reader: Reader,
    *,
    tell: Callable[[StartFact], None],
    now: Callable[[], Stamp],
    accept_output: Callable[[], bool] = lambda: True,
    keys: Collection[str] = (),
    longest_on_the_way_s: float = LONGEST_ON_THE_WAY_S,
    taken: Callable[[int], None] = lambda _: None,
) -> None:
    """Read until every writer has closed the pipe; `taken` hears of the bytes that were read.

    The log gets the bytes before anybody looks at them, so what the reader makes of a line can
    never cost the line. Lines that come while `accept_output` is false go to the log alone. The
    server's own `keys` are hidden before anything of a line is quoted, which may cut it.
    """
    stamps = StampRemover()
    meaning = _Meaning(
        splitter,
        reader,
        tell,
        accept_output,
        keys=keys,
        longest_on_the_way_s=longest_on_the_way_s,
    )
    while data := os.read(pipe, CHUNK_BYTES):
        at = now()
        log.write(stamps.feed(data))
        meaning.feed(at, data)
        taken(len(data))
    log.write(stamps.rest())
    meaning.close(now())


class _Meaning:
    """Reads the output for its meaning; a bug in that ends the reading, never the moving."""

    def __init__(
        self,
        splitter: Splitter,
        reader: Reader,
        tell: Callable[[StartFact], None],
        accept_output: Callable[[], bool],
        *,
        keys: Collection[str],
        longest_on_the_way_s: float,
    ) -> None:
        self._splitter = splitter
        self._reader = reader
        self._tell = tell
        self._accept_output = accept_output
        self._keys = keys
        self._longest_s = longest_on_the_way_s
        self._broken = False

    def feed(self, at: Stamp, data: bytes) -> None:
        """Pass on the facts in these bytes."""
        if self._accept_output() and not self._broken:
            self._read(at, lambda: self._splitter.feed(data))

    def close(self, at: Stamp) -> None:
        """Pass on the facts in what is left."""
        if self._accept_output() and not self._broken:
            self._read(at, self._splitter.rest)

    def _read(self, at: Stamp, lines: Callable[[], list[str]]) -> None:
        try:
            read = lines()
            for number, line in zip(self._splitter.numbers, read, strict=True):
                for fact in self._reader.feed(
                    *take_stamp(at, without_keys(line, self._keys), self._longest_s), number
                ):
                    self._tell(fact)
        except Exception:  # a server whose output nobody takes stands still, or loses its log
            self._broken = True
            complain(f"log: lines are no longer parsed: {traceback.format_exc()}")
