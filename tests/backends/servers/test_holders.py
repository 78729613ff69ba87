"""Who holds memory or a port: whose, since when, how much, and what ends it."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from backends.domain.gpu import Gpu, GpuMemory, GpuProcess, GpuSample
from backends.domain.server import Owner, Server, ServerState, Survivor
from backends.domain.start import Failure, FailureKind
from backends.domain.vram_owners import with_survivor_memory
from backends.host import processes
from backends.keeper import holders
from backends.servers.holders import Holder, find_holders, held_on_gpus, how_to_end

GIB = 2**30
ME = processes.identity(os.getpid())


def _sample(*held: tuple[int, int | None]) -> GpuSample:
    memory = GpuMemory(80 * GIB, 70 * GIB, 0, False, "test")
    gpus = (
        Gpu(
            index,
            f"u{index}",
            "H100",
            "nvidia",
            memory,
            processes=(GpuProcess(pid, "VLLM::EngineCore", size),),
        )
        for index, (pid, size) in enumerate(held)
    )
    return GpuSample(tuple(gpus))


LEFT = Server(
    "gpt-oss",
    Owner.MANAGED,
    ServerState.FAILED,
    survivors=(Survivor(ME, "VLLM::EngineCore"),),
)


def test_what_one_process_holds_on_several_gpus_is_added_up() -> None:
    sample = _sample((1, 30 * GIB), (1, 31 * GIB), (2, None))
    assert held_on_gpus(sample) == {
        1: ("VLLM::EngineCore", 61 * GIB),
        2: ("VLLM::EngineCore", None),
    }
    told = with_survivor_memory(LEFT, _sample((ME.pid, 30 * GIB), (ME.pid, 31 * GIB)))
    assert told.survivors[0].vram_bytes == 61 * GIB
    assert with_survivor_memory(LEFT, None) == LEFT


def test_a_process_of_ours_that_was_left_behind_is_ended_by_key_and_verb() -> None:
    (found,) = find_holders({ME.pid: ("VLLM::EngineCore", 61 * GIB)}, (LEFT,))
    told = how_to_end([replace(found, age_s=3 * 3600.0, name="VLLM::EngineCore")])
    assert told == (
        f"pid {ME.pid} `VLLM::EngineCore`, yours, left behind by gpt-oss, started 3 h ago, "
        "holds 61.0 GiB: press x to end it, or run: inferctl stop gpt-oss"
    )


@pytest.mark.parametrize(
    ("server", "whose", "ends"),
    [
        (replace(LEFT, survivors=(), pid=ME.pid, state=ServerState.READY), "yours", "gpt-oss"),
        (replace(LEFT, owner=Owner.EXTERNAL), "left behind by a vLLM that inferctl", "gpt-oss"),
        (
            replace(LEFT, owner=Owner.EXTERNAL, survivors=(), pid=ME.pid, state=ServerState.READY),
            "part of a vLLM that inferctl did not start",
            "",
        ),
    ],
)
def test_whose_it_is_and_whether_it_is_ours_to_end(server: Server, whose: str, ends: str) -> None:
    (found,) = find_holders({ME.pid: ("python", None)}, (server,))
    assert whose in found.whose
    assert found.ends == ends
    assert found.left_behind == bool(server.survivors)


def test_a_stranger_is_named_with_its_user_and_never_ended() -> None:
    (found,) = find_holders({1: ("init", 5 * GIB)}, ())
    assert "of user root" in found.whose
    assert "run:" not in how_to_end([found])
    assert how_to_end([]) == ""
    assert "of an unknown user" in Holder(999_999_999, "x", "of an unknown user").sentence()


def test_only_failures_for_memory_or_port_ask_who_holds_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(holders, "printed_by", lambda *_, within_s: b"pid 7 `x` holds it")
    for kind, told in (
        (FailureKind.FREE_MEMORY_BELOW_TARGET, "pid 7 `x` holds it. Lower it."),
        (FailureKind.PORT_IN_USE, "pid 7 `x` holds it. Lower it."),
        (FailureKind.GATED_MODEL, "Lower it."),
    ):
        failure = Failure(kind, 1, "line", "cause", "Lower it.")
        assert holders.with_holders(failure, tmp_path, 1).remedy == told
