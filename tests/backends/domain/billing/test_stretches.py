"""What journals tell of the time that nobody watched."""

from collections.abc import Sequence
from itertools import pairwise

from backends.domain.billing.ledger import Change, Stretch, changes, stretches_between
from tests.backends.domain.journals import at, failed, ready, stopped

T = at(0).wall_s


def between(
    servers: Sequence[Sequence[Change]], from_s: float, to_s: float
) -> list[tuple[float, str]]:
    found = stretches_between(servers, T + from_s, T + to_s)
    return [(each.to_s - each.from_s, each.activity) for each in found]


def test_a_start_and_a_stop_are_known_and_what_a_ready_server_did_is_not() -> None:
    assert between([changes(stopped())], 90, 300) == [
        (10.0, "unwatched"),
        (50.0, "starting"),
        (53.0, "unwatched"),
        (1.0, "stopped"),
        (96.0, "stopped"),
    ]


def test_without_a_journal_nothing_is_known() -> None:
    assert between([], 0, 100) == [(100.0, "unwatched")]
    assert stretches_between([], 5.0, 5.0) == ()


def test_a_failed_start_leaves_a_host_that_is_billed_while_stopped() -> None:
    assert between([changes(failed())], 130, 230) == [(100.0, "stopped")]


def test_one_server_that_may_serve_hides_what_another_does() -> None:
    both: list[Sequence[Change]] = [changes(stopped()), changes(ready())]
    assert between(both, 250, 300) == [(50.0, "unwatched")]
    starting: list[Sequence[Change]] = [changes(stopped()), [(T + 250.0, "starting")]]
    assert between(starting, 260, 300) == [(40.0, "starting")]


def test_the_stretches_tile_the_time() -> None:
    found = stretches_between([changes(stopped())], T, T + 1000)
    assert found[0].from_s == T
    assert found[-1] == Stretch(T + 204, T + 1000, "stopped")
    assert all(one.to_s == two.from_s for one, two in pairwise(found))
