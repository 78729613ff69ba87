"""An external server, from the process table alone."""

from dataclasses import replace

import pytest

from backends.domain.billing.account import activity
from backends.domain.external import ENDED
from backends.domain.facts import GpusSampled, ServersSeen, SourceFailed, Spawned
from backends.domain.gpu import GpuSample
from backends.domain.server import Owner, ProcessId, Server, ServerState
from backends.domain.session import Session, advance, watching, watching_external
from backends.domain.stamp import Stamp

THEIRS = Server(
    "vllm-8000",
    Owner.EXTERNAL,
    ServerState.READY,
    pid=7,
    port=8000,
    base_url="http://127.0.0.1:8000/v1",
    model="org/theirs",
    started_at=100.0,
)
SESSION = watching_external(Session(Stamp(0.0, 0.0)), THEIRS)


def after(*servers: Server, session: Session = SESSION) -> Server:
    life = advance(session, ServersSeen(Stamp(1.0, 1.0), servers)).life
    assert life is not None
    return life.server


@pytest.mark.parametrize(
    ("listed", "state"),
    [
        (THEIRS, ServerState.READY),
        (replace(THEIRS, base_url=None), ServerState.UNHEALTHY),
        (replace(THEIRS, state=ServerState.UNHEALTHY), ServerState.UNHEALTHY),
        (replace(THEIRS, state=ServerState.UNKNOWN, base_url=None), ServerState.UNKNOWN),
        (replace(THEIRS, pid=8, base_url=None), ServerState.READY),
        (replace(THEIRS, name="vllm-9000"), ServerState.STOPPED),
        (replace(THEIRS, owner=Owner.MANAGED), ServerState.STOPPED),
    ],
    ids=[
        "as before",
        "deaf",
        "unwell",
        "unasked",
        "started anew",
        "another's port",
        "a profile of that name",
    ],
)
def test_its_state_is_what_the_list_tells(listed: Server, state: ServerState) -> None:
    assert after(listed).state is state


def test_a_deaf_one_keeps_its_address_and_recovers() -> None:
    deaf = advance(SESSION, ServersSeen(Stamp(1.0, 1.0), (replace(THEIRS, base_url=None),)))
    assert deaf.life is not None
    assert deaf.life.server.base_url == THEIRS.base_url
    assert "port 8000" in deaf.life.note
    assert after(THEIRS, session=deaf) == THEIRS


def test_one_that_has_ended_has_no_pid_and_comes_back_under_another() -> None:
    gone = advance(SESSION, ServersSeen(Stamp(1.0, 1.0), ()))
    assert gone.life is not None
    assert (gone.life.server.pid, gone.life.note) == (None, ENDED)
    assert activity(gone.account) == "stopped"
    assert after(replace(THEIRS, pid=9), session=gone).state is ServerState.READY


def test_two_of_one_port_are_told_apart_by_their_process() -> None:
    other = replace(THEIRS, pid=1, model="org/other")
    assert after(other, THEIRS) == THEIRS


def test_a_new_process_does_not_inherit_the_figures_of_the_old_one() -> None:
    failed = advance(SESSION, SourceFailed(Stamp(0.5, 0.5), "metrics", "no answer"))
    assert failed.failed_sources
    anew = advance(failed, ServersSeen(Stamp(1.0, 1.0), (replace(THEIRS, pid=8),)))
    assert not anew.failed_sources


def test_the_list_says_nothing_of_a_server_that_a_journal_tells() -> None:
    ours = watching(Session(Stamp(0.0, 0.0)), "vllm-8000", "org/ours")
    assert after(THEIRS, session=ours).state is ServerState.STOPPED
    assert after(THEIRS, session=ours).owner is Owner.MANAGED


def test_what_was_listed_and_sampled_outlives_a_turn() -> None:
    seen = advance(Session(Stamp(0.0, 0.0)), ServersSeen(Stamp(1.0, 1.0), (THEIRS,)))
    seen = advance(seen, GpusSampled(Stamp(1.0, 1.0), GpuSample(())))
    turned = watching_external(seen, THEIRS)
    assert (turned.servers, turned.servers_seen) == ((THEIRS,), True)
    assert turned.gpus == GpuSample(())


def test_a_list_from_before_its_keeper_came_takes_nothing_from_what_the_journal_tells() -> None:
    spawned = Spawned(
        Stamp(1.0, 1.0),
        "0123456789ab",
        THEIRS.name,
        "org/theirs",
        (),
        ProcessId(7, 1),
        ProcessId(9, 1),
        "127.0.0.1",
        8000,
        owner=Owner.EXTERNAL,
        no_log="its output goes to /dev/null",
    )
    journaled = advance(SESSION, spawned)
    listed = advance(journaled, ServersSeen(Stamp(2.0, 2.0), (THEIRS,)))
    assert listed.life == journaled.life
    gone = advance(listed, ServersSeen(Stamp(3.0, 3.0), ()))
    assert gone.life is not None
    assert gone.life.server.pid is None
