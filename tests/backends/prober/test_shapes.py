"""Every shape of stream, reported against true; `make stream-shapes` prints them as a table.

A reader that is wrong is wrong each time. A busy machine, on which the server itself wakes late and
its tokens come together, is not: so what is wrong is looked at again.
"""

from pathlib import Path

import pytest

from tests.backends.prober.shape_table import measured, of_program
from tests.backends.prober.shapes import SHAPES
from tests.backends.prober.shapes.shape import Shape
from tests.backends.prober.truth_programs import measured_programs

LOOKS = 3


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_reported_against_true(shape: Shape) -> None:
    seen = []
    for _ in range(LOOKS):
        row = measured(shape)
        seen.append((row.mistakes(), row))
        if not row.mistakes():
            break
    assert not seen[-1][0], seen


@pytest.mark.slow
def test_the_truth_servers_programs(shared: Path) -> None:
    script = shared / "truth" / "truth_server.py"
    always_wrong = None
    for _ in range(LOOKS):
        rows = [of_program(name, *both) for name, both in measured_programs(script).items()]
        wrong = {row.name for row in rows if row.mistakes()}
        always_wrong = wrong if always_wrong is None else always_wrong & wrong
        if not always_wrong:
            break
    assert not always_wrong


def test_every_name_is_its_own() -> None:
    names = [shape.name for shape in SHAPES]
    assert len(set(names)) == len(names) >= 45
