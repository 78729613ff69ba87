"""What is journaled of a ready server's health, look by look."""

import threading
from typing import Any

import pytest

from backends.domain.facts import HealthChanged, RequestErrorsCounted, ServerFact
from backends.domain.serving import RequestErrors
from backends.http1 import Address
from backends.keeper import watch as module
from backends.keeper.watch import Watch, watch_ready

WELL, SILENT, HUNG = "", "/health: no answer in time", "the engine makes no progress"


class Looks:
    """What a server's health says, one look after another, and that nobody looks any more."""

    def __init__(self, told: list[str], errors: RequestErrors | None = None) -> None:
        self.hung = ""
        self.errors = errors or RequestErrors()
        self.sleep_level: int | None = None
        self.left = list(told)

    def look(self, _: Any) -> str:
        told = self.left.pop(0)
        self.hung = told if told == HUNG else ""
        return told


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HEALTH_EVERY_S", 0.0)
    monkeypatch.setattr(module, "_holders", lambda *_: ["a process"])


def _recorded(looks: Looks, logged_5xx: int = 0) -> list[ServerFact]:
    facts: list[ServerFact] = []
    seen = Watch(
        tree=None,  # type: ignore[arg-type]
        address=Address("127.0.0.1", 1),
        model="m",
        record=facts.append,
        interrupted=lambda: not looks.left,
        nudge=threading.Event(),
        awaits_servers=lambda: False,
        serving=looks,  # type: ignore[arg-type]
        logged_5xx=lambda: logged_5xx,
    )
    watch_ready(seen)
    return facts


def _health(facts: list[ServerFact]) -> list[tuple[bool, str]]:
    return [(fact.healthy, fact.reason) for fact in facts if isinstance(fact, HealthChanged)]


def test_a_hang_is_told_and_its_end_too() -> None:
    told = _health(_recorded(Looks([WELL, WELL, HUNG, HUNG, WELL, WELL])))
    assert told == [(True, WELL), (False, HUNG), (True, WELL)]


def test_silence_that_turns_out_to_be_a_hang_is_told_again() -> None:
    told = _health(_recorded(Looks([WELL, SILENT, SILENT, HUNG, WELL])))
    assert told == [(True, WELL), (False, SILENT), (False, HUNG), (True, WELL)]


def test_a_server_that_is_taken_over_is_called_what_it_is_now() -> None:
    assert _health(_recorded(Looks([WELL, WELL]))) == [(True, WELL)]
    assert _health(_recorded(Looks([SILENT, SILENT]))) == [(False, SILENT)]


def test_errors_of_the_log_count_where_the_counters_have_fewer() -> None:
    facts = _recorded(Looks([WELL, WELL], RequestErrors(1, 0, 2, 0)), logged_5xx=3)
    (counted,) = [fact for fact in facts if isinstance(fact, RequestErrorsCounted)]
    assert counted.errors == RequestErrors(3, 0, 2, 0)
    assert not any(isinstance(fact, RequestErrorsCounted) for fact in _recorded(Looks([WELL])))
