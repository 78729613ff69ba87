"""What a command line was made of can be told from it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.operations.launched import POLLED, QUIET_FLAG, launched_with
from backends.operations.servers import command
from backends.settings.config import Profile

WORDS = st.text("abc-", min_size=1, max_size=8)


@given(model=WORDS, args=st.lists(WORDS, max_size=4), served=st.none() | WORDS)
def test_model_and_arguments_come_back(model: str, args: list[str], served: str | None) -> None:
    profile = Profile("chat", model, vllm="no-such-vllm", args=tuple(args), served_name=served)
    assert launched_with(command(profile)) == (model, tuple(args))


def test_what_the_console_adds_is_no_argument_of_the_profile() -> None:
    argv = ("vllm", "serve", "m", "--host", "h", "--port", "1", "--x", QUIET_FLAG, POLLED)
    assert launched_with(argv) == ("m", ("--x",))


def test_an_interpreter_before_the_program_is_none_of_it() -> None:
    argv = ("/opt/python3", "/opt/bin/vllm", "serve", "m", "--port", "1", "--x")
    assert launched_with(argv) == ("m", ("--x",))


@pytest.mark.parametrize("argv", [(), ("vllm",), ("python", "-m", "vllm")])
def test_other_command_lines_tell_nothing(argv: tuple[str, ...]) -> None:
    assert launched_with(argv) is None
