"""Journals of servers as a keeper writes them, one fact after another."""

from collections.abc import Iterable
from dataclasses import replace
from typing import get_args

from backends.domain.facts import (
    BecameReady,
    Exited,
    Fact,
    FailureSeen,
    FirstTokenSeen,
    PhaseBegan,
    ServerFact,
    ServersSeen,
    Spawned,
    StopOrdered,
    Stopped,
    StopProgressed,
)
from backends.domain.lifecycle import life_after, not_started
from backends.domain.server import Exit, ProcessId
from backends.domain.stamp import Stamp
from backends.domain.start import Failure, FailureKind, PhaseName

BOOT_WALL_S = 1_790_000_000.0
"""The wall clock when the monotonic clock stood at zero."""

FAILURE = Failure(
    FailureKind.GPU_OUT_OF_MEMORY,
    41,
    "torch.OutOfMemoryError: CUDA out of memory.",
    "The GPU has no room for the weights.",
    "Use a smaller model, or --tensor-parallel-size 2.",
)


def at(mono_s: float, boot_wall_s: float = BOOT_WALL_S) -> Stamp:
    """Return an instant by the monotonic clock."""
    return Stamp(mono_s, boot_wall_s + mono_s)


def spawned(mono_s: float = 100.0, name: str = "chat", boot_wall_s: float = BOOT_WALL_S) -> Spawned:
    """Return the launch of a server."""
    return Spawned(
        at(mono_s, boot_wall_s),
        start_id="start-1",
        server=name,
        model="org/model",
        argv=("vllm", "serve", "org/model"),
        process=ProcessId(4242, 77),
        keeper=ProcessId(4241, 76),
        host="127.0.0.1",
        port=8000,
    )


def loading() -> list[ServerFact]:
    """Return a start that loads its weights."""
    return [
        spawned(),
        PhaseBegan(at(104.0), PhaseName.CONFIGURE),
        PhaseBegan(at(110.0), PhaseName.LOAD_WEIGHTS),
    ]


def ready() -> list[ServerFact]:
    """Return a start up to its first token."""
    return [*loading(), BecameReady(at(150.0)), FirstTokenSeen(at(150.5))]


def stopping() -> list[ServerFact]:
    """Return a server whose stop was ordered and that has not ended."""
    return [*ready(), StopOrdered(at(200.0), "a test"), StopProgressed(at(200.1), "SIGTERM sent")]


def stopped() -> list[ServerFact]:
    """Return a whole life."""
    return [*stopping(), Exited(at(203.0), Exit(0, None)), Stopped(at(204.0))]


def failed() -> list[ServerFact]:
    """Return a start that ran out of memory."""
    return [
        *loading(),
        Exited(at(120.0), Exit(1, None)),
        FailureSeen(at(120.1), FAILURE),
        Stopped(at(121.0)),
    ]


def with_lists(facts: Iterable[Fact], name: str = "chat") -> list[Fact]:
    """Return facts with a list of the servers of the host after each of a journal among them."""
    found: list[Fact] = []
    life = not_started(name)
    for fact in facts:
        found.append(fact)
        if isinstance(fact, get_args(ServerFact)):
            life = life_after(life, fact)
            kept = replace(life.server, keeper_pid=4241 if life.server.pid else None)
            found.append(ServersSeen(fact.at, (kept,)))
    return found
