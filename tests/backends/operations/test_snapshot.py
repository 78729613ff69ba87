"""What one look at this host reads: the counters of whatever server serves, well or not."""

from pathlib import Path

import pytest

from backends.domain.server import Owner, Server, ServerState
from backends.domain.serving import Counters
from backends.operations import snapshot
from backends.servers.own_traffic import sending
from tests.console.stage import host_in


def server(name: str, state: ServerState) -> Server:
    return Server(name, Owner.MANAGED, state, base_url=f"http://{name}/v1", model="m")


@pytest.mark.parametrize(
    ("states", "read"),
    [
        ((ServerState.STARTING,), None),
        ((ServerState.UNHEALTHY,), "http://0/v1"),
        ((ServerState.UNHEALTHY, ServerState.READY), "http://1/v1"),
        ((ServerState.READY,), "http://0/v1"),
    ],
)
def test_the_counters_of_an_unhealthy_server_are_read_as_the_console_reads_them(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    states: tuple[ServerState, ...],
    read: str | None,
) -> None:
    asked: list[str] = []

    def scrape(base_url: str) -> Counters:
        asked.append(base_url)
        return Counters()

    found = tuple(server(str(place), state) for place, state in enumerate(states))
    monkeypatch.setattr(snapshot, "list_servers", lambda _: found)
    monkeypatch.setattr(snapshot, "scrape", scrape)
    monkeypatch.setattr(snapshot, "APART_S", 0.0)
    snapshot.snapshot(host_in(tmp_path))
    assert set(asked) == ({read} if read else set())


async def test_a_test_since_the_reading_before_is_no_traffic(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    finished = iter([10.0, 10.0, 15.0, 15.0, 18.0, 18.0])
    monkeypatch.setattr(snapshot, "list_servers", lambda _: (server("chat", ServerState.READY),))
    monkeypatch.setattr(snapshot, "scrape", lambda _: Counters(requests_finished=next(finished)))
    monkeypatch.setattr(snapshot, "APART_S", 0.0)
    host = host_in(tmp_path)
    snapshot.snapshot(host)
    async with sending(host.state_folder, ("http://chat/v1",)):
        pass
    totals = snapshot.snapshot(host).ledger.of("chat").totals
    assert (totals.requests, totals.own_requests) == (10, 5)
    monkeypatch.setattr(snapshot, "KEPT_S", 0.0)
    totals = snapshot.snapshot(host).ledger.of("chat").totals
    assert (totals.requests, totals.own_requests) == (13, 5)
