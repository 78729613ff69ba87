"""What the main screen tells of a start: what to expect, what was learnt, why it failed."""

import math
import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from backends.domain.session import Session
from backends.operations.context import Context
from tests.console import sessions, starts
from tests.console.tui.test_pictures import SIZES, Picture, screen_text

Compare = Callable[..., bool]
STATES: dict[str, tuple[Session, Context]] = {
    "expecting": (starts.COMPILING, starts.KNOWING),
    "downloading": (starts.DOWNLOADING, sessions.DESK),
    "learnt": (starts.LEARNT, starts.KNOWING),
    "failed": (sessions.FAILED, sessions.DESK),
}


def picture(state: str) -> Picture:
    session, context = STATES[state]
    made = Picture(session)
    made.context = replace(context, log_tail=sessions.LOG)
    return made


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("state", STATES)
def test_normal(state: str, size: tuple[int, int], snap_compare: Compare) -> None:
    assert snap_compare(picture(state), terminal_size=size)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("state", STATES)
def test_maximised(state: str, size: tuple[int, int], snap_compare: Compare) -> None:
    assert snap_compare(picture(state), terminal_size=size, press=["1"])


async def told(state: str, size: tuple[int, int], *keys: str) -> str:
    """Return what is on screen, its lines joined where a panel wrapped them."""
    app = picture(state)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        await pilot.press(*keys)
        await pilot.pause()
        return re.sub(r"\s+", " ", screen_text(app))


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_an_expected_end_is_seen_at_every_size(size: tuple[int, int]) -> None:
    shown = await told("expecting", size)
    # 3 s of 12 s to compile, 8 s of graphs, 1 s of server; 0 to 5 s where others took 9 to 14 s.
    assert "ETA 0:12 (0:09 to 0:14)" in shown or "ETA 0:12 (0:09–0:14)" in shown
    assert "┊" in shown
    assert "VRAM GiB 49.0" in shown
    assert "…" not in shown.partition("A/B")[0]


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_what_was_slower_and_what_helps_is_one_key_away_at_most(
    size: tuple[int, int],
) -> None:
    normal, whole = await told("learnt", size), await told("learnt", size, "1")
    assert "✔ ready in 88.0 s" in normal
    assert "▲ slower" in normal
    for fact in (
        "slower: compile 48 s, usually 12 s (9 to 14, last 8 starts)",
        "compile 48.0 s, 55 % of the start",
        "VLLM_CACHE_ROOT",
        "saves 36 s",
        "load weights 21.0 s",
        "--load-format fastsafetensors",
        "(published)" if size == SIZES[0] else "not measured here",
        "trade-off:",
        "rank 3",
        "batches above 64 run without graphs",
        "reported",
    ):
        assert fact in whole, fact


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_a_failure_is_whole_at_every_size(size: tuple[int, int]) -> None:
    shown = re.sub(r" ?[│|╮╭╯╰─?·]+ ?", " ", await told("failed", size))
    for fact in (
        "✖ failed after 20.0 s",
        "see log line 41 (l)",
        "gpu out of memory: The GPU has no room for",
        "Fix: Use a smaller model, or",
        "--tensor-parallel-size 2.",
        "torch.OutOfMemoryError: CUDA out of",
    ):
        assert fact in shown, fact


HOLDERS = "; ".join(
    f"pid {4711 + rank} `VLLM::Worker_TP{rank}`, of user alice, in docker container 0123456789ab, "
    f"part of a vLLM that inferctl did not start, started 3 h ago, holds 61.{rank} GiB"
    for rank in range(8)
)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_a_remedy_of_any_length_is_whole_one_key_away(
    size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    known = sessions.FAILED.life
    assert known is not None
    assert known.server.failure is not None
    failure = replace(known.server.failure, remedy=f"{HOLDERS}: run: inferctl stop other")
    life = replace(known, server=replace(known.server, failure=failure))
    monkeypatch.setitem(STATES, "held", (replace(sessions.FAILED, life=life), sessions.DESK))
    normal, whole = await told("held", size), await told("held", size, "1")
    assert any(sign in normal for sign in ("all of it: 1", "all: 1", "inferctl stop other"))
    text = re.sub(r"[│|]? ?│ ?", " ", whole)
    for word in failure.remedy.split():
        assert word in text, word
    assert "run: inferctl stop other" in re.sub(r"\s+", " ", text)


async def test_a_download_tells_bytes_rate_and_time_left() -> None:
    shown = await told("downloading", SIZES[0])
    assert "12.4/68.0 GB 0.41 GB/s 2:16 left" in shown


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_memory_stands_on_the_time_axis_of_the_phases(size: tuple[int, int]) -> None:
    app = picture("expecting")
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        screen = app.screen
        view = screen.startup.view  # type: ignore[attr-defined]
        vram = screen.vram.view  # type: ignore[attr-defined]
        assert (vram.t0_s, vram.t1_s) == (0.0, view.axis_s)
        assert view.axis_s == pytest.approx(52.0)
        rows = [screen.startup.render_line(y).text for y in range(screen.startup.size.height)]  # type: ignore[attr-defined]
    (memory,) = (row for row in rows if "VRAM GiB" in row)
    (running,) = (row for row in rows if "▶ compile" in row)
    # The last sample is a second old: it stands at the end of the running bar, or that long before.
    second = math.ceil(size[0] / view.axis_s)
    end = max(at for at, block in enumerate(running) if block in "▏▎▍▌▋▊▉█")
    newest = max(at for at, block in enumerate(memory) if block in "▁▂▃▄▅▆▇█")
    assert end - second <= newest <= end
