"""``status --json`` names what a server has by the words that others may rely on."""

from backends.domain.gpu import GpuSample
from backends.domain.server import (
    Owner,
    ProcessId,
    Runtime,
    RuntimeKind,
    Server,
    ServerState,
    Survivor,
)
from backends.domain.serving import RequestErrors
from backends.domain.start import Failure, FailureKind
from backends.domain.vram_owners import held_by
from console.cli.status import remarks, server_document


def test_a_managed_server_has_its_runtime_its_reason_and_its_survivors() -> None:
    left = (Survivor(ProcessId(71, 9000), "VLLM::EngineCore", 5 << 30, 12.0),)
    server = Server("chat", Owner.MANAGED, ServerState.FAILED, survivors=left, note="no answer")
    entry = server_document(server)
    assert (entry["owner"], entry["reason"]) == ("managed", "no answer")
    runtime = {"kind": "process", "name": None, "restarts": None, "policy": None, "ends": None}
    assert entry["runtime"] == runtime
    assert entry["survivors"] == [
        {"pid": 71, "name": "VLLM::EngineCore", "vram_bytes": 5 << 30, "age_s": 12.0}
    ]
    assert "note" not in entry


def test_what_is_not_known_of_an_external_server_is_none_with_a_reason() -> None:
    nowhere = Server(
        "vllm-8000", Owner.EXTERNAL, ServerState.STARTING, port=8000, address_reason="not yet"
    )
    entry = server_document(nowhere, held_by("vllm-8000", GpuSample((), "no driver")))
    assert (entry["base_url"], entry["base_url_reason"]) == (None, "not yet")
    assert (entry["gpu_memory_bytes"], entry["gpu_memory_reason"]) == (None, "no driver")


def test_a_server_that_failed_while_it_served_says_for_how_long_it_had() -> None:
    died = Failure(FailureKind.ENGINE_DIED, 9, "EngineDeadError", "The engine died.", "Look.")
    server = Server(
        "chat",
        Owner.MANAGED,
        ServerState.FAILED,
        failure=died,
        served_s=1320.0,
        request_errors=RequestErrors(http_5xx=3),
    )
    assert remarks(server) == [
        "stopped unexpectedly after 22 min",
        "engine_died: The engine died. (log line 9)",
        "Fix: Look.",
        "requests: 3 answered 5xx",
    ]
    entry = server_document(server)
    assert entry["served_s"] == 1320.0
    assert entry["request_errors"] == {
        "http_5xx": 3.0,
        "failed": None,
        "aborted": None,
        "preemptions": None,
    }


def test_what_starts_a_server_again_is_said_with_what_ends_it() -> None:
    runtime = Runtime(RuntimeKind.DOCKER, "rocm", 35, "unless-stopped", "docker stop rocm")
    server = Server("rocm", Owner.EXTERNAL, ServerState.READY, runtime=runtime)
    (line,) = remarks(server)
    assert "35 so far" in line
    assert "docker stop rocm" in line
