"""The verdict: a word, a sentence, the number that would flip it, and where the load stands."""

from dataclasses import dataclass
from typing import Literal

from textual.content import Content
from textual.reactive import reactive

from widgets.crossover_bar import CrossoverBar, crossover_lines
from widgets.panel import Panel
from widgets.text import Part, arrange, cells, fit, line, safe, styled

VerdictKind = Literal["self_host", "api", "hybrid", "too_close", "impossible", "undecided"]

_LOOKS: dict[VerdictKind, tuple[str, str]] = {
    "self_host": ("▣", "$text-success bold"),
    "api": ("☁", "$text-accent bold"),
    "hybrid": ("◧", "$text-accent bold"),
    "too_close": ("≈", "$text-warning bold"),
    "impossible": ("⊘", "$text-error bold"),
    "undecided": ("○", "$foreground-muted bold"),
}


@dataclass(frozen=True, slots=True)
class VerdictView:
    """What to do, and how sure that is.

    Attributes:
        kind: which look the word gets.
        word: the verdict itself, for example ``SELF-HOST CHEAPER``.
        sentence: why, with the figures.
        flip: the one number that would flip it, for example ``GPU wins above 3.5 req/s``.
        label: which question it answers, for example ``Long-term``; empty where there is only one.
        crossover: drawn below the words where there is room for them and two lines more.
    """

    kind: VerdictKind = "undecided"
    word: str = "NO VERDICT YET"
    sentence: str = ""
    flip: str = ""
    label: str = ""
    crossover: CrossoverBar | None = None


class VerdictLine(Panel):
    """The words, and the crossover below them; without a box where the screen gives it none."""

    BORDER_TITLE = "Verdict"

    DEFAULT_CSS = """
    VerdictLine {
        height: 2;
        border: none;
        &:focus { border: none; }
    }
    """

    view: reactive[VerdictView] = reactive(VerdictView(), repaint=False)

    def lines(self, width: int, height: int) -> list[Content]:
        """Return word and flip number, then the sentence, then the crossover."""
        return draw(self.view, width, height)


def draw(view: VerdictView, width: int, height: int) -> list[Content]:
    """Return the words in one line or two, and the crossover where two lines are left for it."""
    if view.crossover is None or height < 3:
        return _words(view, width, height)
    words = _words(view, width, height - 2)
    return [*words, *crossover_lines(view.crossover, width, min(3, height - len(words)))]


def _words(view: VerdictView, width: int, height: int) -> list[Content]:
    """Return word, sentence and flip in one line where they fit, else in two."""
    glyph, style = _LOOKS[view.kind]
    named = f"{safe(view.label)} " if view.label else ""
    word = Part.of(0, f"{named}{glyph} {safe(view.word)}", style=style, droppable=False)
    sentence, flip = safe(view.sentence), safe(view.flip)
    flip_part = Part.of(1, f"⇄ {flip}", style="bold") if flip else Part(1, ())
    together = arrange([word, Part.of(2, sentence), flip_part], width)
    if height < 2 and sentence not in together.plain and not flip:
        head = arrange([word], width)
        rest = fit(sentence, max(0, width - head.cell_length - 2))
        return [line(head, "  ", rest)]
    if height < 2 or not sentence or (sentence in together.plain and flip in together.plain):
        return [together]
    first = arrange([word, flip_part], width)
    if flip and flip not in first.plain:
        return [arrange([word], width), styled(fit(f"⇄ {flip}", width), "bold")]
    return [first, styled(_whole_sentences(sentence, width))]


def _whole_sentences(text: str, width: int) -> str:
    """Return as many whole sentences as fit, or the first one cut."""
    while cells(text) > width and ". " in text:
        text = text.rpartition(". ")[0] + "."
    return fit(text, width)
