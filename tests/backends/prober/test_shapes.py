"""Every shape of stream, reported against true; `make stream-shapes` prints them as a table."""

from pathlib import Path

import pytest

from tests.backends.prober.shape_table import measured, of_program
from tests.backends.prober.shapes import SHAPES
from tests.backends.prober.shapes.shape import Shape
from tests.backends.prober.truth_programs import measured_programs


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_reported_against_true(shape: Shape) -> None:
    row = measured(shape)
    assert row.mistakes() == [], row


def test_the_truth_servers_programs(shared: Path) -> None:
    script = shared / "truth" / "truth_server.py"
    rows = [of_program(name, *both) for name, both in measured_programs(script).items()]
    assert {row.name: row.mistakes() for row in rows if row.mistakes()} == {}


def test_every_name_is_its_own() -> None:
    names = [shape.name for shape in SHAPES]
    assert len(set(names)) == len(names) >= 45
