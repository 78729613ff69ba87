import csv
import io
import json
from dataclasses import replace

import pytest

from backends.domain.ab.facts import AbFact, RunBegan, RunEnded, SeriesBegan, SeriesEnded
from backends.domain.ab.run import ClientAudit, Connect, Run, TargetName
from backends.domain.ab.series import AbSeries, advance_series
from backends.domain.reports.ab import ab_report
from backends.domain.reports.ab_text import ab_csv, ab_markdown
from backends.domain.stamp import Stamp

AT = Stamp(1.0, 2.0)
BEGAN = SeriesBegan(AT, "s1", (("a", "own"), ("b", "api|x")), 5, ("m1", "m2"), "ab12")


def run(target: TargetName, index: int, ttft_s: float) -> Run:
    return Run(
        target,
        index,
        ttft_s=ttft_s + index / 1000,
        ttft_visible_s=ttft_s + index / 1000,
        itl_s=(0.01, 0.011),
        e2e_s=ttft_s + 0.021 + index / 1000,
        input_tokens=10,
        output_tokens=3,
        finish_reason="length",
        connect=Connect(None, None, None, reused=True),
        cost_usd="0.0000031",
        flags=("tokens_shared_by_text",),
        clock="kernel",
        text="secret of the model",
    )


def series(n: int = 5, **audit: object) -> AbSeries:
    facts: list[AbFact] = [BEGAN, RunBegan(AT, "a", 0)]
    for index in range(n):
        facts += [RunEnded(AT, run("a", index, 0.1)), RunEnded(AT, run("b", index, 0.3))]
    warm_up = replace(run("a", -1, 0.9), connect=Connect(0.001, 0.002, None, reused=False))
    client = ClientAudit(3.5, limited=False, warm_ups=(warm_up,), **audit)  # type: ignore[arg-type]
    found = None
    for fact in [*facts, SeriesEnded(AT, "s1", client=client)]:
        found = advance_series(found, fact)
    assert found is not None
    return found


def test_the_document_has_every_promised_key() -> None:
    document = json.loads(json.dumps(ab_report(series()), allow_nan=False))
    assert document["prompt_sha256"] == "ab12"
    assert document["order"] == "interleaved"
    target = document["targets"]["a"]
    assert (target["endpoint"], target["model"], target["clock"]) == ("own", "m1", "kernel")
    assert set(target["runs"][0]) >= {
        "ttft_s",
        "ttft_visible_s",
        "itl_s",
        "e2e_s",
        "input_tokens",
        "output_tokens",
        "reasoning_tokens",
        "finish_reason",
        "connect",
        "rtt_s",
        "planned_to_sent_s",
        "cost_usd",
        "flags",
        "error",
    }
    assert target["runs"][0]["connect"] == {
        "dns_s": None,
        "tcp_s": None,
        "tls_s": None,
        "reused": True,
    }
    assert set(target["summary"]) >= {"n", "errors", "ttft_s", "output_tokens_per_s", "e2e_s"}
    assert set(target["summary"]["ttft_s"]) >= {"median", "p25", "p75", "min", "max"}
    assert set(document["difference"]["ttft_s"]) >= {
        "shift",
        "ci95",
        "p_value",
        "verdict",
        "smallest_detectable",
    }
    assert document["difference"]["ttft_s"]["verdict"] == "a_faster"
    assert document["client"]["cpu_percent"] == 3.5
    assert document["client"]["limited"] is False


def test_the_warm_up_is_told_and_not_counted() -> None:
    target = ab_report(series())["targets"]["a"]
    assert target["warm_up"]["connect"]["tcp_s"] == 0.002
    assert target["summary"]["n"] == 5
    assert ab_report(series())["targets"]["b"]["warm_up"] is None


def test_money_stays_digits_and_text_stays_out() -> None:
    document = json.dumps(ab_report(series()))
    assert '"cost_usd": "0.0000031"' in document
    assert "secret of the model" not in document
    assert "secret of the model" not in ab_csv(series())


def test_too_few_runs_are_null_with_a_reason() -> None:
    found = ab_report(series(2))["difference"]["ttft_s"]
    assert found["shift"] is None
    assert found["reason"] == "insufficient data: at least 4 runs per target"


def test_an_ab_cut_short_says_so() -> None:
    cut = advance_series(AbSeries(BEGAN), SeriesEnded(AT, "s1", "cancelled"))
    assert cut is not None
    document = ab_report(cut)
    assert document["complete"] is False
    assert document["reason"] == "cancelled"
    assert document["client"]["cpu_percent"] is None
    assert "Cut short: cancelled" in ab_markdown(cut)


def test_markdown_names_a_winner_only_outside_the_noise() -> None:
    text = ab_markdown(series())
    assert "TTFT: a is faster than b" in text
    assert "Output speed: too close to call" in text
    assert "api\\|x" in text
    limited = replace(series(), client=ClientAudit(99.0, limited=True, reasons=("busy",)))
    assert "Client limited: busy." in ab_markdown(limited)


def test_csv_has_one_row_a_run() -> None:
    rows = list(csv.DictReader(io.StringIO(ab_csv(series(3)))))
    assert len(rows) == 6
    assert rows[0]["flags"] == "tokens_shared_by_text"
    assert rows[0]["reasoning_tokens"] == ""
    assert float(rows[0]["itl_median_s"]) == pytest.approx(0.0105)


def test_facts_before_the_beginning_are_passed_over() -> None:
    assert advance_series(None, RunEnded(AT, run("a", 0, 0.1))) is None


def test_different_work_has_no_winner() -> None:
    found = series()
    runs = tuple(replace(run, output_tokens=99) if run.target == "b" else run for run in found.runs)
    longer = replace(found, runs=runs)
    document = ab_report(longer)
    assert [warning["code"] for warning in document["warnings"]] == ["NOT_COMPARABLE"]
    assert document["difference"]["e2e_s"]["comparable"] is False
    assert document["difference"]["e2e_s"]["verdict"] == "not_comparable"
    assert document["difference"]["ttft_s"]["comparable"] is True
    assert "End to end: not comparable" in ab_markdown(longer)


@pytest.mark.parametrize(("n", "tail"), [(299, False), (300, True)])
def test_the_99th_percentile_is_given_from_the_three_hundredth_run_on(n: int, tail: bool) -> None:
    summary = ab_report(series(n))["targets"]["a"]["summary"]
    assert (summary["ttft_s"]["p99"] is not None) is tail
    assert ("tail_reason" in summary) is not tail
