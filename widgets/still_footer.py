"""A footer that is rebuilt only when what it offers has changed, and cuts no key in two."""

from textual._styles_cache import StylesCache
from textual.app import ComposeResult
from textual.events import Resize
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Footer
from textual.widgets._footer import FooterKey, FooterLabel

from widgets.text import ELLIPSIS, cells

LAST_KEYS = 2
"""Help and Quit: what is left out stands in the help."""


class StillFooter(Footer):
    """Textual's footer takes itself apart whenever the focus moves, even while it is not seen.

    That costs more than the rest of a key's answer.
    """

    def __init__(self) -> None:
        super().__init__(show_command_palette=False, compact=True)
        self._offered: list[tuple[str, str, bool, str]] = []
        self._width = 0

    def compose(self) -> ComposeResult:
        """Lay out the keys that fit, the last ones always, with a sign where some are left out."""
        self._width = self.screen.size.width
        yield from _fitting(list(super().compose()), self._width)

    async def on_resize(self, event: Resize) -> None:
        """Lay the keys out again for another width."""
        if event.size.width != self._width and self.children:
            await self.recompose()

    def bindings_changed(self, screen: Screen[object]) -> None:
        """Rebuild the keys if there is anyone to see other ones."""
        if self.display and _offered(screen) != self._offered:
            super().bindings_changed(screen)

    async def recompose(self) -> None:
        """Build the keys, and remember which: the focus may have moved since they changed."""
        self._offered = _offered(self.screen)
        await super().recompose()
        # Each key watches this footer, which keeps removed ones until it tells of a change.
        self.mutate_reactive(Footer.compact)
        # Textual remembers this of the last 1024 widgets, and with it all that each has drawn.
        StylesCache.get_inner_outer.cache_clear()


def _fitting(keys: list[Widget], width: int) -> list[Widget]:
    taken = [_cells(key) + 1 for key in keys]
    if sum(taken) - 1 <= width:
        return keys
    room = width - sum(taken[-LAST_KEYS:]) - cells(ELLIPSIS)
    shown = 0
    while shown < len(keys) - LAST_KEYS and sum(taken[: shown + 1]) <= room:
        shown += 1
    return [*keys[:shown], FooterLabel(ELLIPSIS), *keys[-LAST_KEYS:]]


def _cells(key: Widget) -> int:
    if not isinstance(key, FooterKey):
        return 0
    return cells(key.key_display) + bool(key.description) + cells(key.description)


def _offered(screen: Screen[object]) -> list[tuple[str, str, bool, str]]:
    return [
        (binding.key, binding.description, enabled, tooltip)
        for _, binding, enabled, tooltip in screen.active_bindings.values()
        if binding.show
    ]
