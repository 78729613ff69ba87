"""The arguments of a vLLM are read as vLLM's own parser reads them."""

import argparse

import pytest

from backends.domain.vllm_arguments import value_of

FLAGS = ("--tensor-parallel-size", "-tp")


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("-tp", "4"),
        ("-tp=4",),
        ("-tp", "2", "-tp", "4"),
        ("-tp", "2", "--tensor-parallel-size=4"),
        ("--tensor-parallel-size", "4", "--tensor", "2"),
        ("--tensor-parallel", "4"),
        ("--tensor-p=4",),
    ],
)
def test_a_value_is_that_which_the_parser_of_vllm_takes(arguments: tuple[str, ...]) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument(*FLAGS, dest="size")
    assert value_of(FLAGS, arguments) == parser.parse_args(arguments).size


@pytest.mark.parametrize(
    ("arguments", "value"),
    [
        (("--tensor_parallel_size", "4"), "4"),
        (("-tp4",), "4"),
        (("-tpl4",), None),
        (("--tensor-parallel-size-of-others", "4"), None),
        (("--", "-tp", "4"), None),
    ],
)
def test_underscores_and_glued_numbers_are_read_and_nothing_else(
    arguments: tuple[str, ...], value: str | None
) -> None:
    assert value_of(FLAGS, arguments) == value
