"""What a driver may do, and what must be shown then: the rows of the stub matrix."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.backends.gpus.amd_tree import GIB, MI300X, STRIX_HALO
from tests.backends.gpus.amdsmi_bindings import VERSIONS

Keys = Mapping[str, object]

HANG_MS = 3_600_000
_LISTED = {"0.procs": f"4711:{58 * GIB}"}
_BARE = {name: value for name, value in MI300X.items() if "hwmon" not in name}


@dataclass(frozen=True)
class Situation:
    """One row.

    Attributes:
        simulated: what was done, in words.
        shown: words that must be shown of it, all of them.
        library: which NVIDIA library the loader finds; empty for none.
        nvidia: what it answers from the beginning, beside a healthy H200.
        amd: the files of an AMD card; None for no card.
        binding: generation of AMD's binding and of the library below it; a library ``10`` is one
            without the functions that ROCm 10 took away.
        breaks: what changes after a first good sample.
        in_binding: `breaks` is for AMD's library, not for NVIDIA's.
        mends: it can be undone, and the next good sample is waited for.
        slow: that takes a minute by policy.
    """

    name: str
    simulated: str
    shown: tuple[str, ...]
    library: str = ""
    nvidia: Keys = field(default_factory=dict)
    amd: Keys | None = None
    binding: tuple[str, str] | None = None
    breaks: Keys | None = None
    in_binding: bool = False
    mends: bool = False
    slow: bool = False


def _at_rest(name: str, keys: Keys, *shown: str, library: str = "current") -> Situation:
    return Situation(f"nvidia: {name}", "as it is from the start", shown, library, keys)


def _breaking(name: str, breaks: Keys, *shown: str, slow: bool = False) -> Situation:
    return Situation(
        f"nvidia: {name}",
        "after a good sample",
        shown,
        "current",
        _LISTED,
        breaks=breaks,
        mends=True,
        slow=slow,
    )


def _starting(name: str, keys: Keys, *shown: str) -> Situation:
    return Situation(
        f"nvidia: {name}", "from the start, then mended", shown, "current", keys, mends=True
    )


NVIDIA = (
    _at_rest("healthy", _LISTED, "60.0/141.0 GiB", "1.0 GiB reserved", "4711"),
    _at_rest("old driver, no v2 calls", {}, "61.0/141.0 GiB", "own reserve", library="old"),
    _at_rest("no library", {}, "no NVIDIA driver library", library=""),
    _at_rest("empty library file", {}, "does not load", "file too short", library="empty"),
    _at_rest("library is text", {}, "does not load", "file too short", library="text"),
    _at_rest("library of something else", {}, "too old to report it", library="external"),
    _at_rest("no card", {"count": 0}, "finds no GPU"),
    _at_rest("garbage count", {"count": 1 << 31}, "which cannot be"),
    _at_rest("garbage name", {"0.name": "\udcff\udcfe"}, "NVIDIA GPU 0", "60.0/141.0 GiB"),
    _at_rest(
        "garbage figures",
        {"0.busy": 1 << 31, "0.power_mw": 1 << 31, "0.celsius": 61000},
        "no activity: the driver says 2147483648 %",
        "no power",
        "no temperature",
        "60.0/141.0 GiB",
    ),
    _at_rest("used above total", {"0.used": 200 * GIB}, "—/141.0 GiB", "200.0 of 141.0 GiB"),
    _at_rest("shifted process list", {"0.procs": f"0:{GIB}"}, "inconsistent (pid 0)"),
    _at_rest("process above total", {"0.procs": f"4711:{1 << 60}"}, "more memory than the GPU has"),
    _at_rest("process memory unknown", {"0.procs": "4711:na"}, "4711 — GiB"),
    _at_rest("pids of the host", {"0.procs": f"99001:{58 * GIB}"}, "pid namespace"),
    _at_rest("one pid hidden", {"0.procs": f"4711:1,99001:{GIB}"}, "1 of 2 listed processes"),
    _at_rest("empty list, full card", {}, "lists no process though 60.0 GiB"),
    _at_rest("list refused", {"err.nvmlDeviceGetComputeRunningProcesses_v3": 4}, "more permission"),
    _at_rest(
        "GB10: memory not supported",
        {"err.nvmlDeviceGetMemoryInfo_v2": 3, "0.procs": f"4711:{34 * GIB}"},
        "34.0/121.0 GiB",
        "shares the host's memory",
    ),
    _at_rest(
        "GB10: total is the host's",
        {"0.total": 120 * GIB, "0.used": 98 * GIB, "0.reserved": 0, "0.procs": f"4711:{34 * GIB}"},
        "34.0/121.0 GiB",
        "shares the host's memory",
    ),
    _at_rest(
        "GH200: host memory counted",
        {"0.name": "NVIDIA GH200 480GB", "0.total": 576 * GIB},
        "the host's memory is counted too",
    ),
    _at_rest(
        "MIG, one without permission",
        {
            "0.migs": 2,
            "0.mig0.total": 70 * GIB,
            "0.mig0.used": 9 * GIB,
            "0.mig0.reserved": GIB,
            "0.mig1.err.nvmlDeviceGetMemoryInfo_v2": 4,
        },
        "MIG 0",
        "9.0/70.0 GiB",
        "whole card only",
        "MIG 1",
        "NVIDIA_MIG_MONITOR_DEVICES=all",
    ),
    _starting("driver not loaded", {"err.nvmlInitWithFlags": 9}, "not loaded"),
    _starting("library mismatched", {"err.nvmlInitWithFlags": 18}, "differ in version"),
    _starting("hangs at once", {"delay_ms.nvmlInitWithFlags": HANG_MS}, "has not answered for"),
    _starting("crashes at once", {"crash.nvmlInitWithFlags": 1}, "crashed (SIGSEGV)"),
    _breaking("GPU lost", {"0.err.nvmlDeviceGetMemoryInfo_v2": 15}, "fallen off the bus"),
    _breaking("unknown error", {"0.err.nvmlDeviceGetMemoryInfo_v2": 999}, "unknown error", "xid"),
    _breaking(
        "hangs, then recovers",
        {"delay_ms.nvmlDeviceGetMemoryInfo_v2": HANG_MS},
        "—/141.0 GiB",
        "has not answered for",
        "60.0 GiB were used before",
    ),
    _breaking("crashes", {"crash.nvmlDeviceGetPowerUsage": 1}, "—/141.0 GiB", "crashed (SIGSEGV)"),
    Situation(
        "nvidia: GPU lost before",
        "from the start, then mended",
        ("fallen off the bus",),
        "current",
        {"0.err.nvmlDeviceGetHandleByIndex_v2": 15},
        mends=True,
        slow=True,
    ),
)

SYSFS = (
    Situation("amd: MI300X", "made tree", ("170.0/192.0 GiB", "SPX/NPS1"), amd=MI300X),
    Situation(
        "amd: MI300X in 8 partitions",
        "made tree",
        ("170.0/192.0 GiB", "CPX/NPS1 · 8 partitions"),
        amd={**MI300X, "current_compute_partition": "CPX"},
    ),
    Situation(
        "amd: Strix Halo", "made tree", ("31.0/62.0 GiB", "shares the host's"), amd=STRIX_HALO
    ),
    Situation(
        "amd: no VRAM at all (MI300A)",
        "made tree",
        ("31.0/62.0 GiB", "shares the host's"),
        amd={**STRIX_HALO, "mem_info_vram_total": 0},
    ),
    Situation(
        "amd: files missing",
        "made tree",
        ("—/192.0 GiB", "no vram used", "no activity: no gpu_busy_percent", "no power"),
        amd={"mem_info_vram_total": 192 * GIB},
    ),
)


def _pair(version: str, library: str) -> Situation:
    name = f"amdsmi: {version} over {'ROCm 10' if library == '10' else library}"
    if version == library:
        fitting = ("170.0/192.0 GiB", "545 W")
        return Situation(name, "a fitting pair", fitting, amd=_BARE, binding=(version, library))
    shown = ("170.0/192.0 GiB", "no power", "AMD's binding" if library == "10" else "binding in")
    return Situation(name, "a mismatched pair", shown, amd=_BARE, binding=(version, library))


def _binding_breaks(name: str, breaks: Keys, *shown: str) -> Situation:
    return Situation(
        f"amdsmi: {name}",
        "after a good sample",
        ("170.0/192.0 GiB", "no power", *shown),
        amd=_BARE,
        binding=("7.0.2", "7.0.2"),
        breaks=breaks,
        in_binding=True,
        mends=True,
    )


AMDSMI = (
    *(_pair(version, library) for version in VERSIONS for library in (*VERSIONS, "10")),
    Situation(
        "amdsmi: no library",
        "binding without it",
        ("170.0/192.0 GiB", "does not load", "libamd_smi.so"),
        amd=_BARE,
        binding=("6.3.3", ""),
    ),
    _binding_breaks("hangs", {"delay_ms.amdsmi_get_power_info": HANG_MS}, "does not answer"),
    _binding_breaks("crashes", {"crash.amdsmi_get_power_info": 1}, "crashed (SIGSEGV)"),
    _binding_breaks("garbage", {"celsius": 1 << 40}, "a temperature of 1099511627776"),
    _binding_breaks("GPU lost", {"err.amdsmi_get_power_info": 32}, "amdsmi_get_power_info"),
)

TOGETHER = (
    Situation(
        "both: nvidia hangs beside amd",
        "after a good sample",
        ("60.0 GiB were used before", "has not answered for", "170.0/192.0 GiB", "545 W"),
        "current",
        _LISTED,
        amd=MI300X,
        breaks={"delay_ms.nvmlDeviceGetMemoryInfo_v2": HANG_MS},
        mends=True,
    ),
    Situation(
        "both: nvidia hangs for good",
        "a call that never returns, given up",
        ("60.0 GiB were used before", "has not answered for", "170.0/192.0 GiB"),
        "current",
        _LISTED,
        amd=MI300X,
        breaks={"delay_ms.nvmlDeviceGetMemoryInfo_v2": HANG_MS, "stubborn": 1},
        mends=True,
        slow=True,
    ),
)

SITUATIONS = (*NVIDIA, *SYSFS, *AMDSMI, *TOGETHER)
