"""A day of traffic at high speed: every total equals a sum that is made independently.

Two servers share one host, one of them with two engines, as simulated vLLMs count and export. In
that day servers stop and start, an engine begins anew, and the console is closed, killed and opened
again. What is spent and served is added up beside, in whole numbers, by who did it.
"""

import random
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import ROUND_CEILING, Decimal
from pathlib import Path

from backends.domain.billing.account import Account, AccountFact, account_after
from backends.domain.billing.ledger import utc_day
from backends.domain.facts import HostTicked, MetricsScraped, ServersSeen
from backends.domain.server import Owner, Server, ServerState
from backends.domain.session import Session, watching
from backends.domain.stamp import Stamp
from backends.domain.traffic.shape import hours_known, learnt_rps
from backends.gpus.source import GpuSource
from backends.history.history import open_history
from backends.metrics.exposition import counters_from
from backends.operations.billing import Period, bill_of
from backends.operations.context import Context
from backends.operations.decision import decide_all
from backends.operations.host import Host
from backends.operations.meter_store import (
    LATEST,
    WRITE_EVERY_S,
    days_between,
    keep_latest,
    open_meter_store,
    write_account,
)
from backends.operations.rental import api_equivalent
from backends.settings.config import Billing, Endpoint, Profile, Settings, TokenPrices
from backends.simulated.counters import ServerCounters

BEGAN = datetime(2026, 9, 21, 6, tzinfo=UTC)
DAY_S, STEP_S = 86_400, 60
RATE, GRANULARITY_S = Decimal("1.88"), 3600
INPUT, CACHED, OUTPUT = Decimal("0.10"), Decimal("0.05"), Decimal("0.70")
CENT = Decimal("0.01")
MTOK = 10**6

API = Endpoint("api", "http://127.0.0.1:9/v1", "m", prices=TokenPrices(INPUT, OUTPUT, CACHED))
SETTINGS = Settings(
    (Profile("chat", "org/model", gpu_usd_per_hour=RATE), Profile("batch", "org/model")),
    (API,),
    billing=Billing(since=BEGAN, granularity_s=GRANULARITY_S, gpus=2),
)


@dataclass
class Truth:
    """What is added up beside the product."""

    requests: int = 0
    into: int = 0
    cached: int = 0
    out: int = 0
    seconds: Counter[str] = field(default_factory=Counter)
    by_day: Counter[str] = field(default_factory=Counter)

    def usd(self) -> Decimal:
        fresh = self.into - self.cached
        return (fresh * INPUT + self.cached * CACHED + self.out * OUTPUT) / MTOK


@dataclass
class Vllm:
    """A server that counts as vLLM does, in as many engines as it has."""

    engines: int
    started_s: float
    counters: list[ServerCounters] = field(init=False)

    def __post_init__(self) -> None:
        self.restart(self.started_s)

    def restart(self, wall_s: float) -> None:
        self.counters = [ServerCounters(started_s=wall_s) for _ in range(self.engines)]

    def serve(self, chance: random.Random, mean: float, truth: Truth) -> None:
        """Serve some requests, count them here and beside."""
        for counts in self.counters:
            counts.running = 0
            for _ in range(min(9, int(chance.expovariate(1 / mean)))):
                into, out = chance.randint(20, 400), chance.randint(1, 500)
                cached = into // 3
                counts.prompt_tokens += into
                counts.cached_tokens += cached
                counts.generation_tokens += out
                counts.finished["stop"] += 1
                counts.request_input.observe(into)
                counts.request_output.observe(out)
                counts.running += 1
                truth.requests += 1
                truth.into, truth.cached = truth.into + into, truth.cached + cached
                truth.out += out

    def export(self) -> str:
        texts = [counts.exposition("org/model", {}) for counts in self.counters]
        whole = "".join(
            text.replace('engine="0"', f'engine="{number}"') for number, text in enumerate(texts)
        )
        if self.engines == 1:
            return whole
        # Histograms are most of the lines, and nothing here is asked of those of this server.
        return "".join(line for line in whole.splitlines(keepends=True) if "_bucket{" not in line)

    @property
    def busy(self) -> bool:
        return any(counts.running for counts in self.counters)


def no_gpus() -> GpuSource:
    raise AssertionError("a long run samples nothing")


class Rented:
    """One host over one day, recorded by a process that comes and goes."""

    def __init__(self, folder: Path) -> None:
        self.wall_s = BEGAN.timestamp()
        self.host = Host(
            SETTINGS, folder / "state", folder / "history.sqlite", no_gpus, now=self.now
        )
        self.host.state_folder.mkdir()
        self.truth = Truth()
        self.chance = random.Random(7)
        self.chat, self.batch = Vllm(1, self.wall_s), Vllm(2, self.wall_s)
        self.chat_state, self.ready_at_s = ServerState.STOPPED, 0.0
        self.account: Account | None = None
        self.written_s = 0.0

    def now(self) -> Stamp:
        return Stamp(self.wall_s - BEGAN.timestamp() + 1000.0, self.wall_s)

    def open(self) -> None:
        """Begin to record: the meter first, then the list."""
        store = open_meter_store(self.host)
        self.account = Account(None, store.meter, store.ledger)
        self.written_s = self.wall_s
        self.look()

    def close(self, *, killed: bool) -> None:
        if self.account is not None and not killed:
            write_account(self.host, self.account)
            (self.host.state_folder / LATEST).unlink()  # the history alone tells it all
        self.account = None

    def see(self, fact: AccountFact) -> None:
        assert self.account is not None
        self.account = account_after(self.account, fact)
        if self.wall_s - self.written_s > WRITE_EVERY_S:
            write_account(self.host, self.account)
            self.written_s = self.wall_s
        keep_latest(self.host.state_folder, self.account)

    def shown(self) -> Session:
        """Return what a console shows that is sent the record."""
        assert self.account is not None
        opened = watching(Session(self.now()), "chat", "org/model")
        return replace(opened, account=self.account)

    def look(self) -> None:
        """List the servers and read both, as the console's sources do."""
        batch = Server("batch", Owner.MANAGED, ServerState.READY, pid=2, keeper_pid=3)
        started_s = None if self.chat_state is ServerState.STOPPED else self.chat.started_s
        chat = Server("chat", Owner.MANAGED, self.chat_state, started_at=started_s)
        self.see(ServersSeen(self.now(), (chat, batch)))
        if self.chat_state is ServerState.READY:
            self.see(MetricsScraped(self.now(), counters_from(self.chat.export()), "chat"))
        self.see(MetricsScraped(self.now(), counters_from(self.batch.export()), "batch"))

    def activity(self) -> str:
        """Say what the host is used for: any server that serves makes use of it."""
        if self.account is None:
            return "unwatched"
        chat_busy = self.chat_state is ServerState.READY and self.chat.busy
        if chat_busy or self.batch.busy:
            return "serving"
        return "starting" if self.chat_state is ServerState.STARTING else "idle"

    def pass_time(self) -> None:
        """Let a step pass: it is spent on what was known when it began."""
        activity = self.activity()
        self.truth.seconds[activity] += STEP_S
        self.wall_s += STEP_S
        if self.account is not None:
            self.see(HostTicked(self.now()))

    def serve(self, step: int) -> None:
        quiet = step % 4320 >= 4000 or step % 300 < 40
        if self.chat_state is ServerState.READY:
            self.chat.serve(self.chance, 0.05 if quiet else 3.0, self.truth)
        self.batch.serve(self.chance, 0.05 if quiet else 1.0, self.truth)

    def launch(self) -> None:
        self.chat.started_s = self.wall_s
        self.chat.restart(self.wall_s)
        self.chat_state, self.ready_at_s = ServerState.STARTING, self.wall_s + 61
        if self.account is not None:
            self.look()

    def stop(self) -> None:
        self.chat_state = ServerState.STOPPED
        if self.account is not None:
            self.look()


def lived(folder: Path) -> Rented:
    """Return the host after its day."""
    made_host = Rented(folder)
    made_host.open()
    made_host.launch()
    for step in range(DAY_S // STEP_S):
        if (
            made_host.chat_state is ServerState.STARTING
            and made_host.wall_s >= made_host.ready_at_s
        ):
            made_host.chat_state = ServerState.READY
        made_host.serve(step)
        if made_host.account is not None:
            made_host.look()
        match step:
            case 233 | 833:
                made_host.stop()
            case 240 | 863:
                made_host.launch()
            case 333:
                made_host.close(killed=False)
            case 366:
                made_host.open()
            case 500:
                made_host.batch.counters[1] = ServerCounters(started_s=made_host.batch.started_s)
            case 667:
                made_host.close(killed=True)
            case 669:
                made_host.open()
            case _:
                pass
        made_host.pass_time()
    assert made_host.account is not None
    made_host.look()
    write_account(made_host.host, made_host.account)
    return made_host


def test_a_day_of_traffic_is_billed_to_the_cent(tmp_path: Path) -> None:
    made_host = lived(tmp_path)
    truth = made_host.truth
    session = made_host.shown()

    totals = session.totals
    assert (totals.requests, totals.input_tokens) == (truth.requests, truth.into)
    assert (totals.cached_input_tokens, totals.output_tokens) == (truth.cached, truth.out)
    assert truth.requests > 4_000
    elsewhere_usd = api_equivalent(session.totals, API).usd
    assert elsewhere_usd is not None
    assert elsewhere_usd.quantize(CENT) == truth.usd().quantize(CENT)

    spent = decide_all(session, Context(SETTINGS), utc_day(session.now.wall_s)).rental.spent
    assert spent is not None
    assert spent.usd is not None
    hours = (Decimal(DAY_S) / GRANULARITY_S).to_integral_value(rounding=ROUND_CEILING)
    assert spent.usd.quantize(CENT) == (hours * GRANULARITY_S / 3600 * RATE * 2).quantize(CENT)
    for name, seconds, usd in spent.parts:
        assert usd is not None
        exact = truth.seconds[name] * RATE * 2 / 3600
        assert usd.quantize(CENT) == exact.quantize(CENT), name
        assert seconds == truth.seconds[name], name
    assert min(truth.seconds[name] for name in ("serving", "idle", "starting", "unwatched")) > 0

    days_add_up(made_host)


def days_add_up(made_host: Rented) -> None:
    """The days of the report are the rental, cut at midnight UTC."""
    first, last = BEGAN.date(), made_host.now().wall_s
    with closing(open_history(made_host.host.history_file)) as history:
        days = days_between(history, first, datetime.fromtimestamp(last, UTC).date())
    assert [day.day.day for day in days] == [21, 22]
    assert sum(day.totals.requests or 0 for day in days) == made_host.truth.requests
    bill = bill_of(made_host.host, made_host.shown(), Period(first, days[-1].day))
    assert bill.spent is not None
    assert bill.spent.usd is not None
    assert bill.spent.usd.quantize(CENT) == (Decimal(24) * RATE * 2).quantize(CENT)
    profile = made_host.shown().ledger.of("chat").profile
    assert hours_known(profile) >= 22
    assert learnt_rps(profile) is None or len(learnt_rps(profile) or ()) == 24
