"""Processes as /proc shows them."""

import os
import signal
import subprocess
from collections.abc import Iterator

import pytest

from backends.domain.server import ProcessId
from backends.host import processes
from backends.host.processes import Process


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """A process whose name would break a careless reader of ``/proc/PID/stat``."""
    environment = {"INFERCTL_SERVER": "name:start", "EMPTY": ""}
    arguments = ["VLLM::Engine (a) 7 R", "600"]
    process = subprocess.Popen(
        arguments, executable="/bin/sleep", env=environment, start_new_session=True
    )
    yield process
    process.kill()
    process.wait()


def _process(pid: int, parent: int) -> Process:
    return Process(ProcessId(pid, 0), parent, 0, 0, "S", "")


def test_this_process_is_read() -> None:
    own = processes.read(os.getpid())
    assert own is not None
    assert own.parent == os.getppid()
    assert own.session == os.getsid(0)
    assert 0 < processes.age_s(own.id) < 86_400
    assert own.id in [process.id for process in processes.running()]


def test_a_started_process_is_known_by_all_its_marks(sleeper: subprocess.Popen[bytes]) -> None:
    read = processes.read(sleeper.pid)
    assert read is not None
    assert (read.parent, read.group, read.session) == (os.getpid(), sleeper.pid, sleeper.pid)
    assert processes.environment_value(sleeper.pid, "INFERCTL_SERVER") == "name:start"
    assert processes.environment_value(sleeper.pid, "EMPTY") == ""
    assert processes.environment_value(sleeper.pid, "ABSENT") is None
    assert processes.display_name(read) == "VLLM::Engine (a) 7 R"


def test_a_zombie_has_ended(sleeper: subprocess.Popen[bytes]) -> None:
    identity = processes.identity(sleeper.pid)
    assert processes.send(identity, signal.SIGKILL, lambda _: True)
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
    assert processes.read(sleeper.pid) is not None
    assert not processes.is_alive(identity)
    assert identity not in [process.id for process in processes.running()]
    assert not processes.send(identity, signal.SIGTERM, lambda _: True)


def test_a_reused_pid_gets_no_signal(sleeper: subprocess.Popen[bytes]) -> None:
    real = processes.identity(sleeper.pid)
    assert not processes.send(
        ProcessId(real.pid, real.started_ticks + 1), signal.SIGKILL, lambda _: True
    )
    assert processes.is_alive(real)


def test_nobody_is_nowhere() -> None:
    assert processes.read(2**22 + 1) is None
    with pytest.raises(ProcessLookupError):
        processes.identity(2**22 + 1)


def test_descendants_are_found_at_any_depth_and_nothing_else() -> None:
    among = [_process(pid, parent) for pid, parent in [(5, 4), (2, 1), (3, 2), (4, 3), (9, 8)]]
    assert {one.id.pid for one in processes.descendants(2, among)} == {3, 4, 5}
    assert processes.descendants(9, among) == []


def test_a_circle_of_parents_ends() -> None:
    assert len(processes.descendants(1, [_process(2, 1), _process(1, 2)])) == 2


@pytest.mark.parametrize(
    "name", [b"plain", b"with space", b"a) S 1 2 3", b"(((", b"\xff\xfe"], ids=repr
)
def test_any_command_name_is_parsed(name: bytes) -> None:
    tail = b" S 7 8 9 0 -1 " + b" ".join(b"%d" % field for field in range(9, 40))
    parsed = processes._parsed(b"42 (" + name + b")" + tail)
    assert parsed is not None
    assert (parsed.id.pid, parsed.parent, parsed.group, parsed.session) == (42, 7, 8, 9)
    assert parsed.id.started_ticks == 22
    assert parsed.command == name.decode(errors="replace")
