"""The arguments of a vLLM are read as vLLM's own parser reads them."""

import argparse

import pytest

from backends.domain.vllm_arguments import is_server, model_argument, value_of

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


@pytest.mark.parametrize(
    ("command", "serves"),
    [
        ("/opt/bin/vllm serve org/m", True),
        ("vllm bench serve", False),
        ("python3.12 -m vllm.entrypoints.openai.api_server --model m", True),
        ("python -m vllm.entrypoints.cli.main serve m", True),
        ("python -m vllm.entrypoints.cli.main bench", False),
        ("python /opt/bin/vllm serve m", True),
        ("python script.py serve", False),
        ("bash -c vllm", False),
        ("", False),
    ],
)
def test_only_an_api_server_is_one(command: str, *, serves: bool) -> None:
    assert is_server(tuple(command.split())) is serves


@pytest.mark.parametrize(
    ("command", "model"),
    [
        ("vllm serve org/m --port 1", "org/m"),
        ("vllm serve --model org/m", "org/m"),
        ("vllm serve --port 1", None),
        ("vllm serve", None),
        ("python -m vllm.entrypoints.openai.api_server --model=a", "a"),
    ],
)
def test_the_model_is_named_or_stands_behind_the_verb(command: str, model: str | None) -> None:
    assert model_argument(tuple(command.split())) == model
