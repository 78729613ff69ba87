"""``status --json`` names what a server has by the words that others may rely on."""

from backends.domain.server import Owner, ProcessId, Server, ServerState, Survivor
from console.cli.status import server_document


def test_a_managed_server_has_its_runtime_its_reason_and_its_survivors() -> None:
    left = (Survivor(ProcessId(71, 9000), "VLLM::EngineCore", 5 << 30, 12.0),)
    server = Server("chat", Owner.MANAGED, ServerState.FAILED, survivors=left, note="no answer")
    entry = server_document(server)
    assert (entry["owner"], entry["reason"]) == ("managed", "no answer")
    assert entry["runtime"] == {"kind": "process", "name": None, "restarts": None, "policy": None}
    assert entry["survivors"] == [
        {"pid": 71, "name": "VLLM::EngineCore", "vram_bytes": 5 << 30, "age_s": 12.0}
    ]
    assert "note" not in entry


def test_what_is_not_known_of_an_external_server_is_none_with_a_reason() -> None:
    entry = server_document(Server("vllm-8000", Owner.EXTERNAL, ServerState.EXTERNAL, port=8000))
    assert (entry["runtime"], entry["reason"]) == (None, None)
    assert entry["runtime_reason"]
