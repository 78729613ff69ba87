"""Two starts or two load tests side by side: each figure, its difference, what is known of it.

Two single figures are two single figures. Only where each side was measured several times is it
said whether they differ by more than the noise.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean

from backends.domain.ab.load import LoadStep
from backends.domain.format import UNKNOWN, figure, local_minute, plain_s
from backends.domain.reports.load import LoadReport, limits_text
from backends.domain.reports.table import markdown_table
from backends.domain.start import PHASE_TITLES, Outcome, PhaseName, Start
from backends.domain.startup.fix import difference
from backends.domain.study.compare import Change, said_by
from backends.domain.study.intervals import Interval, of_difference
from backends.domain.study.wording import shown
from backends.domain.visible import markdown


@dataclass(frozen=True, slots=True)
class Side:
    """What is compared.

    Attributes:
        record_id: by which the history finds it.
        name: of the server or the endpoint.
        args: of ``vllm serve``; None where they are not known.
        note: what someone wrote beside it.
    """

    record_id: str
    name: str
    began_wall_s: float
    args: tuple[str, ...] | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of both; None where a side has not got it.

    Attributes:
        shift: how much larger the second is by all that was measured, with its interval; None
            where a side was measured once.
        change: what that says; empty where nothing can be said.
    """

    title: str
    unit: str
    first: float | None
    second: float | None
    shift: Interval | None = None
    change: Change = ""

    @property
    def difference(self) -> float | None:
        """Second minus first, None where either is unknown."""
        if self.first is None or self.second is None:
            return None
        return self.second - self.first

    def texts(self) -> tuple[str, str, str, str]:
        """Return both, the difference and what is known of it."""
        return (
            _shown(self.first, self.unit),
            _shown(self.second, self.unit),
            _signed(self.difference, self.unit),
            self._said(),
        )

    def _said(self) -> str:
        if self.shift is None or self.shift.low is None or self.shift.high is None:
            return self.change
        if self.change == "the same":
            return self.change
        ends = (_signed(end, self.unit) for end in (self.shift.low, self.shift.high))
        return f"{self.change} ({' to '.join(ends).replace('±', '')})"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two records side by side.

    Attributes:
        kind: ``start`` or ``load test``.
        rows: the figures; of starts the phases in the order of vLLM's start, then the whole.
        arguments: what differs between them, ``- --flag value`` of the first, ``+`` of the second.
        settings: what else they were not made alike with: name, of the first, of the second.
        note: what the differences may be taken for, in a sentence or two.
    """

    kind: str
    first: Side
    second: Side
    rows: tuple[Row, ...]
    arguments: tuple[str, ...]
    settings: tuple[tuple[str, str, str], ...]
    note: str


_BESIDE_PHASES: tuple[tuple[str, str, Callable[[Start], float | None]], ...] = (
    ("other", "s", lambda start: start.unlogged_s),
    ("to ready", "s", lambda start: start.ready_s),
    ("to first token", "s", lambda start: start.first_token_s),
    ("whole start", "s", lambda start: start.total_s),
    ("weights", "GiB", lambda start: start.memory.weights_gib),
    ("KV cache", "GiB", lambda start: start.memory.kv_cache_gib),
)


def compare_starts(
    sides: tuple[Side, Side],
    starts: tuple[Start, Start],
    like: tuple[Sequence[Start], Sequence[Start]],
) -> Comparison:
    """Return two starts phase by phase.

    Args:
        sides: what they are starts of.
        starts: the two.
        like: of each side the complete starts with its arguments and version, itself included.
    """
    names = [name for name in PhaseName if any(_has(start, name) for start in starts)]
    told: list[tuple[str, str, Callable[[Start], float | None]]] = [
        (PHASE_TITLES[name], "s", _phase(name)) for name in names if name is not PhaseName.UNLOGGED
    ]
    told += _BESIDE_PHASES
    alike, complete = _alike(sides, starts), all(map(_is_ready, starts))
    rows = tuple(
        _row(title, unit, value, starts, like if complete and not alike else None)
        for title, unit, value in told
        if any(value(start) is not None for start in starts)
    )
    settings = _differing(
        ("server", *(side.name for side in sides)),
        ("vLLM", *(start.vllm_version or UNKNOWN for start in starts)),
        ("model", *(start.model or UNKNOWN for start in starts)),
        ("outcome", *map(_outcome, starts)),
    )
    numbers = (len(like[0]), len(like[1])) if complete else (1, 1)
    note = _note_of_alike(like[1]) if alike else _note(*numbers, "start")
    return Comparison("start", *sides, rows, _arguments(sides), settings, note)


def compare_loads(
    sides: tuple[Side, Side],
    loads: tuple[LoadReport, LoadReport],
    like: tuple[Sequence[float], Sequence[float]],
) -> Comparison:
    """Return two load tests side by side: what was sustained, and TTFT at each rate of both.

    Args:
        sides: what they loaded.
        loads: the two.
        like: of each side the capacities in requests/s that were measured alike, itself included.
    """
    best = [load.ended.best for load in loads]
    first, second = (each.planned_rps if each else None for each in best)
    judged = all(load.ended.bounded for load in loads) and sides[0].args != sides[1].args
    shift = of_difference(*like) if judged and min(map(len, like)) > 1 else None
    sustained = Row("within SLO", "req/s", first, second, shift, said_by(shift) if shift else "")
    rows = [sustained, *(_of_best(best, *each) for each in _OF_BEST), *_at_rates(loads)]
    settings = _differing(
        ("endpoint", *(load.endpoint for load in loads)),
        ("model", *(load.model for load in loads)),
        ("SLO", *(limits_text(load.ttft_limit_s, load.itl_limit_s) for load in loads)),
        ("max_tokens", *(str(load.max_tokens) for load in loads)),
        ("prompt", *(load.prompt_sha256[:8] for load in loads)),
        ("SLO limit reached", *("yes" if load.ended.bounded else "no" for load in loads)),
    )
    known = tuple(row for row in rows if row.first is not None or row.second is not None)
    numbers = (len(like[0]), len(like[1])) if judged else (1, 1)
    note = _note(*numbers, "load test")
    return Comparison("load test", *sides, known, _arguments(sides), settings, note)


_OF_BEST = (
    ("goodput_rps", "goodput", "req/s"),
    ("output_tokens_per_s", "output", "tok/s"),
    ("concurrency", "streams", "at once"),
    ("input_tokens", "input length", "tokens"),
    ("output_tokens", "output length", "tokens"),
)


def _of_best(best: Sequence[LoadStep | None], field: str, title: str, unit: str) -> Row:
    first, second = (None if each is None else getattr(each, field) for each in best)
    return Row(title, unit, first, second)


def _at_rates(loads: tuple[LoadReport, LoadReport]) -> list[Row]:
    """Return the median TTFT at each rate that both held."""
    first, second = (
        {step.planned_rps: step.ttft_s.median if step.ttft_s else None for step in load.ended.steps}
        for load in loads
    )
    rates = sorted(first.keys() & second.keys())
    return [
        Row(f"TTFT at {figure(rate)} req/s", "ms", _ms(first[rate]), _ms(second[rate]))
        for rate in rates
    ]


def _ms(value_s: float | None) -> float | None:
    return None if value_s is None else value_s * 1000


def _row(
    title: str,
    unit: str,
    value: Callable[[Start], float | None],
    starts: tuple[Start, Start],
    like: tuple[Sequence[Start], Sequence[Start]] | None,
) -> Row:
    first, second = (value(start) for start in starts)
    if like is None or first is None or second is None:
        return Row(title, unit, first, second)
    found = [[taken for start in each if (taken := value(start)) is not None] for each in like]
    if min(map(len, found)) < 2:
        return Row(title, unit, first, second)
    shift = of_difference(found[0], found[1])
    return Row(title, unit, first, second, shift, said_by(shift))


def _alike(sides: tuple[Side, Side], starts: tuple[Start, Start]) -> bool:
    """Return whether both are starts of the same thing, so that only chance tells them apart."""
    first, second = (
        (side.name, side.args, start.vllm_version, start.model)
        for side, start in zip(sides, starts, strict=True)
    )
    return first == second


def _note_of_alike(like: Sequence[Start]) -> str:
    took = [start.total_s for start in like if start.total_s is not None]
    if len(took) < 3:
        return "Same arguments and version: two single starts, so nothing is known of the noise."
    return (
        f"Same arguments and version: {len(took)} such starts took {plain_s(min(took))} to"
        f" {plain_s(max(took))}, {plain_s(fmean(took))} on average; that is the noise."
    )


def _note(first: int, second: int, word: str) -> str:
    if min(first, second) < 2:
        return f"Two single {word}s: whether they differ by more than the noise is not known."
    return (
        f"{first} {word}s with the arguments of the first, {second} with those of the second:"
        " the 95 % interval is over all of them."
    )


def _is_ready(start: Start) -> bool:
    return start.outcome is Outcome.READY


def _has(start: Start, name: PhaseName) -> bool:
    return any(phase.name is name for phase in start.phases)


def _phase(name: PhaseName) -> Callable[[Start], float | None]:
    def took_s(start: Start) -> float | None:
        found = [phase.duration_s for phase in start.phases if phase.name is name]
        known = [each for each in found if each is not None]
        return sum(known) if known else None

    return took_s


def _outcome(start: Start) -> str:
    if start.failure is None:
        return start.outcome
    return f"{start.outcome}, {start.failure.kind.replace('_', ' ')}"


def _arguments(sides: tuple[Side, Side]) -> tuple[str, ...]:
    first, second = (side.args for side in sides)
    return () if first is None or second is None else difference(first, second)


def _differing(*settings: tuple[str, ...]) -> tuple[tuple[str, str, str], ...]:
    return tuple((name, first, second) for name, first, second in settings if first != second)


def _signed(value: float | None, unit: str) -> str:
    if value is None:
        return UNKNOWN
    size = _shown(abs(value), unit)
    sign = "±" if size == _shown(0.0, unit) else "+" if value > 0 else "−"
    return f"{sign}{size}"


def _shown(value: float | None, unit: str) -> str:
    """Return a value in its unit; all seconds with the same digits, so that a column adds up."""
    return plain_s(value) if unit == "s" else shown(value, unit)


def comparison_markdown(found: Comparison) -> str:
    """Return a comparison as Markdown: the figures, the arguments, what it may be taken for."""
    head = ("", _head(found.first), _head(found.second), "difference", "")
    rows = [(row.title, *row.texts()) for row in found.rows]
    lines = [f"# Two {found.kind}s side by side", "", *markdown_table(head, rows), ""]
    if found.settings:
        named = ("differs", _head(found.first), _head(found.second))
        lines += [*markdown_table(named, found.settings), ""]
    lines += [f"- {markdown(text)}" for text in (*argument_lines(found), *note_lines(found))]
    return "\n".join([*lines, "", markdown(found.note)]) + "\n"


def argument_lines(found: Comparison) -> tuple[str, ...]:
    """Return what differs between the arguments, in lines."""
    if found.first.args is None or found.second.args is None:
        return ("arguments: not known of both",)
    return tuple(f"arguments: {each}" for each in found.arguments) or ("arguments: the same",)


def note_lines(found: Comparison) -> tuple[str, ...]:
    """Return the notes on both, in lines."""
    noted = (("first", found.first), ("second", found.second))
    return tuple(f"note on the {word}: {side.note}" for word, side in noted if side.note)


def _head(side: Side) -> str:
    return f"{side.name} {local_minute(side.began_wall_s)}"
