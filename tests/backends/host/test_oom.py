"""Kills for want of memory: a true one under a cgroup's limit, and recorded words of kernels."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from backends.host.oom import OomKill, OomWatch

LIMIT_BYTES = 64 * 2**20
GLUTTON = "kept = []\nwhile True: kept.append(bytearray(1 << 20))"

MEMCG = (
    "3,1201,4000000,-;Memory cgroup out of memory: Killed process 4711 (VLLM::Worker_TP) "
    "total-vm:71048kB, anon-rss:61184kB, file-rss:6592kB, shmem-rss:0kB, UID:0 pgtables:180kB "
    "oom_score_adj:0\n"
)
GLOBAL = (
    "3,1202,9000000,-;Out of memory: Killed process 812 (python3) total-vm:9kB, anon-rss:1048576kB,"
    " file-rss:0kB, shmem-rss:0kB, UID:1000 pgtables:180kB oom_score_adj:0\n SUBSYSTEM=x\n"
)


@pytest.fixture
def limited_cgroup() -> Iterator[Path]:
    """A memory cgroup of 64 MiB; skips where this host does not let us make one."""
    for base, limit in (
        (Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes"),
        (Path("/sys/fs/cgroup"), "memory.max"),
    ):
        group = base / f"inferctl-test-{uuid4().hex[:8]}"
        try:
            group.mkdir()
        except OSError:
            continue
        if (group / limit).exists():
            (group / limit).write_text(str(LIMIT_BYTES))
            yield group
            group.rmdir()
            return
        group.rmdir()
    pytest.skip("this host lets nobody here limit memory by a cgroup")


def test_a_true_kill_is_found_with_the_kernels_words(limited_cgroup: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", f"input(); {GLUTTON.splitlines()[0]}\n{GLUTTON.splitlines()[1]}"],
        stdin=subprocess.PIPE,
    )
    (limited_cgroup / "cgroup.procs").write_text(str(child.pid))
    watch = OomWatch(child.pid, time.monotonic())
    assert watch.find([child.pid]) is None
    child.communicate(b"\n")
    assert child.returncode == -signal.SIGKILL
    kill = watch.find([child.pid])
    assert kill is not None
    assert kill.limited
    assert kill.certain
    assert "oom_kill rose from 0 to 1" in kill.line or kill.pid == child.pid
    by_counter = OomWatch(child.pid, time.monotonic(), kernel_log=Path("/nonexistent"))
    assert by_counter.find([child.pid]) is None


def _watch(folder: Path, words: str, now_s: float = 5.0) -> OomWatch:
    (folder / "kmsg").write_text(words)
    return OomWatch(os.getpid(), now_s, proc=folder, cgroups=folder, kernel_log=folder / "kmsg")


@pytest.mark.parametrize(
    ("pid", "name", "held_gib", "limited"),
    [(4711, "VLLM::Worker_TP", 0.06, True), (812, "python3", 1.0, False)],
)
def test_the_kernels_words_name_who_was_killed_and_what_it_held(
    tmp_path: Path, pid: int, name: str, held_gib: float, limited: bool
) -> None:
    kill = _watch(tmp_path, MEMCG + GLOBAL).find([pid, 1])
    assert kill is not None
    assert (kill.pid, kill.name, kill.limited) == (pid, name, limited)
    assert kill.held_bytes == pytest.approx(held_gib * 2**30, rel=0.05)
    assert kill.line.startswith(("Memory cgroup", "Out of memory"))


def test_earlier_kills_and_those_of_others_are_none(tmp_path: Path) -> None:
    assert _watch(tmp_path, MEMCG).find([4712]) is None
    assert _watch(tmp_path, MEMCG, now_s=3600.0).find([4711]) is None


def test_a_counter_is_enough_where_the_log_is_closed(tmp_path: Path) -> None:
    (tmp_path / str(os.getpid())).mkdir()
    (tmp_path / str(os.getpid()) / "cgroup").write_text("0::/box\n")
    (tmp_path / "box").mkdir()
    events = tmp_path / "box" / "memory.events"
    events.write_text("low 0\noom 0\noom_kill 2\n")
    watch = OomWatch(
        os.getpid(), 5.0, proc=tmp_path, cgroups=tmp_path, kernel_log=tmp_path / "none"
    )
    assert watch.counts()
    assert watch.find([1]) is None
    events.write_text("low 0\noom 1\noom_kill 3\n")
    assert watch.find([1]) == OomKill(f"oom_kill rose from 2 to 3 in {events}", limited=True)


def test_the_whole_hosts_counter_alone_is_no_proof(tmp_path: Path) -> None:
    (tmp_path / "vmstat").write_text("pgfault 1\noom_kill 0\n")
    watch = OomWatch(
        os.getpid(), 5.0, proc=tmp_path, cgroups=tmp_path, kernel_log=tmp_path / "none"
    )
    (tmp_path / "vmstat").write_text("pgfault 1\noom_kill 1\n")
    kill = watch.find([1])
    assert kill is not None
    assert not kill.certain
