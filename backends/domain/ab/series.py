"""One A/B as a value, folded from its facts."""

from dataclasses import dataclass, replace

from backends.domain.ab.facts import AbFact, RunEnded, SeriesBegan, SeriesEnded
from backends.domain.ab.run import ClientAudit, Run, TargetName


@dataclass(frozen=True, slots=True)
class AbSeries:
    """What is known of an A/B so far; `ended` is False while it runs."""

    began: SeriesBegan
    runs: tuple[Run, ...] = ()
    ended: bool = False
    reason: str = ""
    client: ClientAudit | None = None

    def target(self, name: TargetName) -> tuple[Run, ...]:
        """Return the runs of one target, in the order in which they ended."""
        return tuple(run for run in self.runs if run.target == name)


def advance_series(series: AbSeries | None, fact: AbFact) -> AbSeries | None:
    """Return the A/B after one more fact; None until one has begun."""
    if isinstance(fact, SeriesBegan):
        return AbSeries(fact)
    if series is None:
        return None
    match fact:
        case RunEnded(_, run):
            return replace(series, runs=(*series.runs, run))
        case SeriesEnded(_, _, reason, client):
            return replace(series, ended=True, reason=reason, client=client)
        case _:
            return series
