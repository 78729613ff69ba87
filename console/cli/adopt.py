"""``inferctl adopt``: watch a vLLM that somebody else started, or keep one of ours again."""

import argparse
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from backends.agent.client import AgentUnavailable
from backends.domain import format as fmt
from backends.domain.format import UNKNOWN
from backends.domain.gpu import GpuSample
from backends.domain.redaction import without_secrets
from backends.domain.server import Owner, RuntimeKind, Server
from backends.host import ports, processes
from backends.metrics.scrape import MetricsUnavailable, scrape
from backends.operations import servers
from backends.operations.host import open_this_hosts_gpus, this_host
from backends.operations.recording.by_agent import begin_agent
from backends.problem import NotFound, Problem
from backends.servers.adopted import remember
from backends.servers.external import tree_pids
from backends.servers.listing import list_servers
from backends.settings.paths import state_folder
from console.cli.output import document, say, show
from console.cli.status import server_document, settings_without_faults

CONTAINERS = (RuntimeKind.DOCKER, RuntimeKind.PODMAN, RuntimeKind.CONTAINERD, RuntimeKind.CRI_O)


def run(arguments: argparse.Namespace) -> int:
    """Find the vLLM on a port, tell its facts, and remember it for the console.

    Raises:
        NotFound: nothing listens there, or something that is no vLLM.
        Problem: its keeper was killed and no new one could take it.
    """
    state = state_folder()
    server = _meant(list_servers(state), arguments)
    if server.owner is Owner.EXTERNAL:
        _watch(server, state)
    said = "" if server.owner is Owner.EXTERNAL else _keep(server)
    server = _same(list_servers(state), server)
    said = said or _watched_sentence(server)
    told = _facts(server)
    if arguments.json:
        document({"servers": [told]})
    else:
        _print(server, told)
    say(said)
    try:
        begin_agent(this_host(settings_without_faults()))
    except AgentUnavailable as problem:
        say(f"note: its traffic is only recorded while a console is open: {problem}")
    return 0


def _meant(servers: tuple[Server, ...], arguments: argparse.Namespace) -> Server:
    """Return the running server that the arguments name."""
    running = [each for each in servers if each.pid is not None]
    if arguments.port is not None:
        return _on_port(running, arguments.port)
    kinds, wanted = _named(arguments)
    found = [
        each
        for each in running
        if (each.name == wanted and not kinds)
        or (each.runtime.kind in kinds and wanted in _names(each))
        or (arguments.pid is not None and each.pid == arguments.pid)
    ]
    if not found:
        names = ", ".join(each.name for each in running) or "none"
        raise NotFound(f"no vLLM runs here as {wanted}; those that run: {names}")
    if len(found) > 1:
        names = ", ".join(f"{each.name} (pid {each.pid})" for each in found)
        raise NotFound(f"{wanted} runs several servers: {names}; name one")
    return found[0]


def _named(arguments: argparse.Namespace) -> tuple[tuple[RuntimeKind, ...], str]:
    """Return the runtimes that are meant, none for any, and the name there."""
    if arguments.container is not None:
        return CONTAINERS, arguments.container
    if arguments.unit is not None:
        return (RuntimeKind.SYSTEMD,), arguments.unit
    return (), arguments.name or f"pid {arguments.pid}"


def _names(server: Server) -> tuple[str, ...]:
    return server.runtime.name, server.runtime.name.removesuffix(".service")


def _same(servers: tuple[Server, ...], server: Server) -> Server:
    """Return a server as it is listed now, as it was where it has ended meanwhile."""
    return next((each for each in servers if each.pid == server.pid), server)


def _on_port(servers: list[Server], port: int) -> Server:
    reached = [each for each in servers if each.base_url and f":{port}/" in each.base_url]
    there = [each for each in servers if each.port == port]
    for each in (*reached, *there):
        return each
    listening = ports.listeners(port)
    if listening:
        whose = listening[0]
        pid = f", pid {whose.process.pid}," if whose.process else ""
        raise NotFound(
            f"{whose.name}{pid} listens on port {port}, but is not a vLLM process visible here; "
            "write an [endpoint.NAME] to measure it anyway"
        )
    raise NotFound(
        f"nothing listens on port {port}; inferctl status lists the servers of this host"
    )


def _keep(server: Server) -> str:
    if server.keeper_pid is not None:
        return f"{server.name} is already managed; its keeper is pid {server.keeper_pid}"
    servers.adopt(this_host(settings_without_faults()), server.name)
    return f"the keeper of {server.name} was gone; it has a new one"


def _watched_sentence(server: Server) -> str:
    said = f"{server.name} is watched from now on; inferctl did not start it and will not stop it"
    if server.base_url is None:
        return said
    return f"{said}; for an A/B its name is {server.base_url}#{server.model or 'MODEL'}"


def _watch(server: Server, state: Path) -> None:
    if server.keeper_pid is None:
        servers.watch_external(this_host(settings_without_faults()), server)
    try:
        remember(state, server)
    except ProcessLookupError as error:
        raise NotFound(f"{server.name} has just ended; inferctl status lists what runs") from error
    except OSError as error:
        raise Problem(f"it cannot be recorded: {error}; see who owns {state}") from error


def _facts(server: Server) -> dict[str, Any]:
    """Return the server as ``status`` has it, and what its process and the GPUs tell beyond."""
    assert server.pid is not None
    with closing(open_this_hosts_gpus()) as gpus:
        sample = gpus.sample(processes=True)
    memory_bytes, reason = _held(sample, tree_pids([server.pid])[server.pid])
    up_s = None if server.started_at is None else time.time() - server.started_at
    return {
        **server_document(server),
        "arguments": without_secrets(list(processes.command_line(server.pid))),
        "uptime_s": None if up_s is None else round(up_s, 1),
        "gpu_memory_bytes": memory_bytes,
        "gpu_memory_reason": reason,
        **_metrics(server.base_url),
    }


def _metrics(base_url: str | None) -> dict[str, Any]:
    """Return what the server counts of its requests now, None and why where it cannot be read."""
    try:
        if base_url is None:
            raise MetricsUnavailable("its address is not known")
        counters = scrape(base_url)
    except MetricsUnavailable as error:
        return {"metrics": None, "metrics_reason": str(error)}
    return {
        "metrics": {
            "requests_running": counters.requests_running,
            "requests_waiting": counters.requests_waiting,
            "kv_cache_usage": counters.kv_cache_usage,
        },
        "metrics_reason": "",
    }


def _load(told: dict[str, Any]) -> str:
    metrics = told["metrics"]
    if metrics is None:
        return f"{UNKNOWN} ({told['metrics_reason']})"
    running, waiting, used = (
        UNKNOWN if each is None else f"{each:.{digits}%}" if digits is not None else f"{each:.0f}"
        for each, digits in zip(metrics.values(), (None, None, 0), strict=True)
    )
    return f"{running} running, {waiting} waiting, KV cache {used}"


def _held(sample: GpuSample, pids: frozenset[int]) -> tuple[int | None, str]:
    """Return the bytes that these processes hold on all GPUs, or None and why it is not known."""
    if not sample.gpus:
        return None, sample.reason or "no GPU was found"
    total = 0
    for gpu in sample.gpus:
        if gpu.processes is None:
            return None, gpu.processes_reason
        for process in gpu.processes:
            if process.pid not in pids:
                continue
            if process.used_bytes is None:
                return None, gpu.processes_reason or f"GPU {gpu.index} does not tell"
            total += process.used_bytes
    if not total:
        return None, "no process of it is in the drivers' lists, as inside a container"
    return total, ""


def _print(server: Server, told: dict[str, Any]) -> None:

    memory = told["gpu_memory_bytes"]
    whose = "managed by inferctl"
    if server.owner is Owner.EXTERNAL:
        whose = f"external, {server.note}"
    rows = (
        ("server", f"{server.name}, {server.state}, {whose}"),
        ("model", server.model or UNKNOWN),
        ("address", server.base_url or UNKNOWN),
        ("pid", str(server.pid)),
        ("up", fmt.clock(told["uptime_s"])),
        (
            "memory",
            f"{UNKNOWN} ({told['gpu_memory_reason']})"
            if memory is None
            else f"{fmt.gib(memory)} GiB",
        ),
        ("requests", _load(told)),
        ("command", " ".join(told["arguments"])),
    )
    for name, value in rows:
        show(f"{name:<9}{value}")
