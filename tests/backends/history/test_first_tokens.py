"""The time to first token of an endpoint over all its series."""

from contextlib import closing
from pathlib import Path

import pytest

from backends.domain.ab.run import Run
from backends.history.first_tokens import first_tokens
from backends.history.history import open_history
from backends.history.records import SeriesRecord

TARGETS = (("a", "chat"), ("b", "cloud"))


def keep(path: Path, series_id: str, began_s: float, model: str, runs: list[Run]) -> None:
    report = {"targets": {"a": {"model": "m"}, "b": {"model": model}}}
    with closing(open_history(path)) as history:
        history.add_series(SeriesRecord(series_id, began_s, TARGETS, "", report))  # type: ignore[arg-type]
        for run in runs:
            history.add_run(series_id, run)


def runs(n: int, first: int = 0) -> list[Run]:
    return [Run("b", index, ttft_s=index / 1000) for index in range(first, first + n)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.sqlite"


def test_series_of_one_endpoint_and_model_count_together(path: Path) -> None:
    keep(path, "old", 50.0, "m", [Run("b", 0, ttft_s=99.0)])
    keep(path, "one", 100.0, "m", runs(150))
    keep(path, "two", 200.0, "m", [*runs(151, 150), Run("b", 999, ttft_s=5.0, error="cut off")])
    keep(path, "other", 300.0, "n", runs(3))
    found = {(each.endpoint, each.model): each for each in first_tokens(path, 60.0)}
    assert set(found) == {("cloud", "m"), ("cloud", "n")}
    cloud = found["cloud", "m"]
    assert (cloud.runs, cloud.failed, cloud.since_wall_s) == (301, 1, 100.0)
    assert cloud.p99_s == pytest.approx(0.297)
    assert (found["cloud", "n"].runs, found["cloud", "n"].p99_s) == (3, None)


def test_a_run_without_a_first_token_is_a_failed_one(path: Path) -> None:
    keep(path, "one", 100.0, "m", [Run("b", 0), Run("b", 1, ttft_s=0.1)])
    (cloud,) = first_tokens(path, 0.0)
    assert (cloud.runs, cloud.failed) == (1, 1)


def test_nothing_kept_is_nothing_known(path: Path) -> None:
    assert first_tokens(path, 0.0) == ()


def test_the_oldest_series_are_left_out_once_there_are_enough_runs(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backends.history.first_tokens.MOST_RUNS", 5)
    for number in range(3):
        keep(path, f"s{number}", 100.0 + number, "m", runs(3))
    (cloud,) = first_tokens(path, 0.0)
    assert (cloud.runs, cloud.since_wall_s) == (6, 101.0)


def test_what_replies_said_of_their_cost_stands_over_the_prices_of_then(path: Path) -> None:
    dear = [
        Run("b", 0, ttft_s=0.1, cost_usd="0.001", provider_cost_usd="0.003"),
        Run("b", 1, ttft_s=0.1, cost_usd="0.003", provider_cost_usd="0.005"),
        Run("b", 2, ttft_s=0.1, cost_usd="0.007"),
    ]
    keep(path, "one", 100.0, "m", dear)
    (cloud,) = first_tokens(path, 0.0)
    assert cloud.charged_over_priced == 2
