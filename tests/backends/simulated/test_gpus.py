"""The file that stands for GPUs: what is read from it, and whose memory counts."""

import json
import os
import subprocess
import sys
from pathlib import Path

from backends.simulated.board import GpuBoard
from backends.simulated.gpus import SimulatedGpus
from backends.simulated.script import Device

GIB = 1 << 30
MI300X = Device(total_bytes=192 * GIB, baseline_bytes=GIB)
H100 = Device(name="NVIDIA H100", vendor="nvidia", total_bytes=80 * GIB, baseline_bytes=0)


def test_without_a_file_there_are_no_gpus_and_a_reason(tmp_path: Path) -> None:
    sample = SimulatedGpus(tmp_path / "gpus").sample(processes=True)
    assert sample.gpus == ()
    assert "no simulated server" in sample.reason


def test_a_file_of_something_else_is_told(tmp_path: Path) -> None:
    (tmp_path / "gpus").write_text("not these")
    assert (
        "does not stand for GPUs" in SimulatedGpus(tmp_path / "gpus").sample(processes=True).reason
    )


def test_what_the_living_hold_is_used_above_the_baseline(tmp_path: Path) -> None:
    GpuBoard(tmp_path / "gpus", MI300X, 2).hold(1, os.getpid(), "VLLM::Worker_TP1", 60 * GIB)
    idle, held = SimulatedGpus(tmp_path / "gpus").sample(processes=True).gpus
    assert (idle.memory.used_bytes, held.memory.used_bytes) == (GIB, 61 * GIB)
    assert held.memory.total_bytes == 192 * GIB
    assert (held.name, held.vendor) == ("AMD Instinct MI300X (SIMULATED)", "amd")
    assert [(p.pid, p.name) for p in held.processes or ()] == [(os.getpid(), "VLLM::Worker_TP1")]


def test_the_dead_hold_nothing(tmp_path: Path) -> None:
    board = GpuBoard(tmp_path / "gpus", MI300X, 1)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as holder:
        board.hold(0, holder.pid, "VLLM::EngineCore", 60 * GIB)
        board.busy(80.0)
        (busy,) = SimulatedGpus(tmp_path / "gpus").sample(processes=False).gpus
        assert (busy.memory.used_bytes, busy.busy_percent) == (61 * GIB, 80.0)
        holder.kill()
    (free,) = SimulatedGpus(tmp_path / "gpus").sample(processes=False).gpus
    assert (free.memory.used_bytes, free.busy_percent) == (GIB, 0.0)
    assert free.processes == ()


def test_a_reused_pid_holds_nothing(tmp_path: Path) -> None:
    path = tmp_path / "gpus"
    GpuBoard(path, MI300X, 1).hold(0, os.getpid(), "VLLM::EngineCore", 60 * GIB)
    data = json.loads(path.read_text())
    data["gpus"][0]["processes"][0]["started_ticks"] -= 1
    path.write_text(json.dumps(data))
    assert SimulatedGpus(path).sample(processes=True).gpus[0].processes == ()


def test_servers_share_the_file_and_a_new_host_replaces_an_empty_one(tmp_path: Path) -> None:
    path = tmp_path / "gpus"
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        GpuBoard(path, MI300X, 1).hold(0, other.pid, "VLLM::EngineCore", 50 * GIB)
        board = GpuBoard(path, MI300X, 1)
        board.hold(0, os.getpid(), "VLLM::EngineCore", 100 * GIB)
        assert board.free_bytes(0) == 41 * GIB
        GpuBoard(path, MI300X, 1).hold(0, os.getpid(), "VLLM::EngineCore", 0)
        other.kill()
    data = json.loads(path.read_text())
    data["gpus"][0]["processes"] = []
    path.write_text(json.dumps(data))
    GpuBoard(path, H100, 1).busy(0.0)
    assert SimulatedGpus(path).sample(processes=True).gpus[0].vendor == "nvidia"


def test_power_rises_with_work_and_is_unknown_without_a_meter(tmp_path: Path) -> None:
    board = GpuBoard(tmp_path / "gpus", Device(power_w=(100.0, 600.0), temperature_c=()), 1)
    board.hold(0, os.getpid(), "VLLM::EngineCore", GIB)
    board.busy(50.0)
    (gpu,) = SimulatedGpus(tmp_path / "gpus").sample(processes=True).gpus
    assert (gpu.power_w, gpu.temperature_c) == (350.0, None)
    assert [name for name, _ in gpu.reasons] == ["temperature_c"]
