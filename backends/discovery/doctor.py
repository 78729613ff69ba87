"""Examines the host: what stands in the way of serving a model here, and what to do about it."""

import os
import platform
import resource
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from backends.discovery import gpu_checks, host_checks
from backends.discovery.finding import Finding
from backends.discovery.login import outlives_login
from backends.discovery.models import hub_folder
from backends.discovery.offer import Offer
from backends.discovery.surroundings import Surroundings, this_host
from backends.settings.paths import UnusableFolder, state_folder


def may_read_and_write(path: Path) -> bool:
    """Return whether this user may open a device for reading and writing."""
    return os.access(path, os.R_OK | os.W_OK)


def examine(
    offer: Offer,
    around: Surroundings | None = None,
    *,
    now_wall_s: Callable[[], float] = time.time,
) -> tuple[Finding, ...]:
    """Return what was found, in the order in which a start would meet it.

    The offer gives what was looked for already: executables, models, GPUs, servers with what they
    left behind, and the faults of the configuration.
    """
    around = around or this_host()
    root, hub = around.root, hub_folder(around)
    return (
        Finding("Python", "ok", platform.python_version()),
        *_configuration(offer),
        *_executables(offer),
        *_models(offer),
        *gpu_checks.gpus(offer.gpus),
        *gpu_checks.nvidia_driver(root),
        *gpu_checks.amd_devices(root, may_read_and_write),
        *gpu_checks.numa_balancing(root),
        host_checks.compiler(_compiler(around)),
        host_checks.open_files(_hard_limit_of_open_files()),
        host_checks.shared_memory(_total_bytes(root / "dev" / "shm")),
        host_checks.disk_for_models(hub, _free_bytes(hub)),
        _state(),
        *_orphans(offer),
        outlives_login(around),
        host_checks.clock(now_wall_s()),
        host_checks.terminal(around.environ),
    )


def _configuration(offer: Offer) -> list[Finding]:
    if not offer.config_faults:
        return [Finding("configuration", "ok", "no faults")]
    return [
        Finding("configuration", "fail", str(fault).removesuffix(f"; {fault.remedy}"), fault.remedy)
        for fault in offer.config_faults
    ]


def _executables(offer: Offer) -> list[Finding]:
    if not offer.executables:
        what = "none on PATH, in an environment or in a tool folder"
        remedy = "install it, for example: uv tool install vllm"
        return [Finding("vLLM", "fail", what, remedy)]
    return [
        Finding("vLLM", "ok", f"{found.version} at {found.path}")
        if found.version
        else Finding(
            "vLLM",
            "warn",
            f"{found.path} has no version beside it",
            f"see whether it runs: {found.path} --version",
        )
        for found in offer.executables
    ]


def _models(offer: Offer) -> list[Finding]:
    partial = [model for model in offer.models if model.state == "partial"]
    complete = len(offer.models) - len(partial)
    return [
        Finding("models", "ok", f"{complete} complete in the cache"),
        *(
            Finding(
                "models",
                "warn",
                f"{model.name} is not complete: {model.reason}",
                "download it again"
                if model.name.startswith("/")
                else f"run: hf download {model.name}",
            )
            for model in partial
        ),
    ]


def _state() -> Finding:
    try:
        folder = state_folder()
    except UnusableFolder as problem:
        what, _, remedy = str(problem).partition("; ")
        return Finding("disk for state", "fail", what, remedy)
    free = _free_bytes(folder)
    if free is not None and not may_read_and_write(folder):
        what = f"{folder} cannot be written"
        return Finding("disk for state", "fail", what, "make yourself its owner")
    return host_checks.disk_for_state(folder, free)


def _orphans(offer: Offer) -> list[Finding]:
    findings = []
    for server in offer.servers:
        if server.survivors:
            pids = ", ".join(str(survivor.process.pid) for survivor in server.survivors)
            what = f"{server.name} left processes behind: {pids}"
            remedy = f"end them: inferctl stop {server.name}"
            findings.append(Finding("orphans", "warn", what, remedy))
    return findings or [Finding("orphans", "ok", "no process is left of an earlier server")]


def _compiler(around: Surroundings) -> str | None:
    path = around.environ.get("PATH", "")
    names = (around.environ.get("CC") or "cc", "cc", "gcc", "clang")
    return next(filter(None, (shutil.which(name, path=path) for name in names)), None)


def _hard_limit_of_open_files() -> int | None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if hard == resource.RLIM_INFINITY else hard


def _total_bytes(folder: Path) -> int | None:
    try:
        return shutil.disk_usage(folder).total
    except OSError:
        return None


def _free_bytes(folder: Path) -> int | None:
    """Return what a user may still write on the disk of a folder, which need not exist yet."""
    for place in (folder, *folder.parents):
        if place.exists():
            try:
                return shutil.disk_usage(place).free
            except OSError:
                return None
    return None
