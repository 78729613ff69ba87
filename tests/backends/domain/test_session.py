"""The fold of all facts: order-safe, never back in time, and honest about what failed."""

from dataclasses import replace
from functools import reduce
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.domain.ab.facts import RunBegan, RunEnded, SeriesBegan, TextArrived
from backends.domain.ab.run import Run
from backends.domain.billing.account import Account, activity
from backends.domain.billing.meter import Origin, begin_meter
from backends.domain.facts import (
    BecameReady,
    Fact,
    GpusSampled,
    HostTicked,
    MetricsScraped,
    ServersSeen,
    SourceFailed,
    Ticked,
)
from backends.domain.gpu import Gpu, GpuMemory, GpuSample
from backends.domain.server import Owner, Server, ServerState
from backends.domain.serving import Counters
from backends.domain.session import (
    RATE_HISTORY,
    SERVING_WINDOW_S,
    TRAFFIC_STEP_S,
    TRAFFIC_WINDOW_S,
    Session,
    advance,
    watching,
)
from backends.domain.stamp import Stamp
from backends.domain.vram_timeline import Timeline
from tests.backends.domain.journals import (
    BOOT_WALL_S,
    at,
    failed,
    loading,
    ready,
    spawned,
    stopped,
    stopping,
    with_lists,
)

GIB = 1 << 30


def opened(mono_s: float = 90.0) -> Session:
    return watching(Session(at(mono_s)), "chat", "org/model")


def fold(facts: list[Fact], begin: Session | None = None) -> Session:
    return reduce(advance, facts, begin or opened())


def gpus(mono_s: float, used_bytes: int | None) -> GpusSampled:
    memory = GpuMemory(80 * GIB, used_bytes, None, unified=False, source="test")
    return GpusSampled(at(mono_s), GpuSample((Gpu(0, "GPU-0", "H100", "nvidia", memory),)))


def scrape(mono_s: float, requests: float, **more: float) -> MetricsScraped:
    counters = Counters(
        process_start_s=more.pop("process_start_s", BOOT_WALL_S + 101),
        requests_finished=requests,
        generation_tokens=more.pop("generation_tokens", requests * 100),
        prompt_tokens=requests * 10,
        requests_running=more.pop("requests_running", 0.0),
    )
    return MetricsScraped(at(mono_s), counters)


SERVER: list[Fact] = [*ready()]
SAMPLES: list[Fact] = [gpus(120 + step, step * GIB) for step in range(4)]
RACE: list[Fact] = [
    SeriesBegan(at(151), "s", (("a", "chat"), ("b", "serverless")), runs=1),
    RunBegan(at(151.1), "a", 0),
    RunBegan(at(151.1), "b", 0),
    TextArrived(at(151.3), "a", "Once", reasoning=False, tokens=1),
    RunEnded(at(152), Run("a", 0, ttft_s=0.2)),
]
TICKS: list[Fact] = [Ticked(at(100 + 9 * step)) for step in range(8)]


@st.composite
def interleaved(draw: st.DrawFn, *sources: list[Fact]) -> list[Fact]:
    """Facts of several sources, each in its own order, mixed in any way."""
    left = [list(source) for source in sources]
    mixed: list[Fact] = []
    while any(left):
        mixed.append(draw(st.sampled_from([source for source in left if source])).pop(0))
    return mixed


@given(interleaved(SERVER, SAMPLES, RACE, TICKS))
def test_sources_may_overtake_each_other(mixed: list[Fact]) -> None:
    usual = fold([*SERVER, *SAMPLES, *RACE, *TICKS])
    other = fold(mixed)
    assert other.life == usual.life
    assert other.gpus == usual.gpus
    assert other.ab == usual.ab
    assert other.now == usual.now


@given(interleaved([*stopped()], SAMPLES, RACE, TICKS))
def test_time_never_goes_back(mixed: list[Fact]) -> None:
    session, seen = opened(), []
    for fact in mixed:
        session = advance(session, fact)
        seen.append(session.now.mono_s)
    assert all(earlier <= later for earlier, later in pairwise(seen))


def test_an_old_journal_is_replayed_without_moving_the_clock() -> None:
    session = fold([*stopped()], opened(9_000.0))
    assert session.now == at(9_000.0)
    assert session.life is not None
    assert session.life.server.state is ServerState.STOPPED


def test_a_journal_from_before_a_reboot_does_not_move_the_clock_ahead() -> None:
    before_reboot = BOOT_WALL_S - 500_000
    session = fold([spawned(400_000.0, boot_wall_s=before_reboot)], opened(60.0))
    assert session.now == at(60.0)


def test_a_wall_clock_that_was_set_back_does_not_stop_the_time() -> None:
    session = advance(opened(90.0), Ticked(Stamp(91.0, BOOT_WALL_S - 3600)))
    assert session.now.mono_s == 91.0


@pytest.mark.parametrize("step_s", [3 * 3600.0, -86400.0, 20.0])
def test_a_wall_clock_that_is_set_changes_no_bill(step_s: float) -> None:
    begun_bill = begin_meter("host_boot", at(40).wall_s, at(100).wall_s)
    begun = replace(opened(100.0), account=Account(at(100.0), begun_bill))
    set_then = BOOT_WALL_S + step_s
    facts: list[Fact] = [
        *loading(),
        BecameReady(at(150)),
        HostTicked(at(155, set_then)),
        HostTicked(at(160, set_then)),
        HostTicked(at(165)),
    ]
    session = fold(with_lists(facts), begun)
    meter = session.meter
    assert meter is not None
    assert meter.last_s - meter.began_s == pytest.approx(125)
    assert meter.unwatched_s == pytest.approx(75)
    assert meter.starting_s == pytest.approx(50)
    days = [each.meter for each in session.ledger.days]
    assert sum(each.unwatched_s + each.starting_s for each in days) == pytest.approx(65)


def test_a_source_that_failed_is_told_until_it_answers_again() -> None:
    lost = fold([SourceFailed(at(91), "gpus", "the driver is gone")])
    assert lost.failed_sources == {"gpus": "the driver is gone"}
    assert fold([Ticked(at(92))], lost).failed_sources == lost.failed_sources
    assert fold([gpus(93, GIB)], lost).failed_sources == {}


@pytest.mark.parametrize("answer", [scrape(151, 1), BecameReady(at(151))], ids=["scrape", "ready"])
def test_metrics_recover(answer: Fact) -> None:
    lost = fold([*loading(), SourceFailed(at(120), "metrics", "no answer")])
    assert fold([answer], lost).failed_sources == {}


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ([], "stopped"),
        (loading(), "starting"),
        (ready(), "unwatched"),
        ([*ready(), scrape(151, 1)], "idle"),
        ([*ready(), scrape(151, 1, requests_running=3.0)], "serving"),
        (failed(), "stopped"),
        (stopped(), "stopped"),
    ],
    ids=["none", "starting", "unscraped", "idle", "busy", "failed", "stopped"],
)
def test_what_the_rented_time_is_spent_on(facts: list[Fact], expected: str) -> None:
    assert activity(fold(with_lists(facts)).account) == expected


def test_the_meter_counts_each_second_once_and_for_what_was_done() -> None:
    meter = begin_meter("host_boot", at(40).wall_s, at(100).wall_s)
    begun = replace(opened(100.0), account=Account(at(100.0), meter))
    facts: list[Fact] = [
        *loading(),
        BecameReady(at(150)),
        scrape(150, 1),
        HostTicked(at(160)),
        scrape(160, 1, requests_running=2.0),
        HostTicked(at(165)),
        HostTicked(at(164)),
    ]
    counted = fold(with_lists(facts), begun).meter
    assert counted is not None
    parts = [counted.unwatched_s, counted.starting_s, counted.idle_s, counted.serving_s]
    assert parts == [60, 50, 10, 5]
    assert counted.last_s - counted.began_s == 125


def test_memory_is_drawn_over_the_time_since_launch() -> None:
    session = fold([gpus(99, 5 * GIB), *loading(), gpus(112, 7 * GIB), gpus(113, None)])
    assert [(p.at_s, p.used_bytes) for p in session.memory.points] == [(12.0, 7 * GIB)]


def test_a_new_start_forgets_the_rates_of_the_last_and_keeps_its_tokens() -> None:
    session = fold([*ready(), scrape(151, 10), scrape(152, 20), *stopping()[-2:], spawned(300)])
    assert session.scraped is None
    assert session.serving is None
    assert session.memory == Timeline()
    assert session.totals.requests == 20


def test_one_scrape_gives_no_rate_rather_than_zero() -> None:
    session = fold([*ready(), scrape(151, 10)])
    assert session.serving is not None
    assert session.serving.output_tokens_per_s is None
    assert session.output_rates == (None,)


def test_rates_and_latencies_are_of_the_last_minute_and_shorter_while_less_was_seen() -> None:
    facts = [scrape(151 + step, 2 * (step // 2)) for step in range(100)]  # two each second second
    early = fold([*ready(), *facts[:21]]).serving
    assert early is not None
    assert early.window_s == 20
    assert early.requests_per_s == pytest.approx(1.0)
    rates = set()
    for last in range(61, 100):
        late = fold([*ready(), *facts[: last + 1]]).serving
        assert late is not None
        assert late.window_s == SERVING_WINDOW_S
        rates.add(late.requests_per_s)
    assert len(rates) == 1


def test_no_minute_reaches_across_a_restart_and_a_gap_is_said_as_long_as_it_was() -> None:
    anew = scrape(180, 5, process_start_s=BOOT_WALL_S + 170)
    session = fold([*ready(), scrape(151, 900), scrape(170, 950), anew, scrape(190, 15)])
    assert session.serving is not None
    assert (session.serving.window_s, session.serving.requests_per_s) == (10, 1)
    gap = advance(session, scrape(490, 30)).serving
    assert gap is not None
    assert (gap.window_s, gap.requests_per_s) == (300, 0.05)


def test_rates_are_kept_for_the_sparkline_and_no_longer() -> None:
    session = fold([*ready(), *(scrape(151 + step, step) for step in range(RATE_HISTORY + 5))])
    assert len(session.output_rates) == RATE_HISTORY
    assert session.output_rates[-1] == pytest.approx(100.0)


def test_traffic_is_a_bounded_window_over_the_last_minutes() -> None:
    steps = range(0, int(2 * TRAFFIC_WINDOW_S), 5)
    session = fold([*ready(), *(scrape(151 + step, step) for step in steps)])
    times = [each.at.mono_s for each in session.traffic]
    assert times[-1] - times[0] <= TRAFFIC_WINDOW_S
    assert times[-1] - times[0] > TRAFFIC_WINDOW_S - 2 * TRAFFIC_STEP_S
    assert {later - earlier for earlier, later in pairwise(times)} == {TRAFFIC_STEP_S}


def test_traffic_does_not_reach_across_a_restart_of_the_server() -> None:
    anew = scrape(400, 0, process_start_s=BOOT_WALL_S + 390)
    session = fold([*ready(), scrape(151, 900), scrape(170, 950), anew])
    assert session.traffic == (replace(anew, server="chat"),)
    assert session.totals.requests == 950


def test_turning_to_another_server_keeps_the_bill_and_the_gpus_but_no_figure_of_the_last() -> None:
    session = replace(
        fold([*ready(), gpus(151, GIB), scrape(151, 4), *RACE]),
        account=Account(meter=begin_meter("host_boot", 0.0, 10.0)),
    )
    other = watching(session, "code", "org/code")
    assert (other.meter, other.gpus, other.ab) == (session.meter, session.gpus, session.ab)
    assert (other.serving, other.scraped, other.traffic, other.memory.points) == (
        None,
        None,
        (),
        (),
    )
    assert other.life is not None
    assert (other.life.server.name, other.life.server.state) == ("code", ServerState.STOPPED)


def listed(state: ServerState, *, keeper_pid: int | None, started_s: float = 100.0) -> Fact:
    server = Server(
        "chat",
        Owner.MANAGED,
        state,
        keeper_pid=keeper_pid,
        started_at=at(started_s).wall_s,
    )
    return ServersSeen(at(155), (server,))


@pytest.mark.parametrize(
    ("seen", "state"),
    [
        (listed(ServerState.FAILED, keeper_pid=None), ServerState.FAILED),
        (listed(ServerState.STARTING, keeper_pid=4241), ServerState.READY),
        (listed(ServerState.FAILED, keeper_pid=None, started_s=7.0), ServerState.READY),
    ],
    ids=["nobody-keeps-it", "its-keeper-journals", "an-earlier-start"],
)
def test_a_journal_without_a_keeper_is_not_believed_against_the_processes(
    seen: Fact, state: ServerState
) -> None:
    life = fold([*ready(), seen]).life
    assert life is not None
    assert life.server.state is state


def test_a_fact_that_belongs_nowhere_is_a_bug() -> None:
    with pytest.raises(AssertionError):
        advance(opened(), Stamped(at(91)))  # type: ignore[arg-type]


class Stamped:
    def __init__(self, at: Stamp) -> None:
        self.at = at


def test_facts_before_a_server_was_chosen_are_kept_for_it() -> None:
    session = advance(Session(at(90)), spawned(100))
    assert session.life is not None
    assert session.life.server.name == "chat"


@pytest.mark.parametrize(
    ("origin", "restarts"), [("server_start", True), ("host_boot", False)], ids=str
)
def test_a_launch_restarts_only_a_bill_that_is_by_the_server(
    origin: Origin, *, restarts: bool
) -> None:
    began_s = at(100).wall_s
    meter = begin_meter(origin, began_s, began_s)
    begun = replace(opened(), account=Account(at(100), meter, servers_seen=True))
    session = fold(with_lists([spawned(500.0)]), begun)
    assert session.meter is not None
    assert session.meter.began_s == (at(500).wall_s if restarts else began_s)


@pytest.mark.parametrize(("launched", "restarts"), [(101.0, False), (101.5, True)])
def test_the_launch_that_a_bill_began_with_does_not_restart_it(
    launched: float, *, restarts: bool
) -> None:
    began_s = at(100).wall_s
    meter = begin_meter("server_start", began_s, began_s)
    begun = replace(opened(), account=Account(at(100), meter, servers_seen=True))
    session = fold(with_lists([spawned(launched)]), begun)
    assert session.meter is not None
    assert (session.meter.began_s > began_s) is restarts


def test_a_host_without_a_gpu_leaves_the_start_without_a_point() -> None:
    assert fold([*loading(), GpusSampled(at(130), GpuSample(()))]).memory == Timeline()
    assert fold([*loading(), gpus(130, 3 * GIB)]).memory != Timeline()
