"""A stage for one widget, and nothing else; and one target of the A/B as a widget."""

from typing import Any

from textual.app import App, ComposeResult
from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from widgets import target_pane
from widgets.panel import Panel


class Stage(App[None]):
    """Shows one widget that fills the screen, under a fixed theme."""

    CSS = "Stage > Screen > * { width: 100%; height: 100%; }"

    def __init__(self, kind: type[Widget], view: Any = None, theme: str = "textual-dark") -> None:
        super().__init__()
        self.theme, self._kind, self._view = theme, kind, view

    def compose(self) -> ComposeResult:
        widget = self._kind()
        if self._view is not None:
            widget.view = self._view  # type: ignore[attr-defined]
        yield widget


class TargetPane(Panel):
    """One target, which the A/B panel draws beside the others, in a box of its own."""

    view: reactive[target_pane.TargetView] = reactive(target_pane.TargetView(), repaint=False)

    def lines(self, width: int, height: int) -> list[Content]:
        return target_pane.draw(self.view, width, height)
