from pathlib import Path

import pytest

from backends.domain.run import Run
from backends.prober.coldhunt import ColdProbe, ask_once, hunt, read_probes
from backends.prober.orders import Lane
from tests.backends.prober.scripted_server import a_good_stream, serving

LANE = Lane("a", "x", "http://127.0.0.1:9/v1", "m")


class Endpoint:
    """A clock that only sleeping and asking move, and an endpoint that forgets after a minute."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.slept: list[float] = []
        self.busy_until = 0.0
        self.errors: list[str | None] = []

    def now(self) -> float:
        return self.now_s

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now_s += seconds

    async def ask(self, _lane: Lane, _prompt: str) -> Run:
        cold = self.now_s - self.busy_until > 60
        ttft_s = 30.0 if cold else 0.5
        self.now_s += ttft_s
        self.busy_until = self.now_s
        error = self.errors.pop(0) if self.errors else None
        return Run("a", 0, ttft_s=None if error else ttft_s, error=error)

    async def hunt(self, pauses: list[float], state: Path, most: int = 99) -> list[ColdProbe]:
        found: list[ColdProbe] = []
        told = hunt(LANE, "hi", pauses, state, ask=self.ask, now=self.now, sleep=self.sleep)
        async for probe in told:
            found.append(probe)
            if len(found) == most:
                break
        await told.aclose()
        return found


async def test_pauses_are_kept_shortest_first(tmp_path: Path) -> None:
    endpoint = Endpoint()
    found = await endpoint.hunt([300, 10, 60], tmp_path / "hunt.jsonl")
    assert [probe.planned_idle_s for probe in found] == [None, 10, 60, 300]
    assert [probe.idle_s for probe in found] == [None, 10, 60, 300]
    assert [probe.ttft_s for probe in found] == [30.0, 0.5, 0.5, 30.0]
    assert endpoint.slept == [10, 60, 300]


async def test_a_hunt_goes_on_where_it_was_stopped(tmp_path: Path) -> None:
    endpoint, state = Endpoint(), tmp_path / "hunt.jsonl"
    await endpoint.hunt([10, 60, 300], state, most=2)
    with state.open("a") as file:
        file.write('{"planned_idle_s": 60, "idle')
    endpoint.now_s += 45
    found = await endpoint.hunt([10, 60, 300], state)
    assert [probe.planned_idle_s for probe in found] == [60, 300]
    assert endpoint.slept == [10, 15, 300]
    assert found[0].idle_s == 60
    assert await endpoint.hunt([10, 60, 300], state) == []


async def test_a_failed_probe_is_repeated(tmp_path: Path) -> None:
    endpoint, state = Endpoint(), tmp_path / "hunt.jsonl"
    endpoint.errors = [None, "HTTP 503"]
    await endpoint.hunt([10], state)
    found = await endpoint.hunt([10], state)
    assert [probe.error for probe in read_probes(state)] == [None, "HTTP 503", None]
    assert [probe.planned_idle_s for probe in found] == [10]


async def test_one_request_without_a_warm_up() -> None:
    with serving(a_good_stream) as server:
        run = await ask_once(Lane("a", "x", server.base_url, "m"), "hi")
        assert len(server.requests) == 1
    assert run.error is None
    assert run.connect is not None
    assert not run.connect.reused


@pytest.mark.parametrize("url", ["nowhere", "http://127.0.0.1:9/v1"])
async def test_what_cannot_be_asked_is_an_error(url: str) -> None:
    run = await ask_once(Lane("a", "x", url, "m"), "hi")
    assert run.error
