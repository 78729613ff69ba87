"""AMD's library compiled as one generation of it: what it exports and how its structures lie."""

import ctypes
import importlib.util
import os
import re
import subprocess
from pathlib import Path
from types import ModuleType
from unittest.mock import patch

from tests.backends.gpus.amd_tree import GIB
from tests.backends.gpus.amdsmi_bindings import folder

SOURCE = Path(__file__).with_name("amdsmi_library.c")
MAJOR = {"6.1.2": 24, "6.3.3": 24, "6.4.4": 25, "7.0.2": 26}
HEALTHY: dict[str, object] = {
    "uuid": "8fff74a1-0000-1000-80c2-3d2f55a1b0aa",
    "vram_total": 192 * GIB,
    "vram_used": 170 * GIB,
    "gtt_total": 1008 * GIB,
    "gtt_used": 0,
    "celsius": 61,
    "compute_partition": "SPX",
    "memory_partition": "NPS1",
}


def build(place: Path, version: str, *, without: tuple[str, ...] = ()) -> Path:
    """Make ``place/lib/libamd_smi.so`` of a generation, and the state it reads; return `place`."""
    (place / "lib").mkdir(parents=True)
    wrapper = folder(version) / "amdsmi/amdsmi_wrapper.py"
    exported = set(re.findall(r"_libraries\['[^']+'\]\.(amdsmi_\w+)", wrapper.read_text()))
    written = set(re.findall(r"^int (amdsmi_\w+)\(", SOURCE.read_text(), re.MULTILINE))
    others = "".join(f"OTHER({name})\n" for name in sorted(exported - written - {*without}))
    (place / "others.h").write_text(others)
    hidden = [f"-D{name}=hidden_{name}" for name in sorted(written - exported)]
    order = ["gcc", "-shared", "-fPIC", "-Wall", "-Werror", f"-I{place}", *hidden]
    library = place / "lib/libamd_smi.so"
    subprocess.run([*order, "-o", str(library), str(SOURCE)], check=True)
    _write_structures(place, version, _loaded(place, wrapper) if not without else None)
    say(place, {})
    return place


def say(place: Path, keys: dict[str, object]) -> None:
    """Change what the library answers."""
    lines = [f"{name}={value}\n" for name, value in {**HEALTHY, **keys}.items()]
    (place / "state.new").write_text("".join(lines))
    (place / "state.new").replace(place / "state")


def _loaded(place: Path, wrapper: Path) -> ModuleType:
    """Import a generation's structures, over the library that has just been made for it."""
    spec = importlib.util.spec_from_file_location(f"amdsmi_wrapper_{place.name}", wrapper)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with patch.dict(os.environ, {"ROCM_PATH": str(place)}):
        spec.loader.exec_module(module)
    return module


def _write_structures(place: Path, version: str, layout: ModuleType | None) -> None:
    if layout is None:  # the generation without some functions lies as the whole one does
        whole = build(place / "whole", version)
        for each in whole.glob("*.bin"):
            each.rename(place / each.name)
        return
    major, minor, release = MAJOR[version], *map(int, version.split(".")[1:])
    process: dict[str, object] = {"pid": 4711, "mem": 168 * GIB}
    structures: dict[str, tuple[str, dict[str, object]]] = {
        "version": (
            "amdsmi_version_t",
            {"year": 24, "major": major, "minor": minor, "release": release},
        ),
        "asic": (
            "amdsmi_asic_info_t",
            {"market_name": b"AMD Instinct MI300X", "asic_serial": b"8F3C2D"},
        ),
        "activity": ("amdsmi_engine_usage_t", {"gfx_activity": 97, "umc_activity": 5}),
        "power": (
            "amdsmi_power_info_t",
            {"socket_power": 545, "current_socket_power": 545, "average_socket_power": 0xFFFF},
        ),
        "process": ("amdsmi_proc_info_t", process),
    }
    for name, (kind, figures) in structures.items():
        value = getattr(layout, kind)()
        for field, figure in figures.items():
            if hasattr(value, field):
                setattr(value, field, figure)
        if name == "process":
            value.memory_usage.vram_mem = 168 * GIB
        (place / f"{name}.bin").write_bytes(
            ctypes.string_at(ctypes.byref(value), ctypes.sizeof(value))
        )
