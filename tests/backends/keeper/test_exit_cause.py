"""A server that the kernel kills for want of memory, under a true keeper and a true limit."""

import signal
from functools import reduce
from pathlib import Path

from backends.domain.facts import FailureSeen, Spawned, StartWaits, Stopped
from backends.domain.lifecycle import life_after, not_started
from backends.domain.server import ServerState
from backends.domain.start import Failure, FailureKind
from backends.host.oom import OomWatch
from backends.keeper import client
from backends.keeper.exit_cause import after_the_kernel
from backends.keeper.folder import ServerFolder, read_journal
from tests.backends.host.test_oom import GLOBAL, MEMCG, limited_cgroup
from tests.backends.keeper.conftest import Bench, everything, last, until

__all__ = ["limited_cgroup"]


async def test_a_server_killed_for_memory_is_told_so_with_the_kernels_evidence(
    bench: Bench, limited_cgroup: Path
) -> None:
    folder = bench.launch(hungry=1, ready_s=1.0, group=str(limited_cgroup))
    facts = await everything(client.follow(folder), within_s=30)
    failure = last(facts, FailureSeen)
    assert isinstance(failure, FailureSeen)
    assert isinstance(facts[-1], Stopped)
    told = failure.failure
    assert told.kind is FailureKind.HOST_OUT_OF_MEMORY
    assert "reached its memory limit" in told.cause
    assert "Killed process" in told.line or "oom_kill rose" in told.line


async def test_a_kill_that_was_not_the_kernels_is_told_as_such(bench: Bench) -> None:
    folder = bench.launch(ready_s=600)
    await until(client.follow(folder), Spawned)
    bench.strike(folder, signal.SIGKILL)
    failure = last(await everything(client.follow(folder)), FailureSeen)
    assert isinstance(failure, FailureSeen)
    assert failure.failure.kind is FailureKind.KILLED
    assert "did not rise" in failure.failure.cause


FAILED = """\
(EngineCore pid=2) INFO 11-21 08:00:05 [core.py:116] Initializing a V1 LLM engine (v0.32.0) with config: model='org/model'
(Worker pid=3) ERROR 11-21 08:00:20 [multiproc_executor.py:1063] WorkerProc hit an exception.
(Worker pid=3) ERROR 11-21 08:00:20 [multiproc_executor.py:1063] RuntimeError: Failed to find C compiler. Please specify via CC
(EngineCore pid=2) ERROR 11-21 08:00:21 [core.py:1510] RuntimeError: Worker failed with error 'Failed to find C compiler. Please specify via CC', please check the stack trace above for the root cause"""  # noqa: E501


async def test_a_failed_start_that_does_not_end_says_so_and_keeps_its_cause(bench: Bench) -> None:
    folder = bench.launch(ready_s=600, last_words=FAILED)
    waits = last(await until(client.follow(folder), StartWaits), StartWaits)
    assert isinstance(waits, StartWaits)
    assert waits.reason.startswith("the start has failed, and its processes have not ended yet")
    assert "a build tool is missing" in waits.reason
    facts = await everything(client.stop(folder, "a test"), within_s=30)
    life = reduce(life_after, read_journal(ServerFolder(folder).journal), not_started("fake"))
    assert isinstance(facts[-1], Stopped)
    assert life.server.state is ServerState.FAILED
    assert life.server.failure is not None
    assert life.server.failure.kind is FailureKind.BUILD_TOOLS


def _watch(folder: Path) -> OomWatch:
    (folder / "kmsg").write_text(MEMCG + GLOBAL)
    return OomWatch(1, 5.0, proc=folder, cgroups=folder, kernel_log=folder / "kmsg")


def test_what_the_log_names_is_not_overruled(tmp_path: Path) -> None:
    named = Failure(FailureKind.GPU_OUT_OF_MEMORY, 7, "CUDA out of memory", "cause", "remedy")
    assert after_the_kernel(named, _watch(tmp_path), [4711]) == named


def test_a_killed_worker_explains_the_death_of_its_engine(tmp_path: Path) -> None:
    died = Failure(FailureKind.ENGINE_DIED, 9, "Worker proc died", "cause", "remedy")
    told = after_the_kernel(died, _watch(tmp_path), [1, 4711])
    assert told is not None
    assert told.kind is FailureKind.HOST_OUT_OF_MEMORY
    assert "VLLM::Worker_TP (pid 4711)" in told.cause
    assert "--memory" in told.remedy


def test_another_programs_kill_for_memory_does_not_explain_an_end_without_sigkill(
    tmp_path: Path,
) -> None:
    vmstat = tmp_path / "vmstat"
    vmstat.write_text("oom_kill 3\n")
    watch = OomWatch(1, 5.0, proc=tmp_path, cgroups=tmp_path, kernel_log=tmp_path / "none")
    vmstat.write_text("oom_kill 4\n")
    by_daemon = Failure(FailureKind.KILLED, None, "", "The docker daemon was restarted.", "r")
    assert after_the_kernel(by_daemon, watch, [4711]) == by_daemon
    unknown = Failure(FailureKind.KILLED, None, "", "It was ended by SIGKILL.", "r")
    told = after_the_kernel(unknown, watch, [4711])
    assert told is not None
    assert told.kind is FailureKind.HOST_OUT_OF_MEMORY
    assert "most probably" in told.cause
