"""Past traffic from a file: one row for each request, or for the requests of each interval.

CSV with a header, or one JSON object a line (``.jsonl``). Columns: ``at`` (ISO 8601 with its offset
from UTC, or seconds since 1970), ``input_tokens``, ``output_tokens``, and where they are known
``cached_input_tokens`` and ``requests`` (1 without it). The tokens are those of the whole row.
"""

import csv
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from math import isfinite
from pathlib import Path
from typing import IO, Any

from backends.domain.traffic.demand import (
    Demand,
    cached_share_of,
    dispersion_within,
    hour_of,
    spread_over_hours,
)
from backends.domain.traffic.requests import Observed
from backends.domain.traffic.shape import HourlyProfile, learn
from backends.domain.traffic.totals import TokenTotals
from backends.problem import UsageProblem

BIN_S = 60.0
HOUR_S = 3600.0
COLUMNS = ("at", "input_tokens", "output_tokens", "cached_input_tokens", "requests")


class UnreadableTraffic(UsageProblem):
    """The file is no traffic; the message names the line and the remedy."""


@dataclass(slots=True)
class _Sums:
    """What is added up over all rows; a file of any length is read in constant memory a minute."""

    rows: int = 0
    requests: float = 0.0
    into: float = 0.0
    out: float = 0.0
    cached: float | None = None
    into_square: float = 0.0
    out_square: float = 0.0
    product: float = 0.0
    first_s: float = float("inf")
    last_s: float = float("-inf")
    by_minute: dict[float, float] = field(default_factory=lambda: defaultdict(float))


def traffic_in(path: Path) -> Demand:
    """Return the traffic that a file records.

    Raises:
        UnreadableTraffic: it cannot be read, or a line of it is no traffic.
    """
    with _opened(path) as lines:
        sums = _summed(_rows(path, lines))
    if not sums.requests or sums.last_s <= sums.first_s:
        raise UnreadableTraffic(
            f"{path} has {sums.requests:.0f} requests at one instant; give it some at two instants"
        )
    # The gaps between rows are one fewer than the rows: the last row has a gap after it too.
    window_s = (sums.last_s - sums.first_s) * sums.rows / (sums.rows - 1)
    totals = TokenTotals(sums.requests, sums.into, sums.cached, sums.out)
    return Demand(
        seen=_seen(sums, window_s),
        source=f"{path.name}, {sums.requests:.0f} requests over {window_s / HOUR_S:.1f} h",
        cached_input_share=cached_share_of(totals),
        profile=_profile(sums, window_s),
        totals=totals,
    )


def _seen(sums: _Sums, window_s: float) -> Observed:
    n = sums.requests
    into, out = sums.into / n, sums.out / n

    def spread(square: float, product: float) -> Decimal:
        return Decimal(repr(max(0.0, square / n - product)))

    return Observed(
        n=Decimal(repr(n)),
        input_tokens_mean=Decimal(repr(into)),
        output_tokens_mean=Decimal(repr(out)),
        input_tokens_sd=spread(sums.into_square, into * into).sqrt(),
        output_tokens_sd=spread(sums.out_square, out * out).sqrt(),
        covariance=Decimal(repr(sums.product / n - into * out)),
        window_s=Decimal(repr(window_s)),
        dispersion=Decimal(repr(_dispersion(sums, window_s))),
    )


def _dispersion(sums: _Sums, window_s: float) -> float:
    """Return how uneven the minutes of each hour are; rows of longer intervals do not tell."""
    if window_s / sums.rows > BIN_S / 2:
        return 1.0
    hours: dict[float, list[float]] = defaultdict(list)
    minute = sums.first_s // BIN_S
    while minute * BIN_S <= sums.last_s:
        hours[minute * BIN_S // HOUR_S].append(sums.by_minute.get(minute, 0.0))
        minute += 1
    return dispersion_within(hours.values())


def _profile(sums: _Sums, window_s: float) -> HourlyProfile:
    profile = spread_over_hours(HourlyProfile(), sums.first_s, sums.first_s + window_s)
    for minute, count in sums.by_minute.items():
        profile = learn(profile, hour_of(minute * BIN_S), count, 0.0)
    return profile


def _summed(rows: Iterable[Mapping[str, float | None]]) -> _Sums:
    sums = _Sums()
    for row in rows:
        at, into, out = row["at"] or 0.0, row["input_tokens"] or 0.0, row["output_tokens"] or 0.0
        requests = 1.0 if row["requests"] is None else row["requests"]
        cached = row["cached_input_tokens"]
        sums.rows += 1
        sums.requests += requests
        sums.into, sums.out = sums.into + into, sums.out + out
        if cached is not None:
            sums.cached = (sums.cached or 0.0) + cached
        if requests:
            # Inside a row its requests are taken as alike: nothing tells how they differ.
            sums.into_square += into * into / requests
            sums.out_square += out * out / requests
            sums.product += into * out / requests
        sums.first_s, sums.last_s = min(sums.first_s, at), max(sums.last_s, at)
        sums.by_minute[at // BIN_S] += requests
    return sums


@contextmanager
def _opened(path: Path) -> Iterator[IO[str]]:
    try:
        with path.open(encoding="utf-8", newline="") as lines:
            yield lines
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UnreadableTraffic(f"{path} cannot be read ({error}); name a CSV or .jsonl") from error


def _rows(path: Path, lines: IO[str]) -> Iterator[dict[str, float | None]]:
    found: Iterator[Any]
    if path.suffix == ".jsonl":
        found = (_json(path, number, line) for number, line in enumerate(lines, 1) if line.strip())
    else:
        found = csv.DictReader(lines)
    for number, row in enumerate(found, 1 if path.suffix == ".jsonl" else 2):
        if not isinstance(row, Mapping) or not {"at", "input_tokens", "output_tokens"} <= set(row):
            raise UnreadableTraffic(
                f"{path}:{number}: no traffic; name the columns {', '.join(COLUMNS[:3])}"
            )
        yield {name: _number(path, number, name, row.get(name)) for name in COLUMNS}


def _json(path: Path, number: int, line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        raise UnreadableTraffic(f"{path}:{number}: no JSON ({error}); one object a line") from error


def _number(path: Path, line: int, name: str, value: object) -> float | None:
    if value in (None, ""):
        if name in COLUMNS[:3]:
            raise UnreadableTraffic(f"{path}:{line}: {name} is empty; fill it in or drop the row")
        return None
    try:
        number = _instant(str(value)) if name == "at" else float(str(value))
    except ValueError:
        number = float("nan")
    if not isfinite(number) or number < 0:
        what = "an instant such as 2026-11-21T08:00:00Z" if name == "at" else "a number from 0 on"
        raise UnreadableTraffic(f"{path}:{line}: {name} is {value!r}; write {what}")
    return number


def _instant(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        moment = datetime.fromisoformat(text)
        return moment.timestamp() if moment.tzinfo else float("nan")
