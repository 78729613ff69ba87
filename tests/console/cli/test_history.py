"""``inferctl history`` of a host on which little or nothing was recorded."""

import pytest

from tests.console.cli.conftest import Cli


def test_an_empty_history_says_of_every_kind_what_would_fill_it(cli: Cli) -> None:
    ran = cli("history")
    assert ran.code == 0, ran.err
    assert ran.out.splitlines() == [
        "no start was recorded yet: one is kept when it ends",
        "no A/B was recorded yet: one is kept when it ends",
    ]


@pytest.mark.parametrize(
    ("kind", "verb"), [("--loads", "inferctl load"), ("--coldprobes", "inferctl coldprobe")]
)
def test_a_kind_that_was_asked_for_and_never_recorded_names_its_verb(
    cli: Cli, kind: str, verb: str
) -> None:
    ran = cli("history", kind)
    assert ran.code == 0, ran.err
    assert verb in ran.out
