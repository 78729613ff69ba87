"""``inferctl doctor`` and ``gpus``: what is wrong with this host, and what its GPUs hold."""

import argparse
from contextlib import closing

from backends.discovery.doctor import examine
from backends.domain.format import GIB, UNKNOWN, whole
from backends.domain.gpu import Gpu
from backends.domain.gpu_remarks import remarks
from backends.operations.host import open_this_hosts_gpus
from backends.operations.offer import offer_of_this_host
from backends.servers.gpu_owners import attributed
from backends.servers.listing import list_servers, server_pids
from backends.settings.paths import existing_state_folder
from console.cli.output import document, show, table

COLUMNS = ("GPU", "NAME", "USED GiB", "RESERVED", "TOTAL GiB", "BUSY", "POWER", "TEMP", "SOURCE")
GLYPHS = {"ok": "✔ ok  ", "warn": "▲ warn", "fail": "✖ fail"}


def doctor(arguments: argparse.Namespace) -> int:
    """Examine the host; 1 where something would stop a start."""
    findings = examine(offer_of_this_host())
    if arguments.json:
        document({"findings": findings})
    else:
        for finding in findings:
            show(f"{GLYPHS[finding.state]}  {finding.name}: {finding.what}")
            if finding.remedy:
                show(f"          {finding.remedy}")
    return 1 if any(finding.state == "fail" for finding in findings) else 0


def gpus(arguments: argparse.Namespace) -> int:
    """Print the sample; a host without a GPU is told with the reason, and is no error."""
    with closing(open_this_hosts_gpus()) as source:
        sample = source.sample(processes=True)
    folder = existing_state_folder()
    sample = attributed(sample, list_servers(folder), server_pids(folder))
    if arguments.json:
        document({"gpus": sample.gpus, "reason": sample.reason or None})
        return 0
    if not sample.gpus:
        show(f"no GPU: {sample.reason}")
        return 0
    table([COLUMNS, *map(_row, sample.gpus)])
    for gpu in sample.gpus:
        for process in gpu.processes or ():
            owner = process.whose or process.owner or "owner unknown"
            size = _gib(process.used_bytes)
            show(f"  {gpu.index}: pid {process.pid} {process.name} {size} GiB, {owner}")
        for remark in remarks(gpu):
            show(f"  {gpu.index}: {remark}")
    if sample.reason:
        show(sample.reason)
    return 0


def _row(gpu: Gpu) -> tuple[str, ...]:
    return (
        str(gpu.index),
        f"{gpu.name} {gpu.partition}".rstrip(),
        _gib(gpu.memory.used_bytes),
        _gib(gpu.memory.reserved_bytes),
        _gib(gpu.memory.total_bytes),
        whole(gpu.busy_percent, "%"),
        whole(gpu.power_w, "W"),
        whole(gpu.temperature_c, "°C"),
        gpu.memory.source,
    )


def _gib(size: int | None) -> str:
    return UNKNOWN if size is None else f"{size / GIB:.2f}"
