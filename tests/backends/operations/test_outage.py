"""What the question before an outage says is lost."""

import pytest

from backends.domain.server import Owner, Server, ServerState
from backends.operations.outage import lost_by_stop, lost_now

READY = Server("chat", Owner.MANAGED, ServerState.READY, base_url="http://127.0.0.1:1/v1")


@pytest.mark.parametrize(
    ("running", "waiting", "said"),
    [
        (4.0, 2.0, "4 requests running, 2 waiting; unfinished requests are cut off"),
        (1.0, None, "1 request running; unfinished requests are cut off"),
        (0.0, 3.0, "0 requests running, 3 waiting; unfinished requests are cut off"),
        (0.0, 0.0, "0 requests running, 0 waiting"),
        (None, None, "how many requests are running is unknown; unfinished requests are cut off"),
    ],
)
def test_requests_are_counted_or_unknown(
    running: float | None, waiting: float | None, said: str
) -> None:
    assert lost_by_stop(READY, running, waiting) == said


def test_a_server_that_does_not_answer_is_not_said_to_be_idle() -> None:
    assert "unknown" in lost_now(READY)
    starting = Server("chat", Owner.MANAGED, ServerState.STARTING)
    assert lost_now(starting) == "it is starting, and that start is lost"
