"""The options ranked by cost, each with a bar; what cannot be done says why."""

from dataclasses import dataclass
from decimal import Decimal

from textual.content import Content
from textual.reactive import reactive

from backends.domain import format as fmt
from widgets import bars
from widgets.panel import Panel
from widgets.text import cells, fit, line, safe, styled, wrap_to


@dataclass(frozen=True, slots=True)
class OptionBar:
    """One way to serve the load.

    Attributes:
        usd_per_month: None without a price.
        excluded_because: why it cannot be chosen, empty for one that can.
        current: this is what runs today.
    """

    name: str
    usd_per_month: Decimal | None = None
    replicas: int | None = None
    excluded_because: str = ""
    current: bool = False


@dataclass(frozen=True, slots=True)
class OptionsView:
    """The options, cheapest possible one first.

    Attributes:
        decided: the first one is the best; where that is open, none carries the star.
    """

    options: tuple[OptionBar, ...] = ()
    reason: str = ""
    decided: bool = True


class OptionsBars(Panel):
    """One line for each option."""

    BORDER_TITLE = "Options"

    view: reactive[OptionsView] = reactive(OptionsView(), repaint=False)

    def lines(self, width: int, height: int) -> list[Content]:
        """Return the ranking."""
        return draw(self.view, width, height)


def draw(view: OptionsView, width: int, height: int) -> list[Content]:
    """Return the options that fit, and how many more there are."""
    if not view.options:
        reason = safe(view.reason) or "no price to compare"
        return [styled(text) for text in wrap_to(f"options — {reason}", width, height)]
    names = max(cells(safe(option.name)) for option in view.options)
    name_width = min(names, max(10, width * 2 // 5))
    possible = [option.usd_per_month or Decimal(0) for option in view.options if _possible(option)]
    top = max(possible, default=Decimal(0))
    notes = max((_note(option).cell_length for option in view.options), default=0)
    rows = [
        _possible_row(option, (name_width, notes), top, width, best=view.decided and at == 0)
        if _possible(option)
        else _other_row(option, name_width, width)
        for at, option in enumerate(view.options)
    ]
    if len(rows) <= height:
        return rows
    # What runs today is what the others are weighed against: it always has a row.
    current = next((at for at, option in enumerate(view.options) if option.current), 0)
    shown = [*range(height - 1)]
    if shown and current >= height - 1:
        shown[-1] = current
    more = styled(f"… {len(rows) - len(shown)} more", "$foreground-muted")
    return [*(rows[at] for at in shown), more]


def _possible(option: OptionBar) -> bool:
    return not option.excluded_because and option.usd_per_month is not None


def _name(option: OptionBar, width: int) -> str:
    name = fit(safe(option.name), width)
    return name + " " * (width - cells(name))


def _possible_row(
    option: OptionBar, columns: tuple[int, int], top: Decimal, width: int, *, best: bool
) -> Content:
    """Return name, price, bar and note; all bars have the same room, so they can be compared."""
    name_width, note_width = columns
    style = "$success" if best else "$primary"
    head = line(
        ("★ " if best else "  ", style),
        (_name(option, name_width), "bold" if option.current else ""),
        f" {fmt.short_usd(option.usd_per_month) + '/mo':>10} ",
    )
    room = width - head.cell_length
    if room < note_width + 7:
        note_width = 0
    share = float((option.usd_per_month or Decimal(0)) / top) if top else 0.0
    drawn = bars.bar(share, max(0, room - note_width - 1))
    return line(head, (drawn, style), " ", _note(option) if note_width else "")


def _other_row(option: OptionBar, name_width: int, width: int) -> Content:
    """Return an option that cannot be chosen, or has no price, with the reason."""
    mark, reason = (
        ("⊘", safe(option.excluded_because))
        if option.excluded_because
        else (
            "—",
            "no price",
        )
    )
    head = f"{mark} {_name(option, name_width)} "
    if width >= 70:
        head += f"{fmt.short_usd(option.usd_per_month) + '/mo':>10} "
    return styled(head + fit(reason, max(0, width - cells(head))), "$foreground-muted")


def _note(option: OptionBar) -> Content:
    replicas = "" if option.replicas is None else f"×{option.replicas}"
    now = " ◀ now" if option.current else ""
    return line((replicas, "$foreground-muted"), (now, "$text-accent"))
