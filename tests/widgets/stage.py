"""A stage for one widget, and nothing else."""

from typing import Any

from textual.app import App, ComposeResult
from textual.widget import Widget


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
