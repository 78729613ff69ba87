"""What of a study is about load and money: the capacity, the crossovers and the costs."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from backends.domain.ab.load import broken_rates
from backends.domain.ab.run import Run
from backends.domain.ab.series import AbSeries
from backends.domain.ab.summary import spent_usd
from backends.domain.decision.break_even import crossover
from backends.domain.decision.option import break_even_rps, with_api_prices
from backends.domain.decision.scenario import Scenario
from backends.domain.durations import HOUR_S
from backends.domain.study.figure import NO_API_PRICE, NO_GPU_PRICE, Figure, Unit
from backends.domain.study.intervals import Interval, of_mean
from backends.domain.study.study import Study

MEDIUM = "medium"
"""The length of reply that the warm series has."""
MTOK = 1_000_000


def length_series(study: Study) -> tuple[tuple[str, AbSeries], ...]:
    """Return the series of every length of reply, the shortest first."""
    medium = ((MEDIUM, study.warm),) if study.warm else ()
    return tuple(
        sorted((*study.lengths, *medium), key=lambda named: named[1].began.max_tokens or 0)
    )


def answered(series: AbSeries) -> list[Run]:
    """Return the runs that the endpoint answered."""
    return [run for run in series.target("b") if not run.error]


def request_usd(runs: Sequence[Run]) -> Interval | None:
    """Return what one request costs on average in US dollars; None where none is priced."""
    costs = [float(run.cost_usd) for run in runs if run.cost_usd is not None]
    return of_mean(costs) if costs else None


def capacity_figures(study: Study) -> Iterator[Figure]:
    """Yield the rate that the server carries within the SLO, and what it delivers there."""
    if study.load is None:
        return
    ended, best = study.load.ended, study.load.ended.best
    title = "capacity within the SLO"
    if best is None:
        reason = "no rate that was tried kept the limits"
        yield Figure("capacity.rps", title, "req/s", None, n=0, reason=reason)
        return
    above = [rate for rate in broken_rates(ended.steps) if rate > best.planned_rps]
    yield Figure(
        "capacity.rps",
        title,
        "req/s",
        best.planned_rps,
        low=best.planned_rps,
        high=min(above) if above and ended.bounded else None,
        n=best.requests,
        method="bracket of tested rates",
        better="higher",
        reason="" if ended.bounded else "a lower bound: no limit broke",
    )
    rates: tuple[tuple[str, str, Unit, float], ...] = (
        ("goodput_rps", "goodput at that rate", "req/s", best.goodput_rps),
        ("output_tokens_per_s", "tokens at that rate", "tokens/s", best.output_tokens_per_s),
    )
    for key, what, unit, value in rates:
        yield Figure(f"capacity.{key}", what, unit, value, n=best.requests, better="higher")


def crossover_figures(study: Study) -> Iterator[Figure]:
    """Yield the rates from which the server is cheaper, by length of reply and of its traffic.

    ``break-even requests/s = GPU USD per hour / (3600 * USD per request)``; the ends of its
    interval are those of the mean price of a request.
    """
    price = study.server.usd_per_hour
    for name, series in length_series(study):
        runs = answered(series)
        usd = request_usd(runs)
        reason = NO_GPU_PRICE if price is None else NO_API_PRICE if usd is None else ""
        known = None if price is None or usd is None else usd
        yield Figure(
            f"crossover.{name}_rps",
            f"crossover at {name} replies",
            "req/s",
            _rate(price, known.value if known else None),
            low=_rate(price, known.high if known else None),
            high=_rate(price, known.low if known else None),
            n=len(runs),
            method="mean, Student's interval",
            better="",
            reason=reason,
        )
    if study.traffic is not None:
        yield _own_crossover(study)


def _rate(price: Decimal | None, usd: float | None) -> float | None:
    if price is None or usd is None or usd <= 0:
        return None
    rate = break_even_rps(price, Decimal(repr(usd)))
    return None if rate is None else float(rate)


def _own_crossover(study: Study) -> Figure:
    traffic, price = study.traffic, study.server.usd_per_hour
    assert traffic is not None
    asked = Scenario(
        gpu_usd_per_hour=price,
        input_tokens=traffic.seen.input_tokens_mean,
        output_tokens=traffic.seen.output_tokens_mean,
        cached_input_share=traffic.cached_input_share,
        observed=traffic.seen,
    )
    found = crossover(with_api_prices(asked, study.endpoint.prices))
    rate, band = found.break_even_rps, found.interval
    return Figure(
        "crossover.traffic_rps",
        "crossover at the server's own traffic",
        "req/s",
        None if rate is None else float(rate),
        low=None if band is None or band.low is None else float(band.low),
        high=None if band is None or band.high is None else float(band.high),
        n=int(traffic.seen.n),
        method="interval of the observed traffic",
        better="",
        reason="" if rate is not None else NO_GPU_PRICE if price is None else NO_API_PRICE,
    )


def cost_figures(study: Study) -> Iterator[Figure]:
    """Yield what tokens cost here at capacity, and what the study itself has cost."""
    price, best = study.server.usd_per_hour, study.load.ended.best if study.load else None
    if best is not None and best.output_tokens_per_s > 0:
        speed = Decimal(repr(best.output_tokens_per_s))
        each = None if price is None else price / (speed * HOUR_S) * MTOK
        yield Figure(
            "cost.server_usd_per_output_mtok",
            "a million output tokens here, at capacity",
            "USD",
            each,
            n=best.requests,
            method="quotient",
            reason=NO_GPU_PRICE if each is None else "",
        )
    lasted = Decimal(repr(sum(step.lasted_s for step in study.steps)))
    host = None if price is None else price * lasted / HOUR_S
    spent = _spent_at_endpoint(study)
    both = None if host is None or spent is None else host + spent
    for key, title, usd, reason in (
        ("host_usd", "the host while the study ran", host, NO_GPU_PRICE),
        ("endpoint_usd", "requests to the endpoint", spent, NO_API_PRICE),
        ("study_usd", "the study in all", both, "a part of it is UNPRICED"),
    ):
        yield Figure(
            f"cost.{key}",
            title,
            "USD",
            usd,
            n=len(study.steps),
            method="sum",
            better="",
            reason=reason if usd is None else "",
        )


def _spent_at_endpoint(study: Study) -> Decimal | None:
    """Return what was spent there, warm-ups and probes included; None where nothing is priced."""
    amounts = [study.idle.finding.spent_usd] if study.idle else []
    for _, series in length_series(study):
        warm_ups = series.client.warm_ups if series.client else ()
        runs = [run for run in (*series.runs, *warm_ups) if run.target == "b"]
        amounts.append(spent_usd(runs))
    known = [amount for amount in amounts if amount is not None]
    return sum(known, Decimal(0)) if known else None
