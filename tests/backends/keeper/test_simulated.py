"""A keeper over the simulated vLLM, whose log and processes are those of a recorded start."""

import sys
from dataclasses import replace
from uuid import uuid4

import pytest

from backends.domain.facts import FailureSeen, FirstTokenSeen, PhaseBegan, ServerFact, Stopped
from backends.domain.start import FailureKind, Outcome, PhaseName, Start
from backends.domain.startup.fold import apply, as_start
from backends.domain.startup.state import begin
from backends.keeper import client
from backends.keeper.order import LaunchOrder
from tests.backends.keeper.conftest import Bench, everything, free_port, last, until


def _order(**controls: str) -> LaunchOrder:
    port = free_port()
    command = "-m backends.simulated.vllm serve org/model --served-model-name simulated"
    return LaunchOrder(
        server="simulated",
        argv=(sys.executable, *command.split(), "--port", str(port)),
        environment={f"INFERCTL_SIMULATED_{name}": value for name, value in controls.items()},
        host="127.0.0.1",
        port=port,
        model="simulated",
        start_id=uuid4().hex,
        term_grace_s=2.0,
    )


def _start(facts: list[ServerFact]) -> Start:
    state = begin("id", facts[0].at)
    for fact in facts:
        state = apply(state, fact)
    return as_start(state, facts[-1].at)


async def test_phases_tile_the_time_from_spawn_to_first_token(bench: Bench) -> None:
    folder = bench.launch(_order(SPEED="40"))
    facts = await until(client.follow(folder), FirstTokenSeen, within_s=60)
    start = _start(facts)
    assert start.outcome is Outcome.READY
    assert start.total_s == facts[-1].at.mono_s - facts[0].at.mono_s
    named_s = sum(phase.duration_s or 0 for phase in start.phases)
    assert named_s + start.unlogged_s == pytest.approx(start.total_s, abs=1e-6)
    assert {phase.name for phase in start.phases} >= {PhaseName.LOAD_WEIGHTS, PhaseName.COMPILE}
    facts = await everything(client.stop(folder, "test"))
    assert isinstance(facts[-1], Stopped)
    assert bench.members(folder) == []


@pytest.mark.parametrize(
    "kind", [FailureKind.PORT_IN_USE, FailureKind.GPU_OUT_OF_MEMORY, FailureKind.KILLED]
)
async def test_a_failed_start_is_told_with_its_cause(bench: Bench, kind: FailureKind) -> None:
    folder = bench.launch(_order(SPEED="40", FAILURE=kind.value))
    facts = await everything(client.follow(folder), within_s=60)
    failure = last(facts, FailureSeen)
    assert isinstance(failure, FailureSeen)
    assert failure.failure.kind is kind
    assert isinstance(facts[-1], Stopped)
    assert bench.members(folder) == []


@pytest.mark.parametrize("sigterm", ["swallow", "deadlock"])
async def test_a_stop_in_mid_start_leaves_nothing_and_is_no_failure(
    bench: Bench, sigterm: str
) -> None:
    order = replace(_order(SPEED="4", SIGTERM=sigterm), term_grace_s=0.5)
    folder = bench.launch(order)
    await until(client.follow(folder), PhaseBegan)
    facts = await everything(client.stop(folder, "test"))
    assert isinstance(facts[-1], Stopped)
    assert not any(isinstance(fact, FailureSeen) for fact in facts)
    assert bench.members(folder) == []
