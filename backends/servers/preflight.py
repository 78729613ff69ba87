"""What stands in the way of a start, looked at before vLLM spends a minute on finding out."""

import contextlib
import math
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from backends.containers.container import publisher_of
from backends.containers.engine import Engine, EngineRefused, EngineUnavailable, engines
from backends.containers.images import is_here, version_in
from backends.discovery import gpu_checks
from backends.discovery.executables import handed_over_to, version_of
from backends.discovery.finding import Finding
from backends.discovery.login import outlives_login
from backends.discovery.models import find_models, hub_folder, missing_bytes
from backends.discovery.surroundings import Surroundings, this_host
from backends.domain.format import GIB
from backends.domain.gpu import Gpu, GpuSample
from backends.domain.server import SERVING, Owner, RuntimeKind, Server, ServerState
from backends.domain.values import whole
from backends.domain.vllm_arguments import model_argument, value_of
from backends.host import ports
from backends.keeper.order import ContainerOrder, LaunchOrder
from backends.servers.holders import action, find_holders, held_on_gpus, who
from backends.servers.reach import hiding_flags
from backends.servers.vllm_flags import (
    alike,
    has_plugins,
    known_flags,
    never_mentioned,
    unknown_flags,
)


def out_of_reach(arguments: Iterable[str]) -> Iterable[Finding]:
    """Yield what keeps a server from ever being seen as ready, each with its remedy."""
    for flag, (what, remedy) in hiding_flags(arguments):
        yield Finding("reach", "fail", f"{flag} {what}: it would never become ready", remedy)


UTILIZATION = 0.92
UTILIZATION_BEFORE_0_20 = 0.9
"""vLLM's own defaults of ``--gpu-memory-utilization``."""

LEAST_FREE_BYTES = GIB
"""What the weights of the smallest models take; the size of others is told by their index alone."""

LIVING = (*SERVING, ServerState.STARTING, ServerState.STOPPING)


def preflight(
    order: LaunchOrder,
    servers: Iterable[Server],
    sample: GpuSample | None = None,
    around: Surroundings | None = None,
) -> tuple[Finding, ...]:
    """Return what was looked at before a start, each with its remedy; ``fail`` means it will fail.

    Where this very server runs already that is the one finding: it holds its own port and memory.

    Args:
        order: the start that is meant.
        servers: all servers of this host, from `list_servers`.
        sample: the GPUs now, None where nobody has looked.
        around: where executables and models are looked for, this host by default.
    """
    around = around or this_host()
    listed = tuple(servers)
    running = _running_already(order, listed)
    if running:
        return (running,)
    executable = shutil.which(order.argv[0], path=_variable(order, around, "PATH"))
    version = version_of(Path(executable)) if executable else None
    return (
        _port(order, listed),
        *_orphans(listed),
        _executable(order, executable, version),
        *_arguments(order, executable),
        *out_of_reach(order.argv),
        *_model(order, around),
        *_gpu_memory(order, listed, sample, version, around),
        *(each for each in (outlives_login(around),) if each.state != "ok"),
    )


def container_preflight(
    order: LaunchOrder,
    ordered: ContainerOrder,
    servers: Iterable[Server],
    sample: GpuSample | None = None,
) -> tuple[Finding, ...]:
    """Return what was looked at before a start in a container, each with its remedy.

    The source of its vLLM is inside the image, so that its arguments are not checked.
    """
    listed = tuple(servers)
    running = _running_already(order, listed)
    if running:
        return (running,)
    return (
        _port(order, listed),
        *_orphans(listed),
        *((_image(ordered), *_restart(ordered)) if ordered.image else ()),
        *out_of_reach(order.argv),
        *_gpu_memory(order, listed, sample, version_in(ordered.image), this_host()),
    )


def _image(ordered: ContainerOrder) -> Finding:
    engine = Engine(ordered.engine, ordered.socket)
    try:
        here = is_here(engine, ordered.image)
    except EngineUnavailable as error:
        what, _, remedy = str(error).partition("; ")
        return Finding("image", "fail", what, remedy)
    if here:
        return Finding("image", "ok", f"{ordered.image} is in {engine.kind}")
    what = f"{ordered.image} has to be fetched first, which may take minutes"
    return Finding("image", "warn", what, f"run: {engine.kind} pull {ordered.image}")


def _restart(ordered: ContainerOrder) -> Iterable[Finding]:
    """Say what a restart of the engine's daemon does, where it has one."""
    engine = Engine(ordered.engine, ordered.socket)
    try:
        outlived = bool(engine.read("/info").get("LiveRestoreEnabled"))
    except (EngineUnavailable, EngineRefused):  # said of the image already
        return
    if engine.kind is RuntimeKind.DOCKER and not outlived:
        what = "a restart of the docker daemon ends this server: live-restore is off"
        yield Finding("engine", "warn", what, 'set "live-restore": true in /etc/docker/daemon.json')


def _running_already(order: LaunchOrder, servers: tuple[Server, ...]) -> Finding | None:
    for server in servers:
        named = server.owner is Owner.MANAGED and server.name == order.server
        if named and server.state in LIVING:
            what = f"{server.name} is {server.state} already, process {server.pid}"
            return Finding("name", "fail", what, f"run: inferctl stop {server.name}")
    return None


def _port(order: LaunchOrder, servers: tuple[Server, ...]) -> Finding:
    holders = ports.listeners(order.port)
    if published := _published(order.port):
        return published
    if not holders:
        return Finding("port", "ok", f"{order.port} is free")
    ours = [one for one in servers if one.port == order.port and one.owner is Owner.MANAGED]
    if ours and ours[0].state in LIVING:
        remedy = f"run: inferctl stop {ours[0].name}, or choose another port"
        return Finding("port", "fail", f"{order.port} is held by {ours[0].name}", remedy)
    known = {one.process.pid: (one.name, None) for one in holders if one.process}
    found = find_holders(known, servers)
    what = f"{order.port} is held by {who(found) or holders[0].name}"
    remedy = f"{action(found) or 'end that process'}, or choose another port in the profile"
    return Finding("port", "fail", what, remedy)


def _published(port: int) -> Finding | None:
    """Return which container has a port of this host; its engine may hold it without a process."""
    for kind in (RuntimeKind.DOCKER, RuntimeKind.PODMAN):
        for engine in engines(kind):
            with contextlib.suppress(EngineUnavailable, EngineRefused):
                if name := publisher_of(engine, port):
                    what = f"{port} is published by the {kind} container {name}"
                    remedy = f"choose another port in the profile, or run: {kind} stop {name}"
                    return Finding("port", "fail", what, remedy)
    return None


def _orphans(servers: tuple[Server, ...]) -> Iterable[Finding]:
    for server in servers:
        if server.survivors and server.state is ServerState.FAILED:
            pids = " ".join(str(one.process.pid) for one in server.survivors)
            held = sum(one.vram_bytes or 0 for one in server.survivors)
            holding = f", holding {held / GIB:.1f} GiB" if held else ""
            what = f"{server.name} left processes behind: {pids}{holding}"
            yield Finding(
                "orphans",
                "warn",
                what,
                f"press x to end them, or run: inferctl stop {server.name}",
            )


def _executable(order: LaunchOrder, found: str | None, version: str | None) -> Finding:
    if found is None:
        remedy = "give its full path as vllm in the profile"
        return Finding("vllm", "fail", f"{order.argv[0]} is not an executable on the PATH", remedy)
    if other := handed_over_to(Path(found)):
        what = f"{found} is a script that runs {other}, and what that starts is not its child"
        remedy = 'use runtime = "docker" with image, or runtime = "exec" with container'
        return Finding("vllm", "fail", what, remedy)
    if version is None:
        what = f"{found}: its vLLM version cannot be determined"
        return Finding("vllm", "warn", what, f"run: {found} --version")
    return Finding("vllm", "ok", f"{found}, version {version}")


def _arguments(order: LaunchOrder, executable: str | None) -> Iterable[Finding]:
    if executable is None:
        return
    known = known_flags(Path(executable))
    if not known:
        what = "not checked: the source of this vLLM does not lie beside it as expected"
        yield Finding("arguments", "ok", what)
        return
    unknown = unknown_flags(order.argv[1:], known)
    unknown = never_mentioned(unknown, Path(executable)) if unknown else ()
    if not unknown:
        yield Finding("arguments", "ok", "this vLLM knows all of them")
        return
    extended = has_plugins(Path(executable))
    for flag in unknown:
        meant = alike(flag, known)
        remedy = f"write {meant}, or remove it" if meant else "remove it"
        what = f"this vLLM has no argument {flag}"
        if extended:
            yield Finding("arguments", "warn", f"{what}, unless one of its plugins adds it", remedy)
        else:
            yield Finding("arguments", "fail", what, remedy)


def _model(order: LaunchOrder, around: Surroundings) -> Iterable[Finding]:
    model = model_argument(order.argv)
    if model is None:
        remedy = "give the model in the profile"
        yield Finding("model", "fail", "the command names no model", remedy)
        return
    folder = around.expand(model)
    is_path = model.startswith(("/", "~", "./", "../")) or folder.is_dir()
    models = find_models(around, [folder] if is_path else ())
    wanted = str(folder) if is_path else model
    here = next((one for one in models if one.name == wanted), None)
    if here is not None and here.state == "complete":
        size = f"{here.size_bytes / GIB:.1f} GiB"
        yield Finding("model", "ok", f"{model} is on this host, {size}")
    elif is_path:
        what = here.reason if here else "there is no model in this folder"
        yield Finding("model", "fail", f"{folder}: {what}", "correct the path, or copy it there")
    elif _variable(order, around, "HF_HUB_OFFLINE") in ("1", "true", "TRUE", "yes", "on"):
        remedy = f"unset HF_HUB_OFFLINE, or run: hf download {model}"
        what = f"{model} is not complete on this host, and HF_HUB_OFFLINE forbids to fetch it"
        yield Finding("model", "fail", what, remedy)
    else:
        yield _download(model, hub_folder(around))


def _download(model: str, hub: Path) -> Finding:
    existing = next(path for path in (hub, *hub.parents) if path.exists())
    free = shutil.disk_usage(existing).free
    missing = missing_bytes(hub, model)
    size = "" if missing is None else f"{missing / GIB:.1f} GiB of "
    what = (
        f"{size}{model} {'have' if size else 'has'} to be downloaded first; "
        f"{free / GIB:.1f} GiB are free in {existing}"
    )
    if free < (missing or LEAST_FREE_BYTES):
        remedy = f"free space in {existing}, or set HF_HOME to a larger disk"
        return Finding("model", "fail", what, remedy)
    return Finding("model", "warn", what, f"run: hf download {model}")


def _gpu_memory(
    order: LaunchOrder,
    servers: tuple[Server, ...],
    sample: GpuSample | None,
    version: str | None,
    around: Surroundings,
) -> Iterable[Finding]:
    if sample is None:
        return
    if not sample.gpus and gpu_checks.HANGS in sample.reason:
        yield from gpu_checks.gpus(sample)
    share = _utilization(order, version)
    for gpu in _visible(order, sample, around):
        memory = gpu.memory
        if memory.total_bytes is None or memory.used_bytes is None:
            reason = memory.reason or "the driver does not say"
            yield Finding(f"GPU {gpu.index}", "warn", f"free memory is unknown: {reason}")
            continue
        free = memory.total_bytes - memory.used_bytes - (memory.reserved_bytes or 0)
        figures = f"{free / GIB:.1f} of {memory.total_bytes / GIB:.1f} GiB free"
        if free >= share * memory.total_bytes:
            yield Finding(f"GPU {gpu.index}", "ok", figures)
            continue
        fits = math.floor(100 * free / memory.total_bytes) / 100
        found = find_holders(held_on_gpus(GpuSample((gpu,))), servers)
        held = f"; held by {who(found)}" if found else ""
        what = f"{figures}, vLLM wants {share:g} of all{held}"
        remedy = (
            f"{action(found) or 'end what holds it'}, or set --gpu-memory-utilization {fits:.2f}"
        )
        yield Finding(f"GPU {gpu.index}", "fail", what, remedy)


def _utilization(order: LaunchOrder, version: str | None) -> float:
    asked = value_of(("--gpu-memory-utilization",), order.argv)
    with suppress(ValueError):  # vLLM itself refuses what is no number
        if asked is not None:
            return float(asked)
    first, *rest = [whole(part) for part in (version or "").split(".")]
    old = first == 0 and bool(rest) and rest[0] is not None and rest[0] < 20
    return UTILIZATION_BEFORE_0_20 if old else UTILIZATION


def _visible(order: LaunchOrder, sample: GpuSample, around: Surroundings) -> list[Gpu]:
    """Return the GPUs the server will use: of the visible ones the first, one for each rank."""
    gpus = [gpu for gpu in sample.gpus if gpu.vendor != "host"]
    for name in ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES"):
        listed = (_variable(order, around, name) or "").split(",")
        if any(listed):
            gpus = [gpu for one in listed for gpu in gpus if one in (str(gpu.index), gpu.uuid)]
    ranks = math.prod(
        asked
        for flags in (("-tp", "--tensor-parallel-size"), ("-pp", "--pipeline-parallel-size"))
        if (asked := whole(value_of(flags, order.argv))) is not None
    )
    return gpus[:ranks]


def _variable(order: LaunchOrder, around: Surroundings, name: str) -> str | None:
    return order.environment.get(name, around.environ.get(name))
