"""Arguments that a remedy asks for, and what is left to a person."""

import pytest

from backends.domain.start import Failure, FailureKind
from backends.domain.startup.fix import difference, fixed_arguments

KV = "Set --max-model-len 61312, or raise --gpu-memory-utilization."
FIXED = ("--max-model-len", "61312")


def failure(remedy: str) -> Failure:
    return Failure(FailureKind.KV_CACHE_TOO_SMALL, 52, "", "", remedy)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((), FIXED),
        (("--max-model-len", "131072"), FIXED),
        (("--max-model-len=131072", "--seed", "1"), ("--seed", "1", *FIXED)),
        (("--max_model_len", "131072", "-tp4"), ("-tp4", *FIXED)),
    ],
)
def test_the_flag_is_set_once(before: tuple[str, ...], after: tuple[str, ...]) -> None:
    assert fixed_arguments(failure(KV), before) == after


@pytest.mark.parametrize(
    "remedy",
    [
        "Set --max-model-len below 5000, or raise --gpu-memory-utilization.",
        "Set --tensor-parallel-size to a divisor of 64: 2, 4.",
        "Lower --gpu-memory-utilization so that room is left.",
        "Read that code on the model's page, then start with --trust-remote-code.",
        "",
    ],
)
def test_what_is_a_persons_to_choose_is_no_fix(remedy: str) -> None:
    assert fixed_arguments(failure(remedy), ("--seed", "1")) is None


def test_one_that_was_applied_already_is_none() -> None:
    assert fixed_arguments(failure(KV), FIXED) is None


def test_the_difference_shows_what_goes_and_what_comes() -> None:
    before = ("--seed", "1", "--max-model-len", "131072", "--enforce-eager")
    after = fixed_arguments(failure(KV), before)
    assert after is not None
    assert difference(before, after) == ("- --max-model-len 131072", "+ --max-model-len 61312")
