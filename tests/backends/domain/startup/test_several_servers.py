"""One file with the lines of several servers between one another: each has its own start."""

from itertools import chain, zip_longest

import pytest

from backends.domain.start import Outcome, Start
from backends.domain.startup.explain import explain
from tests.backends.domain.startup.test_endings import SERVED, STARTED

FAILED = STARTED.replace("model-a", "model-b") + (
    "(EngineCore pid=91) ERROR 09-14 07:07:35 [core.py:1330] EngineCore failed to start.\n"
    "(EngineCore pid=91) ERROR 09-14 07:07:35 [core.py:1330] RuntimeError: Could not find nvcc and "
    "default cuda_home='/usr/local/cuda' doesn't exist\n"
)
READY = STARTED + SERVED
WRAPPERS = {
    "compose": ("chat-1   | ", "embed-1  | "),
    "replicas of one compose service": ("vllm-1  | ", "vllm-2  | "),
    "kubectl": ("[pod/chat-7f9c-x2x/vllm] ", "[pod/embed-5d4c-q9q/vllm] "),
    "stern": ("chat-7f9c-x2x vllm ", "embed-5d4c-q9q vllm "),
    "journald": ("Sep 14 07:07:01 box chat[11]: ", "Sep 14 07:07:01 box embed[12]: "),
    "Ray Serve": ("(ServeReplica:a:LLM pid=11) ", "(ServeReplica:b:LLM pid=12) "),
}


def explained(lines: list[str]) -> list[Start]:
    return explain(list(enumerate(lines, 1)))


def interleaved(first: str, second: str, prefixes: tuple[str, str]) -> list[str]:
    pairs = zip_longest(
        [prefixes[0] + line for line in first.splitlines()],
        [prefixes[1] + line for line in second.splitlines()],
    )
    return [line for line in chain.from_iterable(pairs) if line is not None]


@pytest.mark.parametrize("prefixes", WRAPPERS.values(), ids=WRAPPERS)
def test_two_servers_line_by_line(prefixes: tuple[str, str]) -> None:
    starts = explained(interleaved(READY, FAILED, prefixes))
    assert [(start.model, start.outcome) for start in starts] == [
        ("org/model-a", Outcome.READY),
        ("org/model-b", Outcome.FAILED),
    ]
    assert starts[1].failure is not None
    assert starts[1].failure.kind == "build_tools"
    assert starts[0].failure is None


@pytest.mark.parametrize("prefixes", WRAPPERS.values(), ids=WRAPPERS)
def test_one_after_the_other_is_as_before(prefixes: tuple[str, str]) -> None:
    first = [prefixes[0] + line for line in READY.splitlines()]
    second = [prefixes[1] + line for line in FAILED.splitlines()]
    assert [start.outcome for start in explained(first + second)] == ["ready", "failed"]


def test_the_ranks_of_one_server_stay_together() -> None:
    lines = READY.splitlines()
    ranked = [f"{place % 2}: {line}" for place, line in enumerate(lines)]
    (start,) = explained(ranked)
    assert start.outcome is Outcome.READY


def test_restarts_of_one_server_stay_its_own() -> None:
    lines = interleaved(READY + READY, FAILED, WRAPPERS["compose"])
    assert [start.outcome for start in explained(lines)] == ["ready", "failed", "ready"]
