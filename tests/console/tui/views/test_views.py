"""The projection: what is unknown stays unknown, and what failed says why."""

from dataclasses import fields, is_dataclass, replace
from decimal import Decimal
from typing import Any

import pytest

from backends.domain.ab.facts import RunBegan, RunEnded, SeriesBegan, SeriesEnded, TargetWaits
from backends.domain.ab.run import Run
from backends.domain.decision.scenario import Scenario
from backends.domain.decision.uncertainty import Band
from backends.domain.facts import (
    BecameReady,
    Fact,
    GpusSampled,
    RecordingChanged,
    SourceFailed,
)
from backends.domain.gpu import GpuSample
from backends.domain.server import Owner
from backends.domain.session import Session, advance, watching
from backends.operations.ab import TARGETS
from backends.operations.context import Context
from backends.prober import problems
from backends.prober.prompts import LONG, PARAGRAPH, sha256_of
from backends.settings.config import Billing, Endpoint
from console.tui.views.ab import ab_view, prompt_words
from console.tui.views.cost import cost_view, main_verdict_view
from console.tui.views.plan import chart_view, options_view
from console.tui.views.screen import main_view
from console.tui.views.serving import serving_view
from console.tui.views.startup import startup_view
from console.tui.views.status import status_view
from console.tui.views.vram import vram_view
from tests.backends.domain.journals import FAILURE, at, failed, loading, ready, spawned
from tests.console import sessions
from tests.console.sessions import DAY, DESK, EMPTY, FAILED, READY, SETTINGS, STARTING, decided
from widgets import target_pane
from widgets.ab_panel import draw as draw_ab
from widgets.cost_chart import draw as draw_chart
from widgets.verdict_line import draw as draw_verdict


def zeros(value: Any, place: str = "") -> list[str]:
    """Return where a view holds a figure that is exactly zero."""
    if is_dataclass(value) and not isinstance(value, type):
        return [
            found
            for each in fields(value)
            for found in zeros(getattr(value, each.name), f"{place}.{each.name}")
        ]
    if isinstance(value, tuple):
        return [found for item in value for found in zeros(item, place)]
    is_figure = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
    return [place] if is_figure and value == 0 else []


def test_a_console_that_knows_nothing_shows_no_zero() -> None:
    view = main_view(Session(at(90.0)), Context(replace(SETTINGS, servers=(), endpoints=())))
    known = {".startup.unlogged_s", ".ab.done", ".ab.planned", ".vram.t0_s", ".vram.t1_s"}
    assert set(zeros(view)) <= known


def test_before_a_start_every_figure_of_the_server_is_unknown() -> None:
    status = status_view(EMPTY, DESK)
    assert (status.pid, status.port, status.uptime_s) == (None, None, None)
    assert serving_view(EMPTY).serving is None
    assert serving_view(EMPTY).reason == "no server is ready"
    assert startup_view(EMPTY, DESK).total_s is None
    crossover = main_verdict_view(decided(EMPTY)).crossover
    assert crossover is not None
    assert (crossover.now_rps, crossover.break_even_rps, crossover.capacity_rps) == (None,) * 3
    assert crossover.break_even_reason
    assert crossover.capacity_reason


def test_the_running_phase_has_its_item_and_no_duration() -> None:
    (running,) = [row for row in startup_view(STARTING, DESK).phases if row.duration_s is None]
    assert (running.name, running.item, running.fraction) == ("load_weights", "shard 9/15", 0.6)


def test_a_first_start_has_no_eta_but_a_reason() -> None:
    view = startup_view(STARTING, DESK)
    assert view.eta is None
    assert "first start" in view.eta_reason


def test_an_eta_comes_from_earlier_starts_of_the_same_kind() -> None:
    earlier = tuple(replace(startup(READY), start_id=f"earlier-{number}") for number in range(3))
    view = startup_view(STARTING, replace(DESK, earlier=earlier))
    assert view.previous is not None
    assert (view.previous.n, view.previous.median_s) == (3, startup(READY).ready_s)
    assert view.eta is not None
    assert 0 < view.eta.median_s <= 40
    assert view.eta.n == 3
    awaited = {row.name for row in view.phases if row.start_s is None}
    assert "compile" in awaited


def startup(session: Session) -> Any:
    from console.tui.views.startup import start_of

    return start_of(session)


def test_a_failure_is_shown_with_its_line_cause_and_remedy() -> None:
    view = startup_view(FAILED, DESK)
    assert view.failure == FAILURE
    assert view.outcome == "failed"
    assert not view.compact


def test_a_ready_start_gives_its_room_away() -> None:
    assert startup_view(READY, DESK).compact
    assert not startup_view(STARTING, DESK).compact


def test_vram_of_a_silent_driver_is_unknown_with_its_reason() -> None:
    session = advance(EMPTY, sessions.gpu(96.0, None))
    view = vram_view(session)
    assert view.gpus[0].used_bytes is None
    assert view.gpus[0].reason == "the driver does not answer"
    assert view.timeline == ()


@pytest.mark.parametrize(
    ("fact", "reason"),
    [
        (SourceFailed(at(96), "gpus", "the driver is gone"), "the driver is gone"),
        (GpusSampled(at(96), GpuSample((), "no driver here")), "no driver here"),
    ],
    ids=["failed", "none"],
)
def test_no_gpu_says_why(fact: Fact, reason: str) -> None:
    view = vram_view(advance(EMPTY, fact))
    assert (view.gpus, view.reason) == ((), reason)


def test_parts_of_vram_add_up_to_what_is_used() -> None:
    (bar,) = vram_view(READY).gpus
    assert sum(part.size_bytes for part in bar.parts) == bar.used_bytes


def test_metrics_that_fail_say_why_where_the_rates_would_be() -> None:
    facts: list[Fact] = [*ready(), SourceFailed(at(160), "metrics", "/metrics answers 404")]
    assert serving_view(sessions.session(facts, 161)).reason == "/metrics answers 404"


def series(*facts: Fact) -> Session:
    began = SeriesBegan(at(320), "s", (("a", "chat"), ("b", "serverless")), 4, ("m", "m"))
    return sessions.session([*ready(), began, *facts], 330)


def test_lanes_that_wait_have_no_figures() -> None:
    view = ab_view(series(RunBegan(at(321), "a", 0)), SETTINGS)
    assert [target.state for target in view.targets] == ["waiting", "idle"]
    assert [target.ttft_s for target in view.targets] == [None, None]
    assert [target.tokens_per_s for target in view.targets] == [None, None]
    assert view.targets[0].waited_s == pytest.approx(9.0)
    assert view.eta_s is None
    assert view.difference is None


def test_a_target_that_is_waited_for_says_so() -> None:
    waits = TargetWaits(at(323), "b", "HTTP 503: the endpoint failed", True, 5.0, 12.0)
    view = ab_view(series(RunBegan(at(321), "b", 0), waits), SETTINGS)
    assert view.targets[1].state == "waiting"
    assert view.targets[1].error == "cold since 12 s, again in 5 s: HTTP 503: the endpoint failed"
    assert [target.cold_s for target in view.targets] == [None, None]
    cold = RunEnded(at(329), sessions.run("b", 0, 0.1, cold_s=8.1))
    assert ab_view(series(waits, cold), SETTINGS).targets[1].cold_s == 8.1
    begun = ab_view(series(waits, RunBegan(at(328), "b", 0)), SETTINGS)
    assert (begun.targets[1].state, begun.targets[1].error) == ("waiting", "")


def test_live_tokens_are_unknown_until_usage_tells() -> None:
    view = ab_view(READY, SETTINGS)
    assert [target.state for target in view.targets] == ["done", "streaming"]
    assert view.targets[0].tokens_per_s == pytest.approx(100.0)


def test_few_runs_have_no_difference_and_enough_have_one() -> None:
    few = [RunEnded(at(322), sessions.run(target, 0, 0.2)) for target in TARGETS[:2]]
    assert ab_view(series(*few), SETTINGS).difference is None
    difference = ab_view(READY, SETTINGS).difference
    assert difference is not None
    assert difference.verdict == "a_faster"
    assert difference.ci95[0] < difference.shift < difference.ci95[1]


def changed(key: str, tokens: int) -> dict[str, Any]:
    return {key: tokens}


@pytest.mark.parametrize(("key", "told"), [("input_tokens", True), ("output_tokens", False)])
def test_only_what_touches_ttft_makes_lanes_not_comparable(key: str, *, told: bool) -> None:
    facts = [
        RunEnded(at(322 + index), replace(sessions.run(target, index, 0.2), **changed(key, tokens)))
        for index in range(4)
        for target, tokens in zip(TARGETS, (220, 30), strict=False)
    ]
    view = ab_view(series(*facts), SETTINGS)
    assert bool(view.not_comparable) is told
    assert all(sentence for sentence in view.not_comparable)


def test_a_failed_run_shows_its_error_and_no_dot() -> None:
    broken = replace(sessions.run("a", 0, 0.2), ttft_s=None, error="connection refused")
    view = ab_view(series(RunEnded(at(322), broken), SeriesEnded(at(323), "s")), SETTINGS)
    target = view.targets[0]
    assert (target.state, target.error, target.ttft_s) == ("error", "connection refused", None)
    assert view.runs[0].values_s == ()
    assert view.eta_s is None


def test_a_series_that_was_cancelled_says_so_beside_its_runs() -> None:
    done = [RunEnded(at(321 + n), Run("a", n, ttft_s=0.2)) for n in range(2)]
    view = ab_view(series(*done, SeriesEnded(at(325), "s", "cancelled")), SETTINGS)
    for width in (60, 100):
        drawn = "\n".join(each.plain for each in draw_ab(view, width, 12))
        assert f"{view.done}/{view.planned}, cancelled" in drawn
    whole = ab_view(series(*done, SeriesEnded(at(325), "s")), SETTINGS)
    assert "cancelled" not in "\n".join(each.plain for each in draw_ab(whole, 100, 12))


def cost(session: Session, **changes: Any) -> Any:
    settings = replace(SETTINGS, **changes)
    return cost_view(session, Context(settings), decided(session, settings), DAY)


def test_a_host_without_a_price_has_spent_an_unknown_sum() -> None:
    view = cost(READY, servers=(replace(sessions.PROFILE, gpu_usd_per_hour=None),))
    assert (view.spent_usd, view.usd_per_hour, view.serving_usd) == (None, None, None)
    assert "UNPRICED" in view.reason


def test_the_price_of_an_external_server_has_the_date_of_the_profile_that_it_is_from() -> None:
    assert READY.life is not None
    server = replace(READY.life.server, name="vllm-8000", owner=Owner.EXTERNAL)
    external = replace(READY, life=replace(READY.life, server=server))
    view = cost(external)
    assert view.usd_per_hour == sessions.PROFILE.gpu_usd_per_hour
    assert view.priced_on == cost(READY).priced_on != ""


def test_an_endpoint_without_a_price_is_unpriced_and_never_free() -> None:
    free = Endpoint("free", "http://127.0.0.1:9/v1", "m")
    view = cost(READY, endpoints=(free,))
    (api_equivalent,) = view.api_equivalent
    assert (api_equivalent.usd, api_equivalent.reason) == (None, "UNPRICED")
    crossover = main_verdict_view(decided(READY, replace(SETTINGS, endpoints=(free,)))).crossover
    assert crossover is not None
    assert crossover.break_even_rps is None


def test_the_bill_adds_up() -> None:
    view = cost(READY)
    parts = (view.serving_usd, view.idle_usd, view.starting_usd, view.stopped_usd)
    assert None not in parts
    assert sum(parts, view.unwatched_usd) == pytest.approx(view.spent_usd)
    assert view.priced_on == DAY.isoformat()
    assert not view.stale


@pytest.mark.parametrize(
    ("budget", "state"),
    [(None, "none"), ("100", "within"), ("0.15", "near"), ("0.1", "over")],
)
def test_the_budget_of_a_day(budget: str | None, state: str) -> None:
    billing = Billing(budget_usd_per_day=Decimal(budget) if budget else None)
    assert cost(READY, billing=billing).budget == state


def test_an_old_price_is_called_old() -> None:
    old = replace(sessions.PROFILE, gpu_price_as_of=DAY.replace(year=2025))
    view = cost(READY, servers=(old,))
    assert view.stale
    assert "365 days" in view.stale_reason


def test_the_chart_and_the_options_agree_with_the_verdict() -> None:
    decision = decided(READY)
    chart = chart_view(decision.scenario, decision.plan)
    options = options_view(decision.plan)
    at_rest, *_, beyond = chart.serverless
    assert at_rest == (0.0, Decimal(0))
    assert beyond[0] > (chart.break_even_rps or 0)
    assert chart.now_rps == pytest.approx(2.0)
    assert all(bar.usd_per_month != 0 for bar in options.options)
    assert [bar.current for bar in options.options].count(True) == 1


def test_an_interval_without_an_end_is_not_drawn() -> None:
    decision = decided(READY, DESK.settings)
    found = decision.plan
    endless = Band(Decimal(1), Decimal(3), Decimal("Infinity"))
    found = replace(found, crossover=replace(found.crossover, interval=endless))
    view = main_verdict_view(replace(decision, plan=found))
    assert view.crossover is not None
    assert view.crossover.break_even_interval_rps is None
    assert "inf " not in " ".join(line.plain for line in draw_verdict(view, 76, 5))
    endless_rate = replace(found.crossover, break_even_rps=Decimal("Infinity"))
    chart = chart_view(decision.scenario, replace(found, crossover=endless_rate))
    assert "inf " not in " ".join(line.plain for line in draw_chart(chart, 76, 16))


def test_the_line_of_ones_own_has_what_hosting_costs_and_crosses_at_break_even() -> None:
    plan = Scenario(ops_usd_per_month=Decimal(730))
    decision = decided(READY, replace(SETTINGS, plan=plan))
    asked, found = decision.scenario, decision.plan
    chart = chart_view(asked, found)
    assert {usd for _, usd in chart.self_hosted} == {Decimal("2.88")}
    assert found.usd_per_request is not None
    assert chart.break_even_rps is not None
    at_even = Decimal(repr(chart.break_even_rps)) * found.usd_per_request * 3600
    assert at_even == pytest.approx(Decimal("2.88"))


def test_a_chart_without_prices_says_why_it_is_empty() -> None:
    settings = replace(SETTINGS, endpoints=())
    decision = decided(READY, settings)
    chart = chart_view(decision.scenario, decision.plan)
    assert chart.self_hosted == ()
    assert chart.reason


def test_status_names_every_source_that_cannot_tell() -> None:
    facts: list[Fact] = [
        *ready(),
        SourceFailed(at(160), "metrics", "no /metrics"),
        SourceFailed(at(160), "gpus", "no driver"),
    ]
    assert set(status_view(sessions.session(facts, 161), DESK).problems) == {
        "no /metrics",
        "no driver",
    }


def test_a_start_whose_record_the_disk_refuses_says_so_until_it_is_taken_again() -> None:
    refused: list[Fact] = [*loading(), RecordingChanged(at(130), "No space left on device")]
    assert "No space left on device" in status_view(sessions.session(refused, 131), DESK).problems
    taken: list[Fact] = [*refused, BecameReady(at(150)), RecordingChanged(at(160))]
    assert status_view(sessions.session(taken, 161), DESK).problems == ()


def test_uptime_is_that_of_a_running_process_only() -> None:
    assert status_view(READY, DESK).uptime_s == pytest.approx(228.0)
    assert status_view(FAILED, DESK).uptime_s is None
    assert status_view(sessions.session([*failed(), spawned(300)], 310), DESK).uptime_s == 10


def test_simulated_is_said_with_and_without_a_server() -> None:
    simulated = replace(DESK, simulated=True)
    for session in (Session(at(90)), watching(Session(at(90)), "chat", None), READY):
        assert status_view(session, simulated).simulated


@pytest.mark.parametrize(("pieces", "chunks"), [(1, "1 chunk"), (3, "3 chunks")])
def test_a_run_that_its_user_gave_up_is_no_error_of_the_endpoint(pieces: int, chunks: str) -> None:
    given_up = Run("a", 2, error=problems.cancelled(pieces))
    done = [RunEnded(at(321 + index), Run("a", index, ttft_s=0.2)) for index in range(2)]
    view = ab_view(series(*done, RunEnded(at(324), given_up), SeriesEnded(at(325), "s")), SETTINGS)
    target = view.targets[0]
    assert (target.state, target.error) == ("cancelled", f"cancelled by user after {chunks}")
    assert target.summary is not None
    assert (target.summary.n, target.summary.errors) == (2, 0)
    for height in (1, 6):
        drawn = target_pane.draw(target, 60, height)
        styles = {str(span.style) for each in drawn for span in each.spans}
        assert "$text-error" not in styles
        assert any("cancelled by user" in each.plain for each in drawn)


def test_the_ab_names_the_prompt_that_was_sent_and_the_one_that_comes_next() -> None:
    assert prompt_words(EMPTY, PARAGRAPH) == "prompt paragraph, 220 tokens"
    sent = SeriesBegan(at(320), "s", (("a", "chat"),), 1, prompt_sha256=sha256_of(PARAGRAPH))
    shown = advance(EMPTY, replace(sent, max_tokens=220))
    assert prompt_words(shown, PARAGRAPH) == "prompt paragraph, 220 tokens"
    assert prompt_words(shown, LONG) == "prompt paragraph, 220 tokens; next: long"
