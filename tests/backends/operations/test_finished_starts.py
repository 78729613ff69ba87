"""What the history keeps of a start that something else began."""

from functools import reduce
from types import SimpleNamespace

import pytest

from backends.domain.facts import BecameReady, PhaseBegan, ServerFact, Spawned
from backends.domain.lifecycle import life_after, not_started
from backends.domain.server import ProcessId
from backends.domain.stamp import Stamp
from backends.domain.start import PhaseName
from backends.history.records import StartRecord
from backends.operations.finished_starts import start_record

HOST = SimpleNamespace(settings=SimpleNamespace(profile=lambda _: None))


def _kept(argv: tuple[str, ...], no_log: str = "") -> StartRecord | None:
    spawned = Spawned(
        Stamp(100.0, 1e9),
        "s",
        "n",
        "m",
        argv,
        ProcessId(7, 1),
        ProcessId(6, 1),
        "127.0.0.1",
        8000,
        no_log=no_log,
    )
    facts: tuple[ServerFact, ...] = (
        spawned,
        PhaseBegan(Stamp(101.0, 1e9 + 1), PhaseName.LOAD_WEIGHTS),
        BecameReady(Stamp(109.0, 1e9 + 9)),
    )
    life = reduce(life_after, facts, not_started(""))
    return start_record(HOST, life, Stamp(200.0, 1e9 + 100))  # type: ignore[arg-type]


@pytest.mark.parametrize("argv", [("vllm", "serve", "m"), ("python3", "/v/vllm", "serve", "m")])
def test_a_start_whose_output_is_read_is_kept(argv: tuple[str, ...]) -> None:
    kept = _kept(argv)
    assert kept is not None
    assert (kept.model, kept.args, kept.start.ready_s) == ("m", (), 9.0)


def test_a_start_whose_output_nobody_could_read_is_not_kept() -> None:
    assert _kept(("vllm", "serve", "m"), no_log="its output goes to a terminal") is None
