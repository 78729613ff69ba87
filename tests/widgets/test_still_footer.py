"""The footer over many changes of what it offers: the keys of then are gone."""

import gc
from typing import ClassVar

from textual._styles_cache import StylesCache
from textual.app import App, ComposeResult
from textual.binding import BindingType
from textual.widgets import Footer
from textual.widgets._footer import FooterKey

from widgets.still_footer import StillFooter


class Offering(App[None]):
    """Offers one key more with each odd number."""

    BINDINGS: ClassVar[list[BindingType]] = [("a", "one", "One"), ("b", "other", "Other")]
    number = 0

    def compose(self) -> ComposeResult:
        yield StillFooter()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return action != "other" or self.number % 2 == 1


async def test_keys_that_were_replaced_are_held_by_nobody() -> None:
    app = Offering()
    async with app.run_test() as pilot:
        for app.number in range(20):
            app.refresh_bindings()
            await pilot.pause()
        shown = app.query_one(Footer).query(FooterKey)
        gc.collect()
        living = [each for each in gc.get_objects() if isinstance(each, FooterKey)]
        assert 1 < len(shown) < 5
        assert len(living) <= 2 * len(shown)
        drawn = [each for each in gc.get_objects() if isinstance(each, StylesCache)]
        assert len(drawn) < 20
