"""The series of each server: a day of them at hand, a year of coarse rows in files."""

import json
import math
import os
from array import array
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from urllib.parse import quote

from backends.domain.facts import GpusSampled
from backends.domain.session import Session
from backends.domain.time_series import DAY, FIGURES, TEN_MINUTES, YEAR, Resolution, Row, Rows
from backends.domain.values import NOT_JSON
from backends.host.files import PRIVATE_FILE, replace_file

KEEP_EVERY_S = 300.0

_WIDTH = 1 + len(FIGURES)


class ServerSeries:
    """The rows of one server; what it keeps lies in a folder, a file of coarse rows a month."""

    def __init__(self, server: str, folder: Path) -> None:
        self._server = server
        self._folder = folder
        self._fine = Rows(TEN_MINUTES)
        self._middle = Rows(DAY)
        self._taken_up = False
        self._coarse = Rows(Resolution(YEAR.step_s, 1))
        self._unkept: list[Row] = []
        self._kept_s = 0.0

    @property
    def _day_file(self) -> Path:
        return self._folder / f"{_file_name(self._server)}.day"

    def add(self, wall_s: float, figures: tuple[float | None, ...]) -> None:
        """Take the figures of one instant."""
        self._fine.add(wall_s, figures)
        self._middle.add(wall_s, figures)
        if (closed := self._coarse.add(wall_s, figures)) is not None:
            self._unkept.append(closed)

    def rows(self, step_s: float) -> list[Row]:
        """Return the rows of a resolution, oldest first; reads files for the coarse ones."""
        if step_s == YEAR.step_s:
            return [*coarse_rows(self._folder, self._server), *self._unkept]
        found = {TEN_MINUTES.step_s: self._fine, DAY.step_s: self._middle}.get(step_s)
        return [] if found is None else found.rows()

    def keep(self, wall_s: float) -> None:
        """Write down what the next process is to find, now and then.

        Raises:
            OSError: the folder takes no file.
        """
        if not self._taken_up:
            self._taken_up = True
            self._middle.put_before(_kept(self._day_file))
        if not self._unkept and wall_s - self._kept_s <= KEEP_EVERY_S:
            return
        self._folder.mkdir(mode=0o700, exist_ok=True)
        while self._unkept:
            _append(self._month_file(self._unkept[0][0]), self._unkept[0])
            del self._unkept[0]
        if wall_s - self._kept_s > KEEP_EVERY_S:
            replace_file(self._day_file, self._middle.flat().tobytes(), survives_power_cut=False)
            self._kept_s = wall_s
            _forget(self._folder, self._server, wall_s)

    def _month_file(self, wall_s: float) -> Path:
        return (
            self._folder
            / f"{_file_name(self._server)}.{datetime.fromtimestamp(wall_s, UTC):%Y-%m}.jsonl"
        )


def coarse_rows(folder: Path, server: str) -> Iterator[Row]:
    """Yield the rows of a year that were kept of a server, oldest first."""
    for file in sorted(folder.glob(f"{_file_name(server)}.*.jsonl")):
        with suppress(OSError):
            for line in file.read_text().splitlines():
                with suppress(*NOT_JSON, TypeError):  # the last one may be cut short
                    row = json.loads(line)
                    if len(row) == _WIDTH:
                        yield tuple(math.nan if each is None else float(each) for each in row)


def _file_name(server: str) -> str:
    """Return a name of a file for a server, whose own name others may have chosen."""
    return quote(server, safe="", errors="replace")


def _append(file: Path, row: Row) -> None:
    line = json.dumps([None if math.isnan(each) else each for each in row]) + "\n"
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, PRIVATE_FILE)
    with os.fdopen(descriptor, "a") as lines:
        lines.write(line)


def _forget(folder: Path, server: str, wall_s: float) -> None:
    """Remove what is older than a year."""
    oldest = datetime.fromtimestamp(wall_s - YEAR.step_s * YEAR.rows, UTC).strftime("%Y-%m")
    for file in folder.glob(f"{_file_name(server)}.*.jsonl"):
        if file.name.removesuffix(".jsonl").rpartition(".")[2] < oldest:
            file.unlink(missing_ok=True)


def used_by(sampled: GpusSampled | None, server: str) -> float | None:
    """Return the GPU memory that a server's processes hold; None where it is not told by owner."""
    if sampled is None:
        return None
    held = [
        process.used_bytes
        for gpu in sampled.sample.gpus
        for process in gpu.processes or ()
        if process.owner == server
    ]
    known = [size for size in held if size is not None]
    return float(sum(known)) if held and len(known) == len(held) else None


def figures_of(
    session: Session, used_bytes: float | None, usd: Decimal | None
) -> tuple[float | None, ...]:
    """Return the figures of a server at this instant, in the order of `FIGURES`."""
    newest, serving = session.scraped, session.serving
    counters = newest.counters if newest else None
    return (
        used_bytes,
        counters.kv_cache_usage if counters else None,
        counters.requests_running if counters else None,
        counters.requests_waiting if counters else None,
        serving.input_tokens_per_s if serving else None,
        serving.output_tokens_per_s if serving else None,
        serving.requests_per_s if serving else None,
        None if usd is None else float(usd),
    )


def _kept(file: Path) -> "array[float]":
    found = array("d")
    with suppress(OSError, ValueError):
        found.frombytes(file.read_bytes())
    return found[: len(found) - len(found) % _WIDTH]
