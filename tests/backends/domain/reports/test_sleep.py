"""What is known of a server that sleeps, by the orders that were measured before."""

import pytest

from backends.domain.decision.routing import NowKind, NowVerdict
from backends.domain.decision.wording import now_reason
from backends.domain.format import GIB
from backends.domain.reports.sleep import Asleep, SleepReport, asleep


def slept(level: int = 1, freed_gib: int = 60, server: str = "s") -> SleepReport:
    return SleepReport("i", 1.0, server, "m", "sleep", level, 0.5, freed_gib * GIB)


def woke(took_s: float, level: int = 1) -> SleepReport:
    return SleepReport("i", 1.0, "s", "m", "wake", level, took_s, 60 * GIB)


@pytest.mark.parametrize(
    ("newest_first", "known"),
    [
        ((), Asleep()),
        ((slept(), woke(0.4), slept(), woke(0.6)), Asleep(60 * GIB, 0.5)),
        ((slept(2), woke(0.4), slept(1)), Asleep(60 * GIB, None)),
        ((slept(server="other"), woke(0.4), slept()), Asleep(None, 0.4)),
    ],
    ids=["nothing", "its own", "another level", "ordered by something else since"],
)
def test_what_was_measured_holds_for_the_sleep_that_it_was_measured_of(
    newest_first: tuple[SleepReport, ...], known: Asleep
) -> None:
    assert asleep("s", newest_first) == known


@pytest.mark.parametrize(
    ("sleeps", "words"),
    [
        (Asleep(), "what memory that freed was not measured here"),
        (Asleep(60 * GIB, 0.5), "60.0 GiB are free, and waking takes 0.5 s here"),
        (Asleep(0), "it freed no memory"),
    ],
)
def test_nothing_is_claimed_free_that_was_not_measured(sleeps: Asleep, words: str) -> None:
    said = now_reason(NowVerdict(NowKind.SEND_TO_API, sleeps))
    assert words in said
    assert "its GPU is still billed" in said
