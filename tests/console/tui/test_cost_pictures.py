"""What the cost screen looks like: by sizes, without colour, and with something supposed."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest
from textual.events import Mount

from backends.domain.billing.ledger import Ledger, Served
from backends.domain.decision.hysteresis import ShownPlan
from backends.domain.decision.outcome import VerdictKind
from backends.domain.decision.scenario import scenario_from
from backends.domain.traffic.bins import Bin
from backends.domain.traffic.shape import HourlyProfile
from backends.history.records import FirstTokens
from backends.operations.capacity import Capacity
from backends.operations.context import Context
from backends.operations.decision import Decision, decide_all
from backends.operations.last_month import last_month_of, month_lines
from backends.operations.scenario import Measured
from backends.settings.config import Billing, Endpoint, Settings, TokenPrices
from console.tui.screens.costs import CostScreen
from tests.console import sessions
from tests.console.sessions import DAY, PLAN, PROFILE, SERVERLESS, SETTINGS
from tests.console.tui.test_pictures import SIZES, Compare, Picture, screen_text

NOW_S = 1_790_000_000.0
A_MONTH = HourlyProfile(
    bins=tuple(
        Bin(NOW_S - 3600.0 * (240 - hour), 3600.0, 3600.0, 3600.0, 288_000.0, 792_000.0)
        for hour in range(240)
    )
)
DEAR = Endpoint(
    "dear",
    "http://127.0.0.1:9/v1",
    "m",
    prices=TokenPrices(Decimal("0.15"), Decimal("0.9"), as_of=DAY),
)
UNPRICED = Endpoint("unpriced", "http://127.0.0.1:9/v1", "m")
CAPACITY = Capacity("chat", "org/model", (), Decimal("4.5"), True, 220, "", 1.0, None, 0.0)
COSTS: Settings = replace(
    SETTINGS,
    endpoints=(UNPRICED, DEAR, SERVERLESS),
    billing=Billing(switching_usd=Decimal(10), budget_usd_per_day=Decimal(40)),
)
DESK = Context(
    COSTS,
    capacities=(CAPACITY,),
    shown=ShownPlan(VerdictKind.API_CHEAPER, regret_usd=Decimal("3.2")),
)


def decision(context: Context = DESK) -> Decision:
    return decide_all(sessions.READY, context, DAY)


class CostPicture(Picture):
    """The cost screen over one decision."""

    def __init__(self, found: Decision) -> None:
        super().__init__(sessions.READY)
        self._found = found

    def on_mount(self, event: Mount | None = None) -> None:
        assert event is not None
        event.prevent_default()
        self.push_screen(CostScreen(self._found))


Run = Callable[..., bool]


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_measured(size: tuple[int, int], snap_compare: Compare) -> None:
    assert snap_compare(CostPicture(decision()), terminal_size=size)


def test_no_color(snap_compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(CostPicture(decision()), terminal_size=(120, 35))


def test_what_if_answers_were_long(snap_compare: Compare) -> None:
    assert snap_compare(CostPicture(decision()), terminal_size=(120, 35), press=["3"])


def test_nothing_is_known(snap_compare: Compare) -> None:
    bare = Context(replace(SETTINGS, servers=(replace(PROFILE, gpu_usd_per_hour=None),)))
    found = decide_all(sessions.EMPTY, bare, DAY)
    assert snap_compare(CostPicture(found), terminal_size=(80, 24))


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_both_verdicts_and_every_figure_are_seen_at_every_size(size: tuple[int, int]) -> None:
    app = CostPicture(decision())
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        shown = screen_text(app)
    for expected in (
        "Long-term",
        "API CHEAPER",
        "Right now",
        "KEEP ON GPU",
        "short",
        "medium",
        "long",
    ):
        assert expected in shown, f"{expected} is not in\n{shown}"
    for expected in (
        "18",
        "3.22",
        "0.616",
        "API: serverless",
        "hours/day",
        "capacity",
        "break-even",
    ):
        assert expected in shown, f"{expected} is not in\n{shown}"


async def test_a_key_redraws_everything_that_follows_from_it() -> None:
    app = CostPicture(decision())
    async with app.run_test(size=(120, 35)) as pilot:
        await pilot.pause()
        before = screen_text(app)
        await pilot.press("3")
        await pilot.pause()
        after = screen_text(app)
        assert "WHAT IF" in after
        assert "Long-term" not in after
        assert "1200 *" in after
        await pilot.press("0")
        await pilot.pause()
        assert screen_text(app) == before


async def test_what_is_measured_since_is_there_with_the_key_that_asks_for_it() -> None:
    newest = [decision(), decide_all(sessions.EMPTY, Context(COSTS), DAY)]
    app = CostPicture(newest[0])
    async with app.run_test(size=(120, 35)) as pilot:
        await pilot.pause()
        app.pop_screen()
        app.push_screen(CostScreen(newest[0], lambda: newest[-1]))
        await pilot.pause()
        assert "INSUFFICIENT DATA" not in screen_text(app)
        await pilot.press("0")
        await pilot.pause()
        assert "INSUFFICIENT DATA" in screen_text(app)


async def test_more_gpus_carry_more() -> None:
    app = CostPicture(decision())
    async with app.run_test(size=(160, 45)) as pilot:
        await pilot.pause()
        await pilot.press("up", "up", "right", "right")
        await pilot.pause()
        screen = app.screen
        assert isinstance(screen, CostScreen)
        assert "2 *" in screen_text(app)
        assert screen.chart.view.capacity_rps == 9.0


PLANNED = replace(
    DESK,
    settings=replace(COSTS, plan=scenario_from(PLAN)),
    measured=Measured(tails=(FirstTokens("dear", "m", 400, 0, 1.7, 1_789_000_000.0),)),
)


@pytest.mark.parametrize("size", SIZES[::2], ids=lambda size: f"{size[0]}x{size[1]}")
def test_every_way_of_serving(size: tuple[int, int], snap_compare: Compare) -> None:
    assert snap_compare(CostPicture(decision(PLANNED)), terminal_size=size)


def test_everything_the_verdict_rests_on(snap_compare: Compare) -> None:
    assert snap_compare(CostPicture(decision(PLANNED)), terminal_size=(120, 50), press=["i"])


async def test_all_options_and_inputs_are_a_key_away_with_what_is_supposed() -> None:
    app = CostPicture(decision(PLANNED))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert "more" in screen_text(app)
        await pilot.press("1", "i")
        await pilot.pause()
        shown = screen_text(app)
        assert "provisioned throughput" in shown
        assert "Marginal cost on this GPU is $0" in " ".join(shown.split())
        below = ""
        for _ in range(2):
            await pilot.press("pagedown")
            await pilot.wait_for_animation()
            below += screen_text(app)
        assert "30 output tokens" in below
        assert "GPU reserved at $900.00/month, as of" in shown + below
        await pilot.press("escape")
        await pilot.pause()
        assert "WHAT IF" in screen_text(app)


async def test_the_last_month_at_each_way_of_serving_is_what_the_verb_cost_says() -> None:
    ledger = Ledger((Served("chat", profile=A_MONTH),))
    recorded = replace(sessions.READY, account=replace(sessions.READY.account, ledger=ledger))
    found = decide_all(recorded, DESK, DAY)
    past = last_month_of(found, recorded, NOW_S)
    assert past is not None
    app = CostPicture(found)
    async with app.run_test(size=(160, 60)) as pilot:
        await pilot.pause()
        app.pop_screen()
        app.push_screen(
            CostScreen(found, None, lambda asked: last_month_of(asked, recorded, NOW_S))
        )
        await pilot.press("i")
        await pilot.pause()
        shown = screen_text(app)
    lines = [" ".join(line.split()) for line in month_lines(past)]
    assert len(lines) > 3
    words = " ".join(shown.split())
    assert all(line in words for line in lines)
    assert "864,000 requests in 240 h observed" in words
