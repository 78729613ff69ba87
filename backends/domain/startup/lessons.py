"""What a start teaches, as values and in words: how long things usually take, what would help."""

from dataclasses import dataclass

from backends.domain.start import PHASE_TITLES, PhaseName


@dataclass(frozen=True, slots=True)
class Expected:
    """How long something took in `n` earlier starts: median, shortest and longest, in seconds."""

    median_s: float
    min_s: float
    max_s: float
    n: int


@dataclass(frozen=True, slots=True)
class Slower:
    """What took longer than in any comparable earlier start, and by more than they differ.

    Attributes:
        phase: None for the whole start until it was ready.
        why: what is known to have caused it, empty where nothing is.
    """

    phase: PhaseName | None
    took_s: float
    usual: Expected
    why: str = ""


@dataclass(frozen=True, slots=True)
class Saving:
    """What a lever would save of this start, in seconds.

    Attributes:
        least_s: equal to `most_s` for a single figure, 0 where only a most is known.
        basis: where the figures come from: this host's starts, this start, or a publication.
        published: they are somebody else's, and nothing was measured here.
    """

    least_s: float
    most_s: float
    basis: str
    published: bool = False


@dataclass(frozen=True, slots=True)
class Advice:
    """One lever for one phase.

    Attributes:
        share: of the start until it was ready, 0 to 1.
        lever: the exact flag, variable or command.
        effect: what it does, one clause.
        price: what it costs, one clause.
        saving: None where neither this host nor a publication tells.
    """

    phase: PhaseName
    duration_s: float
    share: float
    lever: str
    effect: str
    price: str
    saving: Saving | None = None


def slower_sentence(slow: Slower) -> str:
    """Return for example ``compile 48 s, usually 12 s (9 to 14, last 8 starts)``."""
    told = f"{slower_clause(slow)[:-1]}, last {slow.usual.n} starts)"
    return f"{told}: {slow.why}" if slow.why else told


def slower_clause(slow: Slower) -> str:
    """Return for example ``compile 48 s, usually 12 s (9 to 14)``."""
    name = "ready in" if slow.phase is None else PHASE_TITLES[slow.phase]
    low, high = _digits(slow.usual.min_s, slow.usual.max_s)
    usual = f"usually {_seconds(slow.usual.median_s)} ({low} to {high})"
    return f"{name} {_seconds(slow.took_s)}, {usual}"


def advice_sentence(advice: Advice) -> str:
    """Return the phase, the lever, what it does, saves and costs as one line."""
    saves = f"; {saving_clause(advice.saving)}" if advice.saving else ""
    return (
        f"{advice.phase} took {advice.duration_s:.1f} s, {advice.share:.0%} of the start; "
        f"{advice.lever} {advice.effect}{saves}; its price: {advice.price}"
    )


def saving_clause(saving: Saving) -> str:
    """Return for example ``saves up to 9.1 s (what it took in this start)``."""
    return f"saves {saving_figure(saving)} ({saving.basis})"


def saving_figure(saving: Saving) -> str:
    """Return for example ``9.1 s``, ``7 to 12 s`` or ``up to 9.1 s``."""
    digits = 1 if saving.most_s < 9.95 else 0
    least, most = f"{saving.least_s:.{digits}f}", f"{saving.most_s:.{digits}f}"
    if not saving.least_s:
        return f"up to {most} s"
    return f"{most} s" if least == most else f"{least} to {most} s"


def _seconds(value: float) -> str:
    return f"{value:.0f} s" if value >= 9.95 else f"{value:.1f} s"


def _digits(low: float, high: float) -> tuple[str, str]:
    digits = 0 if high >= 9.95 else 1
    return f"{low:.{digits}f}", f"{high:.{digits}f}"
