"""The one Session: everything the screen shows, folded fact by fact."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TypeGuard, cast, get_args

from backends.domain.ab.facts import AbFact
from backends.domain.ab.live import Ab, ab_after
from backends.domain.billing.account import Account, AccountFact, account_after
from backends.domain.billing.ledger import Ledger, all_totals
from backends.domain.billing.meter import MeterState
from backends.domain.external import external_after, external_life, is_external
from backends.domain.facts import (
    BecameReady,
    Fact,
    GpusSampled,
    HostTicked,
    LogRead,
    MetricsScraped,
    ServerFact,
    ServersSeen,
    SourceFailed,
    Spawned,
    Ticked,
)
from backends.domain.gpu import GpuSample
from backends.domain.lifecycle import Life, life_after, not_started
from backends.domain.server import Owner, Server
from backends.domain.serving import Serving
from backends.domain.stamp import Stamp
from backends.domain.startup.fold import running_phase
from backends.domain.traffic.rates import restarted, serving_at, serving_between
from backends.domain.traffic.totals import TokenTotals
from backends.domain.traffic.windows import cut_out
from backends.domain.vram_timeline import Timeline, TimelinePoint, with_point

RATE_HISTORY = 120
"""Token rates kept for the sparkline: two minutes at one scrape a second."""

SERVING_WINDOW_S = 60.0
"""What the server does is shown over a minute: long enough not to flicker between requests."""

TRAFFIC_WINDOW_S = 600.0
"""Traffic is judged over ten minutes: long enough for bursts, short enough to follow the day."""

TRAFFIC_STEP_S = 15.0

MEMORY_WINDOW_S = 600.0
"""GPU memory is shown over ten minutes once no start is timed."""

METRICS = "metrics"
SERVERS = "servers"

_SERVER_FACTS = get_args(ServerFact)
_AB_FACTS = get_args(AbFact)
_ACCOUNT_FACTS = get_args(AccountFact)


@dataclass(frozen=True, slots=True)
class Session:
    """What is known now.

    Attributes:
        life: the watched server; None before one was chosen.
        memory: used bytes of all GPUs together over the seconds since launch, while it starts.
        recent_memory: the same over the last `MEMORY_WINDOW_S` on the monotonic clock, whatever the
            server does.
        scraped: the newest scrape.
        recent: scrapes of the last `SERVING_WINDOW_S`, oldest first, none across a restart.
        serving: what was served over `recent`.
        kv_cache_shares: the share of the KV cache in use at each scrape, oldest first.
        request_rates: requests per second between two scrapes, oldest first.
        output_rates: output tokens per second between two scrapes, oldest first, None where a
            scrape gave no rate.
        traffic: readings of the last `TRAFFIC_WINDOW_S`, oldest first, none across a restart.
        account: the bill of the host, of all its servers.
        failed_sources: what each source that cannot answer says.
    """

    now: Stamp
    life: Life | None = None
    gpus: GpuSample | None = None
    memory: Timeline = field(default_factory=Timeline)
    recent_memory: tuple[TimelinePoint, ...] = ()
    scraped: MetricsScraped | None = None
    recent: tuple[MetricsScraped, ...] = ()
    serving: Serving | None = None
    output_rates: tuple[float | None, ...] = ()
    input_rates: tuple[float | None, ...] = ()
    request_rates: tuple[float | None, ...] = ()
    kv_cache_shares: tuple[float | None, ...] = ()
    traffic: tuple[MetricsScraped, ...] = ()
    account: Account = field(default_factory=Account)
    ab: Ab | None = None
    failed_sources: Mapping[str, str] = field(default_factory=dict)

    @property
    def servers(self) -> tuple[Server, ...]:
        """All servers of this host, as they were listed last."""
        return self.account.servers

    @property
    def servers_seen(self) -> bool:
        """Whether `servers` was listed at least once, so that an empty one says something."""
        return self.account.servers_seen

    @property
    def meter(self) -> MeterState | None:
        """What the host has cost so far; None where the bill's begin is not known."""
        return self.account.meter

    @property
    def ledger(self) -> Ledger:
        """What every server of this host served and each day was used for."""
        return self.account.ledger

    @property
    def totals(self) -> TokenTotals:
        """Requests and tokens of all servers since the bill began."""
        return all_totals(self.ledger)


def watching(session: Session, server: str, model: str | None) -> Session:
    """Return the session turned to another server, of which no more is known than was listed."""
    listed = next((each for each in session.servers if each.name == server), None)
    life = not_started(server, model)
    return _turned(session, life if listed is None else replace(life, server=listed))


def watching_external(session: Session, server: Server) -> Session:
    """Return the session turned to a server that somebody else started."""
    return _turned(session, external_life(server))


def _turned(session: Session, life: Life) -> Session:
    return replace(
        Session(session.now),
        life=life,
        gpus=session.gpus,
        recent_memory=session.recent_memory,
        account=session.account,
        ab=session.ab,
    )


def advance(session: Session, fact: Fact) -> Session:
    """Return the session after one fact, the account of the host included."""
    if _of_the_watched(fact) and session.life is not None:
        fact = replace(fact, server=session.life.server.name)
    if isinstance(fact, _ACCOUNT_FACTS):
        account = account_after(session.account, cast("AccountFact", fact))
        session = replace(session, account=account)
    return advance_watched(session, fact)


def _of_the_watched(fact: Fact) -> TypeGuard[MetricsScraped | SourceFailed]:
    """Whether a fact is about the counters of the watched server, and does not name it."""
    if isinstance(fact, SourceFailed) and fact.source != METRICS:
        return False
    return isinstance(fact, MetricsScraped | SourceFailed) and not fact.server


def advance_watched(session: Session, fact: Fact) -> Session:  # noqa: PLR0911 - one for each kind
    """Return the session after one fact that its account has taken already, or does not take."""
    session = _at(session, fact.at, journalled=isinstance(fact, _SERVER_FACTS))
    if isinstance(fact, _SERVER_FACTS):
        return _with_server_fact(session, cast("ServerFact", fact))
    if isinstance(fact, _AB_FACTS):
        return replace(session, ab=ab_after(session.ab, cast("AbFact", fact)))
    match fact:
        case GpusSampled():
            return _with_gpus(session, fact)
        case MetricsScraped():
            return _with_scrape(session, fact)
        case ServersSeen():
            return _with_servers(recovered(session, SERVERS), fact)
        case SourceFailed():
            return _with_failure(session, fact)
        case LogRead() | Ticked() | HostTicked():
            return session
        case _:
            raise AssertionError(f"a fact that nothing folds: {fact}")


def _at(session: Session, at: Stamp, *, journalled: bool) -> Session:
    """Move the clock on, never back: journals are replayed, and their facts are old.

    The monotonic clock begins anew with the host, so that a journal from before a reboot can be
    far ahead of it; such facts are told by the wall clock.
    """
    if at.mono_s <= session.now.mono_s or (journalled and at.wall_s < session.now.wall_s):
        return session
    return replace(session, now=at)


def _with_server_fact(session: Session, fact: ServerFact) -> Session:
    life = life_after(session.life or not_started(""), fact)
    if isinstance(fact, Spawned):
        return replace(session, life=life, memory=Timeline(), scraped=None, recent=(), serving=None)
    if isinstance(fact, BecameReady):
        return replace(recovered(session, METRICS), life=life)
    return replace(session, life=life)


def _with_servers(session: Session, fact: ServersSeen) -> Session:
    """Believe the list of servers where the watched one has no keeper that could journal."""
    life = session.life
    if life is None:
        return session
    seen = next((each for each in fact.servers if each.name == life.server.name), None)
    if seen is not None and seen.keeper_pid is not None:
        return session
    if is_external(life):
        # A list may be from before its keeper came; a journal knows more while the process lives.
        journaled = life.spawned_at is not None and (seen is not None or life.server.pid is None)
        return session if journaled else _with_external(session, life, fact)
    if seen is None or seen.owner is Owner.EXTERNAL:
        return session
    if seen.started_at != life.server.started_at or seen.state is life.server.state:
        return session
    return replace(session, life=replace(life, server=seen))


def _with_external(session: Session, life: Life, fact: ServersSeen) -> Session:
    after = external_after(life, fact.servers)
    if after.server.pid == life.server.pid:
        return replace(session, life=after)
    return replace(recovered(session, METRICS), life=after, scraped=None, recent=(), serving=None)


def _with_failure(session: Session, fact: SourceFailed) -> Session:
    if fact.server and (session.life is None or fact.server != session.life.server.name):
        return session
    return replace(session, failed_sources={**session.failed_sources, fact.source: fact.reason})


def _with_gpus(session: Session, fact: GpusSampled) -> Session:
    life = session.life
    used = [gpu.memory.used_bytes for gpu in fact.sample.gpus]
    session = replace(
        recovered(session, "gpus"),
        gpus=fact.sample,
        recent_memory=_recent_memory(session.recent_memory, fact.at.mono_s, used),
    )
    if life is None or life.spawned_at is None or life.server.pid is None or None in used:
        return session
    if life.start is None or running_phase(life.start) is None:
        return session  # a day of serving would leave the start a point or two
    if not used or fact.at.mono_s < life.spawned_at.mono_s:
        return session
    since_s = fact.at.mono_s - life.spawned_at.mono_s
    total = sum(size for size in used if size is not None)
    return replace(session, memory=with_point(session.memory, TimelinePoint(since_s, total)))


def _recent_memory(
    kept: tuple[TimelinePoint, ...], at_s: float, used: list[int | None]
) -> tuple[TimelinePoint, ...]:
    """Return the memory of all GPUs together; a sample in which one is unknown leaves a gap."""
    known = [size for size in used if size is not None]
    if not used or len(known) < len(used):
        return kept
    young = (each for each in kept if 0.0 <= at_s - each.at_s <= MEMORY_WINDOW_S)
    return (*young, TimelinePoint(at_s, sum(known)))


def _with_scrape(session: Session, fact: MetricsScraped) -> Session:
    if session.life is not None and fact.server != session.life.server.name:
        return session
    earlier = session.scraped
    newest = serving_between(earlier, fact) if earlier else serving_at(fact)
    recent = _recent(session.recent, fact) if newest.window_s is not None else ()
    return replace(
        recovered(session, METRICS),
        scraped=fact,
        recent=(*recent, fact),
        serving=serving_between(recent[0], fact) if recent else newest,
        output_rates=(*session.output_rates, newest.output_tokens_per_s)[-RATE_HISTORY:],
        input_rates=(*session.input_rates, newest.input_tokens_per_s)[-RATE_HISTORY:],
        request_rates=(*session.request_rates, newest.requests_per_s)[-RATE_HISTORY:],
        kv_cache_shares=(*session.kv_cache_shares, newest.kv_cache_usage)[-RATE_HISTORY:],
        traffic=_traffic(_demand_alone(session.traffic, earlier, fact), fact),
    )


def _recent(kept: tuple[MetricsScraped, ...], fact: MetricsScraped) -> tuple[MetricsScraped, ...]:
    """Return the readings a window may begin with; after a gap it is the one before that."""
    young = (each for each in kept if fact.at.mono_s - each.at.mono_s <= SERVING_WINDOW_S)
    return tuple(young) or kept[-1:]


def _demand_alone(
    kept: tuple[MetricsScraped, ...], earlier: MetricsScraped | None, fact: MetricsScraped
) -> tuple[MetricsScraped, ...]:
    if not fact.own or earlier is None:
        return kept
    return tuple(cut_out(each, earlier, fact) for each in kept)


def _traffic(kept: tuple[MetricsScraped, ...], fact: MetricsScraped) -> tuple[MetricsScraped, ...]:
    if kept and restarted(kept[-1].counters, fact.counters):
        return (fact,)
    if kept and fact.at.mono_s - kept[-1].at.mono_s < TRAFFIC_STEP_S:
        return kept
    recent = (each for each in kept if fact.at.mono_s - each.at.mono_s <= TRAFFIC_WINDOW_S)
    return (*recent, fact)


def recovered(session: Session, source: str) -> Session:
    """Return the session in which a source that had failed tells again what it should."""
    if source not in session.failed_sources:
        return session
    failed = {name: why for name, why in session.failed_sources.items() if name != source}
    return replace(session, failed_sources=failed)
