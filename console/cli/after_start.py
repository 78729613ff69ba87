"""What is said once a start is over: was it slower than usual, and what would shorten it."""

from backends.domain.start import Start
from backends.domain.startup.advice import advise
from backends.domain.startup.expectation import comparable, slower_than_usual
from backends.domain.startup.lessons import Advice, advice_sentence
from backends.operations import records
from backends.operations.host import Machine
from backends.settings.config import Profile


def slower_than_earlier(machine: Machine, profile: Profile, start: Start) -> str | None:
    """Return one sentence on the phase that took longer than ever before, None for a usual start.

    Raises:
        HistoryUnavailable: the history cannot be read.
    """
    earlier = records.earlier_starts(machine, profile, but=start.start_id)
    return slower_than_usual(comparable(earlier, start), start)


def remarks(machine: Machine, profile: Profile, start: Start) -> list[str]:
    """Return the sentence on slowness, if one is due, and one for each lever.

    Raises:
        HistoryUnavailable: the history cannot be read.
    """
    slower = slower_than_earlier(machine, profile, start)
    told = [f"slower than usual: {slower}"] if slower else []
    return told + [advice_sentence(lever) for lever in advice_after(machine, profile, start)]


def advice_after(machine: Machine, profile: Profile, start: Start) -> tuple[Advice, ...]:
    """Return the best lever for each large phase, by what starts of this host tell of them.

    Raises:
        HistoryUnavailable: the history cannot be read.
    """
    others = records.other_starts(machine, profile, but=start.start_id)
    return advise(start, others, records.environment_of(profile))
