"""What must be readable at every size, as plain text."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from textual.content import Content

from backends.domain.ab.live import TextPiece
from backends.domain.server import ServerState
from backends.domain.serving import RequestErrors
from backends.domain.start import Outcome, PhaseName
from backends.domain.startup.lessons import Advice, Expected, Slower
from tests.widgets import money_samples, samples
from tests.widgets.shown import NARROW, Draw, shown
from widgets import (
    ab_panel,
    cost_chart,
    cost_panel,
    options_bars,
    serving_panel,
    startup_panel,
    status_strip,
    target_pane,
    verdict_line,
    vram_panel,
)
from widgets.panel import clipped
from widgets.start_report import levers_part, slower_part
from widgets.text import arrange


def _status(view: status_strip.StatusView, width: int, height: int) -> list[Content]:
    return status_strip.draw(view, width)


DRAWN: dict[str, tuple[Draw, dict[str, Any]]] = {
    "status": (_status, samples.STATUS),
    "startup": (startup_panel.draw, samples.STARTUP),
    "vram": (vram_panel.draw, samples.VRAM),
    "target": (target_pane.draw, samples.TARGET),
    "ab": (ab_panel.draw, samples.AB),
    "cost": (cost_panel.draw, money_samples.COST),
    "verdict": (verdict_line.draw, money_samples.VERDICT),
    "serving": (serving_panel.draw, samples.SERVING),
    "chart": (cost_chart.draw, money_samples.CHART),
    "options": (options_bars.draw, money_samples.OPTIONS),
}
CASES = [
    pytest.param(draw, view, id=f"{kind}-{state}")
    for kind, (draw, views) in DRAWN.items()
    for state, view in views.items()
]


@pytest.mark.parametrize(("draw", "view"), CASES)
def test_nothing_leaves_the_box(draw: Draw, view: Any) -> None:
    for width in (34, 36, 38, 46, 54, 58, 76, 96, 118, 160):
        for height in (1, 2, 3, 4, 6, 8, 13, 18, 33):
            lines = draw(view, width, height)
            assert len(lines) <= height, (width, height)
            for line in lines:
                assert line.cell_length <= width, (width, height, line.plain)
                assert line.plain.isprintable(), (width, height, line.plain)


@settings(deadline=None)
@given(width=st.integers(1, 200), height=st.integers(1, 60), case=st.sampled_from(CASES))
def test_any_size_can_be_drawn(width: int, height: int, case: Any) -> None:
    draw, view = case.values
    lines = clipped(draw(view, width, height), width, height)
    assert len(lines) <= height
    assert all(line.cell_length <= width for line in lines)


@pytest.mark.parametrize("state", list(ServerState), ids=str)
def test_the_strip_names_every_state_with_a_sign_of_its_own(state: ServerState) -> None:
    view = replace(samples.READY, state=state, simulated=True)
    (strip,) = status_strip.draw(view, 80)
    for fact in (state.value, "gpt-oss-120b", "8000", "1:02:03", "SIMULATED"):
        assert fact in strip.plain
    glyphs = {glyph for glyph, _ in status_strip.STATES.values()}
    assert len(glyphs) == len(ServerState)


def test_simulated_outlasts_everything() -> None:
    view = replace(samples.STATUS["problems"], model="organisation/" + "long" * 20)
    for width in (40, 60, 80, 200):
        (strip,) = status_strip.draw(view, width)
        assert "SIMULATED" in strip.plain
        assert "ready" in strip.plain


def test_a_running_start_at_its_narrowest() -> None:
    text = shown(startup_panel.draw, samples.RUNNING)
    for fact in (
        "▶ compile",
        "14.3 s",
        "graph 20/51",
        "39 %",
        "total 45.2 s",
        "ETA 0:23 (0:19–0:27)",
    ):
        assert fact in text


def test_an_unknown_eta_says_why() -> None:
    text = shown(startup_panel.draw, samples.STARTUP["first"])
    assert "ETA — first start" in text
    assert "ETA 0" not in text


def test_a_failed_start_at_its_narrowest() -> None:
    text = shown(startup_panel.draw, samples.FAILED)
    assert "✖ failed 41.2 s  log line 214" in text
    assert "kv cache too small: One request of" in text
    for word in ("--max-model-len", "--gpu-memory-utilization", "0.95"):
        assert word in text


def test_a_failure_without_a_line_says_so() -> None:
    assert samples.FAILED.failure is not None
    failure = replace(samples.FAILED.failure, line_number=None)
    text = shown(startup_panel.draw, replace(samples.FAILED, failure=failure), (54, 8))
    assert "no error found in log" in text


def test_a_server_that_died_while_it_served_is_no_green_start() -> None:
    died = replace(
        samples.FAILED, outcome=Outcome.READY, end_of_service="stopped unexpectedly after 22 min"
    )
    for size in ((80, 8), (80, 2)):
        first = startup_panel.draw(died, *size)[0]
        assert "✖ stopped unexpectedly after 22 min" in first.plain
        assert "ready" not in first.plain
        assert "$text-error" in str(first.spans[0].style)


def test_the_strip_says_that_a_server_died() -> None:
    died = replace(
        samples.STATUS["ready"],
        state=ServerState.FAILED,
        end_of_service="stopped unexpectedly after 22 min",
    )
    for width in (120, 60):
        assert (
            "✖ failed  stopped unexpectedly after 22 min" in status_strip.draw(died, width)[0].plain
        )


def test_errors_of_requests_stand_where_they_are_served() -> None:
    busy = samples.SERVING["busy"]
    assert busy.serving is not None
    wrong = replace(busy, serving=replace(busy.serving, errors=RequestErrors(3, 0, 12, 40)))
    assert "since start: 3 answered 5xx, 12 aborted, 40 preempted" in shown(
        serving_panel.draw, wrong, (98, 12)
    )
    assert "errors 15" in shown(serving_panel.draw, wrong, (54, 8))
    assert "errors" not in shown(serving_panel.draw, busy, (54, 8))


def test_the_compact_start_is_one_line() -> None:
    (line,) = startup_panel.draw(samples.STARTUP["compact"], 96, 8)
    assert "✔ ready in 76.1 s  first token 77.0 s" in line.plain
    assert "compile 36.0 s" in line.plain
    assert "usually 61 s" in line.plain


def test_a_running_start_in_one_line() -> None:
    (line,) = startup_panel.draw(samples.RUNNING, 36, 1)
    assert line.plain == "▶ compile 14.3 s  ETA 0:23"


def test_a_failed_start_in_one_line_keeps_its_cause() -> None:
    (line,) = startup_panel.draw(samples.FAILED, 76, 1)
    assert "✖ failed after 41.2 s  kv cache too small: One request of" in line.plain


def test_what_no_phase_explains_has_a_row() -> None:
    assert "other               0.4 s" in shown(startup_panel.draw, samples.RUNNING, (54, 13))


def test_bars_share_one_axis() -> None:
    rows = [line.plain for line in startup_panel.draw(samples.DONE, 96, 18)]
    weights = next(row for row in rows if "load weights" in row)
    compiled = next(row for row in rows if "compile" in row)
    assert abs(compiled.index("█") - weights.rindex("█")) <= 1


def test_memory_at_its_narrowest() -> None:
    text = shown(vram_panel.draw, samples.VRAM["one"])
    for fact in ("used 71.2 of 79.6 GiB", "97 %", "651 W", "61 °C", "free 7.8"):
        assert fact in text
    for fill, part, size in (
        ("█", "weights", "14.9"),
        ("▓", "KV", "50.1"),
        ("▚", "graphs", "1.2"),
        ("▒", "vLLM", "1.9"),
        ("╳", "others", "3.1"),
        ("=", "driver", "0.60"),
    ):
        assert f"{fill} {part} {size}" in text


def test_eight_gpus_have_a_line_each() -> None:
    lines = [line.plain for line in vram_panel.draw(samples.VRAM["eight"], 54, 13)]
    for index in range(8):
        assert lines[index].startswith(f" {index} ")
        assert "71.2/79.6" in lines[index]


def test_unknown_memory_gives_its_reason_and_no_zero() -> None:
    text = shown(vram_panel.draw, samples.VRAM["unknown"])
    assert "memory — the driver gives no" in text
    assert "busy —" in text
    assert "0.0" not in text
    assert "NVML is not installed" in shown(vram_panel.draw, samples.VRAM["none"])


def test_the_difference_at_its_narrowest() -> None:
    assert "◀ A FASTER  by 128 ms (101 to 152)" in shown(ab_panel.draw, samples.COMPARED)
    close = shown(ab_panel.draw, samples.AB["too-close"])
    assert "≈ TOO CLOSE" in close
    assert "+3 ms (−12 to +18)" in close
    assert "FASTER" not in close


def test_targets_that_cannot_be_compared_have_no_winner() -> None:
    for size in (NARROW, (76, 4), (54, 13), (96, 18)):
        text = shown(ab_panel.draw, samples.AB["not-comparable"], size)
        assert "▲ NOT COMPARABLE: the targets" in text
        assert "FASTER" not in text


@pytest.mark.parametrize("size", [(120, 18), NARROW])
def test_runs_that_the_client_limited_are_told_beside_the_difference(size: tuple[int, int]) -> None:
    limited = replace(samples.COMPARED, client_limited="3 of 40 runs are marked client_limited")
    assert "▲ CLIENT LIMITED: 3 of 40 runs" in shown(ab_panel.draw, limited, size)
    assert "CLIENT LIMITED" not in shown(ab_panel.draw, samples.COMPARED, size)


def test_four_targets_in_four_lines() -> None:
    text = shown(ab_panel.draw, samples.AB["four"], (76, 4))
    for target in ("A gpt-oss", "B serverless", "C other-gpu", "D third  ✖ error"):
        assert target in text
    assert "◀ A FASTER" in text


def test_every_run_is_a_dot() -> None:
    lines = [line.plain for line in ab_panel.draw(samples.COMPARED, 160, 18)]
    (row,) = [line for line in lines if line.startswith("B ") and "median 320 ms" in line]
    dots = row[: row.index("median")]
    marks = dots.count("·") + 2 * dots.count("●") + sum(int(c) for c in dots if c.isdigit())
    assert marks >= 19  # the median's own mark covers at most one cell of dots


def test_an_empty_ab_tells_the_keys() -> None:
    text = shown(ab_panel.draw, replace(samples.AB["none"], one_key="f5", series_key="f6"))
    assert "f5" in text
    assert "f6" in text


def test_too_few_runs_are_no_difference() -> None:
    text = shown(ab_panel.draw, samples.AB["few-runs"], (76, 6))
    assert "TTFT difference — not enough runs" in text


def test_model_output_is_neither_markup_nor_command() -> None:
    text = shown(target_pane.draw, samples.STREAMING, (76, 13))
    assert "[b]context[/b]" in text
    assert "␛[31m" in text
    assert "\x1b" not in text


def test_reasoning_is_marked_by_more_than_its_style() -> None:
    text = shown(target_pane.draw, samples.STREAMING, (76, 13))
    assert "(reasoning)" in text
    assert "┆ The user asks about caches" in text


def test_text_stays_put_while_it_grows() -> None:
    words = " ".join(f"word{at}" for at in range(300))
    before = target_pane.text_tail((TextPiece(words),), 30, 8)
    after = target_pane.text_tail((TextPiece(words + " and more"),), 30, 8)
    shared = {line.plain for line in before} & {line.plain for line in after}
    assert len(shared) >= 6


def test_a_target_without_a_token_shows_what_has_passed() -> None:
    text = shown(target_pane.draw, samples.WAITING)
    assert "TTFT >210 ms" in text
    assert "0 tok" not in text


def test_serving_at_its_narrowest() -> None:
    text = shown(serving_panel.draw, samples.SERVING["busy"])
    for fact in ("out 1,204 tok/s", "in 8,123", "running 12", "waiting 3", "4.2 req/s"):
        assert fact in text
    for fact in ("over 60 s", "252 requests", "62 %", "41 %"):
        assert fact in text
    assert "TTFT  mean 282 ms  p99 750 ms–1 s" in text
    assert "ITL   mean 8.30 ms  p99 > 80 s" in text


def test_a_percentile_is_a_bucket_and_never_a_figure_inside_it() -> None:
    text = shown(serving_panel.draw, samples.SERVING["busy"], (98, 12))
    for row in (
        "TTFT  mean 282 ms  p50 100 to 250 ms  p90 250 to 500 ms  p99 750 ms to 1 s",
        "ITL   mean 8.30 ms  p50 <= 10 ms  p90 10 to 25 ms  p99 > 80 s",
        "over 60 s  252 requests  exact mean, percentiles by bucket  A/B is exact",
    ):
        assert row in text


@pytest.mark.parametrize(
    ("window_s", "words"),
    [(1.0, "over < 10 s"), (10.0, "over < 20 s"), (57.9, "over < 60 s"), (59.1, "over 60 s")],
)
def test_the_growing_window_of_an_idle_server_is_a_bound(window_s: float, words: str) -> None:
    assert f"{words}  0 requests" in shown(serving_panel.draw, samples.idle_for(window_s), (98, 12))


def test_serving_in_four_lines() -> None:
    text = shown(serving_panel.draw, samples.SERVING["busy"], (36, 4))
    for fact in (
        "out 1,204 tok/s",
        "in 8,123",
        "(60 s)",
        "run 12",
        "wait 3",
        "4.2 req/s",
        "KV 62 %",
    ):
        assert fact in text
    for fact in ("TTFT  mean 282 ms  p99 750 ms to 1 s", "ITL   mean 8.30 ms  p99 > 80 s"):
        assert fact in text


def test_rates_before_the_second_scrape_are_unknown() -> None:
    text = shown(serving_panel.draw, samples.SERVING["first-scrape"])
    assert "out — tok/s" in text
    assert "— req/s" in text
    assert "TTFT  mean —  p50 —  p90 —  p99 —" in text
    assert "rates need two readings" in text
    assert "waiting 0" in text  # a gauge of 0 is known


@pytest.mark.parametrize("width", range(8, 120))
def test_a_key_that_shows_more_is_called_a_key_to_press(width: int) -> None:
    advice = Advice(PhaseName.COMPILE, 36.0, 0.5, "a lever", "an effect", "a price")
    slow = Slower(PhaseName.COMPILE, 48.0, Expected(12.0, 9.0, 14.0, 8))
    for part in (levers_part([advice], "1"), slower_part([slow], "1")):
        shown = arrange([part], width).plain
        assert not shown.endswith("1") or shown.endswith("press 1")
