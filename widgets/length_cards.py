"""Response lengths side by side: where the crossover is for each, and what is decided there."""

from dataclasses import dataclass
from decimal import Decimal

from textual.content import Content
from textual.reactive import reactive

from backends.domain import format as fmt
from backends.domain.format import UNKNOWN
from widgets.panel import Panel
from widgets.text import Part, arrange, cells, first_fitting, fit, line, safe


@dataclass(frozen=True, slots=True)
class LengthCard:
    """One response length.

    Attributes:
        name: for example ``short``.
        break_even_rps: where a GPU begins to pay; None where that is not known.
        output_tokens_per_s: what the GPU must bring forth there.
        usd_per_1k: what a thousand such requests cost at the API.
        word: what is decided at the present load, for example ``API CHEAPER``, or why nothing is.
        estimated: the capacity was measured with answers of another length.
        chosen: this is the length that everything else on the screen is about.
    """

    name: str
    output_tokens: float
    break_even_rps: float | None = None
    output_tokens_per_s: float | None = None
    usd_per_1k: Decimal | None = None
    word: str = ""
    chosen: bool = False
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class LengthsView:
    """The lengths, shortest first, and how far their crossovers lie apart."""

    cards: tuple[LengthCard, ...] = ()
    swing: float | None = None


class LengthCards(Panel):
    """A card for each length; one line for all where there is no room."""

    BORDER_TITLE = "Response length"

    view: reactive[LengthsView] = reactive(LengthsView(), repaint=False)

    def lines(self, width: int, height: int) -> list[Content]:
        """Return the cards."""
        return draw(self.view, width, height)


def draw(view: LengthsView, width: int, height: int) -> list[Content]:
    """Return the cards' rows, as many as fit, each card as wide as the others."""
    if not view.cards:
        return []
    if height < 3:
        return [_strip(view, width)]
    each = max(1, (width - 2 * (len(view.cards) - 1)) // len(view.cards))
    rows = list(zip(*(_card(card, each) for card in view.cards), strict=True))
    drawn = [line(*_beside(row)) for row in rows[:height]]
    if view.swing is not None and height > len(rows):
        drawn.append(line((_swing(view.swing, width), "$foreground-muted")))
    return drawn


def _beside(row: tuple[Content, ...]) -> list[Content | str]:
    parts: list[Content | str] = []
    for place, cell in enumerate(row):
        parts += ["  ", cell] if place else [cell]
    return parts


def _strip(view: LengthsView, width: int) -> Content:
    parts = [
        Part.of(
            place,
            f"{_mark(card)}{safe(card.name)} {fmt.count(card.output_tokens)} ◆ {_rate(card)} req/s",
            f"{_mark(card)}{safe(card.name)} ◆ {_rate(card)}",
            style="bold" if card.chosen else "",
        )
        for place, card in enumerate(view.cards)
    ]
    return arrange(parts, width)


def _card(card: LengthCard, width: int) -> list[Content]:
    """Return four rows of one width: name, crossover, what it takes, what is decided."""
    head = f"{_mark(card)}{safe(card.name)} {fmt.count(card.output_tokens)} tokens"
    even, needed = _rate(card), fmt.count(card.output_tokens_per_s)
    dear = fmt.short_usd(card.usd_per_1k)
    return [
        line((_wide(head, width), "bold reverse" if card.chosen else "bold")),
        line(("◆ ", "$text-warning"), _wide(f"{even} req/s", width - 2)),
        line(_wide(_needs(needed, dear, width), width)),
        line((_wide(_decided(card, width), width), "$foreground-muted")),
    ]


def _decided(card: LengthCard, width: int) -> str:
    word = safe(card.word)
    if not card.estimated:
        return word
    return first_fitting(width, f"{word}, by an estimated capacity", f"{word}, estimate", word)


def _needs(tokens_per_s: str, usd_per_1k: str, width: int) -> str:
    return first_fitting(
        width,
        f"= {tokens_per_s} output tok/s; 1,000 requests {usd_per_1k}",
        f"= {tokens_per_s} tok/s; 1k req {usd_per_1k}",
        f"= {tokens_per_s} tok/s",
    )


def _swing(swing: float, width: int) -> str:
    return first_fitting(
        width,
        f"the crossover swings {swing:.1f}x in requests/s between the shortest and the longest",
        f"swings {swing:.1f}x in requests/s",
        "",
    )


def _rate(card: LengthCard) -> str:
    """Return the crossover to three digits: published ones are compared with it."""
    return UNKNOWN if card.break_even_rps is None else f"{card.break_even_rps:.3g}"


def _mark(card: LengthCard) -> str:
    return "▸" if card.chosen else " "


def _wide(text: str, width: int) -> str:
    fitted = fit(text, width)
    return fitted + " " * max(0, width - cells(fitted))
