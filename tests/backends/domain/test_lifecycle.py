"""The life of a server: a table of journals, and that no late word undoes its end."""

from functools import reduce

import pytest

from backends.domain.facts import (
    BecameReady,
    Exited,
    FirstTokenUnavailable,
    HealthChanged,
    KvCacheSized,
    MemoryReported,
    PhaseBegan,
    PhaseProgressed,
    PhaseReported,
    ServerFact,
    StartIdentified,
    StartWaits,
    StopOrdered,
    Stopped,
    StopProgressed,
    SurvivorsFound,
)
from backends.domain.lifecycle import UNORDERED, Life, failure_of, life_after, not_started
from backends.domain.server import Exit, Owner, ProcessId, ServerState, Survivor
from backends.domain.start import PhaseName
from backends.domain.startup.fold import as_start
from tests.backends.domain.journals import (
    FAILURE,
    at,
    failed,
    loading,
    ready,
    spawned,
    stopped,
    stopping,
)

LEFT = Survivor(ProcessId(4300, 99), "VLLM::EngineCore")


def life(journal: list[ServerFact]) -> Life:
    return reduce(life_after, journal, not_started("chat"))


@pytest.mark.parametrize(
    ("journal", "state", "phase", "pid"),
    [
        ([], ServerState.STOPPED, None, None),
        ([spawned()], ServerState.STARTING, PhaseName.LAUNCH, 4242),
        (loading(), ServerState.STARTING, PhaseName.LOAD_WEIGHTS, 4242),
        (ready(), ServerState.READY, None, 4242),
        ([*ready(), HealthChanged(at(160), False, "no answer")], ServerState.UNHEALTHY, None, 4242),
        (
            [*ready(), HealthChanged(at(160), False), HealthChanged(at(161), True)],
            ServerState.READY,
            None,
            4242,
        ),
        (stopping(), ServerState.STOPPING, None, 4242),
        ([*stopping(), Exited(at(203), Exit(0, None))], ServerState.STOPPING, None, 4242),
        (stopped(), ServerState.STOPPED, None, None),
        (failed(), ServerState.FAILED, None, None),
        (failed()[:-1], ServerState.STOPPING, None, 4242),
        ([*stopped(), spawned(300.0)], ServerState.STARTING, PhaseName.LAUNCH, 4242),
    ],
    ids=[
        "nothing",
        "spawned",
        "loading",
        "ready",
        "unhealthy",
        "healthy-again",
        "stopping",
        "exited",
        "stopped",
        "failed",
        "failing",
        "anew",
    ],
)
def test_what_a_journal_makes_of_a_server(
    journal: list[ServerFact], state: ServerState, phase: PhaseName | None, pid: int | None
) -> None:
    server = life(journal).server
    assert (server.state, server.phase, server.pid) == (state, phase, pid)


def test_a_server_that_exited_is_not_stopped_while_something_of_it_is_left() -> None:
    left = life([*stopping(), Exited(at(203), Exit(0, None)), SurvivorsFound(at(203.1), (LEFT,))])
    assert left.server.state is ServerState.STOPPING
    assert left.server.survivors == (LEFT,)
    assert life_after(left, Stopped(at(205))).server.survivors == ()


@pytest.mark.parametrize(
    "late", [BecameReady(at(300)), HealthChanged(at(300), False), HealthChanged(at(300), True)]
)
@pytest.mark.parametrize("journal", [stopping(), stopped(), failed()], ids=["ing", "ed", "failed"])
def test_a_late_word_of_a_probe_does_not_undo_an_end(
    journal: list[ServerFact], late: ServerFact
) -> None:
    ended = life(journal)
    assert life_after(ended, late).server.state is ended.server.state


def test_times_count_from_the_launch() -> None:
    server = life(ready()).server
    assert (server.ready_s, server.first_token_s) == (50.0, 50.5)
    assert server.started_at == at(100.0).wall_s
    assert server.owner is Owner.MANAGED


def test_what_was_never_seen_is_unknown() -> None:
    server = life(loading()).server
    assert (server.ready_s, server.first_token_s, server.exit, server.failure) == (None,) * 4


def test_the_first_failure_is_the_root_and_a_new_start_forgets_it() -> None:
    assert life(failed()).server.failure == FAILURE
    anew = life([*failed(), spawned(400.0)])
    assert anew.server.failure is None
    assert anew.start is not None
    assert anew.start.failure is None


def test_no_first_token_is_told_and_leaves_it_ready() -> None:
    told = life([*ready()[:-1], FirstTokenUnavailable(at(151), "the probe was refused")])
    assert told.server.state is ServerState.READY
    assert told.server.first_token_s is None
    assert "refused" in told.note


def test_who_ordered_the_stop_is_noted() -> None:
    assert "inferctl pid 7" in life([*ready(), StopOrdered(at(160), "inferctl pid 7")]).note


def test_the_step_of_a_stop_and_what_a_start_waits_for_are_noted() -> None:
    assert life([*stopping(), StopProgressed(at(203), "waiting for 2 requests")]).note == (
        "waiting for 2 requests"
    )
    waiting = life([*loading(), HealthChanged(at(120), False, "no answer yet")])
    assert (waiting.server.state, waiting.note) == (ServerState.STARTING, "no answer yet")


@pytest.mark.parametrize(("code", "note"), [(0, UNORDERED), (1, "")])
def test_an_end_that_nobody_ordered_is_named_where_the_exit_does_not_say_so(
    code: int, note: str
) -> None:
    assert life([*ready(), Exited(at(160), Exit(code, None))]).server.note == note


def test_a_failure_is_the_servers_own_or_that_of_its_start() -> None:
    assert failure_of(not_started("chat")) is None
    assert failure_of(life(loading())) is None
    assert failure_of(life(failed())) == FAILURE


@pytest.mark.parametrize(
    ("fact", "field", "value"),
    [
        (StartIdentified(at(121), "0.32.0", "org/other", ()), "vllm_version", "0.32.0"),
        (KvCacheSized(at(121), 4096, 2.0), "kv_cache", KvCacheSized(at(121), 4096, 2.0)),
        (
            PhaseProgressed(at(121), PhaseName.LOAD_WEIGHTS, "shard", 1, 2),
            "progress",
            PhaseProgressed(at(121), PhaseName.LOAD_WEIGHTS, "shard", 1, 2),
        ),
        (
            PhaseReported(at(121), PhaseName.LOAD_WEIGHTS, 4.5, None),
            "reports",
            (((PhaseName.LOAD_WEIGHTS, "", 0), 4.5),),
        ),
    ],
    ids=["identified", "kv-cache", "progress", "report"],
)
def test_what_a_start_reports_is_kept_with_the_start_and_leaves_the_server(
    fact: ServerFact, field: str, value: object
) -> None:
    before = life(loading())
    after = life_after(before, fact)
    assert after.server == before.server
    assert getattr(after.start, field) == value


def test_the_memory_of_a_rank_is_kept_with_the_start() -> None:
    after = life([*loading(), MemoryReported(at(121), "weights", 7.5, 1)])
    assert after.start is not None
    assert [(rank.rank, rank.weights_gib) for rank in after.start.memory] == [(1, 7.5)]


def test_a_phase_that_begins_after_ready_is_not_the_servers() -> None:
    after = life([*ready(), PhaseBegan(at(160), PhaseName.WARM_UP_KERNELS)])
    assert (after.server.state, after.server.phase) == (ServerState.READY, None)


@pytest.mark.parametrize(
    "end",
    [PhaseBegan(at(160), PhaseName.COMPILE), BecameReady(at(160)), Exited(at(160), Exit(1, None))],
)
def test_what_a_start_waits_for_is_said_until_it_goes_on_or_ends(end: ServerFact) -> None:
    waits = [*loading(), StartWaits(at(140), "waiting for Ray to give 2 GPUs")]
    assert life(waits).server.note == life(waits).note == "waiting for Ray to give 2 GPUs"
    start = life(waits).start
    assert start is not None
    assert as_start(start, at(150)).standing == "waiting for Ray to give 2 GPUs"
    on = life([*waits, end])
    assert (on.server.note, on.note) == ("", "")
    assert on.start is not None
    assert as_start(on.start, at(161)).standing is None


def test_a_stop_that_was_ordered_meanwhile_is_not_forgotten_with_the_wait() -> None:
    waits = [*loading(), StartWaits(at(140), "waiting for Ray to give 2 GPUs")]
    ending = life([*waits, StopOrdered(at(150), "a test"), PhaseBegan(at(160), PhaseName.COMPILE)])
    assert ending.server.note == "stop ordered by a test"
