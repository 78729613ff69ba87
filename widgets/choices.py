"""A list of answers that stands in any terminal, be it one cell wide."""

from textual.widgets import OptionList


class Choices(OptionList):
    """Textual's list of options, for terminals that have no room for it as well.

    Without a cell for its text Textual 8.2.8 ends the program as it breaks the lines, and likewise
    as it turns a page.
    """

    DEFAULT_CSS = """
    Choices { min-width: 8; }
    """

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Refuse to turn a page of which nothing is on screen."""
        if action in {"page_up", "page_down"} and not self.scrollable_content_region:
            return False
        return super().check_action(action, parameters)
