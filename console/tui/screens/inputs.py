"""All of a verdict: options, the last month at each of them, inputs with date and source."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from backends.domain import format as fmt
from backends.domain.decision.answer import Verdict
from backends.domain.decision.wording import flips_at, reason
from backends.operations.last_month import LastMonth, month_lines
from console.tui.bindings import BACK
from widgets.options_bars import OptionBar, OptionsView
from widgets.status_strip import StatusStrip
from widgets.still_footer import StillFooter
from widgets.verdict_line import VerdictView


class InputsScreen(Screen[None]):
    """A verdict with its reason, what else is decided, each option and each thing it rests on.

    All of it is told in full, which small screens have no room for anywhere else.
    """

    BINDINGS: ClassVar[list[BindingType]] = [BACK]

    def __init__(
        self,
        found: Verdict,
        options: OptionsView,
        answers: tuple[VerdictView, ...],
        past: LastMonth | None = None,
    ) -> None:
        super().__init__()
        self._answers = answers
        self._found = found
        self._options = options
        self._past = past

    def compose(self) -> ComposeResult:
        """Lay out the verdict, then its inputs."""
        yield StatusStrip()
        with VerticalScroll():
            yield Static(Content("\n").join(self._lines()))
        yield StillFooter()

    def _lines(self) -> list[Content]:
        found = self._found
        flip = f"  ⇄ {flips_at(found.flip)}" if found.flip else ""
        head = Content.styled(found.kind.value.replace("_", " "), "bold")
        return [
            head + Content(flip),
            Content(reason(found)),
            *(_answer(view) for view in self._answers),
            Content(""),
            *(_option(option) for option in self._options.options),
            Content(""),
            *map(Content, month_lines(self._past)),
            *([] if self._past is None else [Content("")]),
            *(Content(f"· {said}") for said in found.assumptions),
        ]


def _answer(view: VerdictView) -> Content:
    return Content.styled(f"{view.label} {view.word}", "bold") + Content(f"  {view.sentence}")


def _option(option: OptionBar) -> Content:
    month = option.usd_per_month
    cost = fmt.short_usd(month) + "/mo" * (month is not None)
    count = "" if option.replicas is None else f"×{option.replicas}"
    told = f"{option.name:<42}{cost:>12} {count:>4}"
    if not option.excluded_because:
        return Content(told)
    return Content.styled(f"{told}  ⊘ {option.excluded_because}", "$foreground-muted")
