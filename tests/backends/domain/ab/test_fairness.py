from dataclasses import replace

import pytest

from backends.domain.ab.comparability import EVERY_FIGURE, comparability
from backends.domain.ab.facts import SeriesBegan
from backends.domain.ab.fairness import alike, alike_text, compared_as, compared_text
from backends.domain.ab.run import Run
from backends.domain.ab.series import AbSeries
from backends.domain.model_names import quantisation_in, same_model
from backends.domain.stamp import Stamp

A = Run(
    "a", 0, ttft_s=0.2, output_tokens=50, answered_model="openai/gpt-oss-120b", text="Once " * 20
)
B = replace(A, target="b", answered_model="accounts/x/models/gpt-oss-120b", answered_provider="X")
BEGAN = SeriesBegan(
    Stamp(1, 2),
    "s",
    (("a", "own"), ("b", "api")),
    3,
    ("m", "m"),
    temperature=0.0,
    efforts=("", "low"),
)


def series(a: Run, b: Run, runs: int = 4, began: SeriesBegan = BEGAN) -> AbSeries:
    both = (replace(each, index=index) for index in range(runs) for each in (a, b))
    return AbSeries(began, tuple(both), ended=True)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("openai/gpt-oss-120b", "openai-gpt-oss-120b", True),
        ("accounts/fireworks/models/gpt-oss-120b", "gpt-oss-120b", True),
        ("gpt-4o-mini-2024-07-18", "gpt-4o-mini", True),
        ("meta-llama/Llama-3.3-70B-Instruct", "llama-3.3-70b-instruct:free", True),
        ("Qwen3-32B-FP8", "qwen/qwen3-32b", True),
        ("gpt-oss-120b", "gpt-oss-20b", False),
        ("Llama-3.3-70B-Instruct", "Llama-3.1-70B-Instruct", False),
        ("gpt-oss-120b", "default", None),
        ("qwen3-32b", "qwen2.5-32b", False),
        ("t200-i10-n64", "t220-i10-n64", None),
        ("model-1", "model-2", None),
    ],
)
def test_which_names_mean_the_same_model(one: str, other: str, same: bool | None) -> None:
    assert same_model(one, other) is same
    assert same_model(other, one) is same


def test_a_quantisation_is_read_from_the_name() -> None:
    assert quantisation_in("RedHatAI/Llama-3.1-8B-FP8-dynamic") == "fp8"
    assert quantisation_in("gpt-oss-120b") is None


@pytest.mark.parametrize(
    ("change", "figures", "said"),
    [
        ({"answered_model": "gpt-oss-20b"}, EVERY_FIGURE, "not the same model"),
        ({"reasoning_tokens": 40}, ("e2e_s",), "0% of the output are thoughts in target a and 80%"),
    ],
)
def test_what_makes_a_difference_mean_nothing(
    change: dict[str, object], figures: tuple[str, ...], said: str
) -> None:
    ours = replace(A, reasoning_tokens=0)
    other = replace(B, reasoning_tokens=0)
    assert comparability([ours] * 5, [other] * 5) == ()
    (found,) = comparability([ours] * 5, [replace(other, **change)] * 5)  # type: ignore[arg-type]
    assert found.figures == figures
    assert said in found.why


def test_other_weights_are_not_the_same_computation() -> None:
    eight = replace(A, answered_model="qwen3-32b-fp8")
    four = replace(B, answered_model="Qwen/Qwen3-32B-AWQ")
    (found,) = comparability([eight] * 5, [four] * 5)
    assert "fp8 weights and target b awq" in found.why


def test_refused_usage_is_no_refused_sampling() -> None:
    assert comparability([A] * 5, [replace(B, flags=("usage_refused",))] * 5) == ()


def test_each_target_says_what_it_was_compared_as() -> None:
    made = series(A, B)
    found = compared_as(made, "b")
    assert (found.model, found.provider, found.effort) == (B.answered_model, "X", "low")
    text = compared_text(found, made.target("b"))
    assert text == "accounts/x/models/gpt-oss-120b by X, effort low, 50 tokens out"
    silent = compared_as(series(replace(A, answered_model=None), B), "a")
    assert (silent.model, silent.answered) == ("m", False)


def test_how_many_answers_begin_alike() -> None:
    same = alike(series(A, B), "a", "b")
    assert same is not None
    assert (same.pairs, same.alike) == (4, 4)
    assert "as those of the same model do" in alike_text(same, "a", "b")
    other = alike(series(A, replace(B, text="Twice " * 20)), "a", "b")
    assert other is not None
    assert other.alike == 0
    assert "another model" in alike_text(other, "a", "b")
    assert alike(series(A, B, runs=2), "a", "b") is None
    assert alike(series(A, B, began=replace(BEGAN, temperature=0.7)), "a", "b") is None
