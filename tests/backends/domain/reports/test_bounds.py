"""What a report says and leaves out, at the last line, name and figure of each of its rules."""

from dataclasses import replace
from typing import Any

import pytest

from backends.domain.ab.load import LoadLimits, LoadStep, judge, summarise_load
from backends.domain.ab.run import Run, Spread
from backends.domain.format import GIB
from backends.domain.redaction import HIDDEN
from backends.domain.reports.bug_report import bug_report
from backends.domain.reports.load import LoadReport, Replayed, load_finding, replay_findings
from backends.domain.reports.pseudonyms import Pseudonyms
from backends.domain.reports.sleep import SleepReport, sleep_sentence
from backends.domain.reports.svg import NARROW, WIDE, Layout
from backends.domain.startup.explain import explain

LIMITS = LoadLimits(ttft_s=0.5)
GOOD = Run("a", 0, ttft_s=0.2, itl_s=(0.02,), input_tokens=80, output_tokens=3)

# names


def test_what_was_hidden_already_is_not_counted_again() -> None:
    names = Pseudonyms()
    assert names.of(f"{HIDDEN} and Authorization: Bearer sk-1234567890abcdef") == (
        f"{HIDDEN} and Authorization: Bearer {HIDDEN}"
    )
    assert names.replaced() == [("token", 1)]


@pytest.mark.parametrize(("host", "said"), [("gx", "on gx"), ("gpx", "on HOST-1")])
def test_a_host_of_two_letters_may_be_a_word(host: str, said: str) -> None:
    assert Pseudonyms(hosts=[host]).of(f"on {host}") == said


@pytest.mark.parametrize(
    ("model", "text", "said"),
    [
        ("ab", "serves ab", "serves ab"),
        ("abc", "serves abc", "serves MODEL-1"),
        ("me/abcdef", "serves abcdef", "serves MODEL-1"),
        ("me/abcde", "serves abcde", "serves abcde"),
        ("me/abcde", "in models--me--abcde", "in models--MODEL-1"),
        ("1.5", "version 1.5", "version 1.5"),
        ("None", "is None", "is None"),
    ],
)
def test_which_names_are_those_of_a_model(model: str, text: str, said: str) -> None:
    assert Pseudonyms([model]).of(text) == said


# a report of a start


def reported(errors: int) -> list[str]:
    lines = [
        f"(EngineCore pid=9) ERROR 09-14 07:07:34 [core.py:1] RuntimeError: {number}"
        for number in range(errors)
    ]
    numbered = list(enumerate(lines, 1))
    report = bug_report(explain(numbered), lambda: numbered)
    return report.partition("## Log, reduced")[2].splitlines()


@pytest.mark.parametrize(("errors", "left_out"), [(250, 0), (251, 1), (300, 50)])
def test_a_report_has_room_for_250_lines_of_the_log(errors: int, left_out: int) -> None:
    kept = [line for line in reported(errors) if "RuntimeError" in line]
    assert len(kept) == errors - left_out
    gap = [line for line in reported(errors) if "left out" in line]
    assert gap == ([f"… {left_out} lines left out"] if left_out else [])
    assert kept[0].endswith("RuntimeError: 0")
    assert kept[-1].endswith(f"RuntimeError: {errors - 1}")


# a load


def step(rps: float, requests: int, window_s: float, **more: Any) -> LoadStep:
    runs = [GOOD] * requests
    return replace(judge(rps, runs, window_s, LIMITS, concurrency=4), **more)


def report(*steps: LoadStep, replayed: Replayed | None = None) -> LoadReport:
    ended = summarise_load(steps, "over", None)
    return replace(
        LoadReport("l1", "chat", "m", 1.0, 64, "ab", 0.5, None, ended), replayed=replayed
    )


@pytest.mark.parametrize(("requests", "few"), [(17, False), (16, True)])
def test_fewer_than_85_in_100_of_what_was_planned_is_said_to_be_chance(
    requests: int, *, few: bool
) -> None:
    found = load_finding(report(step(2.0, requests, 10.0)))
    assert (f"by chance only {requests / 10:g} req/s came" in found) is few


REPLAYED = Replayed("a.csv", 50, 80, 200.0, 120.0, 2.0, "nothing", ("no tokens",), 90.0, 30.0)


def test_what_a_replay_showed() -> None:
    late = Spread(0.001, 0.0005, 0.002, 0.0, 0.010, None, None)
    shown = step(1.25, 40, 40.0, replayed_speed=2.0, sent=48, planned=50, sent_late_s=late)
    first = "a.csv at x2: 50 of 80 requests in 60 s, prompts begin alike by nothing"
    assert replay_findings(report(shown, replayed=REPLAYED)) == [
        first,
        "assumed: no tokens",
        "48 of 50 arrivals sent, late by 1.0 ms (median, at most 10.0 ms)",
        "goodput 1 of 1.25 req/s within the limits (100.0% kept them, 0 failed)",
        "mean tokens planned 90 in and 30 out, came 80 in and 3 out",
    ]
    with_tail = replace(shown, sent_late_s=replace(late, p99=0.008))
    assert (
        "(median, p99 8.0 ms, at most 10.0 ms)"
        in replay_findings(report(with_tail, replayed=REPLAYED))[2]
    )
    untold = replace(shown, sent_late_s=None, kept_share=None, input_tokens=None)
    whole = replace(REPLAYED, recorded=50, remarks=())
    assert replay_findings(report(untold, replayed=whole)) == [
        "a.csv at x2: 50 requests in 60 s, prompts begin alike by nothing",
        "48 of 50 arrivals sent",
        "goodput 1 of 1.25 req/s within the limits (— kept them, 0 failed)",
        "mean tokens planned 90 in and 30 out, came — in and 3 out",
    ]


def test_a_replay_of_which_nothing_came_says_so() -> None:
    assert replay_findings(report(step(1.0, 9, 9.0), replayed=REPLAYED))[-1] == (
        "nothing of it was measured"
    )
    assert replay_findings(report(step(1.0, 9, 9.0))) == []


# a server that sleeps


@pytest.mark.parametrize(
    ("order", "memory_bytes", "said"),
    [
        ("sleep", 3 * GIB, "s fell asleep at level 1 in 0.50 s, 3.0 GiB freed"),
        ("sleep", 1, "s fell asleep at level 1 in 0.50 s, 0.0 GiB freed"),
        (
            "sleep",
            0,
            (
                "s fell asleep at level 1 in 0.50 s and freed nothing: start it with"
                " --enable-sleep-mode"
            ),
        ),
        ("wake", 0, "s woke from level 1 in 0.50 s, 0.0 GiB taken again"),
        ("wake", None, "s woke from level 1 in 0.50 s; memory: no driver"),
    ],
)
def test_what_falling_asleep_and_waking_did(
    order: str, memory_bytes: int | None, said: str
) -> None:
    told = SleepReport("i", 1.0, "s", "m", order, 1, 0.5, memory_bytes, "no driver")  # type: ignore[arg-type]
    assert sleep_sentence(told) == said


# pictures


@pytest.mark.parametrize(
    ("layout", "first", "last", "lines"),
    [(WIDE, 49, 48, 1), (WIDE, 49, 49, 2), (NARROW, 21, 21, 1), (NARROW, 21, 22, 2)],
)
def test_a_line_of_text_holds_98_characters_on_a_phone_43(
    layout: Layout, first: int, last: int, lines: int
) -> None:
    shapes, y = layout.paragraph(20, 26, f"{'x' * first} {'y' * last}")
    assert (len(shapes), y) == (lines, 26 + 18 * (lines - 1))


def test_an_axis_without_a_length_has_all_at_its_beginning() -> None:
    place = WIDE.place
    assert place(5.0, 5.0, 5.0) == place(5.0, 5.0, 9.0)
    assert place(9.0, 5.0, 9.0) > place(7.0, 5.0, 9.0) > place(5.0, 5.0, 9.0)
