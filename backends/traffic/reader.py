"""Files of traffic as one demand: every row of every file, whoever wrote them."""

import gc
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from backends.domain.durations import HOUR_S, MINUTE_S
from backends.domain.format import clock
from backends.domain.traffic.demand import (
    Demand,
    cached_share_of,
    dispersion_within,
    spread_over_hours,
)
from backends.domain.traffic.requests import Observed, RequestKind
from backends.domain.traffic.series import TrafficSeries
from backends.domain.traffic.shape import HourlyProfile, learn
from backends.domain.traffic.totals import TokenTotals
from backends.traffic.columns import UnreadableTraffic
from backends.traffic.engine import tallied_by_engine
from backends.traffic.files import described, files_in
from backends.traffic.rows import FileRead, rows_of
from backends.traffic.tally import Tally


@dataclass(slots=True)
class TrafficRead:
    """All files that were read, and what they come to."""

    files: list[FileRead] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)


def traffic_in(
    patterns: tuple[str, ...],
    mapping: Mapping[str, str] | None = None,
    limits: tuple[float, ...] = (),
    model: str = "",
) -> Demand:
    """Return the traffic that files record, added up: replicas on many hosts are one demand.

    Args:
        patterns: paths, folders, or patterns such as ``logs/*.csv.gz``.
        mapping: column by role, where its name does not say what it is.
        limits: prompt lengths from which prices change, in order.
        model: whose requests count where a file names models; empty for those of all.

    Raises:
        UnreadableTraffic: a file cannot be read, or a row of it is no traffic.
    """
    with _uncollected():
        read = TrafficRead(tally=Tally(limits=limits))
        for path in files_in(patterns):
            file = described(path)
            by_engine = None if model else tallied_by_engine(file, mapping or {}, read.tally)
            if by_engine is not None:
                read.files.append(by_engine)
                continue
            found, rows = rows_of(file, mapping or {}, model)
            read.files.append(found)
            for row in rows:
                read.tally.add(row)
        read.tally.finish()
        return demand_of(read, ", ".join(patterns))


@contextmanager
def _uncollected() -> Iterator[None]:
    """Look for no cycles: among ten thousands of rows of numbers there are none."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def demand_of(read: TrafficRead, named: str) -> Demand:
    """Return what was added up as a demand.

    Raises:
        UnreadableTraffic: it has no request, or all at one instant.
    """
    tally = read.tally
    window_s = tally.to_s - tally.first_s
    n, into, out, cached, *_ = tally.sums
    if not n or window_s <= 0:
        where = " at one instant; give it some at two instants" if n else ""
        raise UnreadableTraffic(f"{named} has {n:.0f} requests{where}")
    totals = TokenTotals(n, into, cached if tally.cached_known else None, out)
    first = Path(named).name if len(read.files) == 1 else f"{len(read.files)} files"
    return Demand(
        seen=_seen(tally, window_s),
        source=f"{first}, {n:.0f} requests over {clock(window_s)}{_left_out(read)}",
        cached_input_share=cached_share_of(totals),
        profile=_profile(tally),
        totals=totals,
        series=_series(tally, relative=any(each.columns.relative for each in read.files)),
        kinds=_kinds(tally),
    )


def _kinds(tally: Tally) -> tuple[RequestKind, ...]:
    """Return the requests by lengths that are priced alike; empty where all of them are."""
    if len(tally.kinds) < 2:
        return ()
    return tuple(_kind(*tally.kinds[place]) for place in sorted(tally.kinds))


def _kind(n: float, into: float, out: float) -> RequestKind:
    weight, into_mean, out_mean = (Decimal(repr(each)) for each in (float(n), into / n, out / n))
    return RequestKind(weight, into_mean, out_mean)


def _left_out(read: TrafficRead) -> str:
    """Return what of the files is no served request, and what is assumed, to end a sentence."""
    failed = sum(each.failed for each in read.files)
    tokenless = sum(each.tokenless for each in read.files)
    said = [f"{failed} failed"] if failed else []
    said += [f"{tokenless} without tokens"] if tokenless else []
    others = sum(each.of_others for each in read.files)
    said += [f"{others} of other models"] if others else []
    sums = sum(each.of_sums for each in read.files)
    said += [f"{sums} that add up the others"] if sums else []
    assumed = dict.fromkeys(each for file in read.files for each in file.columns.assumed())
    left_out = f", left out {' and '.join(said)}" if said else ""
    return "; ".join((left_out, *assumed))


def _seen(tally: Tally, window_s: float) -> Observed:
    n, into, out, _, into_squares, out_squares, products = tally.sums
    into_mean, out_mean = into / n, out / n

    def spread(squares: float, mean: float) -> Decimal:
        return Decimal(repr(max(0.0, squares / n - mean * mean))).sqrt()

    return Observed(
        n=Decimal(repr(float(n))),
        input_tokens_mean=Decimal(repr(into_mean)),
        output_tokens_mean=Decimal(repr(out_mean)),
        input_tokens_sd=spread(into_squares, into_mean),
        output_tokens_sd=spread(out_squares, out_mean),
        covariance=Decimal(repr(products / n - into_mean * out_mean)),
        window_s=Decimal(repr(window_s)),
        dispersion=Decimal(repr(_dispersion(tally))),
    )


def _dispersion(tally: Tally) -> float:
    """Return how uneven the minutes of each hour are; rows of longer intervals do not tell."""
    if tally.widest_s > MINUTE_S / 2:
        return 1.0
    bin_s = max(tally.step_s, MINUTE_S)
    by_bin: dict[int, float] = defaultdict(float)
    for place, sums in tally.steps.items():
        by_bin[int(place * tally.step_s // bin_s)] += sums[0]
    first, last, each_hour = tally.first_s // bin_s, tally.last_s // bin_s, int(HOUR_S // bin_s)
    hours = (
        [
            by_bin.get(place, 0.0)
            for place in range(begin, begin + each_hour)
            if first <= place <= last
        ]
        for begin in range(int(first) // each_hour * each_hour, int(last) + 1, each_hour)
    )
    return dispersion_within(hours)


def _profile(tally: Tally) -> HourlyProfile:
    profile = spread_over_hours(HourlyProfile(), tally.first_s, tally.to_s)
    by_hour = [0.0] * 24
    for place, sums in tally.steps.items():
        by_hour[int(place * tally.step_s // HOUR_S) % 24] += sums[0]
    for hour, count in enumerate(by_hour):
        profile = learn(profile, hour, count, 0.0)
    return profile


def _series(tally: Tally, *, relative: bool) -> TrafficSeries:
    places = sorted(tally.steps)
    columns = zip(*(tally.steps[place] for place in places), strict=True)
    requests, into, out, cached, into_squares, out_squares, products = map(tuple, columns)
    return TrafficSeries(
        step_s=tally.step_s,
        finest_s=max(tally.step_s, tally.widest_s),
        from_s=tally.first_s,
        to_s=tally.to_s,
        places=tuple(places),
        requests=requests,
        input_tokens=into,
        output_tokens=out,
        cached_input_tokens=cached if tally.cached_known else None,
        input_squares=into_squares,
        output_squares=out_squares,
        products=products,
        relative=relative,
    )
