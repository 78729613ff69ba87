"""For how long a refusal asks to wait, in every form; and when one run may have been slowed."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from backends.prober import clock
from backends.prober.audit import Audit
from backends.prober.exchange import Trace
from backends.prober.retry import delay_of

WALL_S = 1_790_000_000.0
IN_A_MINUTE = datetime.fromtimestamp(WALL_S, UTC) + timedelta(minutes=1)
MS = 1_000_000


@pytest.mark.parametrize(
    ("value", "delay_s"),
    [
        ("0", 0.0),
        ("7.5", 7.5),
        ("999999999", 999_999_999.0),  # below this it is a time, from there on an instant
        ("1000000000", 0.0),
        (str(WALL_S + 30), 30.0),
        ("999999999999", 999_999_999_999 - WALL_S),
        ("1000000000000", 0.0),
        (str(int(WALL_S + 30) * 1000), 30.0),
        ("1h2m3s", 3723.0),
        ("250ms", 0.25),
        ("250us", 0.00025),
        ("250µs", 0.00025),
        ("1.5m", 90.0),
        (format_datetime(IN_A_MINUTE), 60.0),
        (IN_A_MINUTE.isoformat(), 60.0),
        (IN_A_MINUTE.replace(tzinfo=None).isoformat(), 60.0),
        ((IN_A_MINUTE - timedelta(minutes=2)).isoformat(), 0.0),
        ("soon", None),
        ("-5", None),
    ],
)
def test_retry_after_in_every_form(value: str, delay_s: float | None) -> None:
    found = delay_of({"retry-after": value}, None, "", WALL_S)
    assert found == (None if delay_s is None else pytest.approx(delay_s, abs=1e-6))


def test_milliseconds_come_before_seconds_and_fields_before_the_body() -> None:
    fields = {"retry-after-ms": "1500", "retry-after": "9"}
    assert delay_of(fields, {"retry_after": 3}, "try in 4s", WALL_S) == 1.5
    assert delay_of({"retry-after": "9"}, {"retry_after": 3}, "try in 4s", WALL_S) == 9.0
    assert delay_of({}, {"retry_after": 3}, "try in 4s", WALL_S) == 3.0
    assert delay_of({}, None, "try in 4s", WALL_S) == 4.0
    assert delay_of({}, None, "try again", WALL_S) is None


def test_of_several_limits_the_longest_of_those_that_are_used_up_counts() -> None:
    fields = {
        "x-ratelimit-reset-requests": "2s",
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-tokens": "6m0s",
        "x-ratelimit-remaining-tokens": "9",
    }
    assert delay_of(fields, None, "", WALL_S) == 2.0
    fields["x-ratelimit-remaining-tokens"] = "0.0"
    assert delay_of(fields, None, "", WALL_S) == 360.0
    del fields["x-ratelimit-remaining-tokens"], fields["x-ratelimit-remaining-requests"]
    assert delay_of(fields, None, "", WALL_S) == 360.0


def nested(depth: int) -> object:
    inside: object = {"retryDelay": "3s"}
    for _ in range(depth):
        inside = {"details": inside}
    return inside


@pytest.mark.parametrize(
    ("document", "delay_s"),
    [
        ({"retry_after_ms": 1500}, 1.5),
        ({"error": {"estimated_time": 20.5}}, 20.5),
        ([{"retryAfter": "7"}], 7.0),
        ([0] * 15 + [{"retryAfter": 7}], 7.0),
        ([0] * 16 + [{"retryAfter": 7}], None),
        (nested(5), 3.0),
        (nested(6), None),
        ({"retry_after": [1]}, None),
    ],
)
def test_a_delay_in_the_body(document: object, delay_s: float | None) -> None:
    assert delay_of({}, document, "", WALL_S) == delay_s


# whether the client may have limited a run


def trace(late_ms: float = 0.0, lag_ms: float = 0.0, coalesced: int | None = 1) -> Trace:
    return Trace(
        sent_ns=int(late_ms * MS) + 10**9,
        planned_ns=10**9,
        lags_ns=[0, int(lag_ms * MS)],
        coalesced_segments=coalesced,
    )


@pytest.mark.parametrize(
    ("seen", "itl_s", "marked"),
    [
        (trace(late_ms=5.0), (), False),
        (trace(late_ms=5.1), (), True),
        (trace(lag_ms=2.0), (), False),
        (trace(lag_ms=2.1), (), True),
        (trace(lag_ms=2.1, coalesced=0), (), False),
        (trace(lag_ms=2.1, coalesced=None), (), False),
        (trace(lag_ms=9.9), (0.01,), False),
        (trace(lag_ms=10.1), (0.01,), True),
        (Trace(planned_ns=10**9), (), False),
    ],
)
def test_a_run_is_marked_that_was_sent_or_read_late(
    monkeypatch: pytest.MonkeyPatch, seen: Trace, itl_s: tuple[float, ...], *, marked: bool
) -> None:
    monkeypatch.setattr(Trace, "used", lambda _: (0.0, 0.0))
    assert Audit.marks(seen, itl_s) is marked


@pytest.mark.parametrize(
    ("used", "marked"),
    [((0.1, 80.0), False), ((0.1, 80.1), True), ((0.005, 99.0), False), ((0.0051, 99.0), True)],
)
def test_a_run_is_marked_in_which_the_client_was_busy(
    monkeypatch: pytest.MonkeyPatch, used: tuple[float, float], *, marked: bool
) -> None:
    monkeypatch.setattr(Trace, "used", lambda _: used)
    assert Audit.marks(trace(), ()) is marked
    assert clock.NS == 10**9
