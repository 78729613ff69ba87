"""The end of a log and what follows it: every line once, and whole."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from backends.keeper.tail import PAUSE_S, UNENDED_S, last_lines, tail


def _append(log: Path, text: str) -> None:
    with log.open("a") as file:
        file.write(text)


def _open_here(log: Path) -> bool:
    return any(_target(entry) == str(log) for entry in Path("/proc/self/fd").iterdir())


def _target(entry: Path) -> str:
    try:
        return str(entry.readlink())
    except FileNotFoundError:
        return ""


async def test_lines_written_right_after_the_end_was_read_are_followed(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    _append(log, "one\ntwo\n")
    followed = tail(log)
    assert await anext(followed) == ("one", "two")
    _append(log, "three\n")
    async with asyncio.timeout(5):
        assert await anext(followed) == ("three",)
    await followed.aclose()


async def test_a_line_that_was_half_written_comes_once_and_whole(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    _append(log, "one\nha")
    followed = tail(log)
    assert await anext(followed) == ("one",)
    _append(log, "lf\n")
    async with asyncio.timeout(5):
        assert await anext(followed) == ("half",)
    await followed.aclose()


async def test_a_line_that_nobody_ends_is_shown_after_a_while(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    _append(log, "last wor")
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    followed = tail(log, sleep)
    assert await anext(followed) == ("last wor",)
    assert slept == [PAUSE_S] * int(UNENDED_S / PAUSE_S)
    await followed.aclose()


async def test_a_log_is_closed_when_nobody_follows_it_any_more(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    _append(log, "one\n")
    seen: list[tuple[str, ...]] = []

    async def follow() -> None:
        async for lines in tail(log):
            seen.append(lines)  # noqa: PERF401

    task = asyncio.create_task(follow())
    async with asyncio.timeout(5):
        while not seen:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert _open_here(log)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not _open_here(log)


def test_the_last_lines_are_as_many_as_were_asked_for(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    _append(log, "one\ntwo\nthr")
    assert last_lines(log, 2) == ["two", "thr"]
    assert last_lines(log, 0) == []
    assert last_lines(log, 9, end_bytes=7) == ["thr"]


@pytest.fixture
def followed_verb(tmp_path: Path) -> Iterator[tuple[Path, "subprocess.Popen[str]"]]:
    """Run ``inferctl logs chat -f`` over a log whose last line is half written."""
    folder = tmp_path / "inferctl" / "servers" / "chat"
    folder.mkdir(parents=True)
    _append(folder / "server.log", "zero\none\nha")
    verb = subprocess.Popen(
        [sys.executable, "-m", "console", "logs", "chat", "-f", "-n", "1"],
        env={**os.environ, "XDG_STATE_HOME": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
    )
    yield folder / "server.log", verb
    verb.kill()
    verb.wait()
    assert verb.stdout is not None
    verb.stdout.close()


def test_the_verb_prints_each_line_once_and_whole(
    followed_verb: tuple[Path, "subprocess.Popen[str]"],
) -> None:
    log, verb = followed_verb
    assert verb.stdout is not None
    assert verb.stdout.readline() == "one\n"
    _append(log, "lf\nlast\n")
    assert [verb.stdout.readline() for _ in range(2)] == ["half\n", "last\n"]
