"""Requests and tokens that a server has served, across resets of its counters."""

from dataclasses import dataclass, replace

from backends.domain.serving import Counters, EngineCounts
from backends.domain.traffic.rates import counters_restarted

COUNTS = ("requests_finished", "prompt_tokens", "cached_prompt_tokens", "generation_tokens")
"""What is counted of each engine."""


@dataclass(frozen=True, slots=True)
class TokenTotals:
    """Requests and tokens since the first reading's server start, across restarts.

    Attributes:
        requests: those of its users, as in the token counts below.
        input_tokens: all of them, the cached ones included; None while no reading told.
        last: what each engine had counted when it was last read.
        process_start_s: of the process that was read last.
        own_requests: what was served while inferctl's own tests ran, which no API would be asked;
            None where none ran, as in the tokens below.
    """

    requests: float | None = None
    input_tokens: float | None = None
    cached_input_tokens: float | None = None
    output_tokens: float | None = None
    last: tuple[EngineCounts, ...] = ()
    process_start_s: float | None = None
    own_requests: float | None = None
    own_input_tokens: float | None = None
    own_output_tokens: float | None = None


def add_reading(
    totals: TokenTotals,
    counters: Counters,
    *,
    counted_from_s: float | None = None,
    own: bool = False,
) -> TokenTotals:
    """Return the totals with one more reading.

    What an engine counts is new in full where its process is, or where one of its counts fell: the
    engine began anew. An engine that is read for the first time counts in full too.

    Args:
        totals: those before.
        counters: the reading.
        counted_from_s: what a server counted before the first reading is left out where it was
            started before this instant, seconds since 1970.
        own: inferctl's own tests sent requests since the reading before.
    """
    engines = engines_of(counters)
    start = counters.process_start_s
    first = not totals.last
    before = first and start is not None and counted_from_s is not None and start < counted_from_s
    fresh = counters_restarted(totals.process_start_s, start)
    known = {} if fresh else {each.engine: each for each in totals.last}
    grown = TokenTotals() if before else _grown(known, engines)
    if own and totals.last:
        grown = _as_own(grown)
    return replace(
        plus(totals, grown),
        last=_read(known, engines) or totals.last,
        process_start_s=totals.process_start_s if start is None else start,
    )


def engines_of(counters: Counters) -> tuple[EngineCounts, ...]:
    """Return the counts of each engine; those of the whole server where it names none."""
    if counters.engines:
        return counters.engines
    whole = EngineCounts("", **{name: getattr(counters, name) for name in COUNTS})
    return () if whole == EngineCounts("") else (whole,)


def plus(totals: TokenTotals, more: TokenTotals) -> TokenTotals:
    """Return the sum of two totals; unknown and a number are the number."""
    return replace(
        totals,
        requests=_sum(totals.requests, more.requests),
        input_tokens=_sum(totals.input_tokens, more.input_tokens),
        cached_input_tokens=_sum(totals.cached_input_tokens, more.cached_input_tokens),
        output_tokens=_sum(totals.output_tokens, more.output_tokens),
        own_requests=_sum(totals.own_requests, more.own_requests),
        own_input_tokens=_sum(totals.own_input_tokens, more.own_input_tokens),
        own_output_tokens=_sum(totals.own_output_tokens, more.own_output_tokens),
    )


def minus(later: TokenTotals, earlier: TokenTotals) -> TokenTotals:
    """Return what was added between two states of the same totals."""
    return TokenTotals(
        _added(earlier.requests, later.requests),
        _added(earlier.input_tokens, later.input_tokens),
        _added(earlier.cached_input_tokens, later.cached_input_tokens),
        _added(earlier.output_tokens, later.output_tokens),
        own_requests=_added(earlier.own_requests, later.own_requests),
        own_input_tokens=_added(earlier.own_input_tokens, later.own_input_tokens),
        own_output_tokens=_added(earlier.own_output_tokens, later.own_output_tokens),
    )


def _as_own(grown: TokenTotals) -> TokenTotals:
    """Return what was added as that of own tests: which of it a user sent at that time is lost."""
    return TokenTotals(
        _none_of(grown.requests),
        _none_of(grown.input_tokens),
        _none_of(grown.cached_input_tokens),
        _none_of(grown.output_tokens),
        own_requests=grown.requests,
        own_input_tokens=grown.input_tokens,
        own_output_tokens=grown.output_tokens,
    )


def _none_of(counted: float | None) -> float | None:
    return None if counted is None else 0.0


def _grown(known: dict[str, EngineCounts], engines: tuple[EngineCounts, ...]) -> TokenTotals:
    grown = TokenTotals()
    for engine in engines:
        old = known.get(engine.engine)
        if old is None or _fell(old, engine):
            old = EngineCounts(engine.engine)
        more = TokenTotals(
            _added(old.requests_finished, engine.requests_finished),
            _added(old.prompt_tokens, engine.prompt_tokens),
            _added(old.cached_prompt_tokens, engine.cached_prompt_tokens),
            _added(old.generation_tokens, engine.generation_tokens),
        )
        grown = plus(grown, more)
    return grown


def _read(
    known: dict[str, EngineCounts], engines: tuple[EngineCounts, ...]
) -> tuple[EngineCounts, ...]:
    """Return the newest counts of every engine; one that a scrape lacks may come back."""
    newest = {each.engine: _kept(known.get(each.engine), each) for each in engines}
    return tuple({**known, **newest}.values())


def _fell(old: EngineCounts, new: EngineCounts) -> bool:
    pairs = ((getattr(old, name), getattr(new, name)) for name in COUNTS)
    return any(was is not None and now is not None and now < was for was, now in pairs)


def _added(was: float | None, now: float | None) -> float | None:
    return None if now is None else now - (was or 0.0)


def _kept(old: EngineCounts | None, new: EngineCounts) -> EngineCounts:
    """A scrape may lack a series that an earlier one had; what was counted then still stands."""
    if old is None or _fell(old, new):
        return new
    missing = [name for name in COUNTS if getattr(new, name) is None]
    return replace(new, **{name: getattr(old, name) for name in missing})


def _sum(total: float | None, more: float | None) -> float | None:
    return total if more is None else (total or 0.0) + more
