"""Processes of inferctl tell each other which servers they test."""

import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from backends.host import processes
from backends.servers import own_traffic
from backends.servers.own_traffic import OwnRequests, sending, were_sent
from backends.wire import plain

URL = "http://127.0.0.1:8000/v1"


async def test_during_a_test_and_until_the_next_reading(tmp_path: Path) -> None:
    before_s = time.time()
    assert not were_sent(tmp_path, URL, before_s)
    async with sending(tmp_path, [URL, "https://elsewhere.example/v1"]):
        assert were_sent(tmp_path, URL, before_s)
        assert were_sent(tmp_path, URL, time.time() + 60)
        assert not were_sent(tmp_path, "http://127.0.0.1:8001/v1", before_s)
    assert were_sent(tmp_path, URL, before_s)
    assert not were_sent(tmp_path, URL, time.time() + 60)


@pytest.mark.parametrize("same", ["http://localhost:8000/v1", "http://[::1]:8000", URL])
async def test_one_server_has_several_names_for_itself(tmp_path: Path, same: str) -> None:
    async with sending(tmp_path, [same]):
        assert were_sent(tmp_path, URL, 0)


def test_who_was_killed_sends_no_more(tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    own = OwnRequests(processes.identity(child.pid), (URL,))
    folder = tmp_path / "sending"
    folder.mkdir()
    (folder / "a.json").write_bytes(msgspec.json.encode(plain(own)))
    assert were_sent(tmp_path, URL, 0)
    child.kill()
    child.wait()
    assert not were_sent(tmp_path, URL, 0)
    assert list(folder.iterdir()) == []


async def test_old_ends_are_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with sending(tmp_path, [URL]):
        pass
    monkeypatch.setattr(own_traffic, "KEPT_S", 0.0)
    assert not were_sent(tmp_path, URL, 0)
    assert list((tmp_path / "sending").iterdir()) == []
