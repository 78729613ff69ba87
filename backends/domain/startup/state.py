"""What the facts of one start say so far, before it becomes a `Start`."""

from dataclasses import dataclass
from typing import NamedTuple

from backends.domain.facts import KvCacheSized, PhaseProgressed
from backends.domain.serving import RequestErrors
from backends.domain.stamp import Stamp
from backends.domain.start import Failure, PhaseName, RankMemory


class Boundary(NamedTuple):
    """Where a phase began, in seconds of the monotonic clock; on one rank, or None for all."""

    at_s: float
    phase: PhaseName
    rank: int | None = None


class Download(NamedTuple):
    """One stretch of a download, in seconds of the monotonic clock; it goes on until `over`."""

    since_s: float
    until_s: float
    over: bool


class Fetched(NamedTuple):
    """How much was downloaded, as it was last told."""

    done_bytes: int
    total_bytes: int | None
    bytes_per_s: float | None


@dataclass(frozen=True, slots=True)
class StartState:
    """All that is known of one start; times in seconds of the monotonic clock.

    Attributes:
        boundaries: where phases of the whole server began, in order of time.
        rank_boundaries: where those of single ranks began, in order of time.
        downloads: when files were fetched, whatever phase went on meanwhile, in order of time.
        reports: vLLM's own figures by phase, measure and rank, in seconds; repeats add up.
        items: how many items each phase had to do, or did where nobody knows that.
        built: the kernel modules that were built, in order.
        served_until_s: when a server that was ready failed.
        waiting: what the log said last that the start waits for; empty once a phase began after it.
    """

    start_id: str
    began_s: float
    boundaries: tuple[Boundary, ...] = ()
    rank_boundaries: tuple[Boundary, ...] = ()
    downloads: tuple[Download, ...] = ()
    fetched: Fetched | None = None
    reports: tuple[tuple[tuple[PhaseName, str, int], float], ...] = ()
    items: tuple[tuple[tuple[PhaseName, str], int], ...] = ()
    built: tuple[str, ...] = ()
    progress: PhaseProgressed | None = None
    waiting: str = ""
    memory: tuple[RankMemory, ...] = ()
    kv_cache: KvCacheSized | None = None
    vllm_version: str | None = None
    model: str | None = None
    settings: tuple[tuple[str, str], ...] = ()
    ready_s: float | None = None
    first_token_s: float | None = None
    stop_ordered_s: float | None = None
    ended_s: float | None = None
    failure: Failure | None = None
    served_until_s: float | None = None
    request_errors: RequestErrors | None = None


def begin(start_id: str, at: Stamp) -> StartState:
    """Return the state of a start that was launched at `at` and of which nothing is known."""
    return StartState(start_id, at.mono_s, boundaries=(Boundary(at.mono_s, PhaseName.LAUNCH),))
