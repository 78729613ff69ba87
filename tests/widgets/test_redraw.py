"""A widget draws what changed, and nothing when nothing did."""

from dataclasses import replace
from typing import Any

import pytest
from rich.cells import cell_len
from rich.style import Style
from textual.geometry import Region
from textual.widget import Widget

from tests.widgets import list_samples, money_samples, samples
from tests.widgets.stage import Stage
from widgets.ab_panel import AbPanel
from widgets.cost_panel import CostPanel
from widgets.gpu_table import GpuTable
from widgets.panel import Panel
from widgets.serving_panel import ServingPanel
from widgets.startup_panel import Eta, StartupPanel
from widgets.status_strip import StatusStrip
from widgets.vram_panel import VramPanel
from widgets.welcome import Welcome

CHANGES: list[tuple[type[Panel], Any, Any]] = [
    (StatusStrip, samples.READY, replace(samples.READY, uptime_s=3724.0)),
    (StartupPanel, samples.RUNNING, replace(samples.RUNNING, unlogged_s=0.9)),
    (VramPanel, samples.VRAM["one"], samples.VRAM["eight"]),
    (AbPanel, samples.COMPARED, replace(samples.COMPARED, eta_s=30.0)),
    (CostPanel, money_samples.METER, money_samples.COST["near"]),
    (ServingPanel, samples.SERVING["busy"], samples.SERVING["first-scrape"]),
]


def record_refreshes(widget: Widget, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Region, ...]]:
    seen: list[tuple[Region, ...]] = []
    refresh = widget.refresh

    def recorded(*regions: Region, **options: Any) -> Widget:
        seen.append(regions)
        return refresh(*regions, **options)

    monkeypatch.setattr(widget, "refresh", recorded)
    return seen


@pytest.mark.parametrize(
    ("kind", "before", "after"), CHANGES, ids=[kind.__name__ for kind, _, _ in CHANGES]
)
async def test_only_changed_lines_are_drawn(
    kind: type[Panel], before: Any, after: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = Stage(kind, before)
    async with app.run_test(size=(58, 15)) as pilot:
        widget = app.query_one(kind)
        await pilot.pause()
        old, before_cells = [line.plain for line in widget.lines(*widget.size)], cells(widget)
        refreshed = record_refreshes(widget, monkeypatch)

        widget.view = replace(before)  # type: ignore[attr-defined]
        await pilot.pause()
        assert refreshed == []

        widget.view = after  # type: ignore[attr-defined]
        await pilot.pause()
        new = [line.plain for line in widget.lines(*widget.size)]
        rows = {region.y for regions in refreshed for region in regions}
        differing = {
            row
            for row in range(max(len(old), len(new)))
            if old[row : row + 1] != new[row : row + 1]
        }
        assert differing
        assert differing <= rows
        assert () not in refreshed
        screen = [
            "".join(segment.text for segment in widget.render_line(row)).rstrip()
            for row in range(len(new))
        ]
        assert screen == [line.rstrip() for line in new]
        drawn = {
            (x, region.y)
            for regions in refreshed
            for region in regions
            for x in region.column_range
        }
        old_cells, new_cells = before_cells.items(), cells(widget).items()
        assert {place for place, _ in old_cells ^ new_cells} <= drawn


def cells(widget: Widget) -> dict[tuple[int, int], tuple[str, Style | None]]:
    """Return what a widget has drawn: the character at each column and row, and how it looks."""
    return {
        (x, y): (char, segment.style and segment.style.clear_meta_and_links())
        for y in range(widget.size.height)
        for x, (char, segment) in enumerate(
            (char, segment)
            for segment in widget.render_line(y)
            for char in segment.text
            for _ in range(cell_len(char))
        )
    }


async def test_a_line_is_drawn_up_to_its_last_change(monkeypatch: pytest.MonkeyPatch) -> None:
    app = Stage(StatusStrip, samples.READY)
    async with app.run_test(size=(90, 15)) as pilot:
        widget = app.query_one(StatusStrip)
        await pilot.pause()
        refreshed = record_refreshes(widget, monkeypatch)
        widget.view = replace(samples.READY, uptime_s=(samples.READY.uptime_s or 0) + 1)
        await pilot.pause()
        ((region,),) = refreshed
        (line,) = widget.lines(*widget.size)
        assert line.plain[: region.width].endswith("up 1:02:04")
        assert "pid" in line.plain[region.width :]


@pytest.mark.parametrize(("before_s", "after_s"), [(12.0, 13.0), (50.6, 57.9), (58.9, 60.0)])
async def test_a_second_without_traffic_draws_no_line_again(
    before_s: float, after_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = Stage(ServingPanel, samples.idle_for(before_s))
    async with app.run_test(size=(58, 15)) as pilot:
        widget = app.query_one(ServingPanel)
        await pilot.pause()
        refreshed = record_refreshes(widget, monkeypatch)
        widget.view = samples.idle_for(after_s)
        await pilot.pause()
        assert refreshed == []


async def test_one_changed_figure_is_one_line() -> None:
    app = Stage(StartupPanel, samples.RUNNING)
    async with app.run_test(size=(58, 15)) as pilot:
        widget = app.query_one(StartupPanel)
        await pilot.pause()
        with pytest.MonkeyPatch.context() as patch:
            refreshed = record_refreshes(widget, patch)
            widget.view = replace(samples.RUNNING, eta=Eta(20.0, 19.1, 27.4, 7))
            await pilot.pause()
        assert len(refreshed) == 1


async def test_a_shorter_view_leaves_nothing_behind() -> None:
    app = Stage(StartupPanel, samples.RUNNING)
    async with app.run_test(size=(58, 15)) as pilot:
        await pilot.pause()
        widget = app.query_one(StartupPanel)
        widget.view = samples.STARTUP["none"]
        await pilot.pause()
        below = [widget.render_line(row).text.strip() for row in range(1, widget.size.height)]
        assert set(below) == {""}


@pytest.mark.parametrize(
    ("kind", "view"),
    [(GpuTable, list_samples.GPUS["two"]), (Welcome, list_samples.WELCOME["found"])],
)
async def test_an_equal_view_fills_no_list_again(
    kind: type[Widget], view: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = Stage(kind, view)
    async with app.run_test(size=(58, 15)) as pilot:
        await pilot.pause()
        widget = app.query_one(kind)
        fills: list[None] = []
        monkeypatch.setattr(widget, "_fill", lambda: fills.append(None))
        widget.view = replace(view)  # type: ignore[attr-defined]
        await pilot.pause()
        assert fills == []


async def test_a_line_that_is_drawn_alone_is_as_in_the_whole_box_for_a_mouse_that_selects() -> None:
    app = Stage(VramPanel, samples.VRAM["one"])
    async with app.run_test(size=(58, 15)) as pilot:
        widget = app.query_one(VramPanel)
        await pilot.pause()
        widget.view = samples.VRAM["eight"]
        await pilot.pause()
        alone = places(widget)
        widget.refresh()
        await pilot.pause()
        assert alone == places(widget)
        assert {y for _, y in alone} == set(range(len(widget.lines(*widget.size))))


def places(widget: Widget) -> list[tuple[int, int]]:
    """Return the place in a widget's text at which each drawn piece says that it begins."""
    return [
        segment.style.meta["offset"]
        for y in range(widget.size.height)
        for segment in widget.render_line(y)
        if segment.style and "offset" in segment.style.meta
    ]
