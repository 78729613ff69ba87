"""A binding that behaves, or misbehaves in each way seen of AMD's, as a JSON file says.

The file is named by AMDSMI_STUB and read anew at each call. ``at_import`` and ``at_sample`` are one
of ``keyerror``, ``abort``, ``segfault``, ``hang``; ``gpus`` are the cards.
"""

import ctypes
import json
import os
import signal
import threading
from enum import IntEnum
from pathlib import Path
from typing import Any


class AmdSmiInitFlags(IntEnum):
    INIT_AMD_GPUS = 2


class AmdSmiMemoryType(IntEnum):
    VRAM = 0
    VIS_VRAM = 1
    GTT = 2


class AmdSmiTemperatureType(IntEnum):
    EDGE = 0
    HOTSPOT = 1
    JUNCTION = 1


class AmdSmiTemperatureMetric(IntEnum):
    CURRENT = 0


class AmdSmiLibraryException(Exception):
    pass


def _state() -> dict[str, Any]:
    state: dict[str, Any] = json.loads(Path(os.environ["AMDSMI_STUB"]).read_text())
    return state


def _misbehave(how: str | None) -> None:
    if how == "keyerror":
        print("libamd_smi.so: cannot open shared object file")
        print("Unable to find the library")
        raise KeyError("libamd_smi.so")
    if how == "abort":
        os.abort()
    if how == "segfault":
        signal.signal(signal.SIGSEGV, signal.SIG_DFL)
        ctypes.string_at(0)
    if how == "hang":
        threading.Event().wait()


def _figure(handle: int, name: str) -> Any:
    print("noise on standard output")
    card = _state()["gpus"][handle]
    if name not in card:
        raise AmdSmiLibraryException("Error code:\n\t2 | AMDSMI_STATUS_NOT_SUPPORTED")
    return card[name]


def amdsmi_init(flag: AmdSmiInitFlags) -> None:
    assert flag is AmdSmiInitFlags.INIT_AMD_GPUS


def amdsmi_get_lib_version() -> dict[str, Any]:
    major, minor, release = _state()["version"].split(".")
    return {"major": int(major), "minor": int(minor), "release": int(release), "build": "0"}


def amdsmi_get_processor_handles() -> list[int]:
    state = _state()
    _misbehave(state.get("at_sample"))
    return list(range(len(state["gpus"])))


def amdsmi_get_gpu_device_bdf(handle: int) -> Any:
    return _figure(handle, "bdf")


def amdsmi_get_gpu_device_uuid(handle: int) -> Any:
    return _figure(handle, "uuid")


def amdsmi_get_gpu_asic_info(handle: int) -> dict[str, Any]:
    return {"market_name": _figure(handle, "name")}


def amdsmi_get_gpu_activity(handle: int) -> dict[str, Any]:
    return {"gfx_activity": _figure(handle, "busy"), "umc_activity": 5}


def amdsmi_get_power_info(handle: int) -> Any:
    return _figure(handle, "power")


def amdsmi_get_temp_metric(
    handle: int, kind: AmdSmiTemperatureType, metric: AmdSmiTemperatureMetric
) -> Any:
    return _figure(handle, f"celsius_{kind.name.lower()}")


def amdsmi_get_gpu_memory_total(handle: int, kind: AmdSmiMemoryType) -> Any:
    return _figure(handle, f"{kind.name.lower()}_total")


def amdsmi_get_gpu_memory_usage(handle: int, kind: AmdSmiMemoryType) -> Any:
    return _figure(handle, f"{kind.name.lower()}_used")


def amdsmi_get_gpu_process_list(handle: int) -> Any:
    return _figure(handle, "processes")


def amdsmi_get_gpu_compute_partition(handle: int) -> Any:
    return _figure(handle, "compute_partition")


def amdsmi_get_gpu_memory_partition(handle: int) -> Any:
    return _figure(handle, "memory_partition")


_misbehave(_state().get("at_import"))
