"""The help text of ``vllm serve``, and how arguments go on by it."""

import pytest

from backends.domain.vllm_help import VllmArgument, completions, read_help

TEXT = """\
usage: vllm serve [model_tag] [options]

positional arguments:
  model_tag             The model tag to serve (default: None)

options:
  --api-server-count API_SERVER_COUNT, -asc API_SERVER_COUNT
                        How many API server processes to run.
  -h, --help            show this help message and exit

ModelConfig:
  Configuration for the model.

  --dtype {auto,bfloat16,float16}
                        Data type for model weights:
                        - "auto" is the model's own. (default: auto)
  --enforce-eager, --no-enforce-eager
                        Always use eager-mode PyTorch. (default: False)
  --max-model-len MAX_MODEL_LEN
                        Model context length. (default: None)
  --tokenizer-mode ['auto', 'hf']
                        Tokenizer mode. (default: auto)
  --tp SIZE             Replicas.

When passing JSON CLI arguments, the following sets of arguments are equivalent:
   --json-arg '{"key1": "value1"}'
"""
ARGUMENTS = read_help(TEXT)


def test_every_argument_is_read_with_its_value_and_what_it_does() -> None:
    assert read_help(TEXT) == (
        VllmArgument(
            "--api-server-count", "API_SERVER_COUNT", "How many API server processes to run."
        ),
        VllmArgument("--help", "", "show this help message and exit"),
        VllmArgument(
            "--dtype",
            "{auto,bfloat16,float16}",
            'Data type for model weights: - "auto" is the model\'s own. (default: auto)',
        ),
        VllmArgument("--enforce-eager", "", "Always use eager-mode PyTorch. (default: False)"),
        VllmArgument("--max-model-len", "MAX_MODEL_LEN", "Model context length. (default: None)"),
        VllmArgument("--tokenizer-mode", "['auto', 'hf']", "Tokenizer mode. (default: auto)"),
        VllmArgument("--tp", "SIZE", "Replicas."),
    )


@pytest.mark.parametrize(
    ("before", "words"),
    [
        ("--max-m", ["--max-model-len"]),
        ("--seed 1\n--d", ["--dtype"]),
        ("--dtype ", ["auto", "bfloat16", "float16"]),
        ("--dtype b", ["bfloat16"]),
        ("--tokenizer-mode\nh", ["hf"]),
        ("--max-model-len ", []),
        ("--max-model-len 4", []),
        ("", []),
        ("word", []),
        ("--unknown", []),
    ],
)
def test_what_is_typed_is_completed(before: str, words: list[str]) -> None:
    found = list(completions(before, ARGUMENTS))
    assert [each.word for each in found] == words
    for each in found:
        assert (before + each.rest).endswith(each.word)


def test_a_text_of_something_else_names_no_argument() -> None:
    assert read_help("") == ()
    assert read_help("command not found: vllm\n - no\n") == ()
