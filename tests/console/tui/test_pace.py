"""The screen is drawn as often as something moves on it."""

from dataclasses import replace

import pytest

from backends.domain.facts import Fact, GpusSampled, HostTicked, MetricsScraped
from backends.domain.gpu import GpuSample
from backends.domain.server import ServerState
from backends.domain.serving import Counters
from backends.domain.session import Session, advance, watching
from backends.domain.stamp import Stamp
from console.tui.pace import FIGURES_S, QUIET_S, TIMED_S, awaits_the_tick, tick_s


def scraped(mono_s: float, running: float, tokens: float, server: str = "chat") -> MetricsScraped:
    counters = Counters(
        process_start_s=1.0, requests_running=running, generation_tokens=tokens, prompt_tokens=0.0
    )
    return MetricsScraped(Stamp(mono_s, 1000.0 + mono_s), counters, server)


def session(state: ServerState, *facts: Fact) -> Session:
    begun = watching(Session(Stamp(0.0, 1000.0)), "chat", "m")
    assert begun.life is not None
    server = replace(begun.life.server, state=state)
    begun = replace(begun, life=replace(begun.life, server=server))
    for fact in facts:
        begun = advance(begun, fact)
    return begun


IDLE = (scraped(1.0, 0, 50), scraped(2.0, 0, 50))


@pytest.mark.parametrize(
    ("state", "facts", "pace_s"),
    [
        (ServerState.STARTING, (), TIMED_S),
        (ServerState.STOPPING, IDLE, TIMED_S),
        (ServerState.STOPPED, (), QUIET_S),
        (ServerState.FAILED, (), QUIET_S),
        (ServerState.READY, (), FIGURES_S),
        (ServerState.READY, IDLE, QUIET_S),
        (ServerState.READY, (scraped(1.0, 0, 50), scraped(2.0, 1, 50)), FIGURES_S),
        (ServerState.READY, (scraped(1.0, 0, 50), scraped(2.0, 0, 70)), FIGURES_S),
    ],
)
def test_the_pace(state: ServerState, facts: tuple[Fact, ...], pace_s: float) -> None:
    assert tick_s(session(state, *facts)) == pace_s


def test_what_ends_the_quiet_is_drawn_at_once() -> None:
    quiet = session(ServerState.READY, *IDLE)
    assert awaits_the_tick(quiet, scraped(3.0, 0, 50))
    assert not awaits_the_tick(quiet, scraped(3.0, 1, 50))
    assert awaits_the_tick(quiet, scraped(3.0, 1, 50, server="another"))
    assert not awaits_the_tick(session(ServerState.READY), scraped(3.0, 0, 50))


def test_figures_that_move_all_the_time_await_the_tick() -> None:
    busy = session(ServerState.READY, scraped(1.0, 1, 50), scraped(2.0, 1, 60))
    assert awaits_the_tick(busy, scraped(3.0, 2, 80))
    assert awaits_the_tick(busy, HostTicked(Stamp(3.0, 1003.0)))
    sample = GpusSampled(Stamp(3.0, 1003.0), GpuSample(()))
    assert not awaits_the_tick(busy, sample)
    assert awaits_the_tick(advance(busy, sample), sample)
