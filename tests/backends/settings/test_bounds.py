"""The last value that a key of the configuration takes, and the first that it does not."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from backends.domain.values import Unfit
from backends.settings.kinds import (
    arguments,
    base_url,
    billed_since,
    count,
    port,
    seconds,
    whole_seconds,
)

TAKEN: list[tuple[Callable[[object], object], object, object]] = [
    (port, 1, 1),
    (port, 65_535, 65_535),
    (count, 1, 1),
    (count, 1_000_000, 1_000_000),
    (whole_seconds, 0, 0),
    (whole_seconds, 1_000_000_000, 1_000_000_000),
    (seconds, 0.001, 0.001),
    (seconds, 999_999_999, 999_999_999.0),
    (billed_since, "1971-01-01T00:00:00Z", datetime(1971, 1, 1, tzinfo=UTC)),
    (billed_since, "9998-12-31T00:00:00Z", datetime(9998, 12, 31, tzinfo=UTC)),
    (base_url, "https://api.example", "https://api.example/v1"),
    (base_url, "https://api.example/openai", "https://api.example/openai"),
    (arguments, ["--po", "1"], ("--po", "1")),
]
REFUSED: list[tuple[Callable[[object], object], object]] = [
    (port, 0),
    (port, 65_536),
    (port, True),
    (count, 0),
    (count, 1_000_001),
    (whole_seconds, -1),
    (whole_seconds, 1_000_000_001),
    (seconds, 0),
    (seconds, 1e9),
    (seconds, float("nan")),
    (seconds, True),
    (billed_since, "1970-12-31T00:00:00Z"),
    (billed_since, "9999-01-01T00:00:00Z"),
    (billed_since, "2026-11-21T08:00:00"),
    (arguments, ["--por", "1"]),
    (arguments, ["--api_k=x"]),
]


@pytest.mark.parametrize(("kind", "value", "taken"), TAKEN)
def test_the_last_value_that_is_taken(
    kind: Callable[[object], object], value: object, taken: object
) -> None:
    assert kind(value) == taken


@pytest.mark.parametrize(("kind", "value"), REFUSED)
def test_the_first_value_that_is_refused(kind: Callable[[object], object], value: object) -> None:
    with pytest.raises(Unfit):
        kind(value)
