"""Pictures as they are drawn: a changed one is looked at, and taken by --snapshot-update."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from syrupy.assertion import SnapshotAssertion

from backends.domain.ab.run import TargetName
from backends.domain.reports.ab_picture import ab_svg
from backends.domain.reports.cold_probe import cold_probe_svg
from backends.domain.reports.cost_pictures import days_svg, hourly_cost_svg
from backends.domain.reports.load import load_svg
from tests.backends.domain.reports import test_ab, test_cold_probe, test_cost_pictures, test_load

LONG_NAMES: tuple[tuple[TargetName, str], ...] = (("a", "x" * 20), ("b", "y" * 21))
"""The second one is cut."""

PICTURES: dict[str, Callable[[], str]] = {
    "ab": lambda: ab_svg(test_ab.series()),
    "long names": lambda: ab_svg(
        replace(test_ab.series(), began=replace(test_ab.BEGAN, targets=LONG_NAMES))
    ),
    "load": lambda: load_svg(test_load.report(test_load.BOUNDED)),
    "cold probe": lambda: cold_probe_svg(test_cold_probe.COLD),
    "a probe without answers": lambda: cold_probe_svg(
        test_cold_probe.report(test_cold_probe.FAILED)
    ),
    "days": lambda: days_svg([test_cost_pictures.DAY, test_cost_pictures.DAY]),
    "hours": lambda: hourly_cost_svg(test_cost_pictures.HOUR),
}


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_drawn_as_it_was(name: str, snapshot: SnapshotAssertion) -> None:
    assert PICTURES[name]() == snapshot
