"""The one Session: everything the screen shows, folded fact by fact."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import assert_never, get_args

from backends.domain.ab import Ab, ab_after
from backends.domain.facts import (
    AbFact,
    Fact,
    GpusSampled,
    LogRead,
    MetricsScraped,
    RunBegan,
    RunEnded,
    SeriesBegan,
    SeriesEnded,
    ServerFact,
    ServersSeen,
    SourceFailed,
    Spawned,
    TextArrived,
    Ticked,
)
from backends.domain.gpu import GpuSample
from backends.domain.lifecycle import Life, life_after, unborn
from backends.domain.money.traffic import TokenTotals, serving_between
from backends.domain.run import Run
from backends.domain.server import Server
from backends.domain.serving import Serving
from backends.domain.stamp import Stamp
from backends.domain.vram import MemoryLine

RATE_HISTORY = 120
"""Token rates kept for the sparkline: two minutes at one scrape a second."""

_SERVER_FACTS = get_args(ServerFact)
_AB_FACTS = get_args(AbFact)


@dataclass(frozen=True, slots=True)
class Session:
    """What is known now.

    Attributes:
        life: the watched server; None before one was chosen.
        memory_lines: used bytes over the seconds since launch, one line for each GPU index.
        scraped: the newest scrape, which the next rate is taken from.
        output_rates: output tokens per second, oldest first, None where a scrape gave no rate.
        failed_sources: what each source that cannot answer says.
    """

    now: Stamp
    life: Life | None = None
    servers: tuple[Server, ...] = ()
    gpus: GpuSample | None = None
    memory_lines: Mapping[int, MemoryLine] = field(default_factory=dict)
    scraped: MetricsScraped | None = None
    serving: Serving | None = None
    output_rates: tuple[float | None, ...] = ()
    totals: TokenTotals = TokenTotals()
    ab: Ab | None = None
    failed_sources: Mapping[str, str] = field(default_factory=dict)


def watching(session: Session, server: str, model: str | None) -> Session:
    """Return the session turned to another server, of which nothing is known yet."""
    return replace(
        Session(session.now),
        life=unborn(server, model),
        servers=session.servers,
        gpus=session.gpus,
        ab=session.ab,
    )


def advance(session: Session, fact: Fact) -> Session:
    """Return the session after one fact."""
    session = replace(session, now=max(session.now, fact.at, key=lambda stamp: stamp.mono_s))
    if isinstance(fact, _SERVER_FACTS):
        return _with_server_fact(session, fact)
    if isinstance(fact, _AB_FACTS):
        return replace(session, ab=ab_after(session.ab, fact))
    match fact:
        case GpusSampled():
            return _with_gpus(session, fact)
        case MetricsScraped():
            return _with_scrape(session, fact)
        case ServersSeen():
            return replace(session, servers=fact.servers)
        case SourceFailed():
            return replace(
                session, failed_sources={**session.failed_sources, fact.source: fact.reason}
            )
        case LogRead() | Ticked():
            return session
        case _:
            assert_never(fact)
