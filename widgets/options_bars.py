"""The options ranked by cost, each with a bar; what cannot be done says why."""

from dataclasses import dataclass
from decimal import Decimal

from textual.content import Content
from textual.reactive import reactive

from widgets import bars
from widgets import format as fmt
from widgets.panel import Panel
from widgets.text import Part, arrange, cells, fit, line, safe, styled, wrap_to


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
    """The options, cheapest possible one first."""

    options: tuple[OptionBar, ...] = ()
    reason: str = ""


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
    name_width = max(8, min(names, width // 3))
    top = max((option.usd_per_month or Decimal(0) for option in view.options), default=Decimal(0))
    rows = [
        _row(option, at, name_width, top, width) for at, option in enumerate(view.options, start=1)
    ]
    if len(rows) <= height:
        return rows
    more = styled(f"… {len(rows) - height + 1} more", "$foreground-muted")
    return [*rows[: height - 1], more]


def _row(option: OptionBar, at: int, name_width: int, top: Decimal, width: int) -> Content:
    possible = not option.excluded_because and option.usd_per_month is not None
    mark = "★" if possible and at == 1 else "⊘" if option.excluded_because else " "
    name = fit(safe(option.name), name_width)
    name += " " * (name_width - cells(name))
    price = f"{fmt.usd(option.usd_per_month)}/mo".rjust(11)
    head = line(
        (f"{mark} ", "$text-success" if mark == "★" else "$foreground-muted"),
        (name, "bold" if option.current else "" if possible else "$foreground-muted"),
        (f" {price} ", "" if possible else "$foreground-muted"),
    )
    room = width - head.cell_length
    if not possible:
        reason = safe(option.excluded_because) or "no price"
        return line(head, (fit(reason, room), "$foreground-muted"))
    note = _note(option, room)
    length = max(0, room - note.cell_length - 1)
    share = float((option.usd_per_month or Decimal(0)) / top) if top else 0.0
    drawn = bars.bar(share, length)
    style = "$text-success" if at == 1 else "$text-primary"
    return line(head, (drawn, style), " " if note else "", note)


def _note(option: OptionBar, room: int) -> Content:
    parts = []
    if option.current:
        parts.append(Part.of(0, "◀ now", style="$text-accent"))
    if option.replicas is not None:
        parts.append(Part.of(1, f"×{option.replicas}", style="$foreground-muted"))
    return arrange(parts, max(0, room - 6), " ")
