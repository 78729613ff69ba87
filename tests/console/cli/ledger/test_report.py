"""``cost --report``: one page of Markdown, with nothing unknown written as 0."""

from datetime import UTC, datetime

from tests.console.cli.ledger.conftest import MadeHost

ENDPOINT = """
[endpoint.api]
base_url = "http://127.0.0.1:9/v1"
model = "m"
input_usd_per_mtok = "0.10"
output_usd_per_mtok = "0.70"
price_as_of = 2024-01-31
"""


def test_an_empty_host_reports_what_it_does_not_know(verbs: MadeHost) -> None:
    code, out, _ = verbs.run("cost", "--report")
    assert code == 0
    assert "UNPRICED" in out
    assert "No token was counted." in out
    assert out.count("None was recorded.") == 2
    assert "Not measured" in out
    assert "$0" not in out


def test_the_report_holds_bill_starts_and_verdict(verbs: MadeHost) -> None:
    verbs.configure(verbs.server(), ENDPOINT)
    verbs.run("start", "sim", "--wait")
    code, out, err = verbs.run("cost", "--report")
    assert code == 0, err
    assert f"to {datetime.now(UTC):%Y-%m-%d}" in out
    assert "at $1.88/h (undated price)" in out
    (row,) = [line for line in out.splitlines() if line.startswith("| sim |")]
    assert row.split(" | ")[2:4] == ["1", "1"]
    assert "price of 2024-01-31, STALE" in out
    assert "## Verdict\n\n**" in out
    tables = [line for line in out.splitlines() if line.startswith("|")]
    assert all(line.endswith("|") for line in tables)
