"""Asking a vLLM for its arguments: the simulated one, one that hangs, and things that are none."""

import asyncio
import sys
from pathlib import Path

import pytest

from backends.host import processes
from backends.servers import vllm_help
from backends.servers.vllm_help import arguments_of_help
from tests.console.conftest import simulated_vllm

pytestmark = pytest.mark.process


def script(folder: Path, text: str) -> Path:
    path = folder / "vllm"
    path.write_text(f"#!{sys.executable}\n{text}")
    path.chmod(0o700)
    return path


async def test_a_vllm_names_its_arguments_with_what_they_do(tmp_path: Path) -> None:
    found = {each.flag: each for each in await arguments_of_help(simulated_vllm(tmp_path))}
    assert len(found) > 40
    assert found["--max-model-len"].about.startswith("Model context length")
    assert found["--dtype"].choices[:3] == ("auto", "bfloat16", "float")
    assert found["--enforce-eager"].value == ""


async def test_what_a_profile_says_by_other_keys_is_not_offered(tmp_path: Path) -> None:
    found = {each.flag for each in await arguments_of_help(simulated_vllm(tmp_path))}
    assert not found & {"--api-key", "--hf-token", "--host", "--port", "--served-model-name"}


async def test_one_that_knows_no_all_is_asked_again(tmp_path: Path) -> None:
    older = script(
        tmp_path,
        "import sys\nif sys.argv[2] != '--help': sys.exit(2)\nprint('  --seed SEED  Chosen.')\n",
    )
    assert [each.flag for each in await arguments_of_help(older)] == ["--seed"]


@pytest.mark.parametrize("text", ["raise SystemExit(1)\n", "print('no help')\n"])
async def test_one_that_does_not_say_names_none(tmp_path: Path, text: str) -> None:
    assert await arguments_of_help(script(tmp_path, text)) == ()


async def test_what_is_no_program_names_none(tmp_path: Path) -> None:
    assert await arguments_of_help(tmp_path / "vllm") == ()


async def test_a_script_around_a_container_is_not_run(tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    path = tmp_path / "vllm"
    path.write_text(f'#!/bin/sh\ntouch {ran}\nexec docker run vllm "$@"\n')
    path.chmod(0o700)
    assert await arguments_of_help(path) == ()
    assert not ran.exists()


HANGS = "import os, time\nopen({!r}, 'w').write(str(os.getpid()))\ntime.sleep(600)\n"


async def test_one_that_never_answers_names_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vllm_help, "HELP_S", 0.2)
    assert await arguments_of_help(script(tmp_path, HANGS.format(str(tmp_path / "pid")))) == ()


async def test_nothing_is_left_of_one_that_is_asked_no_longer(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    asking = asyncio.ensure_future(arguments_of_help(script(tmp_path, HANGS.format(str(pid)))))
    async with asyncio.timeout(30):
        while not (pid.exists() and pid.read_text()):  # noqa: ASYNC110 - a process sets no event
            await asyncio.sleep(0.02)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert processes.read(int(pid.read_text())) is None
