"""What a cold-start probe says, in every form it is handed out."""

import csv
import io
from dataclasses import replace
from decimal import Decimal

import pytest

from backends.domain.ab.cold import ColdProbe, ColdProbePlan
from backends.domain.format import pause
from backends.domain.prices.cost import RequestPrices
from backends.domain.reports.cold_probe import (
    ColdProbeReport,
    cold_probe_csv,
    cold_probe_document,
    cold_probe_lines,
    cold_probe_markdown,
    cold_probe_svg,
    verdict_line,
)

PLAN = ColdProbePlan((60.0, 900.0), rounds=2, warm=5)


def probes(planned_s: float | None, *ttft_s: float | None, **more: object) -> list[ColdProbe]:
    return [
        ColdProbe(planned_s, planned_s, 1000.0, each, None, **more)  # type: ignore[arg-type]
        for each in ttft_s
    ]


FIRST = probes(None, 3.0)
WARM = probes(0, *(0.4,) * 5, input_tokens=20, cost_usd="0.00002")
SHORT = probes(60, 0.41, 0.42)
FAILED = [ColdProbe(60.0, 60.0, 1000.0, None, "HTTP 503")]


def report(*seen: list[ColdProbe], **more: object) -> ColdProbeReport:
    every = tuple(probe for each in seen for probe in each)
    return ColdProbeReport("h1", "chat", "m", 1.0, PLAN, every, **more)  # type: ignore[arg-type]


COLD = report(FIRST, WARM, SHORT, probes(900, 8.0, 8.4))
PRICED = replace(COLD, prices=RequestPrices(Decimal("0.10"), Decimal("0.70")))


@pytest.mark.parametrize(
    ("seen", "verdict"),
    [
        (
            COLD,
            (
                "chat was seen COLD: after 15m idle, 2 of 2 requests, TTFT median 8.20 s against "
                "400 ms warm (20x)"
            ),
        ),
        (
            report(WARM, SHORT, probes(900, 8.0)),
            "chat: UNSURE so far, slow requests but too few to tell: 1 of 1 after 15m",
        ),
        (
            report(WARM, SHORT, probes(900, 0.4, 0.4)),
            "chat: no cold start observed, after pauses of up to 15m",
        ),
        (report(WARM, SHORT), "chat: no cold start observed so far, after pauses of up to 1m"),
        (report(FIRST), "chat: no data yet"),
        (report(probes(60, 9.0, 9.0)), "chat: no data yet"),
    ],
)
def test_the_verdict(seen: ColdProbeReport, verdict: str) -> None:
    assert verdict_line(seen) == verdict


def test_every_line_that_a_verdict_rests_on() -> None:
    verdict, warm, short, long, first, warm_up, count, limits, rule = cold_probe_lines(PRICED)
    assert verdict == verdict_line(PRICED)
    assert warm == "warm: TTFT median 400 ms of 5 requests; slow is over 800 ms"
    assert short == "after     1m: 2/2  warm, 0 slow, TTFT median 415 ms, 410 ms to 420 ms"
    assert long == "after    15m: 2/2  COLD, 2 slow, TTFT median 8.20 s, 8.00 s to 8.40 s"
    assert first == "first request (idle time unknown): TTFT 3.00 s"
    assert warm_up.startswith(
        "to prevent it: one request of 20 input tokens with max_tokens 1 every 1m, 1440 a day, $"
    )
    assert count == "10 requests, spent $0.0001"
    assert limits == "limits of one start: 114 requests, 2.2h"
    assert rule.startswith("rule: a request is slow when")


def test_what_is_unknown_is_said_to_be() -> None:
    lines = cold_probe_lines(report(FAILED, probes(900, 8.0)))
    assert lines[1:4] == [
        "after     1m: 0/2  —",
        "after    15m: 1/2  unsure, —, TTFT median 8.00 s, 8.00 s to 8.00 s",
        "2 requests, 1 failed",
    ]
    unproven = cold_probe_lines(report(WARM, probes(60, 9.0, 9.0)))
    (warm_up,) = (line for line in unproven if line.startswith("to prevent it"))
    assert "every 30s, 2880 a day, — (UNPRICED) a day" in warm_up
    assert warm_up.endswith("no pause so short was measured, so this is not proven")


def test_the_document_holds_the_findings_and_what_they_rest_on() -> None:
    document = cold_probe_document(PRICED)
    assert (document["complete"], document["ever_cold"]) == (True, True)
    assert document["finding"]["cold_after_s"] == 900.0
    assert document["finding"]["spent_usd"] == "0.0001"
    # 1440 times 20 tokens at $0.10 and one at $0.70 for a million
    assert document["warm_up"]["usd_per_day"] == "0.003888"
    assert document["warm_up"]["reason"] == ""
    assert len(document["probes"]) == 10
    assert cold_probe_document(COLD)["warm_up"]["reason"] == "UNPRICED or no usage"
    assert cold_probe_document(report(WARM))["warm_up"] is None
    assert cold_probe_document(report(WARM))["complete"] is False


def test_the_requests_as_csv_with_nothing_for_unknown() -> None:
    rows = list(csv.DictReader(io.StringIO(cold_probe_csv(report(FIRST, FAILED)))))
    assert [row["error"] for row in rows] == ["", "HTTP 503"]
    assert [row["planned_idle_s"] for row in rows] == ["", "60.0"]
    assert [row["ttft_s"] for row in rows] == ["3.0", ""]
    assert {(row["endpoint"], row["model"], row["cost_usd"]) for row in rows} == {("chat", "m", "")}


def test_markdown_begins_with_the_verdict() -> None:
    head, empty, *rest = cold_probe_markdown(COLD).splitlines()
    assert (head, empty) == (f"**{verdict_line(COLD)}**", "")
    assert rest == [f"- {line}" for line in cold_probe_lines(COLD)[1:]]


def test_the_picture_has_a_dot_for_every_request_after_a_known_pause() -> None:
    picture = cold_probe_svg(COLD)
    assert picture.count("<circle") == len(WARM) + len(SHORT) + 2
    assert "slow from here on" in picture
    without_baseline = cold_probe_svg(report(SHORT))
    assert without_baseline.count("<circle") == 2
    assert "slow from here on" not in without_baseline
    assert "<circle" not in cold_probe_svg(report(FAILED))


@pytest.mark.parametrize(
    ("seconds", "said"), [(30, "30s"), (60, "1m"), (90, "90s"), (900, "15m"), (5400, "1.5h")]
)
def test_a_pause_as_people_say_it(seconds: float, said: str) -> None:
    assert pause(seconds) == said
