"""What keeps two targets from being compared, and for which figures."""

from dataclasses import replace

import pytest

from backends.domain.ab.comparability import comparability
from backends.domain.ab.run import Run

ONE = Run("a", 0, ttft_s=0.2, input_tokens=100, output_tokens=50, finish_reason="length")


@pytest.mark.parametrize(
    ("change", "figures", "told"),
    [
        ({"input_tokens": 110}, ("ttft_s", "e2e_s"), "100 tokens in target a and 110 in target c"),
        ({"cached_tokens": 80}, ("ttft_s", "e2e_s"), "0% of the prompt came from a cache"),
        ({"output_tokens": 80}, ("e2e_s",), "target a wrote 50 tokens and target c 80"),
        ({"finish_reason": "stop"}, ("e2e_s",), "target c with 'stop'"),
        ({"flags": ("refused_temperature",)}, ("e2e_s",), "target c refused temperature"),
    ],
)
def test_different_work(change: dict[str, object], figures: tuple[str, ...], told: str) -> None:
    other = replace(ONE, target="c", **change)  # type: ignore[arg-type]
    (found,) = comparability([ONE] * 5, [other] * 5, "c")
    assert found.figures == figures
    assert told in found.why


def test_lanes_that_cached_alike_or_tell_nothing_are_compared() -> None:
    cached = replace(ONE, cached_tokens=80)
    assert comparability([cached] * 5, [cached] * 5) == ()
    assert comparability([ONE] * 5, [replace(ONE, target="b", input_tokens=None)] * 5) == ()
    assert comparability([ONE] * 5, [replace(cached, error="cut")] * 5) == ()


@pytest.mark.parametrize(("thoughts", "apart"), [(10, False), (11, True)])
def test_a_fifth_more_of_thoughts_is_still_the_same_effort(thoughts: int, *, apart: bool) -> None:
    plain = replace(ONE, reasoning_tokens=0)
    thinking = replace(ONE, target="b", reasoning_tokens=thoughts)
    assert bool(comparability([plain] * 5, [thinking] * 5)) is apart
