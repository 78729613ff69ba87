"""AMD's binding in its child process, over a stub that breaks in every way the real one does."""

import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from backends.domain.gpu import Gpu, GpuProcess
from backends.gpus.amd import AmdGpus
from backends.gpus.amdgpu_sysfs import AmdgpuSysfs
from backends.gpus.amdsmi_source import AmdsmiSampler, binding_folders
from backends.gpus.proc import Proc
from tests.backends.gpus.amd_tree import GIB, MI300X, add_card

FOLDER = Path(__file__).with_name("amdsmi_stub")
BDF = "0000:c1:00.0"
MakeProc = Callable[..., Proc]

CARD: dict[str, Any] = {
    "bdf": "0000:C1:00.0",
    "uuid": "8fff74a1-0000-1000-80c2-3d2f55a1b0aa",
    "name": "AMD Instinct MI300X",
    "busy": 97,
    "power": {"socket_power": 545, "average_socket_power": "N/A"},
    "celsius_hotspot": 61,
    "vram_total": 192 * GIB,
    "vram_used": 170 * GIB,
    "gtt_total": 1008 * GIB,
    "gtt_used": 0,
    "compute_partition": "SPX",
    "memory_partition": "NPS1",
    "processes": [{"pid": 4711, "mem": 1, "memory_usage": {"vram_mem": 168 * GIB}}],
}


class Binding:
    """What the stub says, changed as a test goes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.say({})

    def say(self, card: dict[str, Any], **state: Any) -> None:
        self.say_all([{**CARD, **card}], **state)

    def say_all(self, cards: list[dict[str, Any]], **state: Any) -> None:
        fresh = self._path.with_suffix(".new")
        fresh.write_text(json.dumps({"version": "26.0.2", "gpus": cards, **state}))
        fresh.replace(self._path)


@pytest.fixture
def binding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Binding:
    path = tmp_path / "amdsmi.json"
    monkeypatch.setenv("AMDSMI_STUB", str(path))
    return Binding(path)


@pytest.fixture
def sampler(binding: Binding) -> Iterator[AmdsmiSampler]:
    sampler = AmdsmiSampler([FOLDER], answer_s=10)
    yield sampler
    sampler.close()


def test_what_it_prints_does_not_reach_us_and_its_figures_do(sampler: AmdsmiSampler) -> None:
    for _ in range(2):
        answer = sampler.sample(processes=True)
        assert answer is not None
        (reading,) = answer.readings
        assert answer.library == "26.0.2"
        assert (reading.bdf, reading.name) == (BDF, "AMD Instinct MI300X")
        assert (reading.vram_total, reading.vram_used) == (192 * GIB, 170 * GIB)
        assert (reading.busy_percent, reading.power_w, reading.temperature_c) == (97, 545, 61)
        assert reading.partition == "SPX/NPS1"
        assert reading.processes == ((4711, 168 * GIB),)
        assert reading.reasons == ()
    assert sampler.reason == ""


@pytest.mark.parametrize(
    ("power", "watts"),
    [
        ({"socket_power": 300}, 300),
        ({"current_socket_power": 301, "average_socket_power": "N/A"}, 301),
        ({"socket_power": "N/A", "average_socket_power": 302}, 302),
        ({"socket_power": "N/A"}, None),
        ("N/A", None),
    ],
)
def test_power_under_every_name_it_has_had(
    binding: Binding, sampler: AmdsmiSampler, power: Any, watts: float | None
) -> None:
    binding.say({"power": power})
    answer = sampler.sample(processes=False)
    assert answer is not None
    assert answer.readings[0].power_w == watts
    assert ("power_w" in dict(answer.readings[0].reasons)) == (watts is None)


def test_a_figure_that_fails_is_a_reason_and_the_others_stay(
    binding: Binding, sampler: AmdsmiSampler
) -> None:
    binding.say_all([{name: value for name, value in CARD.items() if name != "busy"}])
    answer = sampler.sample(processes=False)
    assert answer is not None
    assert "AMDSMI_STATUS_NOT_SUPPORTED" in dict(answer.readings[0].reasons)["busy_percent"]
    assert answer.readings[0].power_w == 545


@pytest.mark.parametrize(
    ("card", "doubt"),
    [
        ({"power": {"socket_power": 281470681744000}}, "a power of 281470681744000 W"),
        ({"processes": [{"pid": 0, "mem": 5}]}, "a process with pid 0"),
        ({"processes": [{"pid": 7, "mem": 1 << 60}]}, "a process with"),
        ({"vram_used": 193 * GIB}, "bytes of vram used"),
        ({"celsius_hotspot": 61000}, "a temperature of 61000"),
        ({"busy": 4294967295}, "an activity of"),
    ],
)
def test_a_binding_that_does_not_fit_its_library_is_refused(
    binding: Binding, sampler: AmdsmiSampler, card: dict[str, Any], doubt: str
) -> None:
    binding.say(card)
    assert sampler.sample(processes=True) is None
    assert "does not fit library 26.0.2" in sampler.reason
    assert doubt in sampler.reason


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("keyerror", "does not load: KeyError: 'libamd_smi.so'"),
        ("abort", "crashed (SIGABRT)"),
        ("segfault", "crashed (SIGSEGV)"),
    ],
)
def test_a_binding_that_breaks_at_import_is_a_sentence(
    binding: Binding, sampler: AmdsmiSampler, how: str, words: str
) -> None:
    binding.say({}, at_import=how)
    assert sampler.sample(processes=True) is None
    assert words in sampler.reason
    assert sampler.sample(processes=True) is None


def test_a_missing_package_is_a_sentence(tmp_path: Path, binding: Binding) -> None:
    sampler = AmdsmiSampler([tmp_path])
    assert sampler.sample(processes=True) is None
    assert "does not load: ModuleNotFoundError" in sampler.reason


def test_a_binding_that_hangs_at_import_is_given_up(binding: Binding) -> None:
    binding.say({}, at_import="hang")
    sampler = AmdsmiSampler([FOLDER], handshake_s=1)
    assert sampler.sample(processes=True, wait=False) is None
    assert sampler.reason == "AMD's binding is starting"
    assert sampler.sample(processes=True) is None
    assert "does not answer" in sampler.reason


@pytest.mark.parametrize(
    ("how", "answer_s", "words"),
    [("abort", 10, "crashed (SIGABRT)"), ("hang", 0.5, "does not answer")],
)
def test_a_binding_that_breaks_later_is_given_up(
    binding: Binding, how: str, answer_s: float, words: str
) -> None:
    sampler = AmdsmiSampler([FOLDER], answer_s=answer_s)
    assert sampler.sample(processes=True) is not None
    binding.say({}, at_sample=how)
    assert sampler.sample(processes=True) is None
    assert words in sampler.reason


def test_the_next_binding_is_tried_when_one_fails(tmp_path: Path, binding: Binding) -> None:
    broken = tmp_path / "share/amd_smi"
    (broken / "amdsmi").mkdir(parents=True)
    (broken / "amdsmi/__init__.py").write_text("import os\nos.abort()\n")
    sampler = AmdsmiSampler([broken, FOLDER])
    answer = sampler.sample(processes=False)
    assert answer is not None
    assert answer.readings[0].bdf == BDF
    sampler.close()


def test_before_rocm_10_a_process_cannot_be_put_on_one_of_two_gpus(
    binding: Binding, sampler: AmdsmiSampler
) -> None:
    binding.say_all([CARD, {**CARD, "bdf": "0000:c2:00.0"}])
    answer = sampler.sample(processes=True)
    assert answer is not None
    assert [reading.processes for reading in answer.readings] == [None, None]
    assert "ROCm 10" in dict(answer.readings[0].reasons)["processes"]


def test_the_child_ends_with_its_parent_even_while_it_hangs(binding: Binding) -> None:
    sampler = AmdsmiSampler([FOLDER], answer_s=0.2)
    assert sampler.sample(processes=False) is not None
    assert sampler._child is not None
    child = sampler._child.process._process
    binding.say({}, at_sample="hang")
    assert child.stdin is not None
    child.stdin.write(b"sample\n")
    child.stdin.close()
    assert child.wait(10) == 0
    sampler.close()


def test_bindings_that_came_with_a_library_are_tried_first(tmp_path: Path) -> None:
    def package(folder: Path) -> Path:
        (folder / "amdsmi").mkdir(parents=True)
        (folder / "amdsmi/__init__.py").touch()
        return folder

    site = package(tmp_path / "site")
    wheel = package(site / "_rocm_sdk_core/share/amd_smi")
    rocm = package(tmp_path / "rocm/share/amd_smi")
    found = binding_folders({"ROCM_PATH": str(tmp_path / "rocm")}, ["", str(site)])
    assert [each for each in found if each.is_relative_to(tmp_path)] == [rocm, wheel, site]


# together with the kernel's files


def amd(sys: Path, sampler: AmdsmiSampler, proc: Proc) -> list[Gpu]:
    deadline_s = time.monotonic() + 10
    source = AmdGpus(AmdgpuSysfs(sys, proc=proc), sampler, proc)
    sample = source.sample(processes=True)
    while "starting" in str(sample) and time.monotonic() < deadline_s:
        os.sched_yield()
        sample = source.sample(processes=True)
    return list(sample.gpus)


def test_the_binding_fills_what_sysfs_leaves_open(
    tmp_path: Path, sampler: AmdsmiSampler, made_proc: MakeProc
) -> None:
    bare = {name: value for name, value in MI300X.items() if "hwmon" not in name}
    add_card(tmp_path / "sys", 0, BDF, {**bare, "gpu_busy_percent": 12})
    (gpu,) = amd(tmp_path / "sys", sampler, made_proc({4711: "VLLM::EngineCore"}))
    assert (gpu.busy_percent, gpu.power_w, gpu.temperature_c) == (12, 545, 61)
    assert gpu.memory.source == "amdgpu sysfs vram"
    assert gpu.processes == (GpuProcess(4711, "VLLM::EngineCore", 168 * GIB),)
    assert [name for name, _ in gpu.reasons] == ["throttled"]


def test_a_card_that_sysfs_tells_all_about_starts_no_child(
    tmp_path: Path, sampler: AmdsmiSampler, made_proc: MakeProc
) -> None:
    add_card(tmp_path / "sys", 0, BDF, MI300X)
    (gpu,) = amd(tmp_path / "sys", sampler, made_proc())
    assert gpu.power_w == 545
    assert sampler._child is None


def test_a_crash_falls_back_to_sysfs_with_the_reason(
    tmp_path: Path, binding: Binding, sampler: AmdsmiSampler, made_proc: MakeProc
) -> None:
    binding.say({}, at_import="abort")
    bare = {name: value for name, value in MI300X.items() if "hwmon" not in name}
    add_card(tmp_path / "sys", 0, BDF, bare)
    (gpu,) = amd(tmp_path / "sys", sampler, made_proc())
    assert gpu.memory.used_bytes == 170 * GIB
    assert gpu.power_w is None
    assert "crashed (SIGABRT)" in dict(gpu.reasons)["power_w"]


def test_cards_without_sysfs_are_told_by_the_binding_and_partitions_are_one_card(
    tmp_path: Path, binding: Binding, sampler: AmdsmiSampler, made_proc: MakeProc
) -> None:
    binding.say_all(
        [
            {**CARD, "bdf": f"0000:c1:00.{number}", "compute_partition": "CPX"}
            for number in range(8)
        ],
        version="27.0.0",
    )
    (gpu,) = amd(tmp_path / "sys", sampler, made_proc({4711: "VLLM::EngineCore"}))
    assert (gpu.bdf, gpu.partition) == (BDF, "CPX/NPS1")
    assert gpu.memory.total_bytes == 192 * GIB
    assert gpu.memory.source == "amdsmi vram"
    assert gpu.processes == (GpuProcess(4711, "VLLM::EngineCore", 168 * GIB),)


def test_the_bindings_list_is_kept_between_two_listings(
    tmp_path: Path, sampler: AmdsmiSampler, made_proc: MakeProc
) -> None:
    at_s = [1000.0]
    proc = made_proc({4711: "VLLM::EngineCore"})
    source = AmdGpus(
        AmdgpuSysfs(tmp_path, now=lambda: at_s[0], proc=proc), sampler, proc, now=lambda: at_s[0]
    )

    def listed(*, processes: bool) -> tuple[GpuProcess, ...] | None:
        return source.sample(processes=processes).gpus[0].processes

    assert listed(processes=False) is None
    first = listed(processes=True)
    assert first is not None
    at_s[0] += 19
    assert listed(processes=False) == first
    at_s[0] += 2
    assert listed(processes=False) is None


@pytest.mark.parametrize(
    ("card", "beyond", "doubt"),
    [
        ({"busy": 0}, {"busy": -1}, "an activity of -1 %"),
        ({"busy": 100}, {"busy": 101}, "an activity of 101 %"),
        ({"power": {"socket_power": 0}}, {"power": {"socket_power": -1}}, "a power of -1 W"),
        ({"power": {"socket_power": 4999}}, {"power": {"socket_power": 5000}}, "of 5000 W"),
        ({"celsius_hotspot": -49}, {"celsius_hotspot": -50}, "a temperature of -50 °C"),
        ({"celsius_hotspot": 149}, {"celsius_hotspot": 150}, "a temperature of 150 °C"),
        ({"vram_used": 192 * GIB}, {"vram_used": 192 * GIB + 1}, "bytes of vram used"),
        ({"gtt_used": 1008 * GIB}, {"gtt_used": 1008 * GIB + 1}, "bytes of gtt used"),
    ],
)
def test_the_last_figure_that_can_be_is_a_value_and_the_next_a_doubt(
    binding: Binding,
    sampler: AmdsmiSampler,
    card: dict[str, Any],
    beyond: dict[str, Any],
    doubt: str,
) -> None:
    binding.say(card)
    answer = sampler.sample(processes=True)
    assert answer is not None, sampler.reason
    assert answer.readings[0].doubts == ()
    binding.say(beyond)
    assert sampler.sample(processes=True) is None
    assert doubt in sampler.reason
