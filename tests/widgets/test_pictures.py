"""What every widget looks like: states by sizes, some in the light theme or without colour."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widget import Widget

from tests.widgets import list_samples, money_samples, samples
from tests.widgets.stage import Stage, TargetPane
from widgets.ab_panel import AbPanel
from widgets.cold_probe_panel import ColdProbePanel
from widgets.cost_chart import CostChart
from widgets.cost_panel import CostPanel
from widgets.gpu_remarks import GpuRemarks
from widgets.gpu_table import GpuTable
from widgets.history_table import HistoryTable
from widgets.load_curve import LoadCurve
from widgets.load_strip import LoadStrip
from widgets.log_view import LogLines, LogView
from widgets.options_bars import OptionsBars
from widgets.server_table import ServerTable
from widgets.serving_panel import ServingPanel
from widgets.startup_panel import StartupPanel
from widgets.status_strip import StatusStrip
from widgets.verdict_line import VerdictLine
from widgets.vram_panel import VramPanel
from widgets.welcome import Welcome

Compare = Callable[..., bool]
NARROW, MEDIUM, WIDE = (38, 8), (58, 15), (100, 20)
STRIP, LONG_STRIP = (80, 1), (120, 1)
ALL = (NARROW, MEDIUM, WIDE)
WHOLE = (80, 22)
"""A panel that has the smallest screen to itself."""

Sizes = tuple[tuple[int, int], ...]
SCENES: tuple[tuple[type[Widget], Mapping[str, Any], Mapping[str, Sizes]], ...] = (
    (
        StatusStrip,
        samples.STATUS,
        {
            "none": (STRIP,),
            "ready": (STRIP, LONG_STRIP),
            "starting-simulated": (STRIP,),
            "failed": (STRIP,),
            "external": (LONG_STRIP,),
            "problems": (STRIP, LONG_STRIP),
        },
    ),
    (
        StartupPanel,
        samples.STARTUP,
        {
            "none": (NARROW,),
            "first": (NARROW,),
            "running": ALL,
            "ready": (NARROW, MEDIUM, WIDE),
            "compact": ((38, 3), (100, 3)),
            "one-before": (NARROW,),
            "overdue": (NARROW, MEDIUM),
            "lessons": (NARROW, MEDIUM, WHOLE, (118, 33)),
            "compact-lessons": ((40, 3), (60, 5), (80, 7)),
            "ranks": (NARROW, MEDIUM, WHOLE),
            "downloading": (NARROW, WIDE),
            "failed": (*ALL, (48, 12)),
        },
    ),
    (
        VramPanel,
        samples.VRAM,
        {"none": (NARROW,), "unknown": (NARROW,), "one": ALL, "eight": ALL},
    ),
    (TargetPane, samples.TARGET, dict.fromkeys(samples.TARGET, (NARROW,)) | {"streaming": ALL}),
    (
        AbPanel,
        samples.AB,
        {
            "none": (NARROW,),
            "compared": (NARROW, MEDIUM, (80, 8), WIDE),
            "too-close": (NARROW, WIDE),
            "not-comparable": (NARROW, WIDE),
            "few-runs": ((80, 8),),
            "four": (NARROW, MEDIUM, WIDE),
            "impossible": (NARROW,),
            "priced": (NARROW, (80, 8), WIDE),
            "beside": (NARROW, (80, 8), WIDE, (120, 16)),
            "recorded": ((80, 22), (120, 33)),
        },
    ),
    (
        CostPanel,
        money_samples.COST,
        {
            "unknown": (NARROW,),
            "meter": ALL,
            "near": (NARROW,),
            "over-stale": (NARROW, MEDIUM),
        },
    ),
    (
        VerdictLine,
        money_samples.VERDICT,
        dict.fromkeys(money_samples.VERDICT, ((80, 2),)) | {"api": ((38, 2),)},
    ),
    (
        VerdictLine,
        money_samples.CROSSOVERS,
        {
            "capacity": ((58, 3), (78, 4), (118, 4)),
            "no-capacity": ((38, 3), (78, 4), (118, 5)),
            "impossible": ((78, 5),),
            "unknown": ((78, 4),),
        },
    ),
    (ServingPanel, samples.SERVING, {"none": (NARROW,), "busy": ALL, "first-scrape": (NARROW,)}),
    (CostChart, money_samples.CHART, {"none": (NARROW,), "crossing": ALL}),
    (OptionsBars, money_samples.OPTIONS, {"ranked": ALL}),
    (Welcome, list_samples.WELCOME, {"looking": (NARROW,), "found": ALL, "wordy": ALL}),
    (GpuTable, list_samples.GPUS, {"none": (NARROW,), "two": ALL}),
    (ServerTable, list_samples.SERVERS, {"none": (NARROW,), "several": ((80, 8), WIDE)}),
    (GpuRemarks, list_samples.REMARKS, {"three": ALL}),
    (
        HistoryTable,
        list_samples.HISTORY,
        {"none": (NARROW,), "mixed": ALL, "findings": ((80, 10), WIDE)},
    ),
    (
        LoadCurve,
        list_samples.LOADS,
        {"begun": ((80, 22),), "running": ALL, "over": ((80, 22), WIDE)},
    ),
    (
        LoadStrip,
        list_samples.LOAD_STRIPS,
        dict.fromkeys(list_samples.LOAD_STRIPS, ((80, 1),)) | {"running": ((60, 1), (118, 1))},
    ),
    (ColdProbePanel, list_samples.HUNTS, {"none": (NARROW,), "cold": (MEDIUM, (80, 22), WIDE)}),
)
LOOKS = (
    (StatusStrip, samples.STATUS["problems"], STRIP),
    (StartupPanel, samples.RUNNING, MEDIUM),
    (VramPanel, samples.VRAM["one"], MEDIUM),
    (AbPanel, samples.COMPARED, MEDIUM),
    (CostPanel, money_samples.COST["over-stale"], MEDIUM),
    (ServingPanel, samples.SERVING["busy"], MEDIUM),
    (CostChart, money_samples.CHART["crossing"], MEDIUM),
    (GpuTable, list_samples.GPUS["two"], MEDIUM),
)


def named(*words: object) -> str:
    return "-".join(str(word) for word in words)


@pytest.mark.parametrize(
    ("kind", "view", "size"),
    [
        pytest.param(
            kind, views[state], size, id=named(kind.__name__, state, f"{size[0]}x{size[1]}")
        )
        for kind, views, states in SCENES
        for state, sizes in states.items()
        for size in sizes
    ],
)
def test_dark(kind: type[Widget], view: Any, size: tuple[int, int], snap_compare: Compare) -> None:
    assert snap_compare(Stage(kind, view), terminal_size=size)


@pytest.mark.parametrize(
    ("kind", "view", "size"), LOOKS, ids=[kind.__name__ for kind, _, _ in LOOKS]
)
def test_light(kind: type[Widget], view: Any, size: tuple[int, int], snap_compare: Compare) -> None:
    assert snap_compare(Stage(kind, view, "textual-light"), terminal_size=size)


@pytest.mark.parametrize(
    ("kind", "view", "size"), LOOKS, ids=[kind.__name__ for kind, _, _ in LOOKS]
)
def test_no_color(
    kind: type[Widget],
    view: Any,
    size: tuple[int, int],
    snap_compare: Compare,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(Stage(kind, view), terminal_size=size)


def _with_log(view: LogView) -> Callable[[Pilot[None]], Awaitable[None]]:
    async def fill(pilot: Pilot[None]) -> None:
        log = pilot.app.query_one(LogLines)
        log.view = view
        log.append(list_samples.LOG * 6)
        await pilot.pause()

    return fill


@pytest.mark.parametrize(
    "view",
    [LogView(), LogView(search="engine"), LogView(problems_only=True)],
    ids=["plain", "searched", "problems"],
)
@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["narrow", "wide"])
def test_log(view: LogView, size: tuple[int, int], snap_compare: Compare) -> None:
    assert snap_compare(Stage(LogLines), terminal_size=size, run_before=_with_log(view))
