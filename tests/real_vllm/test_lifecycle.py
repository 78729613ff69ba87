"""The true ``vllm serve`` under a true keeper, from spawn to the last process gone."""

import asyncio
import http.client
import json
import os
import re
import signal
import time
import urllib.request
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from backends.domain.facts import (
    BecameReady,
    Exited,
    FailureSeen,
    FirstTokenSeen,
    PhaseBegan,
    ServerFact,
    Spawned,
    Stopped,
    StopProgressed,
    SurvivorsFound,
)
from backends.domain.server import Exit, Owner, Server, ServerState
from backends.domain.start import FailureKind, Outcome, PhaseName, Start
from backends.domain.startup.fold import apply, as_start
from backends.domain.startup.state import begin
from backends.host import processes
from backends.host.processes import Process
from backends.host.survivors import MARKER
from backends.keeper import client
from backends.keeper.folder import ServerFolder, keeper_id, read_journal, server_folder
from backends.keeper.launch import launch
from backends.keeper.order import LaunchOrder
from backends.keeper.take import spawned
from backends.servers.listing import list_servers
from tests.backends.keeper.conftest import eventually, everything, free_port, last, until
from tests.backends.keeper.matrix.consoles import inferctl
from tests.real_vllm.environment import found

# Looked up before any test turns XDG_CACHE_HOME elsewhere.
VLLM = found()

pytestmark = [
    pytest.mark.real_vllm,
    pytest.mark.skipif(VLLM is None, reason="no CPU vLLM; build it with `make vllm-cpu`"),
]

START_S = 240
KEEPER_LIMIT_KIB = 25 * 1024


@dataclass(frozen=True)
class Running:
    """One server in a state folder of its own."""

    state: Path
    folder: Path

    def members(self) -> list[Process]:
        begun = spawned(read_journal(ServerFolder(self.folder).journal))
        marker = f"{begun.server}:{begun.start_id}"
        return [
            one
            for one in processes.running()
            if processes.environment_value(one.id.pid, MARKER) == marker
        ]

    def clean(self) -> None:
        keeper = keeper_id(ServerFolder(self.folder))
        if keeper:
            processes.send(keeper, signal.SIGKILL, lambda _: True)
        for one in self.members():
            processes.send(one.id, signal.SIGKILL, lambda _: True)


def _launched(state: Path) -> Running:
    assert VLLM is not None
    port = free_port()
    flags = f"--host 127.0.0.1 --port {port} --max-model-len 8192 --dtype bfloat16 --enforce-eager"
    long = ("--hf-overrides", '{"max_position_embeddings": 8192}')
    name = ("--served-model-name", "tiny")
    argv = (VLLM.executable, "serve", VLLM.model, *name, *flags.split(), *long)
    # With a thread on every core the engine starves its own API server, for seconds.
    one_thread = {"OMP_NUM_THREADS": "1", "VLLM_CPU_OMP_THREADS_BIND": "nobind"}
    environment = {"VLLM_CPU_KVCACHE_SPACE": "1", "HF_HUB_OFFLINE": "1", **one_thread}
    start_id = uuid.uuid4().hex
    order = LaunchOrder("tiny", argv, environment, "127.0.0.1", port, "tiny", start_id)
    folder = server_folder(state, "tiny")
    launch(order, folder)
    return Running(state, folder)


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, list[ServerFact]]]:
    """One server that several tests look at, and what its first follower heard."""
    running = _launched(tmp_path_factory.mktemp("ready") / "inferctl")
    facts = asyncio.run(until(client.follow(running.folder), FirstTokenSeen, within_s=START_S))
    yield running, facts
    running.clean()


@pytest.fixture
def starting(tmp_path: Path) -> Iterator[Running]:
    """A server that has just been launched."""
    running = _launched(tmp_path)
    yield running
    running.clean()


def _start(facts: list[ServerFact]) -> Start:
    state = begin("first", facts[0].at)
    for fact in facts:
        state = apply(state, fact)
    return as_start(state, facts[-1].at)


def test_the_phases_and_the_rest_tile_the_start(ready: tuple[Running, list[ServerFact]]) -> None:
    _, facts = ready
    start = _start(facts)
    assert start.outcome is Outcome.READY
    assert start.first_token_s is not None
    assert start.total_s == start.first_token_s == facts[-1].at.mono_s - facts[0].at.mono_s
    named_s = sum(phase.duration_s or 0 for phase in start.phases)
    assert named_s + start.unlogged_s == pytest.approx(start.total_s, abs=1e-6)
    names = {phase.name for phase in start.phases}
    assert names >= {PhaseName.LAUNCH, PhaseName.LOAD_WEIGHTS, PhaseName.FIRST_TOKEN}
    assert (start.vllm_version, start.memory.kv_cache_gib) == ("0.32.0", 1.0)


def test_a_second_client_sees_the_same_times(ready: tuple[Running, list[ServerFact]]) -> None:
    running, facts = ready
    again = asyncio.run(until(client.follow(running.folder), FirstTokenSeen))
    assert again == facts
    assert _start(again).phases == _start(facts).phases


def test_it_is_listed_as_ready_under_a_small_keeper(
    ready: tuple[Running, list[ServerFact]],
) -> None:
    running, _ = ready
    server = _listed(running)
    assert (server.state, server.model) == (ServerState.READY, "tiny")
    status = Path(f"/proc/{server.keeper_pid}/status").read_text().splitlines()
    peak_kib = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
    assert peak_kib < KEEPER_LIMIT_KIB


def test_every_process_carries_the_marker_of_its_start(
    ready: tuple[Running, list[ServerFact]],
) -> None:
    running, _ = ready
    keeper = keeper_id(ServerFolder(running.folder))
    assert keeper is not None
    tree = {one.id for one in processes.descendants(keeper.pid, processes.running())}
    assert tree == {one.id for one in running.members()}
    names = {processes.display_name(one) for one in running.members()}
    assert names >= {"VLLM::EngineCore", "VLLM::Worker"}


def test_to_others_it_is_a_foreign_server_with_its_model(
    ready: tuple[Running, list[ServerFact]],
) -> None:
    running, _ = ready
    ours = _listed(running)
    seen = [one for one in list_servers(running.state / "of somebody else") if one.pid == ours.pid]
    assert [(one.owner, one.model, one.port) for one in seen] == [
        (Owner.EXTERNAL, "tiny", ours.port)
    ]


async def test_it_outlives_its_keeper_is_adopted_and_stopped_with_its_requests_done(
    ready: tuple[Running, list[ServerFact]],
) -> None:
    running, _ = ready
    verbs = {"XDG_STATE_HOME": str(running.state.parent)}
    keeper = keeper_id(ServerFolder(running.folder))
    assert keeper is not None
    processes.send(keeper, signal.SIGKILL, lambda _: True)
    await eventually(lambda: not processes.is_alive(keeper))
    await asyncio.to_thread(_complete, running)
    orphaned = await asyncio.to_thread(_listed, running)
    assert (orphaned.state, orphaned.keeper_pid) == (ServerState.READY, None)
    code, _, said = await inferctl("adopt", "--port", str(orphaned.port), environment=verbs)
    assert code == 0, said
    assert "the keeper of tiny was killed" in said
    before = (running.folder / "server.log").stat().st_size
    await asyncio.to_thread(_complete, running)
    await eventually(lambda: (running.folder / "server.log").stat().st_size > before)
    answer = await asyncio.to_thread(_first_line, running)
    request = asyncio.create_task(asyncio.to_thread(_read_on, answer))
    stopping = client.stop(running.folder, "test", drain_s=60)
    async for fact in stopping:
        if isinstance(fact, StopProgressed) and "SIGTERM" in fact.step:
            break
    await request
    os.kill(spawned(read_journal(ServerFolder(running.folder).journal)).process.pid, signal.SIGINT)
    facts = await everything(client.follow(running.folder), within_s=60)
    assert isinstance(facts[-1], Stopped)
    steps = [fact.step for fact in facts if isinstance(fact, StopProgressed)]
    assert re.match("requests running: (1|unknown)", steps[0])
    assert "no request is running" in steps
    assert running.members() == []


async def test_sigkill_while_it_loads_leaves_nothing(starting: Running) -> None:
    await until(_at(starting, PhaseName.LOAD_WEIGHTS), PhaseBegan, within_s=START_S)
    _strike(starting, "", signal.SIGKILL)
    facts = await everything(client.follow(starting.folder), within_s=30)
    assert isinstance(facts[-1], Stopped)
    failure = last(facts, FailureSeen)
    assert isinstance(failure, FailureSeen)
    assert "SIGKILL" in failure.failure.cause
    assert starting.members() == []


async def test_a_keeper_outlives_sighup_and_a_server_not_the_end_of_its_worker(
    starting: Running,
) -> None:
    await until(client.follow(starting.folder), FirstTokenSeen, within_s=START_S)
    answer = await asyncio.to_thread(_first_line, starting)
    request = asyncio.create_task(asyncio.to_thread(_read_on, answer))
    keeper = keeper_id(ServerFolder(starting.folder))
    assert keeper is not None
    processes.send(keeper, signal.SIGHUP, lambda _: True)
    await request
    assert processes.is_alive(keeper)
    assert (await asyncio.to_thread(_listed, starting)).state is ServerState.READY
    _strike(starting, "VLLM::Worker", signal.SIGTERM)
    facts = await everything(client.follow(starting.folder), within_s=30)
    assert isinstance(facts[-1], Stopped)
    failure = last(facts, FailureSeen)
    assert isinstance(failure, FailureSeen)
    assert failure.failure.kind is FailureKind.ENGINE_DIED
    assert starting.members() == []


async def test_sigkill_to_the_api_server_leaves_nothing(starting: Running) -> None:
    facts = await until(client.follow(starting.folder), BecameReady, within_s=START_S)
    first = last(facts, Spawned)
    assert isinstance(first, Spawned)
    os.kill(first.process.pid, signal.SIGKILL)
    killed_s = time.monotonic()
    facts = await everything(client.follow(starting.folder), within_s=60)
    assert isinstance(facts[-1], Stopped)
    assert facts[-1].at.mono_s - killed_s < 30
    assert starting.members() == []
    exited = last(facts, Exited)
    assert exited == Exited(exited.at, Exit(None, signal.SIGKILL))
    assert any(isinstance(fact, FailureSeen) for fact in facts)
    named = [fact.survivors for fact in facts if isinstance(fact, SurvivorsFound)]
    assert "VLLM::EngineCore" in [one.name for one in named[0]]


async def test_a_stop_while_the_engine_starts_leaves_nothing(starting: Running) -> None:
    await until(_at(starting, PhaseName.SPAWN_ENGINE), PhaseBegan, within_s=START_S)
    facts = await everything(client.stop(starting.folder, "test"), within_s=90)
    assert isinstance(facts[-1], Stopped)
    assert not any(isinstance(fact, FailureSeen | BecameReady) for fact in facts)
    assert starting.members() == []


async def _at(running: Running, phase: PhaseName) -> AsyncIterator[ServerFact]:
    """Yield the begin of this phase."""
    async for fact in client.follow(running.folder):
        if isinstance(fact, PhaseBegan) and fact.phase is phase:
            yield fact


def _strike(running: Running, title: str, number: signal.Signals) -> None:
    """Send a signal to the process of this title, the API server without one."""
    pid = spawned(read_journal(ServerFolder(running.folder).journal)).process.pid
    named = [one.id.pid for one in running.members() if processes.display_name(one) == title]
    os.kill(named[0] if title else pid, number)


def _listed(running: Running) -> Server:
    (server,) = [one for one in list_servers(running.state) if one.name == "tiny"]
    return server


def _complete(running: Running) -> None:
    with _asked(running, {"max_tokens": 3}) as answer:
        assert answer.status == 200


def _first_line(running: Running) -> http.client.HTTPResponse:
    """Ask for an answer of several seconds and return it when its first token has come."""
    answer = _asked(running, {"max_tokens": 4000, "stream": True})
    assert answer.readline().startswith(b"data: {")
    return answer


def _read_on(answer: http.client.HTTPResponse) -> None:
    """Read the rest of a stream, which is to be whole."""
    assert answer.read().rstrip().endswith(b"data: [DONE]")


def _asked(running: Running, more: dict[str, object]) -> http.client.HTTPResponse:
    begun = spawned(read_journal(ServerFolder(running.folder).journal))
    question = {"model": "tiny", "prompt": "hi", "ignore_eos": True, **more}
    request = urllib.request.Request(
        f"http://127.0.0.1:{begun.port}/v1/completions",
        data=json.dumps(question).encode(),
        headers={"Content-Type": "application/json"},
    )
    answer: http.client.HTTPResponse = urllib.request.urlopen(request, timeout=60)
    return answer
