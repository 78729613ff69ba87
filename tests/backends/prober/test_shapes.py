"""Every shape of stream, reported against true; `make stream-shapes` prints them as a table."""

from functools import partial
from pathlib import Path

import pytest

from tests.backends.prober.shape_table import looked_at, measured, program_rows
from tests.backends.prober.shapes import SHAPES
from tests.backends.prober.shapes.shape import Shape


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_reported_against_true(shape: Shape) -> None:
    row = looked_at(partial(measured, shape))
    assert not row.mistakes(), row


@pytest.mark.slow
def test_the_truth_servers_programs(shared: Path) -> None:
    rows = program_rows(shared / "truth" / "truth_server.py")
    assert not [(row.mistakes(), row) for row in rows if row.mistakes()]


def test_every_name_is_its_own() -> None:
    names = [shape.name for shape in SHAPES]
    assert len(set(names)) == len(names) >= 45
