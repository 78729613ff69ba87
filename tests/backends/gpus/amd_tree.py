"""Made trees of AMD cards as the kernel lays them out, with real symbolic links."""

from pathlib import Path

GIB = 1 << 30
MIB = 1 << 20


def put(folder: Path, files: dict[str, object]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{content}\n")


def add_card(sys: Path, number: int, bdf: str, files: dict[str, object]) -> Path:
    """Add a PCI card as ``/sys/class/drm/cardN`` and return its device folder."""
    device = sys / "devices/pci0000:00" / bdf
    put(device, {"vendor": "0x1002", "device": "0x74a1", **files})
    _link(sys, number, device)
    return device


def add_partition(sys: Path, number: int) -> None:
    """Add what a second partition of a card looks like: a platform device without files."""
    device = sys / f"devices/platform/amdgpu_xcp_{number}"
    device.mkdir(parents=True)
    _link(sys, number, device)


def add_node(sys: Path, number: int, gpu_id: int, location_id: int, domain: int = 0) -> None:
    node = sys / f"class/kfd/kfd/topology/nodes/{number}"
    put(node, {"gpu_id": gpu_id, "properties": f"location_id {location_id}\ndomain {domain}"})


def add_process(sys: Path, pid: int, vram: dict[int, int]) -> None:
    folder = sys / f"class/kfd/kfd/proc/{pid}"
    put(folder, {"pasid": 32771})
    put(folder, {f"vram_{gpu_id}": size for gpu_id, size in vram.items()})


def _link(sys: Path, number: int, device: Path) -> None:
    drm = sys / "class/drm"
    real = device / f"drm/card{number}"
    real.mkdir(parents=True)
    (real / "device").symlink_to(device)
    drm.mkdir(parents=True, exist_ok=True)
    (drm / f"card{number}").symlink_to(real)
    (drm / f"card{number}-DP-1").mkdir()


MI300X: dict[str, object] = {
    "unique_id": "8f3c2d",
    "product_name": "AMD Instinct MI300X OAM",
    "mem_info_vram_total": 192 * GIB,
    "mem_info_vram_used": 170 * GIB,
    "mem_info_gtt_total": 1008 * GIB,
    "mem_info_gtt_used": 20 * MIB,
    "gpu_busy_percent": 98,
    "current_compute_partition": "SPX",
    "current_memory_partition": "NPS1",
    "hwmon/hwmon4/power1_average": 545_000_000,
    "hwmon/hwmon4/temp1_label": "edge",
    "hwmon/hwmon4/temp1_input": 40_000,
    "hwmon/hwmon4/temp2_label": "junction",
    "hwmon/hwmon4/temp2_input": 61_000,
}

STRIX_HALO: dict[str, object] = {
    "mem_info_vram_total": 512 * MIB,
    "mem_info_vram_used": 300 * MIB,
    "mem_info_gtt_total": 62 * GIB,
    "mem_info_gtt_used": 31 * GIB,
    "gpu_busy_percent": 3,
}
