from dataclasses import replace

import pytest

from backends.domain.ab.facts import SeriesBegan
from backends.domain.ab.run import ClientAudit, Connect, Run
from backends.domain.ab.series import AbSeries
from backends.domain.ab.trust import limits, network, remarks
from backends.domain.reports.ab import ab_report
from backends.domain.reports.ab_text import ab_markdown
from backends.domain.stamp import Stamp

BEGAN = SeriesBegan(
    Stamp(0, 0), "s", (("a", "here"), ("b", "there")), 4, ("m", "m"), "0" * 64, "interleaved"
)
COLD = Run("b", -1, ttft_s=0.4, connect=Connect(0.002, 0.021, 0.043, reused=False))
AUDIT = ClientAudit(2.0, limited=False, warm_ups=(Run("a", -1, ttft_s=0.3), COLD))


def runs(target: str, clock: str = "kernel", *flags: str, rtt_s: float | None = 0.02) -> list[Run]:
    return [
        Run(target, i, ttft_s=0.2 + i / 100, rtt_s=rtt_s, clock=clock, flags=flags)  # type: ignore[arg-type]
        for i in range(4)
    ]


def series(*every: Run, client: ClientAudit | None = AUDIT) -> AbSeries:
    return AbSeries(BEGAN, tuple(every), ended=True, client=client)


def test_the_way_is_told_beside_the_model() -> None:
    found = network(runs("a"))
    assert found is not None
    assert found.rtt_s == 0.02
    assert found.ttft_minus_rtt_s == pytest.approx(0.195)
    target = ab_report(series(*runs("a"), *runs("b", rtt_s=None)))["targets"]
    assert target["a"]["network"]["ttft_minus_rtt_s"] == pytest.approx(0.195)
    assert "estimate" in target["a"]["network"]["note"]
    assert "edge" in target["a"]["network"]["note"]
    assert target["b"]["network"]["rtt_s"] is None
    assert target["b"]["network"]["reason"]


def test_a_run_with_an_error_tells_nothing_of_the_way() -> None:
    assert network([replace(run, error="cut") for run in runs("a")]) is None


def test_the_warm_up_that_is_not_counted_is_told_with_what_it_cost() -> None:
    told = remarks(series(*runs("a"), *runs("b")))[0]
    assert told == (
        "one warm-up run per target is not counted: a 300 ms to the first token,"
        " b 400 ms to the first token after DNS 2 ms, TCP 21 ms, TLS 43 ms"
    )


@pytest.mark.parametrize(
    ("flag", "words"),
    [("through_proxy", "through a proxy"), ("http_2_only", "over HTTP/2")],
)
def test_the_clock_and_why_it_is_a_coarse_one(flag: str, words: str) -> None:
    told = remarks(series(*runs("a"), *runs("b", "user", flag, rtt_s=None)))
    assert "target a: kernel receive timestamps" in told
    (said,) = [each for each in told if each.startswith("target b: stamped in user space")]
    assert words in said


def test_a_kept_connection_that_was_closed_is_told() -> None:
    first, *others = runs("a")
    told = remarks(series(replace(first, flags=("reconnected",)), *others))
    assert any("1 of 4 runs found their kept connection closed" in each for each in told)


def test_percentiles_that_cannot_be_told_say_so() -> None:
    assert any("no p95 and p99: 4 runs" in each for each in remarks(series(*runs("a"))))


def test_a_limited_run_is_told_in_every_summary() -> None:
    audit = ClientAudit(2.0, limited=True, reasons=("1 of 8 runs are marked",), limited_runs=1)
    limited = series(*runs("a", "kernel", "client_limited"), client=audit)
    assert limits(limited) == "1 of 8 runs are marked"
    assert "Client limited: 1 of 8 runs are marked." in ab_markdown(limited)
    assert ab_report(limited)["client"]["limited_runs"] == 1


def test_while_a_series_runs_too() -> None:
    running = replace(series(*runs("a", "kernel", "client_limited"), client=None), ended=False)
    assert limits(running) == "4 of 4 runs so far are marked client_limited"
    assert limits(series(*runs("a"), client=None)) == ""


@pytest.mark.parametrize(
    ("n", "words"),
    [
        (59, "no p95 and p99: 59 runs"),
        (60, "no p99: 60 runs"),
        (299, "no p99: 299 runs"),
        (300, None),
    ],
)
def test_which_percentiles_are_missing_goes_by_the_runs_of_a_target(
    n: int, words: str | None
) -> None:
    told = remarks(series(*(Run("a", place, ttft_s=0.2) for place in range(n))))
    assert [each for each in told if each.startswith("no p9")] == (
        [] if words is None else [f"{words} a target cannot tell (p95 needs 60, p99 needs 300)"]
    )
