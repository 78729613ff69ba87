"""The table of `benchmarks/ab.py`: one row of errors, how it is shown, and what was promised."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from backends.domain.ab.statistics import quantile
from benchmarks.ab_clients import Reported

MS = 1e3
TTFT_MEDIAN_MS, TTFT_P99_MS, FLOOD_TOKENS_PER_S, FLOOD_TTFT_P99_MS = 0.05, 0.1, 50_000, 1.0
Records = dict[int, dict[str, Any]]
Pairs = list[tuple[Reported, dict[str, Any]]]


class NotMeasured(Exception):
    """A client could not be measured; the message says why."""


@dataclass(frozen=True)
class Row:
    """The errors of one client at one number of streams, in milliseconds.

    Attributes:
        itl_of: "gaps" where every gap is compared, "means" where a request's mean is all there is.
        tokens_per_s: what the server sent while all of this came.
        marked: requests that the client itself marked as limited by it; only ours does.
        unstamped: tokens whose true time is not the kernel's own.
        failed: requests that the client did not bring to their end.
    """

    client: str
    streams: int
    requests: int
    ttft_median_ms: float
    ttft_p99_ms: float
    itl_median_ms: float
    itl_p99_ms: float
    itl_of: str
    e2e_median_ms: float
    e2e_p99_ms: float
    cpu_ms_per_1k_tokens: float
    tokens_per_s: float
    marked: int
    unstamped: int
    failed: int


def compare(
    client: str, pairs: Pairs, *, streams: int, tokens: int, cpu_s: float, wanted: int
) -> Row:
    """Hold what a client reported of so many requests against what the server's kernel stamped.

    Errors are of those requests whose tokens all have the kernel's stamp.

    Raises:
        NotMeasured: there are none.
    """
    if not any(true["stamped"] == tokens for _, true in pairs):
        raise NotMeasured(f"none of its {wanted} requests came to its end with all stamps")
    ttft, itl, e2e = [], [], []
    of = "gaps"
    for one, true in (pair for pair in pairs if pair[1]["stamped"] == tokens):
        written_s = [(at_ns - true["t_arr"]) / 1e9 for at_ns in true["w"]]
        gaps = [later - before for before, later in itertools.pairwise(written_s)]
        ttft.append(MS * (one.ttft_s - written_s[0]))
        e2e.append(MS * (one.e2e_s - written_s[-1]))
        if one.itl_s:
            # Tokens read together with the first one leave no gap of their own.
            told = one.itl_s[-len(gaps) :]
            true_gaps = gaps[-len(told) :]
            itl += [MS * abs(r - t) for r, t in zip(told, true_gaps, strict=True)]
        elif one.mean_itl_s is not None:
            of = "means"
            itl.append(MS * abs(one.mean_itl_s - sum(gaps) / len(gaps)))
    begin_ns, end_ns = span(true for _, true in pairs)
    return Row(
        client=client,
        streams=streams,
        requests=len(pairs),
        ttft_median_ms=quantile(ttft, 0.5),
        ttft_p99_ms=quantile(ttft, 0.99),
        itl_median_ms=quantile(itl, 0.5),
        itl_p99_ms=quantile(itl, 0.99),
        itl_of=of,
        e2e_median_ms=quantile(e2e, 0.5),
        e2e_p99_ms=quantile(e2e, 0.99),
        cpu_ms_per_1k_tokens=cpu_s * MS / (len(pairs) * tokens / 1000),
        tokens_per_s=len(pairs) * tokens / (end_ns - begin_ns) * 1e9,
        marked=sum(one.marked for one, _ in pairs),
        unstamped=sum(tokens - true["stamped"] for _, true in pairs),
        failed=wanted - len(pairs),
    )


def span(records: Iterable[dict[str, Any]]) -> tuple[int, int]:
    """From the first arrival of a request to the last token."""
    kept = list(records)
    return min(true["t_arr"] for true in kept), max(true["w"][-1] for true in kept)


def show(row: Row) -> str:
    """One line of the table."""
    mark = "*" if row.itl_of == "means" else " "
    return (
        f"{row.client.split(',')[0]:8} {row.streams:7} {row.requests:8}"
        f" {row.ttft_median_ms:9.3f} {row.ttft_p99_ms:9.3f}"
        f" {row.itl_median_ms:9.3f} {row.itl_p99_ms:9.3f}{mark}"
        f" {row.e2e_median_ms:9.3f} {row.e2e_p99_ms:9.3f}"
        f" {row.cpu_ms_per_1k_tokens:8.1f} {row.tokens_per_s:9,.0f}"
        f"  {row.client.partition(', ')[2]}{_remarks(row)}"
    ).rstrip()


def _remarks(row: Row) -> str:
    marked = f"  {row.marked} marked client_limited" if row.marked else ""
    failed = f"  {row.failed} failed" if row.failed else ""
    unstamped = f"  {row.unstamped} tokens without kernel stamp" if row.unstamped else ""
    return marked + failed + unstamped


def verdicts(rows: Sequence[Row]) -> Iterator[str]:
    """What was promised, and whether these rows keep it."""
    ours = {row.streams: row for row in rows if row.client == "prober"}
    if 1 in ours:
        yield _verdict("TTFT error, median at 1 stream", ours[1].ttft_median_ms, TTFT_MEDIAN_MS)
    if 128 in ours:
        yield _verdict("TTFT error, p99 at 128 streams", ours[128].ttft_p99_ms, TTFT_P99_MS)
    for streams, row in ours.items():
        others = [
            other
            for other in rows
            if other.streams == streams and not other.client.startswith("prober")
        ]
        if others:
            best = min(others, key=lambda other: other.cpu_ms_per_1k_tokens)
            words = f"CPU for 1,000 tokens at {streams} streams, next best {best.client}"
            yield _verdict(words, row.cpu_ms_per_1k_tokens, best.cpu_ms_per_1k_tokens)
    for row in rows:
        if row.client == "prober, one core":
            kept = row.tokens_per_s >= FLOOD_TOKENS_PER_S and row.ttft_p99_ms < FLOOD_TTFT_P99_MS
            yield f"{'kept' if kept else 'MISSED':6} {row.tokens_per_s:,.0f} tokens/s on one core"


def _verdict(words: str, value: float, limit: float) -> str:
    kept = "kept" if abs(value) < limit else "MISSED"
    return f"{kept:6} {words}: {value:.3f} ms, limit {limit:.3g}"
