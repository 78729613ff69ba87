"""The prober as a process: what its client yields, and how both end."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path

import psutil
import pytest

from backends.domain.ab.facts import AbFact, RunBegan, RunEnded, SeriesBegan, SeriesEnded
from backends.domain.ab.series import AbSeries, advance_series
from backends.domain.reports.ab import ab_report
from backends.prober.client import ProberFailed, run_series
from tests.backends.domain.ab.chunks import chunk
from tests.backends.prober.scripted_server import (
    CHUNKED_HEAD,
    Conversation,
    ScriptedServer,
    a_good_stream,
    order_for,
    serving,
)

DEADLINE_S = 15.0


def endless(conversation: Conversation) -> None:
    if conversation.number == 0:
        a_good_stream(conversation)
        return
    conversation.write(CHUNKED_HEAD)
    while True:
        conversation.event(chunk({"content": "x"}))
        conversation.wait(0.02)


def endless_after_two(conversation: Conversation) -> None:
    if conversation.number < 3:
        a_good_stream(conversation)
        return
    endless(conversation)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what another process or thread brings about; the caller sets the deadline."""
    while not condition():  # noqa: ASYNC110  there is no event to wait for
        await asyncio.sleep(0.01)


def written(server: ScriptedServer, number: int) -> int:
    return len(server.requests[number].written_s) if len(server.requests) > number else 0


def probers() -> list[psutil.Process]:
    return [
        child
        for child in psutil.Process().children()
        if child.status() != psutil.STATUS_ZOMBIE and "backends.prober" in child.cmdline()
    ]


async def test_a_series_from_end_to_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "backends").mkdir()
    (tmp_path / "backends" / "__init__.py").write_text("raise SystemExit('the wrong backends')")
    monkeypatch.chdir(tmp_path)
    with serving(a_good_stream) as server:
        order = order_for(server.base_url, server.base_url, runs=4)
        series: AbSeries | None = None
        async with asyncio.timeout(DEADLINE_S):
            async for fact in run_series(order):
                series = advance_series(series, fact)
    assert series is not None
    assert series.ended
    document = ab_report(series)
    assert document["complete"] is True
    assert [target["summary"]["n"] for target in document["targets"].values()] == [4, 4]
    assert document["targets"]["a"]["clock"] == "kernel"
    assert probers() == []


async def test_cancelling_keeps_what_was_measured() -> None:
    cancel = asyncio.Event()
    facts: list[AbFact] = []
    with serving(endless_after_two) as server:
        async with asyncio.timeout(DEADLINE_S):
            async for fact in run_series(order_for(server.base_url, runs=9), cancel):
                facts.append(fact)
                if isinstance(fact, RunBegan) and fact.index == 2:
                    cancel.set()
    errors = [fact.run.error for fact in facts if isinstance(fact, RunEnded)]
    assert errors[:2] == [None, None]
    assert all(error is not None and error.startswith("cancelled") for error in errors[2:])
    assert len(errors) <= 3
    last = facts[-1]
    assert isinstance(last, SeriesEnded)
    assert last.reason == "cancelled"
    assert last.client is not None


async def test_closing_the_iterator_ends_the_process() -> None:
    with serving(endless) as server:
        async with asyncio.timeout(DEADLINE_S):
            async with aclosing(run_series(order_for(server.base_url))) as facts:
                async for fact in facts:
                    if isinstance(fact, RunBegan):
                        assert len(probers()) == 1
                        break
    assert probers() == []


async def test_a_cancel_that_comes_before_the_process_has_begun_is_obeyed() -> None:
    cancel = asyncio.Event()
    cancel.set()
    with serving(a_good_stream) as server:
        async with asyncio.timeout(15):
            facts = [fact async for fact in run_series(order_for(server.base_url, runs=9), cancel)]
    last = facts[-1]
    assert isinstance(last, SeriesEnded)
    assert last.reason == "cancelled"
    assert not any(isinstance(fact, RunEnded) for fact in facts)


async def test_cancelling_the_task_ends_the_process() -> None:
    began = asyncio.Event()

    async def consume(url: str) -> None:
        async for fact in run_series(order_for(url)):
            if isinstance(fact, RunBegan):
                began.set()

    with serving(endless) as server:
        async with asyncio.timeout(DEADLINE_S):
            task = asyncio.create_task(consume(server.base_url))
            await began.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await until(lambda: not probers())
    assert probers() == []


async def test_a_prober_that_is_killed_is_told_as_a_reason() -> None:
    facts: list[AbFact] = []
    with serving(endless) as server:
        async with asyncio.timeout(DEADLINE_S):
            async for fact in run_series(order_for(server.base_url)):
                facts.append(fact)
                if isinstance(fact, RunBegan):
                    os.kill(probers()[0].pid, signal.SIGKILL)
    last = facts[-1]
    assert isinstance(last, SeriesEnded)
    assert last.reason == "the measuring process was killed by signal 9"


async def test_a_prober_that_cannot_start_is_a_problem_with_its_cause(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "msgspec.py").write_text("raise ImportError('no msgspec here')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(ProberFailed, match="exit code 1: ImportError: no msgspec here"):
        async with asyncio.timeout(DEADLINE_S):
            assert not [fact async for fact in run_series(order_for("http://127.0.0.1:9/v1"))]


async def test_the_key_is_in_no_argument_and_no_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    key = "sk-very-secret-0123456789"
    monkeypatch.setenv("SOME_API_KEY", key)
    seen = ""
    with serving(endless) as server:
        order = order_for(server.base_url, target={"api_key": key})
        assert key not in repr(order)
        async with asyncio.timeout(DEADLINE_S):
            async with aclosing(run_series(order)) as facts:
                async for fact in facts:
                    if isinstance(fact, RunBegan):
                        (prober,) = probers()
                        seen = " ".join(prober.cmdline()) + str(prober.environ())
                        break
        assert f"Bearer {key}" in server.requests[0].head
    assert "backends.prober" in seen
    assert key not in seen


async def test_a_slow_reader_does_not_slow_the_measurement() -> None:
    def steady(conversation: Conversation) -> None:
        conversation.write(CHUNKED_HEAD)
        for number in range(1, 41):
            text = "x" * 8000
            conversation.event(chunk({"content": text}, counted=number))
            conversation.wait(0.01)
        conversation.event("[DONE]")
        conversation.end()

    runs = []
    with serving(steady) as server:
        async with asyncio.timeout(DEADLINE_S):
            async for fact in run_series(order_for(server.base_url, runs=1)):
                if isinstance(fact, SeriesBegan):
                    # Nobody reads the pipe, which holds 64 kB, while the run goes on.
                    await until(lambda: written(server, 1) == 42)
                if isinstance(fact, RunEnded):
                    runs.append(fact.run)
    (run,) = runs
    assert run.error is None
    assert len(run.text) == 40 * 8000
    assert max(run.itl_s) < 0.1


def test_importing_the_client_is_cheap() -> None:
    code = (
        "import sys, backends.prober.client\n"
        "print(sorted({'openai', 'textual', 'ssl'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "openai" not in done.stdout
    assert "textual" not in done.stdout
