"""What is said above the footer covers no verdict and breaks no path."""

from pathlib import Path

import pytest
from textual.widgets._toast import Toast

from tests.console.conftest import until
from tests.console.tui.test_pictures import STATES, Picture
from widgets.verdict_line import VerdictLine

EXPORTED = ".local/state/inferctl/exports/inferctl-20261130-194301"


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (120, 35)], ids=str)
async def test_what_is_said_covers_no_verdict_and_breaks_no_path(size: tuple[int, int]) -> None:
    app = Picture(STATES["ready"])
    async with app.run_test(size=size, notifications=True) as pilot:
        app.notify(f"written to {Path.home()}/{EXPORTED}")
        await until(pilot, lambda: len(app.screen.query(Toast)) == 1)
        toast = app.screen.query_one(Toast)
        await until(pilot, lambda: toast.region.height > 0)
        await until(pilot, lambda: "Quit" in rows_of(app)[-1])
        rows = rows_of(app)
        (said,) = [at for at, row in enumerate(rows) if f"~/{EXPORTED}" in row]
        assert said == len(rows) - 2  # the row above the footer
        assert not toast.region.overlaps(app.screen.query_one(VerdictLine).region)


def rows_of(app: Picture) -> list[str]:
    """Return what stands in each row of the terminal."""
    return [strip.text for strip in app.screen._compositor.render_strips()]
