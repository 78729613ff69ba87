"""Which keys are offered for a session, without any app."""

from dataclasses import replace

import pytest

from backends.domain.server import Owner, ServerState
from backends.domain.session import Session
from backends.operations.load_test import LoadProgress
from backends.prober.protocol import LoadOrder, Target
from console.tui.views.keys import can_act
from tests.console.sessions import DESK, EMPTY, FAILED, READY, STARTING

SERVER_KEYS = ("start", "stop", "restart", "end", "leave")
AB_KEYS = ("once", "series", "explain", "cancel", "prompt")


def offered(
    action: str, words: tuple[str, ...], session: Session, *, replayed: bool = False
) -> set[str]:
    return {
        each for each in words if can_act(action, each, session, replace(DESK, replayed=replayed))
    }


def of_others(session: Session) -> Session:
    assert session.life is not None
    server = replace(session.life.server, owner=Owner.EXTERNAL, state=ServerState.READY)
    return replace(session, life=replace(session.life, server=server))


@pytest.mark.parametrize(
    ("session", "expected"),
    [
        (STARTING, {"stop", "restart", "leave"}),
        (READY, {"stop", "restart", "leave"}),
        (FAILED, {"start", "leave"}),
        (of_others(READY), {"leave"}),
        (Session(EMPTY.now), {"leave"}),
    ],
)
def test_a_server_is_started_or_stopped_where_it_is_ours(
    session: Session, expected: set[str]
) -> None:
    assert offered("server", SERVER_KEYS, session) == expected


def test_an_ab_is_cancelled_while_it_runs_and_explained_where_it_cannot_be() -> None:
    assert offered("ab", AB_KEYS, READY) == {"cancel", "prompt"}
    assert offered("ab", AB_KEYS, replace(READY, ab=None)) == {"once", "series", "prompt"}
    assert offered("ab", AB_KEYS, replace(STARTING, ab=None)) == {"explain", "prompt"}


def test_a_load_is_cancelled_while_it_runs_and_no_ab_does() -> None:
    order = LoadOrder(Target("a", "x", "http://127.0.0.1:9/v1", "m"), "hi")
    running = replace(DESK, load=LoadProgress(order, None, None, 1.0, 30.0))
    idle = replace(READY, ab=None)
    assert can_act("load", "cancel", idle, running)
    assert not can_act("load", "cancel", READY, running)
    assert not can_act("load", "cancel", idle, DESK)
    assert can_act("load", "open", idle, DESK)
    assert not can_act("load", "open", idle, replace(DESK, replayed=True))


def test_nothing_on_a_replay_reaches_a_server_of_today() -> None:
    assert offered("server", SERVER_KEYS, READY, replayed=True) == {"leave"}
    assert offered("ab", AB_KEYS, replace(READY, ab=None), replayed=True) == set()
    assert offered("show", ("logs", "costs"), READY, replayed=True) == {"costs"}


def test_the_log_is_shown_of_a_server_whose_output_a_keeper_writes_down() -> None:
    assert can_act("show", "logs", READY, DESK)
    adopted = of_others(READY)
    assert can_act("show", "logs", adopted, DESK)
    assert adopted.life is not None
    unkept = replace(adopted, life=replace(adopted.life, spawned_at=None, start=None))
    assert not can_act("show", "logs", unkept, DESK)
    unread = replace(adopted, life=replace(adopted.life, no_log="it goes to /dev/null"))
    assert not can_act("show", "logs", unread, DESK)
    assert not can_act("show", "logs", Session(EMPTY.now), DESK)
