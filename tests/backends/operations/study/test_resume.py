"""A study that is cut off at any place resumes, and measures nothing twice."""

import asyncio
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from backends.domain.reports.load import from_samples
from backends.domain.study.study import EndpointSide, Hardware, ServerSide, Versions
from backends.history.thread import HistoryThread
from backends.operations.host import Host, open_this_hosts_gpus
from backends.operations.study import measure, run
from backends.operations.study.folder import StudyFolder, study_folder, unfinished
from backends.operations.study.measure import Measuring
from backends.operations.study.plan import QUICK, Step, StudyOrder, together_s
from backends.problem import Problem
from tests.backends.domain.study.worlds import world
from tests.console.sessions import SETTINGS

NAMES = ("traffic", "start-1", "start-2", "memory", "medium", "short", "long", "capacity", "idle")
STEPS = tuple(Step(name, name, 1.0, 5.0) for name in NAMES)
ORDER = StudyOrder(
    "20261130-120000-abcd", "mine", "api", quick=True, simulated=False, sizes=QUICK,
    server_side=ServerSide("mine", "m", ("--x", "1")), endpoint_side=EndpointSide("api", "m"),
    hardware=Hardware((), "none", "", 2, None), versions=Versions("0", "3", "6"),
    ttft_limit_s=1.0, itl_limit_s=None, began_wall_s=1_790_000_000.0,
)  # fmt: skip


class Killed(BaseException):
    """Stands for whatever ends the process at once."""


class Bench:
    """Measures made-up steps, counts them, and is cut off where a test wants."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        host = Host(SETTINGS, folder, folder / "history.sqlite", open_this_hosts_gpus)
        self.folder = study_folder(folder, ORDER.study_id)
        self.folder.begin(ORDER)
        self.counted: Counter[str] = Counter()
        self.cut_at = ""
        self.fails_at = ""
        self.shown: list[str] = []
        self.of = Measuring(
            host, ORDER, self.folder, HistoryThread(host.history_file), self.shown.append
        )
        original = measure.measure_of
        study = world(1)[0]
        self.results: dict[str, Any] = {
            "start": study.starts[0], "medium": study.warm, "short": study.lengths[0][1],
            "long": study.lengths[1][1], "capacity": study.load, "idle": study.idle,
            "memory": study.gpus,
        }  # fmt: skip

        def measure_of(name: str, order: StudyOrder) -> tuple[Any, Any]:
            async def measure(_: Measuring) -> Any:
                self.counted[name] += 1
                await asyncio.sleep(0)
                if name == self.cut_at:
                    raise Killed
                if name in {self.fails_at, "traffic"}:
                    raise Problem("it did not answer")
                return self.results[name.partition("-")[0]]

            return measure, original(name, order)[1]

        monkeypatch.setattr(run, "measure_of", measure_of)

    def run(self) -> list[Any]:
        return asyncio.run(run.run_missing(self.of, STEPS, lambda at: self.shown.append(str(at))))


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(tmp_path, monkeypatch)


@pytest.mark.parametrize("cut_at", NAMES[1:])
def test_what_is_cut_off_anywhere_resumes_and_repeats_nothing(bench: Bench, cut_at: str) -> None:
    bench.cut_at = cut_at
    with pytest.raises(Killed):
        bench.run()
    done = list(bench.folder.finished())
    assert cut_at not in done
    bench.cut_at = ""
    failed = bench.run()
    assert [each.what for each in failed] == ["traffic"]
    assert {name: bench.counted[name] for name in done} == dict.fromkeys(done, 1)
    assert set(bench.folder.finished()) == set(NAMES) - {"traffic"}
    study = run.study_of(ORDER, bench.folder, failed)
    assert study.warm is not None
    assert (len(study.starts), len(study.lengths), len(study.warm.runs)) == (2, 2, 40)
    assert study.hardware.gpus == (world(1)[0].gpus[0].kind,)
    assert ("traffic", "it did not answer") in {
        (each.what, each.reason) for each in study.not_measured
    }


def test_a_step_that_failed_does_not_end_the_study_and_is_tried_again(bench: Bench) -> None:
    bench.fails_at = "capacity"
    assert [each.what for each in bench.run()] == ["traffic", "capacity"]
    assert run.study_of(ORDER, bench.folder, []).load is None
    bench.fails_at = ""
    assert [each.what for each in bench.run()] == ["traffic"]
    assert bench.counted["idle"] == 1


def test_a_step_that_never_ends_is_ended_by_its_bound(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(_: Measuring) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(run, "measure_of", lambda *_: (never, None))
    short = replace(STEPS[0], most_s=0.01)
    (failed,) = asyncio.run(run.run_missing(bench.of, (short,), lambda _: None))
    assert "did not finish within" in failed.reason


def test_the_time_that_was_agreed_to_ends_all_steps_together_and_the_rest_is_resumed(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.cut_at = "short"
    with pytest.raises(Killed):
        bench.run()
    bench.cut_at = ""
    monkeypatch.setattr(run, "together_s", lambda _: 0.0)
    with pytest.raises(Problem, match="agreed time limit was reached at short"):
        asyncio.run(run.run_missing(bench.of, STEPS[1:], lambda _: None))
    assert set(bench.folder.finished()) == {"start-1", "start-2", "memory", "medium"}


def test_what_is_printed_as_the_longest_is_three_times_what_is_expected() -> None:
    steps = [Step("start-1", "", 100.0, 1800.0), Step("medium", "", 300.0, 2520.0)]
    assert together_s(steps) == 1200.0
    assert together_s(steps[:1]) == 600.0


def test_only_the_same_study_is_resumed_and_only_while_it_is_unfinished(bench: Bench) -> None:
    state = bench.folder.path.parents[1]
    later = replace(ORDER, study_id="20261130-130000-ffff", began_wall_s=1_790_003_600.0)
    found = unfinished(state, later)
    assert found is not None
    assert found[1] == ORDER
    seen = Hardware((), "the driver does not answer", "", 2, None)
    assert unfinished(state, replace(later, hardware=seen)) is not None
    newer = replace(ORDER.versions, inferctl="9.9.9")
    assert unfinished(state, replace(later, versions=newer)) is None
    other = replace(later, server_side=replace(ORDER.server_side, args=("--x", "2")))
    assert unfinished(state, other) is None
    bench.folder.document.write_text("{}")
    assert unfinished(state, later) is None


def test_two_processes_do_not_run_one_study(bench: Bench) -> None:
    with (
        bench.folder.held(),
        pytest.raises(Problem, match="running already"),
        StudyFolder(bench.folder.path).held(),
    ):
        pass
    with bench.folder.held():
        pass


def test_a_step_file_that_was_damaged_is_named_with_the_remedy(bench: Bench) -> None:
    bench.run()
    file = bench.folder.path / "steps" / "medium.json"
    file.write_text('{"step": "medium", ')
    with pytest.raises(Problem, match="delete it"):
        bench.folder.finished()


def test_a_step_of_another_form_is_named_with_the_remedy(bench: Bench) -> None:
    bench.run()
    file = bench.folder.path / "steps" / "memory.json"
    record = json.loads(file.read_text())
    del record["result"][0]["memory"]
    file.write_text(json.dumps(record))
    with pytest.raises(Problem, match=r"step memory .* --again"):
        run.study_of(ORDER, bench.folder, [])


def test_the_figures_of_the_load_are_those_of_the_samples_as_they_were_kept(bench: Bench) -> None:
    bench.run()
    load = run.study_of(ORDER, bench.folder, []).load
    assert load is not None
    assert from_samples(load) == load
    assert load != bench.results["capacity"]


def test_what_is_left_shrinks_from_step_to_step(bench: Bench) -> None:
    seen: list[float] = []
    asyncio.run(
        run.run_missing(bench.of, STEPS, lambda at: seen.append(at.later_s)),
    )
    assert seen == sorted(seen, reverse=True)
    assert seen[-1] == 0
    kept = json.loads((bench.folder.path / "steps" / "start-1.json").read_text())
    assert kept["ended_wall_s"] >= kept["began_wall_s"]
