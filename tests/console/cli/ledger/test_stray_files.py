"""Files among those of the servers that are none of inferctl's, or that cannot be read."""

import pytest

from backends.keeper.folder import server_folder, servers_folder
from backends.settings.paths import state_folder
from tests.console.cli.ledger.conftest import MadeHost


@pytest.mark.parametrize(
    "argv",
    [("cost",), ("status",), ("gpus",), ("stop", "x"), ("logs", "x"), ("start", "x")],
    ids=" ".join,
)
def test_a_stray_file_among_the_servers_disturbs_no_verb(
    verbs: MadeHost, argv: tuple[str, ...]
) -> None:
    servers_folder(state_folder()).mkdir()
    (servers_folder(state_folder()) / "x").touch()
    code, _, err = verbs.run(*argv)
    assert code == (3 if "x" in argv else 0), err


def test_one_unreadable_server_is_told_and_the_others_are_listed(verbs: MadeHost) -> None:
    for name in ("readable", "unreadable"):
        server_folder(state_folder(), name).mkdir(parents=True)
    (server_folder(state_folder(), "readable") / "journal.jsonl").touch()
    (server_folder(state_folder(), "unreadable") / "journal.jsonl").mkdir()
    code, out, err = verbs.run("status")
    assert code == 0, err
    assert "readable" in out.split()
    assert "unreadable/journal.jsonl cannot be read: Is a directory" in out + err
