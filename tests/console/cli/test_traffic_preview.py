"""``--preview`` shows how files are understood, and ``--map`` what a column is."""

from pathlib import Path

from tests.console.cli.conftest import Cli, cli

__all__ = ["cli"]

DATA = Path(__file__).parents[2] / "data" / "traffic"


def test_the_first_rows_are_shown_as_they_are_understood(cli: Cli) -> None:
    ran = cli("verdict", "--preview", "--traffic", str(DATA / "context_generated_no_zone.csv"))
    assert ran.code == 0
    assert "csv; at = TIMESTAMP, input = ContextTokens, output = GeneratedTokens" in ran.out
    assert "2023-11-16 18:15:46.680" in ran.out
    assert "assumed: times have no zone and are taken as UTC" in ran.out


def test_it_is_a_document_too(cli: Cli) -> None:
    files = [str(DATA / name) for name in ("usage_buckets.json", "access.log")]
    document = cli("cost", "--json", "--preview", "--traffic", *files).json()
    usage, access = document["files"]
    assert usage["rows"][0] == {
        "at_s": 1730419200.0,
        "interval_s": 86400.0,
        "requests": 5.0,
        "input_tokens": 1000.0,
        "output_tokens": 500.0,
        "cached_input_tokens": 800.0,
    }
    assert access["columns"]["status"] == "status"


def test_a_mapping_names_the_columns(cli: Cli, tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    log.write_text("wann;ein;aus\n1790000000;80;220\n1790000010;80;220\n")
    asked = ("verdict", "--preview", "--traffic", str(log))
    refused = cli(*asked)
    assert refused.code == 2
    assert "its columns are wann, ein, aus" in refused.err
    assert "name one with --map at=COLUMN" in refused.err
    ran = cli(*asked, "--map", "at=wann,input=ein,output=aus")
    assert "at = wann, input = ein, output = aus" in ran.out


def test_several_files_and_patterns_are_one_traffic(cli: Cli) -> None:
    pattern = str(DATA / "activity.csv*")
    told = cli("verdict", "--json", "--traffic", pattern).json()
    assert told["traffic"]["requests"] == 6
    assert told["traffic"]["source"].startswith("3 files, 6 requests")
