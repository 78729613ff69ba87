import time
from pathlib import Path

import pytest

from backends.domain.ab.cold import ColdProbe, ColdProbePlan, ProbeEnded, find_cold
from backends.domain.ab.run import Run
from backends.prober.cold_probe import FAILURES_TO_GIVE_UP, ask_once, read_probes, run_cold_probe
from backends.prober.protocol import Target
from tests.backends.prober.scripted_server import Conversation, a_good_stream, plain, serving

LANE = Target("a", "x", "http://127.0.0.1:9/v1", "m")
WARM = 5
REFUSAL = "HTTP 503 Service Unavailable: the endpoint failed; see its log or status page"


class Endpoint:
    """A clock that only sleeping and asking move, and an endpoint that forgets after a minute."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.begins_s = 0.0
        self.slept: list[float] = []
        self.busy_until = 0.0
        self.errors: list[str | None] = []
        self.ended: list[object] = []

    def now(self) -> float:
        return self.now_s

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now_s += seconds

    async def ask(
        self, _target: Target, _prompt: str, _limit_s: float = 0.0
    ) -> tuple[Run, float | None]:
        self.now_s += self.begins_s
        sent_s = self.now_s
        cold = self.now_s - self.busy_until > 60
        ttft_s = 30.0 if cold else 0.5
        self.now_s += ttft_s
        self.busy_until = self.now_s
        error = self.errors.pop(0) if self.errors else None
        return Run("a", 0, ttft_s=None if error else ttft_s, error=error), sent_s

    async def run_cold_probe(
        self, gaps: tuple[float, ...], state: Path, *, rounds: int = 1, most: int = 99
    ) -> list[ColdProbe]:
        found: list[ColdProbe] = []
        plan = ColdProbePlan(gaps, rounds, warm=WARM)
        told = run_cold_probe(
            LANE, "hi", plan, state, ask=self.ask, now=self.now, elapsed=self.now, sleep=self.sleep
        )
        async for probe in told:
            if not isinstance(probe, ColdProbe):
                self.ended.append(probe)
                continue
            found.append(probe)
            if len(found) == most:
                break
        await told.aclose()
        return found


def planned(probes: list[ColdProbe]) -> list[float | None]:
    return [probe.planned_idle_s for probe in probes]


async def test_a_baseline_comes_first_then_pauses_shortest_first(tmp_path: Path) -> None:
    endpoint = Endpoint()
    found = await endpoint.run_cold_probe(
        (300, 10, 60), tmp_path / "cold-start probe.jsonl", rounds=2
    )
    in_turn = [10, 0.0, 60, 0.0, 300, 0.0]
    assert planned(found) == [None, *[0.0] * WARM, *in_turn, *in_turn[:-1]]
    pauses = [probe for probe in found if probe.planned_idle_s]
    assert [probe.idle_s for probe in pauses] == [10, 60, 300] * 2
    assert [probe.ttft_s for probe in pauses] == [0.5, 0.5, 30.0] * 2
    assert [wait for wait in endpoint.slept if wait] == [10, 60, 300] * 2
    finding = find_cold(found, ColdProbePlan((10, 60, 300), 2, WARM))
    assert (finding.cold_after_s, finding.warm_up_to_s) == (300, 60)


async def test_an_interrupted_pause_begins_anew_and_none_is_measured_twice(tmp_path: Path) -> None:
    endpoint, state = Endpoint(), tmp_path / "cold-start probe.jsonl"
    await endpoint.run_cold_probe((10, 60, 300), state, most=2 + WARM)
    with state.open("a") as file:
        file.write('{"planned_idle_s": 60, "idle')
    endpoint.now_s += 45
    found = await endpoint.run_cold_probe((10, 60, 300), state)
    assert planned(found) == [None, 0.0, 60, 0.0, 300]
    assert [wait for wait in endpoint.slept if wait] == [10, 60, 300]
    assert planned(read_probes(state)).count(10) == 1
    assert await endpoint.run_cold_probe((10, 60, 300), state) == []


async def test_a_refusal_after_a_pause_is_that_pauses_cold_start(tmp_path: Path) -> None:
    endpoint, state = Endpoint(), tmp_path / "cold-start probe.jsonl"
    endpoint.errors = [*[None] * (1 + WARM), REFUSAL, REFUSAL]
    found = await endpoint.run_cold_probe((10,), state)
    after = [probe for probe in found if probe.planned_idle_s == 10]
    assert planned(found)[1 + WARM :] == [10, 10, 10]
    assert [probe.error for probe in after] == [REFUSAL, REFUSAL, None]
    assert [probe.idle_s for probe in after] == [10, 10, 10]
    assert after[-1].ttft_s == 0.5 + 5 + 0.5 + 5 + 0.5
    assert endpoint.slept[-2:] == [5, 5]


async def test_a_failed_request_without_a_pause_is_repeated_behind_a_good_one(
    tmp_path: Path,
) -> None:
    endpoint, state = Endpoint(), tmp_path / "cold-start probe.jsonl"
    endpoint.errors = [None, REFUSAL]
    found = await endpoint.run_cold_probe((10,), state)
    assert planned(found)[:4] == [None, 0.0, None, 0.0]
    assert [wait for wait in endpoint.slept if wait] == [60, 10]


async def test_a_pause_that_ends_in_a_lasting_error_is_not_measured(tmp_path: Path) -> None:
    endpoint, state = Endpoint(), tmp_path / "cold-start probe.jsonl"
    endpoint.errors = [*[None] * (1 + WARM), "HTTP 401: the endpoint does not accept the API key"]
    found = await endpoint.run_cold_probe((10,), state)
    assert planned(found)[1 + WARM :] == [10, None, 10]
    assert found[-1].ttft_s == 0.5


async def test_an_endpoint_that_is_gone_ends_the_probe(tmp_path: Path) -> None:
    endpoint = Endpoint()
    endpoint.errors = ["HTTP 401: no"] * 99
    found = await endpoint.run_cold_probe((10,), tmp_path / "cold-start probe.jsonl")
    assert len(found) == FAILURES_TO_GIVE_UP
    assert endpoint.ended == [ProbeEnded("10 requests in a row failed: HTTP 401: no")]


async def test_the_time_that_a_process_takes_to_send_is_part_of_the_pause(tmp_path: Path) -> None:
    endpoint = Endpoint()
    endpoint.begins_s = 4.0
    found = await endpoint.run_cold_probe((10,), tmp_path / "probes.jsonl")
    assert [probe.idle_s for probe in found[1:]] == [4.0] * WARM + [14.0]
    assert planned(found) == [None] + [0.0] * WARM + [10]


async def test_a_pause_that_became_much_longer_is_measured_again(tmp_path: Path) -> None:
    endpoint = Endpoint()
    slept = endpoint.sleep

    async def suspended(seconds: float) -> None:
        """The host was suspended in the first pause."""
        await slept(600.0 if seconds and not any(endpoint.slept) else seconds)

    endpoint.sleep = suspended  # type: ignore[method-assign]
    found = await endpoint.run_cold_probe((10,), tmp_path / "probes.jsonl")
    finding = find_cold(found, ColdProbePlan((10,), 1, warm=WARM))
    assert planned(found)[-2:] == [None, 10]
    assert found[-2].idle_s == 600.0
    assert (finding.gaps[0].n, finding.cold_after_s) == (1, None)


async def test_one_request_without_a_warm_up() -> None:
    with serving(a_good_stream) as server:
        before_s = time.time()
        run, sent_s = await ask_once(Target("a", "x", server.base_url, "m"), "hi")
        assert len(server.requests) == 1
    assert run.error is None
    assert sent_s is not None
    assert run.e2e_s is not None
    assert before_s < sent_s <= time.time() - run.e2e_s
    assert run.connect is not None
    assert not run.connect.reused


async def test_a_request_that_takes_longer_than_it_may_is_an_error() -> None:
    def silent(conversation: Conversation) -> None:
        conversation.wait(30)

    with serving(silent) as server:
        run, _ = await ask_once(Target("a", "x", server.base_url, "m"), "hi", 1.0)
    assert run.error == "no reply within 1 s"


@pytest.mark.parametrize("url", ["nowhere", "http://127.0.0.1:9/v1"])
async def test_what_cannot_be_asked_is_an_error(url: str) -> None:
    run, _ = await ask_once(Target("a", "x", url, "m"), "hi")
    assert run.error


async def test_a_field_that_was_refused_is_not_sent_again(tmp_path: Path) -> None:
    def no_temperature(conversation: Conversation) -> None:
        if "temperature" in conversation.body:
            plain("400 Bad", b'{"error":{"param":"temperature","message":"no"}}')(conversation)
        else:
            a_good_stream(conversation)

    with serving(no_temperature) as server:
        target = Target("a", "x", server.base_url, "m")
        probed = run_cold_probe(target, "hi", ColdProbePlan((0.01,), 1, warm=2), tmp_path / "p")
        found = [fact async for fact in probed if isinstance(fact, ColdProbe)]
        assert [probe.error for probe in found] == [None] * len(found)
        assert len(server.requests) == len(found) + 1


async def test_a_reply_that_is_to_be_fetched_later_is_the_same_request() -> None:
    def redirects(conversation: Conversation) -> None:
        if conversation.head.startswith("POST"):
            plain("303 See Other", b"", more="location: /v1/later?id=1\r\n")(conversation)
        else:
            conversation.wait(0.3)
            a_good_stream(conversation)

    with serving(redirects) as server:
        run, _ = await ask_once(Target("a", "x", server.base_url, "m"), "hi")
        assert len(server.requests) == 2
    assert (run.error, run.waits) == (None, 1)
    assert run.ttft_s is not None
    assert run.ttft_s > 0.3
