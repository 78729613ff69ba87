"""Recorded traffic sent again: instants, lengths, shared beginnings, and the mix's capacity."""

import gc
from itertools import pairwise
from typing import Any

import pytest

from backends.domain.ab.load import LoadEnded, LoadStep
from backends.domain.traffic.arrivals import Arrival
from backends.prober.exchange import Exchange
from backends.prober.load import Load, LoadNews
from backends.prober.loop import Loop
from backends.prober.protocol import LoadOrder, Target
from backends.prober.trace_prompts import WORDS, TracePrompts
from tests.backends.prober.scripted_server import Conversation, a_good_stream, serving

SHARED = 7
MIX = tuple(
    Arrival(at_s, ((SHARED, 40), (100 + number, 20 + number)), 5 + number)
    for number, at_s in enumerate((0.0, 0.1, 0.11, 0.4, 0.8, 1.0, 1.0, 1.6))
)


def replayed(url: str, **more: Any) -> tuple[list[LoadStep], LoadEnded]:
    settings: dict[str, Any] = {
        "trace": MIX,
        "trace_s": 2.0,
        "speed": 4.0,
        "first_rps": 16.0,
        "ttft_limit_s": 5.0,
        "step_s": 0.3,
        "max_requests": len(MIX),
        "seed": 5,
        **more,
    }
    news: list[LoadNews] = []
    loop = Loop()
    load = Load(LoadOrder(Target("a", "x", url, "m"), "", 8, **settings), loop, news.append)
    load.begin()
    loop.run(lambda: load.over)
    loop.close()
    *steps, end = news
    assert isinstance(end, LoadEnded)
    return [step for step in steps if isinstance(step, LoadStep)], end


def prompts(requests: list[dict[str, Any]]) -> list[list[str]]:
    return [request["messages"][0]["content"].split() for request in requests]


def test_each_recorded_request_is_sent_once_at_its_length() -> None:
    with serving(a_good_stream) as server:
        (step,), end = replayed(server.base_url)
        bodies = sorted(
            (each.body for each in server.requests[1:]), key=lambda body: body["max_tokens"]
        )
    assert (step.planned, step.sent, step.requests, step.errors) == (8, 8, 8, 0)
    assert (step.replayed_speed, step.planned_rps) == (4.0, 16.0)
    assert [body["max_tokens"] for body in bodies] == [each.output_tokens for each in MIX]
    assert [len(words) for words in prompts(bodies)] == [each.input_tokens for each in MIX]
    assert end.reason == "8 requests were sent, the limit"


def test_prompts_begin_alike_as_far_as_recorded_and_never_like_another_round() -> None:
    writer = TracePrompts(3)
    one, two = writer.text(((7, 40), (1, 60)), 0), writer.text(((7, 40), (2, 60)), 0)
    alike = [a == b for a, b in zip(one.split(), two.split(), strict=True)]
    assert alike[:41] == [True] * 40 + [False]
    longer = writer.text(((7, 200),), 0).split()
    assert longer[:40] == one.split()[:40]
    again = writer.text(((7, 40), (1, 60)), 1).split()
    assert again[:6] != one.split()[:6]
    assert TracePrompts(4).text(((7, 40),), 0).split()[:6] != one.split()[:6]


def test_a_prompt_of_any_length_has_as_many_words() -> None:
    writer = TracePrompts(1)
    assert len(set(WORDS)) == 256
    for tokens in (1, 3, 6, 50, 70_000, 200_000):
        assert len(writer.text(((99, tokens),), 0).split()) == tokens


def test_what_a_replay_keeps_is_followed_by_higher_rates_of_the_same_mix() -> None:
    with serving(a_good_stream) as server:
        steps, end = replayed(server.base_url, max_requests=60, growth=3.0)
        bodies = [each.body for each in server.requests]
    replay, *rates = steps
    assert replay.sent == 8
    assert [step.planned_rps for step in rates] == [48.0] * len(rates[:1]) or not rates
    assert all(step.replayed_speed is None for step in rates)
    assert end.best is not None
    seen = [tuple(words) for words in prompts(bodies)]
    assert len(set(seen)) == len(seen)


def test_a_replay_goes_on_although_it_misses_its_limits_and_rates_below_it_are_tried() -> None:
    def slow(conversation: Conversation) -> None:
        conversation.wait(0.02)
        a_good_stream(conversation)

    with serving(slow) as server:
        steps, end = replayed(server.base_url, ttft_limit_s=0.001, max_requests=40)
    assert (steps[0].sent, steps[0].requests, steps[0].kept_share) == (8, 8, 0)
    assert "8 of 8 requests missed a limit" in steps[0].broke
    assert all(later.planned_rps < before.planned_rps for before, later in pairwise(steps))
    assert end.best is None


def test_exchanges_are_freed_though_nothing_collects_cycles(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gc.collect()
    monkeypatch.setattr(gc, "collect", lambda: 0)
    monkeypatch.setattr(gc, "enable", lambda: None)
    try:
        with serving(a_good_stream) as server:
            many = tuple(Arrival(0.1 * number, ((number, 20),), 5) for number in range(40))
            replayed(server.base_url, trace=many, trace_s=4.0, first_rps=40.0, max_requests=40)
        left = sum(isinstance(each, Exchange) for each in gc.get_objects())
    finally:
        monkeypatch.undo()
        gc.enable()
    assert left <= 20  # the last one of each connection that is kept open


@pytest.mark.parametrize("bound", [{"max_s": 0.25}, {"max_requests": 3}])
def test_what_was_replayed_before_a_bound_is_kept(bound: dict[str, Any]) -> None:
    with serving(a_good_stream) as server:
        (step,), end = replayed(server.base_url, **bound)
    assert 1 <= (step.sent or 0) < 8
    assert step.planned == 8
    assert step.requests <= (step.sent or 0)
    assert ", the limit" in end.reason
