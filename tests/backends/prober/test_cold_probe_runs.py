"""The process of a cold-start probe: begun within a limit, ended only when known to be one."""

import subprocess
from pathlib import Path

import pytest

from backends.host import processes
from backends.prober import cold_probe_runs
from backends.prober.cold_probe_runs import ColdProbeFolder, held
from backends.problem import Problem

STUB = "tests.backends.prober.stub_worker"


@pytest.mark.parametrize("how", ["silent", "closed"])
def test_a_probe_that_does_not_begin_is_ended_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(cold_probe_runs, "REPORT_S", 5.0 if how == "closed" else 1.0)
    monkeypatch.setattr(cold_probe_runs, "STOP_S", 0.5)
    folder = ColdProbeFolder(tmp_path / how)
    folder.path.mkdir()
    with pytest.raises(Problem, match="did not begin within"):
        cold_probe_runs.launch(folder, STUB)
    told = folder.path / "pid"
    assert not told.exists() or processes.read(int(told.read_text())) is None


def test_a_process_that_the_lock_only_names_is_not_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cold_probe_runs, "LEAVING_S", 0.1, raising=False)
    monkeypatch.setattr(cold_probe_runs, "STOP_S", 0.5)
    folder = ColdProbeFolder(tmp_path)
    innocent = subprocess.Popen(["sleep", "600"])
    try:
        with held(folder):
            folder.lock.write_text(str(innocent.pid))
            with pytest.raises(Problem, match=f"process {innocent.pid} is not known"):
                cold_probe_runs.stop(folder)
        assert innocent.poll() is None
    finally:
        innocent.kill()
        innocent.wait()
