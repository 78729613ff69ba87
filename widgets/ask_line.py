"""One line to type into, in the footer's place."""

from textual.widgets import Input

from widgets.still_footer import StillFooter


class AskLine(Input):
    """Hidden until something is asked; the screen stays as it is above it.

    Args:
        replaces: what is typed takes the place of the text that is there.
    """

    DEFAULT_CSS = "AskLine { display: none; dock: bottom; }"

    def __init__(self, *, replaces: bool = False) -> None:
        super().__init__(compact=True, select_on_focus=replaces)

    def ask(self, hint: str, value: str) -> None:
        """Open the line with a text that may be changed."""
        self.placeholder, self.value = hint, value
        self.cursor_position = len(value)
        self._with_line(shown=True)
        self.focus()

    def put_away(self) -> None:
        """Give the footer its place again."""
        self._with_line(shown=False)

    def _with_line(self, *, shown: bool) -> None:
        self.display = shown
        for footer in self.screen.query(StillFooter):
            footer.display = not shown
