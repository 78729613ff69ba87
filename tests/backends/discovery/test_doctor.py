from dataclasses import replace
from pathlib import Path

import pytest

from backends.discovery import gpu_checks, host_checks
from backends.discovery.doctor import examine
from backends.discovery.executables import Executable
from backends.discovery.finding import Finding
from backends.discovery.models import Model
from backends.discovery.offer import Offer
from backends.discovery.surroundings import Surroundings
from backends.domain.gpu import Gpu, GpuMemory, GpuSample
from backends.domain.server import Owner, ProcessId, Server, ServerState, Survivor
from backends.settings.faults import Fault

GIB = 2**30
NOTHING = Offer((), (), None, (), (), ())
MEMORY = GpuMemory(80 * GIB, 0, 0, unified=False, source="nvml memory v2")
GPU = Gpu(0, "GPU-1", "NVIDIA H100", "nvidia", MEMORY)
UTF8 = {"TERM": "xterm-256color", "LANG": "C.UTF-8"}
NOW_S = 1_795_000_000.0
VERSION_FILE = "NVRM version: NVIDIA UNIX {}  580.126.09  Thu Oct 30\nGCC version: 12\n"


@pytest.mark.parametrize(
    ("finding", "state", "remedy"),
    [
        (host_checks.open_files(1_048_576), "ok", ""),
        (host_checks.open_files(None), "ok", ""),
        (host_checks.open_files(4096), "warn", "ulimit -Hn 65535"),
        (host_checks.shared_memory(64 * 2**20), "warn", "--shm-size"),
        (host_checks.shared_memory(None), "warn", "--ipc=host"),
        (host_checks.shared_memory(24 * GIB), "ok", ""),
        (host_checks.disk_for_models(Path("/m"), 500 * GIB), "ok", ""),
        (host_checks.disk_for_models(Path("/m"), 5 * GIB), "warn", "HF_HOME"),
        (host_checks.disk_for_models(Path("/m"), 5), "fail", "HF_HOME"),
        (host_checks.disk_for_models(Path("/m"), None), "warn", "readable"),
        (host_checks.disk_for_state(Path("/s"), 5 * GIB), "ok", ""),
        (host_checks.disk_for_state(Path("/s"), 5), "fail", "XDG_STATE_HOME"),
        (host_checks.compiler("/usr/bin/cc"), "ok", ""),
        (host_checks.compiler(None), "warn", "apt-get install gcc"),
        (host_checks.clock(NOW_S), "ok", ""),
        (host_checks.clock(5.0), "fail", "set-ntp"),
        (host_checks.clock(1e12), "fail", "set-ntp"),
        (host_checks.terminal(UTF8), "ok", ""),
        (host_checks.terminal({**UTF8, "LANG": "de_DE.utf8"}), "ok", ""),
        (host_checks.terminal({**UTF8, "LC_ALL": "C"}), "warn", "LANG=C.UTF-8"),
        (host_checks.terminal({"TERM": "xterm"}), "warn", "LANG=C.UTF-8"),
        (host_checks.terminal({**UTF8, "TERM": "dumb"}), "warn", "ssh -t"),
    ],
)
def test_what_a_host_needs(finding: Finding, state: str, remedy: str) -> None:
    assert finding.state == state
    assert remedy in finding.remedy
    assert bool(finding.remedy) == (state != "ok")


def with_nvidia(root: Path, module: str, *libraries: str) -> Path:
    version = root / "proc/driver/nvidia/version"
    version.parent.mkdir(parents=True)
    version.write_text(VERSION_FILE.format(module))
    folder = root / "usr/lib/x86_64-linux-gnu"
    folder.mkdir(parents=True)
    for library in libraries:
        (folder / f"libnvidia-ml.so.{library}").touch()
    return root


@pytest.mark.parametrize("module", ["x86_64 Kernel Module", "Open Kernel Module for x86_64"])
@pytest.mark.parametrize(
    ("libraries", "state", "said"),
    [
        (("1", "580.126.09"), "ok", "580.126.09"),
        (("1", "580.173.02"), "fail", "library 580.173.02"),
        (("1",), "fail", "not found"),
    ],
)
def test_the_nvidia_module_and_library_must_agree(
    tmp_path: Path, module: str, libraries: tuple[str, ...], state: str, said: str
) -> None:
    (finding,) = gpu_checks.nvidia_driver(with_nvidia(tmp_path, module, *libraries))
    assert finding.state == state
    assert said in finding.what


def with_amd(root: Path, *, renders: int, balancing: str) -> Path:
    (root / "dev/dri").mkdir(parents=True)
    (root / "dev/kfd").touch()
    for n in range(renders):
        (root / f"dev/dri/renderD{128 + n}").touch()
    setting = root / "proc/sys/kernel/numa_balancing"
    setting.parent.mkdir(parents=True)
    setting.write_text(f"{balancing}\n")
    return root


def test_amd_devices_that_may_be_opened_are_well(tmp_path: Path) -> None:
    root = with_amd(tmp_path, renders=8, balancing="0")
    assert gpu_checks.amd_devices(root, lambda _: True)[0].state == "ok"
    assert gpu_checks.numa_balancing(root)[0].state == "ok"


def test_amd_devices_that_may_not_be_opened_are_named(tmp_path: Path) -> None:
    root = with_amd(tmp_path, renders=1, balancing="1")
    (finding,) = gpu_checks.amd_devices(root, lambda path: path.name != "kfd")
    assert finding.state == "fail"
    assert finding.what == "you may not open /dev/kfd"
    assert "video,render" in finding.remedy
    assert "echo 0" in gpu_checks.numa_balancing(root)[0].remedy


def test_a_container_with_half_the_amd_devices_is_told(tmp_path: Path) -> None:
    root = with_amd(tmp_path, renders=0, balancing="0")
    assert "--device /dev/dri" in gpu_checks.amd_devices(root, lambda _: True)[0].remedy


def test_a_host_without_gpus_is_not_asked_for_their_drivers(tmp_path: Path) -> None:
    assert gpu_checks.nvidia_driver(tmp_path) == ()
    assert gpu_checks.amd_devices(tmp_path, lambda _: True) == ()
    assert gpu_checks.numa_balancing(tmp_path) == ()
    assert gpu_checks.gpus(None) == ()


def examined(offer: Offer, tmp_path: Path) -> dict[str, list[Finding]]:
    around = Surroundings(tmp_path, tmp_path, UTF8, tmp_path)
    found: dict[str, list[Finding]] = {}
    for finding in examine(offer, around, now_wall_s=lambda: NOW_S):
        found.setdefault(finding.name, []).append(finding)
    return found


def test_a_gpu_that_says_nothing_is_no_gpu_that_is_well(tmp_path: Path) -> None:
    lost = replace(MEMORY, used_bytes=None, reason="the GPU has fallen off the bus; reboot")
    full = replace(MEMORY, used_bytes=80 * GIB, reserved_bytes=GIB)
    gpus = (
        replace(GPU, memory=lost),
        replace(GPU, index=1, throttled=("heat",)),
        replace(GPU, index=2, memory=full),
    )
    found = examined(replace(NOTHING, gpus=GpuSample(gpus)), tmp_path)
    assert found["GPUs"][0].what == "2: NVIDIA H100"
    (silent,) = found["GPU 0"]
    assert (silent.state, silent.remedy) == ("fail", "reboot")
    assert "fallen off the bus" in silent.what
    assert "heat" in found["GPU 1"][0].what
    assert "more of its memory" in found["GPU 2"][0].what


def test_a_driver_that_hangs_is_not_to_be_installed(tmp_path: Path) -> None:
    sample = GpuSample((), "the NVIDIA driver has not answered for 8 s")
    (found,) = examined(replace(NOTHING, gpus=sample), tmp_path)["GPUs"]
    assert "dmesg" in found.remedy
    assert "install" not in found.remedy


def test_an_empty_host_lacks_a_vllm(tmp_path: Path) -> None:
    found = examined(NOTHING, tmp_path)
    assert found["vLLM"][0].state == "fail"
    assert found["/dev/shm"][0].state == "warn"
    assert found["C compiler"][0].state == "warn"
    assert found["orphans"][0].state == found["configuration"][0].state == "ok"
    assert "GPUs" not in found


def test_everything_the_offer_knows_is_judged(tmp_path: Path) -> None:
    survivor = Survivor(ProcessId(4242, 1), "VLLM::EngineCore")
    offer = replace(
        NOTHING,
        executables=(Executable(Path("/v/bin/vllm"), "0.32.0"), Executable(Path("/w/bin/vllm"))),
        models=(Model("org/m", Path("/m"), "partial", 1, reason="it has no weights"),),
        gpus=GpuSample((GPU, replace(GPU, index=1))),
        servers=(Server("big", Owner.MANAGED, ServerState.FAILED, survivors=(survivor,)),),
        config_faults=(Fault(Path("c.toml"), "server.a.port", 3, "is 0", "choose one"),),
    )
    found = examined(offer, tmp_path)
    assert [finding.state for finding in found["vLLM"]] == ["ok", "warn"]
    assert [finding.state for finding in found["models"]] == ["ok", "warn"]
    assert found["GPUs"][0].what == "2: NVIDIA H100"
    assert "4242" in found["orphans"][0].what
    assert found["orphans"][0].remedy == "end them: inferctl stop big"
    fault = found["configuration"][0]
    assert (fault.what, fault.remedy) == ("c.toml:3: server.a.port is 0", "choose one")
