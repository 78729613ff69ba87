"""Files of traffic as requests that can be sent again: instants, lengths, and shared beginnings."""

import hashlib
import heapq
import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice, pairwise
from math import ceil, gcd
from pathlib import Path

from backends.domain.traffic.arrivals import Arrival, Part, RecordedTraffic, Shared
from backends.traffic.columns import UnreadableTraffic
from backends.traffic.files import described, files_in
from backends.traffic.rows import FileRead, rows_of
from backends.traffic.tally import Row

SEED = 1
"""Where a file says only in which interval a request came, each reading places it alike."""

COMMON = 0
"""The number of the text that all prompts share whose file says only how much was cached."""

KEY_BYTES = 5


@dataclass(slots=True)
class _Read:
    """What was read beside the rows that are kept."""

    files: list[FileRead] = field(default_factory=list)
    requests: float = 0
    first_s: float = float("inf")
    last_s: float = float("-inf")


def recorded_traffic(
    patterns: tuple[str, ...], mapping: Mapping[str, str], most: int
) -> RecordedTraffic:
    """Return the first requests that files record, at most so many.

    Raises:
        UnreadableTraffic: a file cannot be read, a row of it is no traffic, or none has a request.
    """
    read = _Read()
    kept = heapq.nsmallest(most, _counted(patterns, mapping, read), key=lambda row: row.at_s)
    named = ", ".join(patterns)
    if not kept:
        raise UnreadableTraffic(f"{named} has no request; name a file with a row for each")
    placed, remarks = _placed(kept)
    first = list(islice(heapq.merge(*placed, key=lambda row: row.at_s), most))
    prompts, shared = _prompts(first)
    assumed = dict.fromkeys(each for file in read.files for each in file.columns.assumed())
    if failed := sum(each.failed for each in read.files):
        remarks.append(f"{failed} that failed are left out")
    begin_s = first[0].at_s
    return RecordedTraffic(
        named=Path(named).name if len(read.files) == 1 else f"{len(read.files)} files",
        arrivals=tuple(
            Arrival(row.at_s - begin_s, prompt, max(1, round(row.out)))
            for row, prompt in zip(first, prompts, strict=True)
        ),
        recorded=round(read.requests),
        recorded_s=read.last_s - read.first_s,
        shared=shared,
        remarks=(*assumed, *remarks),
    )


def _counted(patterns: tuple[str, ...], mapping: Mapping[str, str], read: _Read) -> Iterator[Row]:
    for path in files_in(patterns):
        file, rows = rows_of(described(path), mapping)
        read.files.append(file)
        for row in rows:
            if round(row.requests) < 1:
                continue
            read.requests += row.requests
            read.first_s, read.last_s = min(read.first_s, row.at_s), max(read.last_s, row.at_s)
            yield row


def _placed(rows: list[Row]) -> tuple[list[Iterator[Row]], list[str]]:
    """Return the requests of each row at their instants, and what was assumed of them."""
    source, remarks = random.Random(SEED), []
    gaps = [later.at_s - row.at_s for row, later in pairwise(rows) if later.at_s > row.at_s]
    if any(row.width_s == 0 for row in rows):
        if not gaps:
            raise UnreadableTraffic("its rows count one interval of unknown length; name its end")
        rows = [replace(row, width_s=min(gaps)) if row.width_s == 0 else row for row in rows]
    if any(row.width_s for row in rows):
        remarks.append("requests of an interval are placed at random within it")
    step_s = _step_s(rows)
    if step_s:
        rows = [replace(row, width_s=step_s) if row.width_s is None else row for row in rows]
        remarks.append(f"times are kept in steps of {step_s:g} s and placed at random within them")
    return [_each(row, source) for row in rows], remarks


def _step_s(rows: list[Row]) -> float:
    """Return the whole seconds in which instants were kept, 0 where they are finer.

    Only where several share one: two requests ten seconds apart are no steps of ten seconds.
    """
    at_ms = [round(row.at_s * 1000) for row in rows if row.width_s is None]
    if len(set(at_ms)) == len(at_ms):
        return 0.0
    step_s = gcd(*(each - at_ms[0] for each in at_ms)) / 1000
    return step_s if step_s >= 1 else 0.0


def _each(row: Row, source: random.Random) -> Iterator[Row]:
    """Yield a row's requests in order: the order statistics of so many uniform instants."""
    n, at = round(row.requests), 0.0
    for left in range(n, 0, -1):
        at = 1 - (1 - at) * source.random() ** (1 / left)
        yield replace(
            row,
            at_s=row.at_s + at * (row.width_s or 0.0),
            requests=1,
            into=row.into / row.requests,
            out=row.out / row.requests,
            cached=None if row.cached is None else row.cached / row.requests,
        )


def _prompts(rows: list[Row]) -> tuple[list[tuple[Part, ...]], Shared]:
    """Return what each request's prompt is made of, by the most exact that its file says."""
    size = _block_tokens(rows)
    turns: dict[str, tuple[int, int]] = {}
    shared: set[Shared] = set()

    def prompt_of(number: int, row: Row) -> tuple[Part, ...]:
        into = max(1, round(row.into))
        if row.blocks and size:
            shared.add("blocks")
            whole = [(_key(f"block {each}"), size) for each in row.blocks[:-1]]
            rest = max(1, into - size * len(whole))
            return (*whole, (_key(f"block {row.blocks[-1]}"), rest))
        if row.conversation is not None:
            begun, longest = turns.get(row.conversation, (0, 0))
            if longest:
                shared.add("conversations")
            # A shorter prompt than the turn before it had does not continue that one.
            begun += into < longest
            turns[row.conversation] = begun, into
            return ((_key(f"conversation {row.conversation} {begun}"), into),)
        cached = min(into - 1, round(row.cached or 0))
        own = (_key(f"request {number}"), into - cached)
        if not cached:
            return (own,)
        shared.add("cached tokens")
        return ((COMMON, cached), own)

    prompts = [prompt_of(number, row) for number, row in enumerate(rows)]
    by_surety: tuple[Shared, ...] = ("blocks", "conversations", "cached tokens")
    return prompts, next((each for each in by_surety if each in shared), "nothing")


def _block_tokens(rows: Iterable[Row]) -> int:
    """Return how many tokens a block has: the least power of two that all prompts fit into."""
    least = max((ceil(row.into / len(row.blocks)) for row in rows if row.blocks), default=0)
    return 1 << (least - 1).bit_length() if least else 0


def _key(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=KEY_BYTES).digest())
