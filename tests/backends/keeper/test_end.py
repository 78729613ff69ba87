"""The steps of an end that no process shows: draining, and memory that is not freed."""

import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field

import pytest

from backends.domain.facts import ServerFact, StopProgressed
from backends.domain.server import Exit, ProcessId
from backends.host import processes
from backends.host.processes import Process
from backends.http1 import Address
from backends.keeper import end
from backends.keeper.clock import now
from backends.keeper.end import Ending


@dataclass
class Nothing:
    """A tree whose processes have all ended."""

    first: ProcessId = field(default_factory=lambda: ProcessId(os.getpid(), 0))

    def members(self) -> list[Process]:
        return []

    def exit(self) -> Exit | None:
        return Exit(0, None)

    def is_gone(self) -> bool:
        return True

    def may_end(self, process: Process) -> bool:
        raise AssertionError(f"nothing is to be signalled, least of all {process}")


STUBBORN = """
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready", flush=True)
signal.pause()
"""


class Left(Nothing):
    """A tree of which one child of this process is left."""

    def __init__(self, child: subprocess.Popen[bytes]) -> None:
        found = processes.read(child.pid)
        assert found is not None
        super().__init__(found.id)
        self._child = child

    def exit(self) -> Exit | None:
        code = self._child.poll()
        return None if code is None else Exit(None, -code)

    def members(self) -> list[Process]:
        found = processes.read(self._child.pid)
        return [] if found is None or self.is_gone() else [found]

    def is_gone(self) -> bool:
        return self._child.poll() is not None

    def may_end(self, process: Process) -> bool:
        return process.id.pid == self._child.pid


def _said(*answers: bool | None) -> list[str]:
    """Return what is said while the GPUs answer so, the last answer again and again."""
    facts: list[ServerFact] = []
    left = list(answers)
    ended = Ending(
        tree=Nothing(),
        address=Address("127.0.0.1", 1),
        record=facts.append,
        now=now,
        term_grace_s=0.1,
        memory_released=lambda: left.pop(0) if len(left) > 1 else left[0],
    )
    end.await_memory(ended)
    return [fact.step for fact in facts if isinstance(fact, StopProgressed)]


def test_memory_seen_to_fall_is_told() -> None:
    (step,) = _said(True)
    assert "freed" in step


def test_memory_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(end, "MEMORY_POLL_S", 0.01)
    (step,) = _said(False, False, True)
    assert "freed" in step


def test_memory_that_stays_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(end, "MEMORY_POLL_S", 0.01)
    monkeypatch.setattr(end, "MEMORY_S", 0.05)
    (step,) = _said(False)
    assert "still held" in step


def test_unknown_memory_is_not_called_free() -> None:
    (step,) = _said(None)
    assert "not verified" in step


def stubborn_child() -> subprocess.Popen[bytes]:
    child = subprocess.Popen([sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdout.readline() == b"ready\n"
    return child


def ending_of(child: subprocess.Popen[bytes], facts: list[ServerFact]) -> Ending:
    return Ending(
        tree=Left(child),
        address=Address("127.0.0.1", 1),
        record=facts.append,
        now=now,
        term_grace_s=0.1,
        memory_released=lambda: None,
    )


def steps(facts: list[ServerFact]) -> list[str]:
    return [fact.step for fact in facts if isinstance(fact, StopProgressed)]


def test_a_first_process_that_ignores_sigterm_twice_is_killed() -> None:
    facts: list[ServerFact] = []
    with stubborn_child() as child:
        try:
            end.terminate(ending_of(child, facts))
            assert child.returncode == -signal.SIGKILL
        finally:
            child.kill()
    assert [step.partition(" after ")[0] for step in steps(facts)] == [
        f"SIGTERM to process {child.pid}",
        f"SIGTERM again to process {child.pid}",
        "SIGKILL to the whole group",
    ]


def test_what_outlived_the_server_and_ignores_sigterm_is_killed_next() -> None:
    facts: list[ServerFact] = []
    with stubborn_child() as child:
        try:
            end.end_rest(ending_of(child, facts), orderly=False)
            assert child.returncode == -signal.SIGKILL
        finally:
            child.kill()
    assert steps(facts) == [
        "SIGTERM to 1 processes that outlived the server",
        "SIGKILL to 1 processes that outlived the server",
    ]
