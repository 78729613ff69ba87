"""The state of a server, as its journal tells it."""

from dataclasses import replace

import pytest

from backends.domain.facts import (
    BecameReady,
    Exited,
    FailureSeen,
    FirstTokenSeen,
    HealthChanged,
    PhaseBegan,
    ServerFact,
    Spawned,
    StopOrdered,
    Stopped,
    SurvivorsFound,
)
from backends.domain.server import Exit, ProcessId, ServerState, Survivor
from backends.domain.stamp import Stamp
from backends.domain.start import Failure, FailureKind, PhaseName
from backends.servers.listing import server_in

FAILURE = Failure(FailureKind.KILLED, None, "", "cause", "remedy")
SPAWNED = Spawned(
    Stamp(100.0, 1e9), "s", "n", "m", ("vllm",), ProcessId(7, 1), ProcessId(6, 1), "0.0.0.0", 8000
)


def _at(seconds: float) -> Stamp:
    return Stamp(100.0 + seconds, 1e9 + seconds)


READY = (SPAWNED, BecameReady(_at(9.5)), FirstTokenSeen(_at(10.0)))
CASES: list[tuple[ServerState, tuple[ServerFact, ...]]] = [
    (ServerState.STOPPED, ()),
    (ServerState.STARTING, (SPAWNED,)),
    (ServerState.STARTING, (SPAWNED, PhaseBegan(_at(1), PhaseName.COMPILE))),
    (ServerState.READY, READY),
    (ServerState.UNHEALTHY, (*READY, HealthChanged(_at(20), False, "ill"))),
    (
        ServerState.READY,
        (*READY, HealthChanged(_at(20), False), HealthChanged(_at(21), True)),
    ),
    (ServerState.STOPPING, (*READY, StopOrdered(_at(20), "me"))),
    (ServerState.STOPPING, (*READY, Exited(_at(20), Exit(0, None)))),
    (ServerState.STOPPED, (*READY, StopOrdered(_at(20), "me"), Stopped(_at(21)))),
    (ServerState.FAILED, (*READY, FailureSeen(_at(20), FAILURE), Stopped(_at(21)))),
]


@pytest.mark.parametrize(("state", "facts"), CASES)
def test_the_state_follows_the_facts(state: ServerState, facts: tuple[ServerFact, ...]) -> None:
    assert server_in("n", facts).state is state


def test_times_count_from_the_spawn() -> None:
    server = server_in("n", READY)
    assert (server.ready_s, server.first_token_s) == (9.5, 10.0)
    assert server.base_url == "http://127.0.0.1:8000/v1"
    assert server.phase is None


def test_the_phase_is_shown_only_while_it_runs() -> None:
    facts = (SPAWNED, PhaseBegan(_at(1), PhaseName.COMPILE))
    assert server_in("n", facts).phase is PhaseName.COMPILE
    assert server_in("n", (*facts, StopOrdered(_at(2), "me"))).phase is None


def test_the_first_failure_is_the_cause() -> None:
    later = replace(FAILURE, kind=FailureKind.UNKNOWN)
    facts = (SPAWNED, FailureSeen(_at(1), FAILURE), FailureSeen(_at(2), later))
    assert server_in("n", facts).failure == FAILURE


def test_survivors_are_those_named_last() -> None:
    left = SurvivorsFound(_at(3), (Survivor(ProcessId(9, 9), "VLLM::EngineCore"),))
    assert server_in("n", (*READY, left)).survivors == left.survivors
    assert server_in("n", (*READY, left, SurvivorsFound(_at(4), ()))).survivors == ()


def test_an_ipv6_address_is_written_in_brackets() -> None:
    server = server_in("n", (replace(SPAWNED, host="::"),))
    assert server.base_url == "http://[::1]:8000/v1"
