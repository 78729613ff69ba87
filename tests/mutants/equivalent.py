"""Faults that change nothing that anybody could see, each with its reason; they are not drawn."""

EQUIVALENT: dict[tuple[str, str, str], str] = {
    (
        "backends/keeper/journal.py",
        "constant",
        "def read(self, offset: int, limit: int = 65536) -> bytes:",
    ): "how much is read at once decides no byte of what is sent",
    (
        "backends/domain/ab/sse.py",
        "constant",
        "self._ended_in_return = False",
    ): "a newline that begins a stream ends a blank line, which ends no event",
    (
        "backends/domain/traffic/bins.py",
        "constant",
        "known.insert(0, (objects, answer))",
    ): "it decides which answer is forgotten first, and an answer is the same when made again",
    (
        "backends/domain/startup/prefixes.py",
        "boundary",
        "self.any = self._known is not None or self._own_left > 0",
    ): "it only spares a call, which returns such a line as it is",
    (
        "backends/domain/prices/prices.py",
        "boundary",
        "stale = said.as_of < other.as_of and is_stale(said.as_of, other.as_of)",
    ): "a price is not stale on the day that it is of",
    (
        "backends/domain/reports/pseudonyms.py",
        "constant",
        "text = _HOST_AND_PORT.sub(lambda found: self._host(found[0]), text)",
    ): "the pattern's one group is all that it matches",
    (
        "backends/domain/startup/lines.py",
        "boundary",
        "if sample and len(text) > 2 * SAMPLE_CHARACTERS:",
    ): "both samples of such a text are all of it",
    (
        "backends/domain/time_series.py",
        "boundary",
        "if len(self._closed) > most + most // 4:  # moved now and then, not at every row",
    ): "when rows are moved decides nothing of what is read",
    (
        "backends/domain/traffic/requests.py",
        "unit",
        "freedom: float = 1e9",
    ): "Student's quantile of so many degrees of freedom is the normal one",
    (
        "backends/domain/traffic/requests.py",
        "unit",
        "tokens_freedom: float = 1e9",
    ): "Student's quantile of so many degrees of freedom is the normal one",
    (
        "backends/domain/billing/recorded_demand.py",
        "constant",
        "watched = figure((found.seen.window_s or 0) / 60)",
    ): "stretches are of a time above zero, so that the window is known",
    (
        "backends/domain/prices/cost.py",
        "constant",
        "tier = self.of_prompt(input_tokens / Decimal(requests) if requests else 0)",
    ): "no requests have no tokens that a tier could price",
    (
        "backends/domain/decision/wording/inputs.py",
        "constant",
        "power = (scenario.power_kw or Decimal(0), scenario.usd_per_kwh or Decimal(0))",
    ): "an owned GPU has no price without both, and no sentence without a price",
    (
        "backends/domain/decision/option.py",
        "constant",
        "kwh = (scenario.power_kw or Decimal(0)) * (scenario.usd_per_kwh or Decimal(0))",
    ): "where one of them is unknown, the function has ended",
    (
        "backends/domain/traffic/week.py",
        "boundary",
        "if days_seen(hours) < WEEK_DAYS - 1e-6:",
    ): "the limit lies a rounding below seven days, which no sum of stretches meets",
    (
        "backends/domain/ab/provider_cost.py",
        "boundary",
        'digits = str(value) if abs(value) < MOST_DIGITS else ""',
    ): "so many of the smallest unit are more than any request costs",
    (
        "backends/domain/ab/deltas.py",
        "boundary",
        "if content.__class__ is str and delta.keys() <= _PLAIN:",
    ): "it only spares looking for thoughts where there is no name for them",
    (
        "backends/domain/ab/tokens.py",
        "boundary",
        "if not chunk.keys() <= _CHUNK or not (choice is None or _is_ordinary(choice)):",
    ): "it only spares looking for figures under other names",
    (
        "backends/domain/ab/tokens.py",
        "boundary",
        "if usage.keys() <= _USAGE:",
    ): "it only spares looking for counts under other names",
    (
        "backends/domain/ab/tokens.py",
        "boundary",
        "if choice.__class__ is not dict or not choice.keys() <= _CHOICE:",
    ): "it only spares looking for figures under other names",
    (
        "backends/domain/ab/tokens.py",
        "boundary",
        "return delta.__class__ is dict and delta.keys() <= _DELTA",
    ): "it only spares looking for figures under other names",
    (
        "backends/domain/ab/statistics.py",
        "boundary",
        "rare = _at_most(of - kept, of, 1 - middle) < 1 - CONFIDENCE",
    ): "halving ends at the same share to its last bit",
    (
        "backends/domain/ab/statistics.py",
        "boundary",
        "rank = sum(1 for p in _cumulative(n, m) if 2 * p <= 1 - CONFIDENCE)",
    ): "no exact probability of up to 30 values a side is just that",
    (
        "backends/domain/ab/summary.py",
        "boundary",
        "b_wins = (shift > 0) == (figure in LARGER_IS_FASTER)",
    ): "it counts only where the interval around the shift leaves zero out",
    (
        "backends/domain/ab/cold.py",
        "boundary",
        "below = [gap for gap in gaps if cold_after_s is None or gap.gap_s < cold_after_s]",
    ): "of these the warm ones count, and the shortest cold one is not warm",
    (
        "backends/domain/ab/usage.py",
        "boundary",
        'if {"prompt", "eval"} <= named:',
    ): "a name without a third word counts nothing, which is looked at before",
    (
        "backends/domain/billing/meter.py",
        "boundary",
        "if more <= 0:",
    ): "no time adds nothing",
    (
        "backends/domain/decision/break_even.py",
        "boundary",
        "low, high = (low, middle) if load.between(_NONE, middle) >= even else (middle, high)",
    ): "halving ends at the same rate",
    (
        "backends/domain/decision/flip.py",
        "boundary",
        "while (width := abs(outside - inside)) > inside * _KNOWN_TO:",
    ): "one more halving of an interval that is narrow enough stays within it",
    (
        "backends/domain/decision/uncertainty.py",
        "order",
        "for cost, factor, gpu in sorted(found, key=itemgetter(1))",
    ): "points of one load follow each other from either end",
    (
        "backends/domain/prices/cost.py",
        "boundary",
        "yield from (limit for limit in limits if limit < input_tokens)",
    ): "the prompt of just that length is there already",
    (
        "backends/domain/traffic/bins.py",
        "constant",
        "REMEMBERED = 8",
    ): "it decides which answer is forgotten first, and an answer is the same when made again",
    (
        "backends/domain/traffic/windows.py",
        "boundary",
        "if opened is None or seconds < 0 or restarted(opened.counters, read.counters):",
    ): "a window that has just begun begins anew as it is",
    (
        "backends/domain/redaction.py",
        "constant",
        "for at in range(len(text) - size + 1):",
    ): "what is shorter than every piece is none of them",
    (
        "backends/domain/study/sections.py",
        "boundary",
        "faster = study.server.name if shift.value > 0 else study.endpoint.name",
    ): "a difference of nothing lies in its interval, which is told before",
    (
        "backends/domain/study/compare.py",
        "constant",
        "for name in each[0]",
    ): "all studies have settings of the same names",
}
"""By path, operator and the line that it stands in."""
