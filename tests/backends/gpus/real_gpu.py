"""What inferctl shows of a real NVIDIA GPU, to the byte beside NVML and nvidia-smi.

Run ``python -m tests.backends.gpus.real_gpu`` where there is a GPU and torch; needs nothing else
but this project's dependencies. A torch process makes its context, allocates, frees and ends; at
each step every figure is compared. Then the cost of the polling is measured. Exits with 1 where a
figure differs.
"""

import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

import psutil
import pynvml

from backends.domain.gpu import Gpu, GpuSample
from backends.domain.start import StartMemory
from backends.domain.vram import vram_parts
from backends.domain.vram_owners import with_owners
from backends.gpus.detect import open_gpus
from backends.gpus.nvml import NvmlGpus
from backends.gpus.process_list import NAMESPACE
from backends.gpus.source import GpuSource
from tests.backends.gpus.polling_cost import lines, metered

MIB = 1 << 20
TAKEN_BYTES = 8 << 30
SETTLE_S = 10.0
POLLED_S = 20

HOLDER = """
import sys, torch
block = torch.zeros(1, device="cuda"); torch.cuda.synchronize(); print("context", flush=True)
for order in sys.stdin:
    block = None
    torch.cuda.empty_cache()
    if int(order):
        block = torch.empty(int(order), dtype=torch.uint8, device="cuda")
    torch.cuda.synchronize(); print("done", flush=True)
"""


@dataclass(frozen=True)
class Truth:
    """The same figures by NVML itself and by nvidia-smi."""

    used: int
    total: int
    reserved: int
    processes: dict[int, int | None]
    smi_used_mib: int
    smi_reserved_mib: int


class Report:
    """Prints each comparison and counts those that fail."""

    def __init__(self) -> None:
        self.failed = 0

    def check(self, what: str, ours: object, truth: object, *, holds: bool | None = None) -> None:
        """Tell whether both are equal, or whether what was said to hold does."""
        good = ours == truth if holds is None else holds
        self.failed += not good
        print(f"{'ok    ' if good else 'FAILED'} {what:46} {ours!s:>18}  {truth}")


def main() -> None:
    """Compare step by step, measure, and tell."""
    report = Report()
    print(f"       {'figure':46} {'inferctl':>18}  truth")
    with closing(open_gpus()) as source:
        before, _ = _observe(source, report, "idle")
        holder = subprocess.Popen(
            [sys.executable, "-c", HOLDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert holder.stdout is not None
        try:
            if holder.stdout.readline().strip() != "context":
                raise SystemExit("torch did not come up")
            _steps(source, report, holder, _used(before))
        finally:
            holder.kill()
            holder.wait()
        _settled(source, lambda gpu: _used(gpu) == _used(before))
        after, _ = _observe(source, report, "ended")
        report.check("ended: used as before", _used(after), _used(before))
        _watch_cost(source, report)
    _call_cost()
    print(f"{report.failed} comparisons failed")
    sys.exit(bool(report.failed))


def _steps(
    source: GpuSource, report: Report, holder: "subprocess.Popen[str]", before_bytes: int
) -> None:
    context, _ = _observe(source, report, "context", holder.pid, before_bytes)
    _order(holder, TAKEN_BYTES)
    taken, _ = _observe(source, report, "allocated", holder.pid, before_bytes)
    report.check("allocated: growth", _used(taken) - _used(context), TAKEN_BYTES)
    _order(holder, 0)
    freed, _ = _observe(source, report, "freed", holder.pid, before_bytes)
    report.check("freed: used as with the context alone", _used(freed), _used(context))


def _order(holder: "subprocess.Popen[str]", size_bytes: int) -> None:
    assert holder.stdin is not None
    assert holder.stdout is not None
    print(size_bytes, file=holder.stdin, flush=True)
    if holder.stdout.readline().strip() != "done":
        raise SystemExit(f"torch did not take {size_bytes} bytes")


def _observe(
    source: GpuSource, report: Report, step: str, pid: int | None = None, before_bytes: int = 0
) -> tuple[Gpu, Truth]:
    """Compare one sample with what is true before and after it, taken anew while that moves."""
    deadline_s = time.monotonic() + SETTLE_S
    while True:
        earlier = _truth()
        gpu = _fresh(source)
        truth = _truth()
        if earlier.used == truth.used == gpu.memory.used_bytes or time.monotonic() > deadline_s:
            break
        time.sleep(0.2)
    memory = gpu.memory
    report.check(f"{step}: total", memory.total_bytes, truth.total)
    report.check(f"{step}: used", memory.used_bytes, truth.used)
    report.check(f"{step}: reserved", memory.reserved_bytes, truth.reserved)
    smi = f"{truth.smi_used_mib} MiB (nvidia-smi)"
    close = abs(_used(gpu) - truth.smi_used_mib * MIB) < MIB
    report.check(f"{step}: used, rounded", f"{_used(gpu) / MIB:.1f} MiB", smi, holds=close)
    if pid is not None:
        _compare_holder(report, step, gpu, truth, pid=pid, before_bytes=before_bytes)
    return gpu, truth


def _compare_holder(
    report: Report, step: str, gpu: Gpu, truth: Truth, *, pid: int, before_bytes: int
) -> None:
    parts = vram_parts(gpu, StartMemory(), frozenset({pid}), used_before_start_bytes=before_bytes)
    if pid not in truth.processes:
        hidden = gpu.processes_reason
        report.check(
            f"{step}: pids of another namespace",
            hidden[:18],
            NAMESPACE[:18],
            holds=gpu.processes is None or bool(hidden),
        )
        report.check(f"{step}: ours, estimated", parts.ours.size_bytes, truth.used - before_bytes)
        return
    listed = {each.pid: each.used_bytes for each in gpu.processes or ()}
    report.check(f"{step}: process", listed.get(pid), truth.processes[pid])
    report.check(f"{step}: part 'ours'", parts.ours.size_bytes, truth.processes[pid])
    others = sum(size or 0 for each, size in truth.processes.items() if each != pid)
    report.check(f"{step}: part 'others'", parts.others.size_bytes, others)
    tiled = sum(part.size_bytes or 0 for _, part in parts.stack())
    report.check(f"{step}: parts add up to the total", tiled, truth.total)
    owned = with_owners(GpuSample((gpu,)), {"torch": frozenset({pid})}).gpus[0].processes or ()
    report.check(f"{step}: owner", {each.owner for each in owned if each.pid == pid}, {"torch"})


def _truth() -> Truth:
    """Ask the driver directly, and nvidia-smi, which rounds to whole MiB."""
    pynvml.nvmlInit()
    handle = pynvml.nvmlDeviceGetHandleByIndex(0)
    memory = pynvml.nvmlDeviceGetMemoryInfo(handle, version=pynvml.nvmlMemory_v2)
    processes = {
        each.pid: each.usedGpuMemory
        for each in pynvml.nvmlDeviceGetComputeRunningProcesses_v3(handle)
    }
    pynvml.nvmlShutdown()
    asked = "--query-gpu=memory.used,memory.reserved"
    order = ["nvidia-smi", "-i", "0", asked, "--format=csv,noheader,nounits"]
    told = subprocess.run(order, capture_output=True, text=True, check=True).stdout
    used_mib, reserved_mib = (int(word) for word in told.split(","))
    return Truth(memory.used, memory.total, memory.reserved, processes, used_mib, reserved_mib)


def _fresh(source: GpuSource) -> Gpu:
    """Return the first GPU with its processes listed anew."""
    time.sleep(2.1)  # a list is renewed no sooner
    return source.sample(processes=True).gpus[0]


def _settled(source: GpuSource, holds: Callable[[Gpu], bool]) -> None:
    deadline_s = time.monotonic() + SETTLE_S
    while not holds(source.sample(processes=False).gpus[0]) and time.monotonic() < deadline_s:
        time.sleep(0.2)


def _used(gpu: Gpu) -> int:
    if gpu.memory.used_bytes is None:
        raise SystemExit(f"no memory in use is known: {gpu.memory.reason}")
    return gpu.memory.used_bytes


def _watch_cost(source: GpuSource, report: Report) -> None:
    """Tell power beside NVML's, and the CPU of a process that is asked once a second."""
    pynvml.nvmlInit()
    handle = pynvml.nvmlDeviceGetHandleByIndex(0)
    children = psutil.Process().children(recursive=True)
    asked = [each for each in children if "backends.gpus.driver_child" in each.cmdline()]
    cpu_before = sum(sum(each.cpu_times()[:2]) for each in asked)
    longest_s = 0.0
    for number in range(POLLED_S):
        began_s = time.perf_counter()
        gpu = source.sample(processes=number % 3 == 0).gpus[0]
        longest_s = max(longest_s, time.perf_counter() - began_s)
        time.sleep(1.0)
    watts = pynvml.nvmlDeviceGetPowerUsage(handle) / 1000
    pynvml.nvmlShutdown()
    near = gpu.power_w is not None and abs(gpu.power_w - watts) <= max(20.0, 0.15 * watts)
    report.check("power, W, a second apart", gpu.power_w, watts, holds=near)
    cpu_s = sum(sum(each.cpu_times()[:2]) for each in asked) - cpu_before
    resident = sum(each.memory_info().rss for each in asked) / 1e6
    print(
        f"polling once a second: {100 * cpu_s / POLLED_S:.2f} % of a core and {resident:.0f} MB in"
        f" {len(asked)} process, longest sample {longest_s * 1000:.1f} ms"
    )


def _call_cost() -> None:
    """Print how often each call is made, and how long it takes."""
    source = NvmlGpus()
    with metered() as calls:
        for number in range(POLLED_S):
            source.sample(processes=number % 3 == 0)
            time.sleep(1.0)
    source.close()
    print("\n".join(lines(calls, POLLED_S)))


if __name__ == "__main__":
    main()
