"""Studies side by side: what changed, and whether it is beyond the noise."""

from collections import Counter
from dataclasses import replace
from itertools import pairwise

from backends.domain.study.compare import changed_settings, compare, compare_markdown
from backends.domain.study.study import ColdStartSample, Study
from tests.backends.domain.study.worlds import world

WORLDS = 60


def with_starts(study: Study, factor: float) -> Study:
    """Return a study whose every start took so many times as long."""

    def slower(each: ColdStartSample) -> ColdStartSample:
        start = each.start
        phases = tuple(
            replace(phase, duration_s=(phase.duration_s or 0) * factor) for phase in start.phases
        )
        first = (start.first_token_s or 0) * factor
        return replace(each, start=replace(start, phases=phases, first_token_s=first))

    return replace(study, starts=tuple(map(slower, study.starts)))


def change(studies: list[Study], key: str) -> list[str]:
    return list(next(each for each in compare(studies) if each.key == key).changes)


def test_a_study_beside_itself_differs_in_nothing() -> None:
    study, _ = world(1)
    assert {word for each in compare([study, study]) for word in each.changes} <= {
        "",
        "the same",
        "inside the noise",
    }
    assert changed_settings([study, study]) == ()


def test_a_start_that_takes_half_as_long_again_is_beyond_the_noise() -> None:
    study, _ = world(2)
    three = [study, with_starts(study, 1.5), study]
    assert change(three, "cold_start.first_token_s") == ["", "beyond the noise", "inside the noise"]


def test_of_samples_of_one_law_one_in_twenty_looks_changed_at_most() -> None:
    seen: Counter[str] = Counter()
    for seed in range(WORLDS):
        study, _ = world(seed)
        # Another draw of the same parameters: the even runs of each side beside the odd ones.
        assert study.warm is not None
        halves = [
            replace(study.warm, runs=tuple(run for run in study.warm.runs if run.index % 2 == odd))
            for odd in (0, 1)
        ]
        pair = [replace(study, warm=half) for half in halves]
        for key in ("warm.server.ttft_s", "warm.endpoint.ttft_s", "warm.server.itl_s"):
            seen.update(change(pair, key))
    decided = seen["beyond the noise"] + seen["inside the noise"]
    assert decided == 3 * WORLDS
    assert seen["beyond the noise"] / decided <= 0.08


def test_what_was_not_made_alike_is_named() -> None:
    study, _ = world(3)
    server = replace(study.server, args=("--max-num-seqs", "8"))
    other = replace(study, server=server, versions=replace(study.versions, vllm="0.33.0"))
    assert changed_settings([study, other]) == ("vLLM", "arguments")
    text = compare_markdown([study, other, study])
    assert "| vLLM (differs) | 0.32.0 | 0.33.0 | 0.32.0 |" in text
    tables = ["Key figures", "Cold start by phase", "Latency, throughput, cost"]
    assert [line[3:] for line in text.splitlines() if line.startswith("## ")] == tables


def test_what_changed_beyond_the_noise_is_bold_and_what_did_not_change_at_all_is_the_same() -> None:
    study = world(1)[0]
    lines = compare_markdown([study, with_starts(study, 1.5), study]).splitlines()
    row = next(line for line in lines if line.startswith("| launch to first token"))
    cells = row.split(" | ")
    assert "**" in cells[2]
    assert "beyond the noise**" in cells[2]
    assert "**" not in cells[3]
    assert change([study, study], "length.short.output_tokens") == ["", "the same"]


def test_any_number_of_studies_has_a_column_each() -> None:
    studies = [world(seed)[0] for seed in range(5)]
    rows = [line for line in compare_markdown(studies).splitlines() if line.startswith("| ")]
    assert {row.replace("\\|", "").count("|") for row in rows} == {7}
    assert all(len(each.found) == 5 for each in compare(studies))


def test_a_figure_that_one_study_lacks_is_unknown_there() -> None:
    study, _ = world(4)
    without = replace(study, load=None)
    row = next(each for each in compare([study, without]) if each.key == "capacity.rps")
    assert row.found[1] is None
    assert row.changes == ("", "")


def test_the_columns_of_two_orders_tell_the_same_with_the_sign_turned() -> None:
    studies = [world(5)[0], with_starts(world(5)[0], 2.0)]
    for one, other in pairwise((compare(studies), compare(studies[::-1]))):
        shifts = [each.shifts[1] for each in one if each.key == "cold_start.first_token_s"]
        turned = [each.shifts[1] for each in other if each.key == "cold_start.first_token_s"]
        assert shifts[0] is not None
        assert turned[0] is not None
        assert abs(shifts[0].value + turned[0].value) < 1e-9
