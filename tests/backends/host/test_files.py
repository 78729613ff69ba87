"""A file that is replaced: whole, private, and never through a link."""

import os
from pathlib import Path

import pytest

from backends.host.files import replace_file


def test_a_new_file_and_a_replaced_one_are_private(tmp_path: Path) -> None:
    umask = os.umask(0)
    try:
        path = tmp_path / "order.json"
        for content in (b"old", b"new"):
            replace_file(path, content)
            assert (path.read_bytes(), path.stat().st_mode & 0o777) == (content, 0o600)
            path.chmod(0o644)
    finally:
        os.umask(umask)
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_in_its_place_is_replaced_and_what_it_leads_to_is_left_alone(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    path = tmp_path / "order.json"
    path.symlink_to(victim)
    path.with_suffix(".fresh").symlink_to(victim)  # a draft of a name that anybody can guess
    replace_file(path, b"new")
    assert not path.is_symlink()
    assert (path.read_bytes(), victim.read_bytes()) == (b"new", b"precious")


def test_where_it_cannot_be_written_the_old_content_stays_and_no_draft(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "order.json"
    replace_file(path, b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        replace_file(path, b"new")
    assert [each.read_bytes() for each in tmp_path.iterdir()] == [b"old"]
