"""A study as it is written and drawn: what changes is looked at, and taken by --snapshot-update."""

from dataclasses import replace

import pytest
from syrupy.assertion import SnapshotAssertion

from backends.domain.start import Phase, PhaseName
from backends.domain.study.compare import compare_markdown
from backends.domain.study.figure import Figure
from backends.domain.study.markdown import study_markdown
from backends.domain.study.page import study_page
from backends.domain.study.pictures import crossovers_svg, memory_svg, phases_svg
from backends.domain.study.sections import pictures
from backends.domain.study.study import Study
from tests.backends.domain.study.worlds import world

STUDY, _ = world(1)
OTHER = replace(
    world(2)[0],
    quick=True,
    itl_limit_s=0.05,
    server=replace(world(2)[0].server, usd_per_hour=None),
)
PARTS = (("weights", 68.04), ("KV cache", 100.26), ("CUDA graphs", 0.9))


def rate(value: float | None, low: float | None, high: float | None) -> Figure:
    return Figure("crossover", "crossover", "req/s", value, low, high)


@pytest.mark.parametrize("study", [STUDY, OTHER], ids=["whole", "quick"])
def test_a_study_is_written_as_it_was(study: Study, snapshot: SnapshotAssertion) -> None:
    assert study_markdown(study) == snapshot


@pytest.mark.parametrize("name", pictures(STUDY))
def test_its_pictures_are_drawn_as_they_were(name: str, snapshot: SnapshotAssertion) -> None:
    assert pictures(STUDY)[name] == snapshot


def test_its_page_is_written_as_it_was(snapshot: SnapshotAssertion) -> None:
    bare = replace(STUDY, warm=None, load=None, idle=None, lengths=())
    assert study_page(bare, "{}") == snapshot


def test_studies_side_by_side_are_written_as_they_were(snapshot: SnapshotAssertion) -> None:
    assert compare_markdown([STUDY, OTHER, STUDY]) == snapshot


def test_the_memory_of_a_gpu_is_drawn_with_and_without_its_size(
    snapshot: SnapshotAssertion,
) -> None:
    assert [memory_svg(PARTS, total) for total in (192.0, 150.0, None)] == snapshot
    assert memory_svg((), None) == snapshot


def test_a_legend_takes_as_many_lines_as_it_needs(snapshot: SnapshotAssertion) -> None:
    phases = tuple(Phase(name, float(at), 1.0 + at) for at, name in enumerate(PhaseName))
    start = replace(STUDY.starts[0].start, phases=phases)
    assert phases_svg([start, replace(start, phases=phases[:1])]) == snapshot
    assert phases_svg([]) == snapshot


def test_crossovers_are_drawn_with_and_without_a_capacity(snapshot: SnapshotAssertion) -> None:
    found = [("short", rate(3.0, 2.0, 4.5)), ("long", rate(0.4, None, None))]
    unknown = ("medium", rate(None, None, None))
    drawn = [crossovers_svg([*found, unknown], capacity) for capacity in (0.5, 9.0, None)]
    assert drawn == snapshot
    assert crossovers_svg([unknown], 9.0) == snapshot
