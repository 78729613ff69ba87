"""An order to sleep or to wake: what it took, and what it did to the memory."""

from dataclasses import dataclass

from textual.content import Content
from textual.reactive import reactive

from widgets.panel import Panel
from widgets.text import safe, wrap_to


@dataclass(frozen=True, slots=True)
class SleepView:
    """The sentence on it."""

    sentence: str = ""


class SleepPanel(Panel):
    """That sentence."""

    BORDER_TITLE = "Sleep mode"

    view: reactive[SleepView] = reactive(SleepView(), repaint=False)

    def lines(self, width: int, height: int) -> list[Content]:
        """Return the sentence, as wide as the box."""
        return [Content(each) for each in wrap_to(safe(self.view.sentence), width, height)]
