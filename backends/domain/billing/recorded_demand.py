"""The traffic of a server as it was recorded: all windows that were ever watched."""

from dataclasses import replace
from decimal import Decimal

from backends.domain.billing.ledger import Served, learnt
from backends.domain.durations import HOUR_S
from backends.domain.format import figure, lasting
from backends.domain.traffic.bins import Bin, by_identity, kept_with
from backends.domain.traffic.demand import NOTHING, Demand, cached_share_of, demand_of
from backends.domain.traffic.requests import Observed
from backends.domain.traffic.shape import TokenSums
from backends.domain.traffic.totals import TokenTotals
from backends.domain.traffic.windows import open_window

RIGHT_NOW_S = 2 * HOUR_S
"""How far back *right now* reaches, as far as that was watched."""


def recent_demand(served: Served) -> Demand:
    """Return the traffic of the last hours, the window under way included."""
    bins = _last_hours(recorded_bins(served))
    if not bins:
        return NOTHING
    found = demand_of(bins, "")
    watched = figure((found.seen.window_s or 0) / 60)
    source = f"what was watched of {served.server or 'the server'} in the last {watched} min"
    return replace(found, source=source, cached_input_share=cached_share_of(served.totals))


def recorded_bins(served: Served) -> tuple[Bin, ...]:
    """Return all stretches; of the window under way its minutes that are over.

    The minute under way counts only where nothing else is known: what is decided changes no more
    often than once a minute.
    """
    if served.profile.bins or served.windows.minutes:
        return kept_with(served.profile.bins, served.windows.minutes)
    window = open_window(served.windows)
    return () if window is None else window.bins


@by_identity
def _last_hours(bins: tuple[Bin, ...]) -> tuple[Bin, ...]:
    since_s = bins[-1].began_s - RIGHT_NOW_S if bins else 0.0
    return tuple(each for each in bins if each.began_s >= since_s)


MOST_MISSED = 2.0
"""Where the ledger counted more than twice the requests of the windows, it knows the mean better,
although it counts inferctl's own tests, too."""


def recorded_demand(served: Served) -> Demand:
    """Return the traffic of all windows, and of the one under way.

    How surely the rate is known follows from the requests of the windows, the tokens of a request
    from those whose tokens were counted: each has its own number.
    """
    window, profile = open_window(served.windows), served.profile
    if window is not None:
        profile = learnt(profile, window)
    requests, seconds = sum(profile.requests), sum(profile.seconds)
    cached = cached_share_of(served.totals)
    of_bins = demand_of(recorded_bins(served), "")
    watched_s = float(of_bins.seen.window_s or 0)
    if of_bins.week_rps or watched_s > seconds / 2:
        source = f"what was watched of {served.server or 'the server'} in {lasting(watched_s)}"
        return replace(of_bins, source=source, cached_input_share=cached, profile=profile)
    seen = Observed(n=_decimal(requests), window_s=_decimal(seconds) if seconds else None)
    source = f"what was watched of {served.server or 'the server'} in {lasting(seconds)}"
    return Demand(
        _with_tokens(seen, profile.tokens, served.totals),
        source,
        cached,
        profile,
    )


def _with_tokens(seen: Observed, sums: TokenSums, totals: TokenTotals) -> Observed:
    counted = totals.requests or 0.0
    if counted > sums.requests * MOST_MISSED:
        sums = _of_totals(totals)
    if sums.requests <= 0:
        return Observed(n=seen.n, window_s=seen.window_s, tokens_n=Decimal(0))
    into, out = sums.input_tokens / sums.requests, sums.output_tokens / sums.requests
    input_sd = max(0.0, sums.input_squares / sums.requests - into**2) ** 0.5
    output_sd = max(0.0, sums.output_squares / sums.requests - out**2) ** 0.5
    return Observed(
        n=seen.n,
        input_tokens_mean=_decimal(into),
        output_tokens_mean=_decimal(out),
        input_tokens_sd=_decimal(input_sd),
        output_tokens_sd=_decimal(output_sd),
        # The largest that it can be: how input and output go together is not known.
        covariance=_decimal(input_sd * output_sd),
        window_s=seen.window_s,
        tokens_n=_decimal(sums.requests),
    )


def _of_totals(totals: TokenTotals) -> TokenSums:
    """Return the sums of what was counted in all.

    Counts in all do not tell the spread; it is taken as large as the mean, as of lengths that are
    distributed exponentially.
    """
    requests = totals.requests or 0.0
    if not requests or totals.input_tokens is None or totals.output_tokens is None:
        return TokenSums()
    into, out = totals.input_tokens, totals.output_tokens
    return TokenSums(requests, into, out, 2 * into**2 / requests, 2 * out**2 / requests)


def _decimal(value: float) -> Decimal:
    return Decimal(repr(value))
