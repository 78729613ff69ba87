"""Current load, break-even and measured capacity as marks on one axis of requests per second."""

from dataclasses import dataclass

from textual.content import Content

from backends.domain import format as fmt
from backends.domain.format import UNKNOWN
from widgets.plot import MUTED, Plot
from widgets.text import Part, arrange, fit, line, safe


@dataclass(frozen=True, slots=True)
class CrossoverBar:
    """The three loads, in requests per second; None for what is unknown.

    Attributes:
        break_even_interval_rps: what the break-even may be.
        break_even_reason: why there is no break-even, for example ``no price for the endpoint``.
        capacity_reason: why there is no capacity, for example ``not measured: inferctl load``.
    """

    now_rps: float | None = None
    break_even_rps: float | None = None
    break_even_interval_rps: tuple[float, float] | None = None
    capacity_rps: float | None = None
    break_even_reason: str = ""
    capacity_reason: str = ""


def crossover_lines(view: CrossoverBar, width: int, height: int) -> list[Content]:
    """Return the axis with its marks and, below, what each mark stands for."""
    words = _words(view, width)
    axis = _axis(view, width)
    if axis is None or height < 2:
        return [words]
    return [axis, words, *([_outlook(view, words.plain, width)] if height >= 3 else [])]


def _axis(view: CrossoverBar, width: int) -> Content | None:
    """Draw where the GPU pays: right of break-even, as far as it is known to carry the load."""
    interval = view.break_even_interval_rps
    marks = [view.now_rps, view.break_even_rps, view.capacity_rps, *(interval or ())]
    top = max((mark for mark in marks if mark is not None), default=0.0) * 1.08
    if top <= 0:
        return None
    end = f" {fmt.rate(top)}" + (" req/s" if width >= 50 else "")
    room = max(1, width - 2 - len(end))
    plot = Plot(room, 1, x=(0, top))
    plot.across(0, "─", MUTED)
    if view.break_even_rps is not None:
        known = view.capacity_rps is not None
        until = room if view.capacity_rps is None else plot.column(view.capacity_rps)
        for column in range(plot.column(view.break_even_rps), until):
            plot.put(column, 0, *(("━", "$text-success") if known else ("╌", MUTED)))
    if view.capacity_rps is not None:
        plot.across(0, "╳", MUTED, x=(view.capacity_rps, top))
    if interval is not None:
        plot.across(0, "░", "$text-warning", x=interval)
    for value, mark, style in (
        (view.capacity_rps, "┃", "bold $text-error"),
        (view.break_even_rps, "◆", "bold $text-warning"),
        (view.now_rps, "●", "bold $text-accent"),
    ):
        if value is not None:
            plot.put(plot.column(value), 0, mark, style)
    return line(("0 ", MUTED), *plot.rows[0], (end, MUTED))


def _words(view: CrossoverBar, width: int) -> Content:
    now, even, most = (
        fmt.rate(value) for value in (view.now_rps, view.break_even_rps, view.capacity_rps)
    )
    named = f"break-even {even}" + (" on demand" if view.break_even_rps is not None else "")
    even_long = named
    if view.break_even_interval_rps is not None:
        low, high = (fmt.rate(value) for value in view.break_even_interval_rps)
        even_long += f" ({low} to {high})" if (low, high) != (even, even) else ""
    if view.break_even_rps is None and view.break_even_reason:
        even_long += f" {safe(view.break_even_reason)}"
    why = "" if view.capacity_rps is not None else safe(view.capacity_reason)
    most_forms = (f"capacity {most} {why}".rstrip(), f"capacity {most} {why.partition(':')[0]}")
    return arrange(
        [
            _word(2, "●", "$text-accent", f"now {now} req/s", f"now {now}"),
            _word(1, "◆", "$text-warning", even_long, named, f"break-even {even}", f"even {even}"),
            _word(0, "┃", "$text-error", *most_forms, f"capacity {most}", f"cap {most}"),
        ],
        width,
    )


def _word(rank: int, mark: str, style: str, *forms: str) -> Part:
    return Part(rank, tuple(line((f"{mark} ", style), form) for form in forms))


def _outlook(view: CrossoverBar, words: str, width: int) -> Content:
    """Say in words where the load stands between break-even and capacity."""
    now, even, most = view.now_rps, view.break_even_rps, view.capacity_rps
    interval = view.break_even_interval_rps
    forms: tuple[str, ...] = ()
    if even is not None and most is not None and even > most:
        forms = ("break-even is above the measured capacity", "break-even above capacity")
    elif now is None:
        forms = (f"load {UNKNOWN} not measured", f"load {UNKNOWN}")
    elif interval is not None and interval[0] <= now <= interval[1]:
        forms = ("too close to call (within the break-even interval)", "inside the interval")
    elif even:
        told = f"load is {fmt.percent(now / even)} of break-even"
        forms = (told, told.removeprefix("load is "))
        if most:
            forms = (f"{told}, {fmt.percent(now / most)} of capacity", *forms)
        elif safe(view.capacity_reason) not in words:
            missing = f"capacity {UNKNOWN} {safe(view.capacity_reason)}"
            forms = (f"{told}; {missing}", missing, fit(missing, width))
    return arrange([Part.of(0, *forms, style="$foreground-muted")], width)
