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
}
"""By path, operator and the line that it stands in."""
