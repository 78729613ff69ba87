"""What a load says, in every form it is handed out."""

import csv
import io
from dataclasses import replace
from pathlib import Path

import pytest

from backends.domain.ab.load import (
    LoadEnded,
    LoadLimits,
    LoadStep,
    judge,
    summarise_load,
    without_samples,
)
from backends.domain.ab.run import Run
from backends.domain.reports.load import (
    LoadReport,
    ended_text,
    limits_text,
    load_csv,
    load_document,
    load_finding,
    load_markdown,
    load_rows,
    load_svg,
    step_finding,
)

LIMITS = LoadLimits(ttft_s=0.5, itl_s=0.05)
GOOD = Run("a", 0, ttft_s=0.2, itl_s=(0.02, 0.04), e2e_s=0.25, output_tokens=3)
SIZED = replace(GOOD, input_tokens=80, output_tokens=220)


def step(rps: float, broke: str = "", run: Run = GOOD) -> LoadStep:
    return judge(rps, [run] * round(rps * 10), 10.0, LIMITS, concurrency=4, broke=broke)


NOTHING = judge(1.0, [], 5.0, LIMITS, concurrency=0)
KEPT, BROKE = step(2.0), step(4.0, "20 of 40 requests missed a limit")
BOUNDED = summarise_load([KEPT, BROKE], "the limit is found", "0.25")


def report(ended: LoadEnded, itl_limit_s: float | None = 0.05) -> LoadReport:
    return LoadReport("l1", "chat", "m", 1.0, 64, "ab", 0.5, itl_limit_s, ended)


@pytest.mark.parametrize(("at_least", "is_said"), [(0.99, False), (0.9899, True)])
def test_how_sure_a_rate_is_said_where_it_is_less_than_the_limit_asks(
    at_least: float, *, is_said: bool
) -> None:
    bounded = summarise_load([replace(KEPT, kept_share_at_least=at_least), BROKE], "found", "0.25")
    assert ("which shows that" in load_finding(report(bounded))) is is_said


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ([], "nothing was measured of chat: no rate was held long enough"),
        ([BROKE], "chat kept its limits at no rate that was tried with 64 output tokens a request"),
        ([KEPT], "chat carries at least 2 req/s (6 output tokens/s, 4 streams at once) with 64 "),
        ([KEPT, BROKE], "chat carries 2 req/s (6 output tokens/s, 4 streams at once) with 64 "),
        ([step(2.0, run=SIZED)], "with 80 input and 220 output tokens a request; no limit broke"),
        (
            [step(2.0, run=replace(SIZED, output_tokens=None))],
            "with 80 input and 64 output tokens a request",
        ),
    ],
)
def test_the_capacity_in_one_sentence(steps: list[LoadStep], said: str) -> None:
    assert said in load_finding(report(summarise_load(steps, "over", None)))


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        (KEPT, "kept its limits"),
        (BROKE, "20 of 40 requests missed a limit"),
        (replace(BROKE, client_limited=True), "CLIENT LIMITED 20 of 40 requests missed a limit"),
        (NOTHING, "unknown: no request came in its time; longer steps tell more (--step)"),
    ],
)
def test_what_one_rate_showed(seen: LoadStep, said: str) -> None:
    assert step_finding(seen) == said


def test_a_capacity_is_one_only_where_a_higher_rate_broke() -> None:
    found = load_document(report(BOUNDED))
    assert (found["capacity_rps"], found["at_least_rps"], found["bounded"]) == (2.0, 2.0, True)
    assert found["limits"] == {"ttft_s": 0.5, "itl_s": 0.05, "kept_share": 0.99}
    open_ended = load_document(report(summarise_load([KEPT], "over", None)))
    assert (open_ended["capacity_rps"], open_ended["at_least_rps"]) == (None, 2.0)
    nothing = load_document(report(summarise_load([BROKE], "over", None)))
    keys = ("capacity_rps", "at_least_rps", "goodput_rps", "output_tokens_per_s", "concurrency")
    assert [nothing[key] for key in keys] == [None] * 5


def test_each_step_has_the_single_requests_that_its_figures_follow_from() -> None:
    kept, broke = load_document(report(BOUNDED))["steps"]
    assert kept["samples"] == {
        "ttft_s": (0.2,) * 20,
        "planned_to_sent_s": (None,) * 20,
        "itl_s": (pytest.approx(0.03),) * 20,
        "input_tokens": (None,) * 20,
        "output_tokens": (3,) * 20,
        "error": (None,) * 20,
    }
    assert kept["samples_reason"] is None
    assert len(broke["samples"]["ttft_s"]) == broke["requests"] == 40


def test_every_key_of_the_document_is_documented() -> None:
    found = load_document(report(BOUNDED))
    page = (Path(__file__).parents[4] / "docs" / "verbs.md").read_text()
    keys = {*found, *found["limits"], *found["steps"][0]["samples"], "samples_reason"}
    assert {key for key in keys if f"`{key}`" not in page and f"[].{key}`" not in page} == set()


def test_a_step_of_the_history_says_why_it_has_no_single_requests() -> None:
    ended = summarise_load([KEPT, NOTHING], "over", None)
    nothing, kept = load_document(report(without_samples(ended)))["steps"]
    assert (kept["requests"], kept["samples"]) == (20, None)
    assert "history" in kept["samples_reason"]
    assert (nothing["samples"]["ttft_s"], nothing["samples_reason"]) == ((), None)


def test_a_table_has_a_row_for_each_step_and_a_dash_for_unknown() -> None:
    _, kept, unknown = load_rows(report(summarise_load([KEPT, NOTHING], "over", None)))[:3]
    rows = {row[0]: row for row in (kept, unknown)}
    assert rows["2"][2:8] == ("100.0%", "6", "4", "200.0 ms", "200.0 ms", "30.0 ms")
    assert rows["1"][2] == "—"
    assert rows["1"][5:8] == ("—", "—", "—")


def test_steps_as_csv_with_nothing_for_unknown() -> None:
    ended = summarise_load([KEPT, NOTHING], "over", None)
    rows = {row["planned_rps"]: row for row in csv.DictReader(io.StringIO(load_csv(report(ended))))}
    assert rows["2.0"]["ttft_s_median"] == "0.2"
    assert rows["2.0"]["kept_share"] == "1.0"
    assert (rows["1.0"]["ttft_s_median"], rows["1.0"]["kept_share"]) == ("", "")
    assert rows["1.0"]["outcome"] == "unknown"


def test_markdown_has_the_finding_the_limits_and_every_step() -> None:
    piped = summarise_load([KEPT, replace(BROKE, broke="a|b")], "the limit is found", "0.25")
    text = load_markdown(report(piped))
    assert text.startswith(f"{load_finding(report(piped))}.\n\nlimits: TTFT 0.5 s, ITL 0.05 s for ")
    assert text.count("\n| ") == 3
    assert "| a\\|b |" in text
    assert text.endswith("ended: the limit is found; spent $0.25\n")


def test_what_has_no_limit_and_no_price_is_not_said() -> None:
    assert limits_text(0.5, None) == "limits: TTFT 0.5 s for 99 of 100 requests"
    assert ended_text(report(summarise_load([KEPT], "over", None))) == "ended: over"


def test_the_picture_marks_the_rates_that_broke() -> None:
    picture = load_svg(report(BOUNDED))
    assert picture.count("<circle") == 2
    assert "TTFT limit" in picture
    kept_only = load_svg(report(summarise_load([KEPT], "over", None)))
    assert kept_only.count("<circle") == 1
    assert "<circle" not in load_svg(report(summarise_load([NOTHING], "over", None)))
