"""The log follows, keeps the reader's place, filters, finds, and forgets the oldest."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from textual.pilot import Pilot

from tests.widgets.stage import Stage
from widgets import log_buffer, log_view
from widgets.log_buffer import level_of
from widgets.log_view import LogLines, LogView


@asynccontextmanager
async def opened(lines: list[str]) -> AsyncIterator[tuple[LogLines, Pilot[None]]]:
    app = Stage(LogLines)
    async with app.run_test(size=(60, 12)) as pilot:
        log = app.query_one(LogLines)
        log.append(lines)
        await pilot.pause()
        yield log, pilot


async def shown(pilot: Pilot[None], condition: Callable[[], bool]) -> None:
    """Wait until what was appended has been drawn."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        await pilot.pause(log_view.TAKE_S / 4)


def rows(log: LogLines) -> list[str]:
    return [log.render_line(y).text.strip() for y in range(log.size.height)]


def numbered(first: int, last: int) -> list[str]:
    return [f"line {at}" for at in range(first, last)]


async def test_the_end_is_followed() -> None:
    async with opened(numbered(0, 100)) as (log, pilot):
        assert rows(log)[-1] == "line 99"
        log.append(numbered(100, 150))
        await shown(pilot, lambda: rows(log)[-1] == "line 149")
        assert "following" in str(log.border_subtitle)


async def test_a_reader_who_scrolled_up_keeps_his_place() -> None:
    async with opened(numbered(0, 100)) as (log, pilot):
        log.scroll_to(y=20, animate=False, immediate=True)
        await pilot.pause()
        assert rows(log)[0] == "line 20"
        log.append(numbered(100, 200))
        await shown(pilot, lambda: log.virtual_size.height == 200)
        assert rows(log)[0] == "line 20"
        assert "paused" in str(log.border_subtitle)


async def test_memory_is_bounded_and_the_place_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_buffer, "MAX_LINES", 200)
    async with opened(numbered(0, 200)) as (log, pilot):
        log.scroll_to(y=150, animate=False, immediate=True)
        await pilot.pause()
        for first in range(200, 300, 10):
            log.append(numbered(first, first + 10))
        await shown(pilot, lambda: len(log._buffer) == 200 and not log._waiting)
        assert rows(log)[0] == "line 150"
        log.append(numbered(300, 5000))
        await shown(pilot, lambda: log._buffer.rows[-1] == 4999)
        assert log.virtual_size.height == 200


async def test_only_wanted_lines_are_shown() -> None:
    lines = ["INFO a", "WARNING b", "ERROR c"] * 20
    async with opened(lines) as (log, pilot):
        log.view = LogView(problems_only=True)
        await pilot.pause()
        assert log.virtual_size.height == 40
        log.append(["INFO d", "ERROR e"])
        await shown(pilot, lambda: rows(log)[-1] == "✖ ERROR e")
        log.view = LogView(only="info D")
        await pilot.pause()
        assert [row for row in rows(log) if row] == ["INFO d"]
        assert "1 of 62 lines" in str(log.border_subtitle)
        log.view = LogView()
        await pilot.pause()
        assert log.virtual_size.height == 62


async def test_a_search_goes_from_hit_to_hit() -> None:
    lines = numbered(0, 100)
    lines[30], lines[60] = "Needle one", "needle two"
    async with opened(lines) as (log, pilot):
        log.scroll_to(y=0, animate=False, immediate=True)
        log.view = LogView(search="NEEDLE")
        await pilot.pause()
        assert log.find()
        await pilot.pause()
        assert "Needle one" in rows(log)
        assert log.find()
        await pilot.pause()
        assert "needle two" in rows(log)
        assert log.find(forwards=False)
        await pilot.pause()
        assert "Needle one" in rows(log)
        log.view = LogView(search="absent")
        assert not log.find()


async def test_control_characters_and_markup_are_shown() -> None:
    async with opened(["\x1b[31mred\x07 [/b] [red]x[/red]"]) as (log, _):
        assert rows(log)[0] == "␛[31mred␇ [/b] [red]x[/red]"


async def test_a_long_line_ends_in_an_ellipsis_until_scrolled_to() -> None:
    text = "begin " + "x" * 200 + " end"
    async with opened([text]) as (log, pilot):
        assert rows(log)[0].endswith("…")
        log.scroll_to(x=10_000, animate=False, immediate=True)
        await pilot.pause()
        assert rows(log)[0].endswith("x end")


async def test_a_flood_arrives_whole() -> None:
    async with opened([]) as (log, pilot):
        for first in range(0, 20_000, 1_000):
            log.append(numbered(first, first + 1_000))
        await shown(pilot, lambda: rows(log)[-1] == "line 19999")
        assert log.virtual_size.height == 20_000


async def test_it_goes_to_a_place_and_marks_it() -> None:
    lines = numbered(0, 300)
    lines[40] = lines[210] = "ERROR ValueError: no room"
    async with opened([]) as (log, pilot):
        log.open_at(209, "ValueError: no room")
        log.append(["something else"] * 3)
        log.append(lines)
        await shown(pilot, lambda: "✖ ERROR ValueError: no room" in rows(log))
        assert log.scroll_offset.y > 190
        assert not log.following
        await pilot.press("end")
        await shown(pilot, lambda: log.following)


async def test_a_flood_is_drawn_ten_times_a_second_and_lays_nothing_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with opened(numbered(0, 100)) as (log, pilot):
        await shown(pilot, lambda: not log._taken_lately)
        sizes: list[int] = []
        monkeypatch.setattr(log, "watch_virtual_size", lambda size: sizes.append(1), raising=False)
        taken = 0

        def take(lines: list[str]) -> int:
            nonlocal taken
            taken += 1
            return append(lines)

        append = log._buffer.append
        monkeypatch.setattr(log._buffer, "append", take)
        for first in range(100, 5100, 10):
            log.append(numbered(first, first + 10))
        assert taken == 1
        await shown(pilot, lambda: rows(log)[-1] == "line 5099")
        assert taken == 2
        assert sizes == []


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ("(EngineCore pid=2) ERROR 11-21 09:00:02 [core.py:3] failed", "error"),
        ("Traceback (most recent call last):", "error"),
        ("ValueError: too large", "error"),
        ("torch.OutOfMemoryError: CUDA out of memory", "error"),
        ("WARNING 11-21 09:00:01 [config.py:2] default", "warning"),
        ("INFO 11-21 09:00:00 [x.py:1] 0 errors so far", ""),
        ("INFO ERRORS_TOTAL=0", ""),
    ],
)
def test_levels(line: str, level: str) -> None:
    assert level_of(line) == level


def subtitle(log: LogLines) -> str:
    return str(log.border_subtitle).replace("\\", "")


async def test_a_search_says_which_of_how_many_and_that_there_is_none() -> None:
    lines = [f"line {at} needle" if at % 40 == 0 else f"line {at}" for at in range(100)]
    async with opened(lines) as (log, pilot):
        log.view = LogView(search="needle")
        for place in ("1/3", "2/3", "3/3", "1/3"):
            assert log.find()
            assert f"'needle' {place}" in subtitle(log)
        assert log.find(forwards=False)
        assert "'needle' 3/3" in subtitle(log)
        log.view = LogView(search="absent")
        assert not log.find()
        assert "'absent' not found" in subtitle(log)
        await pilot.pause()


async def test_a_match_beyond_the_right_edge_is_brought_on_screen() -> None:
    async with opened([*numbered(0, 5), "x" * 200 + " needle", *numbered(5, 9)]) as (log, pilot):
        log.view = LogView(search="needle")
        assert log.find()
        await pilot.pause()
        assert any("needle" in row for row in rows(log))


PROBE = 'INFO:     127.0.0.1:51978 - "GET /{} HTTP/1.1" {}'


async def test_answered_probes_are_hidden_until_asked_for() -> None:
    probes = [PROBE.format(path, "200 OK") for path in ("health", "metrics", "v1/models")]
    request = 'INFO:     127.0.0.1:51882 - "POST /v1/chat/completions HTTP/1.1" 200 OK'
    failed = PROBE.format("health", "503 Service Unavailable")
    async with opened([*probes, request, failed]) as (log, pilot):
        first, second = (row for row in rows(log) if row)
        assert first.startswith('INFO:     127.0.0.1:51882 - "POST')
        assert second.startswith("✖ INFO:")
        assert "2 of 5 lines" in subtitle(log)
        assert "own probes hidden" in subtitle(log)
        log.view = LogView(probes=True)
        await pilot.pause()
        assert len([row for row in rows(log) if row]) == 5
        assert "probes" not in subtitle(log)


async def test_wrapping_shows_the_whole_of_a_long_line_and_every_line_once() -> None:
    long = "".join(f"{at:04}" for at in range(50))
    async with opened(["first", long, "last"]) as (log, pilot):
        assert not any(long[-4:] in row for row in rows(log))
        log.view = LogView(wrap=True)
        await pilot.pause()
        shown = [row for row in rows(log) if row]
        assert (shown[0], shown[-1]) == ("first", "last")
        assert "".join(shown[1:-1]) == long
        log.append(numbered(0, 30))
        await shown_at_end(pilot, log, "line 29")
        log.view = LogView()
        await pilot.pause()
        assert log.virtual_size.height == 33


async def shown_at_end(pilot: Pilot[None], log: LogLines, text: str) -> None:
    await shown(pilot, lambda: rows(log)[-1] == text)


async def test_what_of_the_file_was_not_read_is_said() -> None:
    async with opened(numbered(0, 5)) as (log, pilot):
        assert "not read" not in subtitle(log)
        log.append(["more"], left_out_bytes=130 << 20)
        await shown(pilot, lambda: "130.0 MiB before not read" in subtitle(log))
