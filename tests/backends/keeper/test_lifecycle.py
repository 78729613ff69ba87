"""One server from launch to its end, under a true keeper."""

import asyncio
import contextlib
import fcntl
import json
import os
import signal
import sys
from pathlib import Path

import pytest

from backends.domain.facts import (
    BecameReady,
    Exited,
    FailureSeen,
    FirstTokenSeen,
    FirstTokenUnavailable,
    HealthChanged,
    PhaseBegan,
    Spawned,
    StopOrdered,
    Stopped,
    StopProgressed,
    SurvivorsFound,
)
from backends.domain.server import Exit
from backends.domain.start import FailureKind
from backends.host import processes
from backends.host.ports import is_listening
from backends.keeper import client
from backends.keeper.folder import ServerFolder, read_journal
from backends.keeper.order import AlreadyKept, LaunchFailed
from tests.backends.keeper.conftest import Bench, eventually, everything, free_port, last, until


async def test_a_start_is_told_from_spawn_to_first_token(bench: Bench) -> None:
    folder = bench.launch()
    facts = await until(client.follow(folder), FirstTokenSeen)
    kinds = [type(fact) for fact in facts if not isinstance(fact, PhaseBegan)]
    assert kinds == [Spawned, BecameReady, FirstTokenSeen]
    times = [fact.at.mono_s for fact in facts]
    assert times == sorted(times)


async def test_every_follower_hears_the_same(bench: Bench) -> None:
    folder = bench.launch()
    early = asyncio.create_task(everything(client.follow(folder)))
    await until(client.follow(folder), FirstTokenSeen)
    late = asyncio.create_task(everything(client.follow(folder)))
    await everything(client.stop(folder, "test"))
    assert await early == await late == read_journal(ServerFolder(folder).journal)


async def test_stop_leaves_no_process(bench: Bench) -> None:
    folder = bench.launch()
    await until(client.follow(folder), FirstTokenSeen)
    await eventually(lambda: b"sleeping worker" in (folder / "server.log").read_bytes())
    assert len(bench.members(folder)) == 3
    facts = await everything(client.stop(folder, "test"))
    assert isinstance(facts[0], StopOrdered)
    assert isinstance(facts[-1], Stopped)
    assert last(facts, Exited) == Exited(last(facts, Exited).at, Exit(0, None))
    assert bench.members(folder) == []
    await eventually(lambda: not bench.keeper_lives(folder))


async def test_a_swallowed_sigterm_is_repeated(bench: Bench) -> None:
    folder = bench.launch(ignore_term=1)
    await until(client.follow(folder), BecameReady)
    facts = await everything(client.stop(folder, "test"))
    steps = [fact.step for fact in facts if isinstance(fact, StopProgressed)]
    assert any("SIGTERM again" in step for step in steps)
    assert not any("SIGKILL" in step for step in steps)


async def test_what_ignores_every_signal_is_killed(bench: Bench) -> None:
    folder = bench.launch(ignore_term=99, stubborn=1)
    await until(client.follow(folder), BecameReady)
    facts = await everything(client.stop(folder, "test"))
    assert last(facts, Exited) == Exited(last(facts, Exited).at, Exit(None, signal.SIGKILL))
    assert isinstance(facts[-1], Stopped)
    assert bench.members(folder) == []


async def test_two_stops_at_once_follow_the_one_that_won(bench: Bench) -> None:
    folder = bench.launch()
    await until(client.follow(folder), FirstTokenSeen)
    first, second = await asyncio.gather(
        everything(client.stop(folder, "first")), everything(client.stop(folder, "second"))
    )
    assert first == second
    assert sum(isinstance(fact, StopOrdered) for fact in first) == 1


async def test_a_drain_waits_for_running_requests_and_says_how_many(bench: Bench) -> None:
    folder = bench.launch(running=3)
    await until(client.follow(folder), FirstTokenSeen)
    facts = await everything(client.stop(folder, "test", drain_s=1.0))
    steps = [fact.step for fact in facts if isinstance(fact, StopProgressed)]
    assert steps[0].startswith("requests running: 3")
    assert "cut off" in steps[1]
    sent = next(fact for fact in facts if isinstance(fact, StopProgressed) and "SIG" in fact.step)
    assert sent.at.mono_s - facts[0].at.mono_s >= 1.0


async def test_an_exit_during_start_is_a_failure_with_its_code(bench: Bench) -> None:
    folder = bench.launch(exit=1)
    facts = await everything(client.follow(folder))
    assert last(facts, Exited) == Exited(last(facts, Exited).at, Exit(1, None))
    assert any(isinstance(fact, FailureSeen) for fact in facts)
    assert bench.members(folder) == []


async def test_survivors_of_a_killed_api_server_are_named_and_ended(bench: Bench) -> None:
    folder = bench.launch()
    await until(client.follow(folder), FirstTokenSeen)
    os.kill(bench.start(folder).process.pid, signal.SIGKILL)
    facts = await everything(client.follow(folder))
    named = [fact.survivors for fact in facts if isinstance(fact, SurvivorsFound)]
    assert len(named[0]) == 2
    assert named[-1] == ()
    failure = last(facts, FailureSeen)
    assert isinstance(failure, FailureSeen)
    assert bench.members(folder) == []


async def test_a_second_launch_is_told_who_was_first(bench: Bench) -> None:
    folder = bench.launch()
    with pytest.raises(AlreadyKept, match=str(bench.keeper_pid(folder))):
        bench.launch()


async def test_of_two_launches_at_once_one_wins(bench: Bench) -> None:
    orders = [bench.order(), bench.order()]
    outcomes = await asyncio.gather(
        *(asyncio.to_thread(bench.launch, order) for order in orders), return_exceptions=True
    )
    lost = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    assert [type(error) for error in lost] == [AlreadyKept]
    folder = bench.used[0]
    assert bench.start(folder).port == orders[isinstance(outcomes[0], BaseException)].port
    assert len(list((folder / "starts").iterdir())) == 1


async def test_a_missing_program_is_named(bench: Bench) -> None:
    order = bench.order()
    with pytest.raises(LaunchFailed, match="no-such-vllm"):
        bench.launch(type(order)("x", ("no-such-vllm",), {}, "127.0.0.1", 1, "m", "s"))
    bench.used.clear()


async def test_a_long_folder_name_is_no_obstacle(bench: Bench) -> None:
    bench.state = bench.state / ("long" * 30)
    folder = bench.launch()
    assert await until(client.follow(folder), FirstTokenSeen)


async def test_a_server_that_only_completes_still_shows_its_first_token(bench: Bench) -> None:
    folder = bench.launch(completes_at="/v1/completions")
    assert await until(client.follow(folder), FirstTokenSeen)


async def test_a_server_that_does_not_generate_says_so(bench: Bench) -> None:
    folder = bench.launch(completes_at="/v1/embeddings")
    facts = await until(client.follow(folder), FirstTokenUnavailable)
    assert "does not support this" in str(facts[-1])


async def test_illness_is_told(bench: Bench) -> None:
    folder = bench.launch(ill=1)
    facts = await until(client.follow(folder), HealthChanged)
    assert facts[-1] == HealthChanged(facts[-1].at, False, "/health answers 503")


@pytest.mark.parametrize(
    ("fake", "reason"),
    [({"model": "other"}, "it serves other, not fake"), ({"locked": "x"}, "set VLLM_API_KEY")],
)
async def test_never_ready_under_another_name_or_behind_an_unknown_key(
    bench: Bench, fake: dict[str, str], reason: str
) -> None:
    folder = bench.launch(bench.order("fake", None, **fake))
    facts = await until(client.follow(folder), HealthChanged)
    assert reason in str(facts[-1])
    assert not any(isinstance(fact, BecameReady) for fact in facts)


async def test_the_key_opens_the_models_and_is_written_nowhere(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VLLM_API_KEY", "sesame-4711")
    order = bench.order()
    order = type(order)(
        "fake", (*order.argv, "--api-key", "sesame-4711"), {}, "127.0.0.1", order.port, "fake", "s"
    )
    folder = bench.launch(order)
    await until(client.follow(folder), FirstTokenSeen)
    for file in folder.rglob("*"):
        if file.is_file():
            assert b"sesame" not in file.read_bytes(), file
            assert file.stat().st_mode & 0o077 == 0, file
    assert "sesame" not in str(processes.command_line(bench.keeper_pid(folder)))


async def test_a_restart_may_follow_at_once_and_earlier_journals_stay(bench: Bench) -> None:
    folder = bench.launch()
    await everything(client.stop(folder, "test"))
    before = read_journal(ServerFolder(folder).journal)
    bench.launch()
    kept = sorted((folder / "starts").iterdir())
    assert len(kept) == 2
    assert before in [read_journal(journal) for journal in kept]


async def test_a_restart_waits_for_a_keeper_that_is_about_to_leave(bench: Bench) -> None:
    folder = bench.launch()
    await everything(client.stop(folder, "test"))
    await eventually(lambda: not bench.keeper_lives(folder))
    with (folder / "lock").open() as leaving:
        fcntl.flock(leaving, fcntl.LOCK_EX)
        restart = asyncio.create_task(asyncio.to_thread(bench.launch))
        await eventually(lambda: restart.done() or _waits_for(folder / "lock"))
        assert not restart.done()
    await restart
    assert await until(client.follow(folder), FirstTokenSeen)


def _waits_for(lock: Path) -> bool:
    """Tell whether another process has a lock open and sleeps."""
    others = [one for one in processes.running() if one.id.pid != os.getpid() and one.state == "S"]
    for one in others:
        with contextlib.suppress(OSError):
            opened = [file.readlink() for file in Path(f"/proc/{one.id.pid}/fd").iterdir()]
            if lock in opened:
                return True
    return False


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGKILL])
async def test_the_launcher_and_its_group_may_be_killed(
    bench: Bench, number: signal.Signals
) -> None:
    order = bench.order()
    folder = bench.state / "servers" / "fake"
    code = (
        "import json, os, sys; from pathlib import Path;"
        "from backends.keeper.launch import LaunchOrder, launch;"
        "launch(LaunchOrder(**json.loads(sys.argv[1])), Path(sys.argv[2]));"
        "os.kill(0, int(sys.argv[3]))"
    )
    told = {name: getattr(order, name) for name in order.__slots__}
    bench.used.append(folder)
    launcher = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", code, json.dumps(told), str(folder), str(number.value)),
        start_new_session=True,
    )
    assert await launcher.wait() == -number
    assert await until(client.follow(folder), FirstTokenSeen)


async def test_never_ready_while_somebody_else_holds_the_port(bench: Bench) -> None:
    port = free_port()
    foreign = bench.order("external", port=port)
    process = await asyncio.create_subprocess_exec(
        *foreign.argv, stdout=asyncio.subprocess.DEVNULL, start_new_session=True
    )
    try:
        await eventually(lambda: is_listening(port))
        folder = bench.launch(bench.order(port=port, ready_s=1))
        facts = await everything(client.follow(folder))
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
    assert not any(isinstance(fact, BecameReady) for fact in facts)
    failure = last(facts, FailureSeen)
    assert isinstance(failure, FailureSeen)
    assert failure.failure.kind is FailureKind.PORT_IN_USE
    assert f"pid {process.pid} `fake_server.py`, of user" in failure.failure.remedy
