import random
from typing import Any

import pytest

from backends.domain.ab.comparability import comparability
from backends.domain.ab.run import CANCELLED, Run, TargetName
from backends.domain.ab.summary import difference, output_tokens_per_s, summarise


def runs(target: TargetName, ttft_s: float, n: int = 20, **more: Any) -> list[Run]:
    source = random.Random(f"{target}{ttft_s}")
    return [
        Run(
            target,
            index,
            ttft_s=ttft_s * source.uniform(0.95, 1.05),
            itl_s=(0.01 * source.uniform(0.99, 1.01),) * 31,
            e2e_s=ttft_s + 0.31 * source.uniform(0.99, 1.01),
            **{"input_tokens": 100, "output_tokens": 32, "finish_reason": "length", **more},
        )
        for index in range(n)
    ]


def test_a_failed_run_counts_as_error_and_nowhere_else() -> None:
    summary = summarise([*runs("a", 0.2, 3), Run("a", 3, ttft_s=9.0, error="cut")])
    assert (summary.n, summary.errors) == (4, 1)
    assert summary.ttft_s is not None
    assert summary.ttft_s.max < 1


def test_nothing_measured_is_unknown() -> None:
    summary = summarise([Run("a", 0, error="refused")])
    assert (summary.ttft_s, summary.e2e_s, summary.output_tokens_per_s) == (None, None, None)
    assert summarise([]).n == 0


def test_output_speed_leaves_the_wait_for_the_first_token_out() -> None:
    assert output_tokens_per_s(Run("a", 0, ttft_s=5, itl_s=(0.01, 0.03))) == pytest.approx(50)
    assert output_tokens_per_s(Run("a", 0, ttft_s=5)) is None
    assert output_tokens_per_s(Run("a", 0, itl_s=(0.0,))) is None


def test_the_lower_ttft_and_the_higher_speed_are_faster() -> None:
    a, b = runs("a", 0.3), runs("b", 0.2)
    found = difference(a, b, "ttft_s")
    assert found is not None
    assert found.verdict == "b_faster"
    assert found.shift == pytest.approx(-0.1, abs=0.01)
    assert found.ci95[0] < -0.1 < found.ci95[1] or found.ci95[1] < 0
    fast = [Run("b", i, itl_s=(0.005 + i * 1e-5,) * 9) for i in range(20)]
    speed = difference(a, fast, "output_tokens_per_s")
    assert speed is not None
    assert speed.verdict == "b_faster"
    assert speed.shift > 0


def test_inside_the_noise_nobody_wins_and_the_way_out_is_told() -> None:
    source = random.Random(3)
    a = [Run("a", i, ttft_s=source.gauss(0.2, 0.03)) for i in range(20)]
    b = [Run("b", i, ttft_s=source.gauss(0.205, 0.03)) for i in range(20)]
    found = difference(a, b, "ttft_s")
    assert found is not None
    assert found.verdict == "too_close"
    assert found.smallest_detectable is not None
    assert found.smallest_detectable > abs(found.shift)
    assert found.more_runs is not None
    assert found.more_runs > 0


def test_three_runs_say_nothing() -> None:
    assert difference(runs("a", 0.1, 3), runs("b", 0.9, 3), "ttft_s") is None


@pytest.mark.parametrize(
    ("ours", "theirs", "figures", "word"),
    [
        ({"input_tokens": 100}, {"input_tokens": 103}, ("ttft_s", "e2e_s"), "tokenizer"),
        ({"output_tokens": 32}, {"output_tokens": 64}, ("e2e_s",), "lengths"),
        ({"finish_reason": "stop"}, {"finish_reason": "length"}, ("e2e_s",), "cut off"),
    ],
)
def test_what_must_not_be_compared(
    ours: dict[str, Any], theirs: dict[str, Any], figures: tuple[str, ...], word: str
) -> None:
    (found,) = comparability(runs("a", 0.2, **ours), runs("b", 0.2, **theirs))
    assert found.figures == figures
    assert word in found.why


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ({"input_tokens": 100}, {"input_tokens": 102}),
        ({"input_tokens": None}, {"input_tokens": 300}),
        ({"output_tokens": 30}, {"output_tokens": 32}),
        ({"finish_reason": None}, {"finish_reason": "stop"}),
    ],
)
def test_what_may_be_compared(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    assert comparability(runs("a", 0.2, **ours), runs("b", 0.2, **theirs)) == ()


def test_a_run_that_its_user_cancelled_is_neither_a_run_nor_an_error() -> None:
    cancelled = Run("a", 3, ttft_s=9.0, error=f"{CANCELLED} after 1 chunk")
    summary = summarise([*runs("a", 0.2, 3), cancelled])
    assert (summary.n, summary.errors) == (3, 0)
    assert summarise([cancelled]).n == 0
