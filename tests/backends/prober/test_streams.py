"""What the prober reports of a stream, against what a server on loopback really did."""

import time
from dataclasses import replace
from decimal import Decimal

import pytest

from backends.domain.ab.facts import RunBegan, RunEnded, SeriesBegan, SeriesEnded, TextArrived
from backends.domain.ab.run import Run
from backends.domain.prices.cost import NO_PRICES, RequestPrices, Tier
from backends.prober import clock
from tests.backends.domain.ab.chunks import ROLE, chunk, usage
from tests.backends.prober.scripted_server import (
    CHUNKED_HEAD,
    Conversation,
    HangUp,
    a_good_stream,
    end_of,
    measure,
    order_for,
    plain,
    runs_of,
    serving,
)

TTFT_S, GAP_S, TOKENS = 0.06, 0.015, 4
# A shared test machine wakes threads late; the engine's own error is measured by the benchmark.
TOLERANCE_S = 0.03


def paced(conversation: Conversation, *, counted: bool = True) -> None:
    conversation.event(chunk(ROLE))
    conversation.wait(TTFT_S)
    for number in range(1, TOKENS + 1):
        if number > 1:
            conversation.wait(GAP_S)
        conversation.event(chunk({"content": "x"}, counted=number if counted else None))
    conversation.event(usage(TOKENS))
    conversation.event("[DONE]")
    conversation.end()


def simple(conversation: Conversation) -> None:
    conversation.write(CHUNKED_HEAD)
    paced(conversation)


def test_facts_come_in_order_and_text_is_whole() -> None:
    with serving(simple) as server:
        facts = measure(order_for(server.base_url, server.base_url, runs=2))
    assert isinstance(facts[0], SeriesBegan)
    assert isinstance(facts[-1], SeriesEnded)
    kinds = [type(fact) for fact in facts[1:-1]]
    assert kinds[0] is RunBegan
    assert kinds[-1] is RunEnded
    assert kinds.count(RunBegan) == kinds.count(RunEnded) == 4
    text = "".join(fact.text for fact in facts if isinstance(fact, TextArrived))
    assert text == "x" * TOKENS * 4
    tokens = [fact.tokens for fact in facts if isinstance(fact, TextArrived)]
    assert tokens[-1] == TOKENS
    times = [fact.at.mono_s for fact in facts if not isinstance(fact, TextArrived)]
    assert times == sorted(times)


def test_live_text_comes_while_the_stream_runs() -> None:
    seen_s: list[float] = []

    def slow(conversation: Conversation) -> None:
        conversation.write(CHUNKED_HEAD)
        for number in range(1, 9):
            conversation.event(chunk({"content": "x"}, counted=number))
            conversation.wait(0.03)
        seen_s.append(time.monotonic())
        conversation.event("[DONE]")
        conversation.end()

    with serving(slow) as server:
        facts = measure(order_for(server.base_url, runs=1))
    texts = [fact for fact in facts if isinstance(fact, TextArrived)]
    assert 3 <= len(texts) <= 6
    assert texts[0].at.mono_s < seen_s[-1] - 0.1


def test_one_warm_up_a_lane_is_discarded_and_told() -> None:
    with serving(a_good_stream) as server:
        facts = measure(order_for(server.base_url, server.base_url, runs=3))
    assert len(server.requests) == 8
    audit = end_of(facts).client
    assert audit is not None
    assert [run.target for run in audit.warm_ups] == ["a", "b"]
    warm_up = audit.warm_ups[0].connect
    assert warm_up is not None
    assert not warm_up.reused
    assert warm_up.tcp_s is not None
    assert warm_up.dns_s is not None
    assert server.connections == 2
    for run in runs_of(facts):
        assert run.connect is not None
        assert run.connect.reused


def test_a_connection_that_was_closed_meanwhile_is_opened_anew() -> None:
    def once(conversation: Conversation) -> None:
        a_good_stream(conversation)
        raise HangUp

    with serving(once) as server:
        facts = measure(order_for(server.base_url, runs=3))
    runs = runs_of(facts)
    assert [run.error for run in runs] == [None] * 3
    assert server.connections == 4
    assert all(run.ttft_s is not None and run.ttft_s < 0.1 for run in runs)


def test_each_run_has_a_prompt_of_its_own_unless_caches_are_wanted() -> None:
    def prompts(cached: bool) -> list[str]:
        with serving(a_good_stream) as server:
            measure(order_for(server.base_url, server.base_url, runs=3, cached=cached))
            return [request.body["messages"][0]["content"] for request in server.requests]

    assert len(set(prompts(cached=False))) == 8
    assert {len(prompt) for prompt in prompts(cached=False)} == {len("Request 123456789012. ") + 14}
    assert prompts(cached=True)[2:] == ["Say something."] * 6


def test_the_same_sampling_goes_to_every_lane() -> None:
    with serving(a_good_stream) as server:
        target = {"extra": {"reasoning_effort": "low"}}
        measure(order_for(server.base_url, server.base_url, ignore_eos=True, target=target))
        bodies = [dict(request.body) for request in server.requests[2:]]
    for body in bodies:
        del body["messages"]
        assert body == {
            "model": "m",
            "max_tokens": 8,
            "temperature": 0.0,
            "ignore_eos": True,
            "reasoning_effort": "low",
            "stream": True,
            "stream_options": {"include_usage": True, "continuous_usage_stats": True},
        }


def test_fields_an_endpoint_refuses_are_left_out() -> None:
    def strict(conversation: Conversation) -> None:
        options = conversation.body.get("stream_options", {})
        for refused, sent in (
            ("continuous_usage_stats", "continuous_usage_stats" in options),
            ("max_tokens", "max_tokens" in conversation.body),
            ("temperature", "temperature" in conversation.body),
        ):
            if sent:
                error = f'{{"error":{{"message":"Unsupported parameter: {refused}"}}}}'
                plain("400 Bad Request", error.encode())(conversation)
                return
        a_good_stream(conversation)

    with serving(strict) as server:
        facts = measure(order_for(server.base_url))
    assert end_of(facts).reason == ""
    last = server.requests[-1].body
    assert last["stream_options"] == {"include_usage": True}
    assert last["max_completion_tokens"] == 8
    assert [run.flags for run in runs_of(facts)] == [("refused_temperature",)] * 2


def test_simultaneous_lanes_are_asked_together() -> None:
    with serving(simple) as server:
        facts = measure(order_for(server.base_url, server.base_url, runs=2, mode="simultaneous"))
    began = [fact for fact in facts if isinstance(fact, RunBegan)]
    assert [fact.target for fact in began] == ["a", "b"] * 2
    assert began[1].at.mono_s - began[0].at.mono_s < TTFT_S / 2
    assert [fact.index for fact in began] == [0, 0, 1, 1]


def test_rounds_are_drawn_in_random_order() -> None:
    with serving(a_good_stream) as server:
        facts = measure(order_for(server.base_url, server.base_url, runs=16, seed=3))
    targets = [fact.target for fact in facts if isinstance(fact, RunBegan)]
    rounds = [tuple(targets[i : i + 2]) for i in range(0, 32, 2)]
    assert set(rounds) == {("a", "b"), ("b", "a")}


PRICES = RequestPrices(Decimal("0.10"), Decimal("0.70"))


@pytest.mark.parametrize(
    ("prices", "cost"),
    [
        (NO_PRICES, None),
        (replace(PRICES, output_usd_per_mtok=None), None),
        (PRICES, "0.0000307"),
        (replace(PRICES, cached_input_usd_per_mtok=Decimal("0.025")), "0.0000127"),
        (RequestPrices(Decimal(0), Decimal(0)), "0"),
        (RequestPrices(usd_per_request=Decimal("0.001"), fee_percent=Decimal(10)), "0.0011"),
        (replace(PRICES, tiers=(Tier(Decimal(299), Decimal(1), Decimal(7)),)), "0.000307"),
    ],
)
def test_a_run_costs_what_its_usage_says(prices: RequestPrices, cost: str | None) -> None:
    def cached(conversation: Conversation) -> None:
        conversation.write(CHUNKED_HEAD)
        conversation.event(chunk({"content": "x"}, finish="stop"))
        details = {"cached_tokens": 240}
        conversation.event(usage(1, prompt=300, prompt_tokens_details=details))
        conversation.event("[DONE]")
        conversation.end()

    with serving(cached) as server:
        (run,) = runs_of(measure(order_for(server.base_url, runs=1, target={"prices": prices})))
    assert run.cost_usd == cost
    assert run.cached_tokens == 240


KEY = "sk-very-secret-0123456789"


def test_a_key_that_a_server_sends_back_is_never_told() -> None:
    def echo(conversation: Conversation) -> None:
        assert f"Authorization: Bearer {KEY}" in conversation.head
        conversation.write(CHUNKED_HEAD)
        for part in (f"you sent {KEY[:9]}", KEY[9:], " thanks"):
            conversation.event(chunk({"content": part}))
            conversation.wait(0.06)
        conversation.event("[DONE]")
        conversation.end()

    with serving(echo) as server:
        facts = measure(order_for(server.base_url, runs=1, target={"api_key": KEY}))
    assert KEY not in repr(facts)
    live = "".join(fact.text for fact in facts if isinstance(fact, TextArrived))
    assert live == runs_of(facts)[0].text == "you sent [API key] thanks"


def test_a_key_in_an_error_is_never_told() -> None:
    body = f'{{"error":{{"message":"Incorrect API key provided: {KEY}"}}}}'.encode()
    with serving(plain("401 Unauthorized", body)) as server:
        facts = measure(order_for(server.base_url, target={"api_key": KEY}))
    assert KEY not in repr(facts)
    assert "[API key]" in end_of(facts).reason


def test_a_key_that_no_header_can_carry() -> None:
    facts = measure(order_for("http://127.0.0.1:9/v1", target={"api_key": "a\nb"}))
    assert "set it again" in end_of(facts).reason


def test_stamps_come_from_the_kernel_on_linux() -> None:
    with serving(simple) as server:
        facts = measure(order_for(server.base_url, runs=1))
    (run,) = runs_of(facts)
    assert run.clock == "kernel"
    assert run.rtt_s is not None
    assert 0 < run.rtt_s < 0.05
    audit = end_of(facts).client
    assert audit is not None
    assert audit.stamp_lag_p99_s is not None
    assert audit.cpu_percent is not None


def test_without_the_kernels_stamps_the_run_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    # An option that no kernel has: refused, as SO_TIMESTAMPNS is outside Linux.
    monkeypatch.setattr(clock, "SO_TIMESTAMPNS", 9999)
    with serving(simple) as server:
        facts = measure(order_for(server.base_url, runs=1))
    (run,) = runs_of(facts)
    assert (run.error, run.clock) == (None, "user")
    assert run.ttft_s == pytest.approx(TTFT_S, abs=TOLERANCE_S)
    audit = end_of(facts).client
    assert audit is not None
    assert audit.stamp_lag_p99_s is None


def test_a_run_has_nothing_to_hide_from_its_reader() -> None:
    with serving(simple) as server:
        (run,) = runs_of(measure(order_for(server.base_url, runs=1)))
    assert isinstance(run, Run)
    assert run.input_tokens == 9
    assert run.planned_to_sent_s is not None
    assert run.planned_to_sent_s < 0.01
