"""A footer that is rebuilt only when what it offers has changed."""

from textual._styles_cache import StylesCache
from textual.screen import Screen
from textual.widgets import Footer


class StillFooter(Footer):
    """Textual's footer takes itself apart whenever the focus moves, even while it is not seen.

    That costs more than the rest of a key's answer.
    """

    def __init__(self) -> None:
        super().__init__(show_command_palette=False, compact=True)
        self._offered: list[tuple[str, str, bool, str]] = []

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


def _offered(screen: Screen[object]) -> list[tuple[str, str, bool, str]]:
    return [
        (binding.key, binding.description, enabled, tooltip)
        for _, binding, enabled, tooltip in screen.active_bindings.values()
        if binding.show
    ]
