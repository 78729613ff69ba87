"""The theme of high contrast, measured as WCAG 2.2 measures it."""

import pytest
from textual.color import Color

from console.tui.themes import HIGH_CONTRAST
from tests.console import sessions
from tests.console.tui.test_pictures import Picture

TEXT = ("foreground", "foreground-muted", "text-muted", "text-warning", "text-error")
MARKS = ("primary", "warning", "error", "success", "text-success", "text-accent", "text-primary")


def contrast(one: Color, other: Color) -> float:
    def luminance(colour: Color) -> float:
        parts = [part / 255 for part in colour.rgb]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return sum(w * p for w, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("ground", ["background", "surface", "panel"])
async def test_text_and_marks_stand_out_against_every_ground(ground: str) -> None:
    app = Picture(sessions.READY)
    async with app.run_test(size=(120, 35)) as pilot:
        app.theme = HIGH_CONTRAST.name
        await pilot.pause()
        colours = app.theme_variables
        against = Color.parse(colours[ground])
        for names, least in ((TEXT, 7.0), (MARKS, 4.5)):
            for name in names:
                shown = against.blend(Color.parse(colours[name]), 1.0)
                assert contrast(shown, against) >= least, (name, colours[name])
