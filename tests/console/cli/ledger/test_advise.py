"""``advise``: what binds a server that serves, the flag to try, and what the last try showed."""

import contextlib
import json
import threading
import urllib.request
from collections.abc import Iterator

import pytest

from tests.console.cli.ledger.conftest import MODEL, MadeHost


@contextlib.contextmanager
def clients(url: str, number: int) -> Iterator[None]:
    """So many clients, each with its next request as soon as it has its reply."""
    over = threading.Event()

    def ask() -> None:
        body = {"model": MODEL, "prompt": "Say something.", "max_tokens": 30, "ignore_eos": True}
        while not over.is_set():
            asked = urllib.request.Request(
                f"{url}/completions", json.dumps(body).encode(), {"Content-Type": "text/json"}
            )
            urllib.request.urlopen(asked, timeout=30).read()

    threads = [threading.Thread(target=ask) for _ in range(number)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


@pytest.mark.slow
def test_the_flag_that_binds_is_named_and_what_the_last_try_showed(verbs: MadeHost) -> None:
    table = verbs.server(serving_speed="5")
    verbs.configure(table, 'args = ["--max-num-seqs", "1"]')
    assert verbs.run("start", "sim", "--wait")[0] == 0
    (status,) = verbs.document("status", "sim")["servers"]
    assert verbs.run("ab", "sim", "sim", "-n", "4", "--max-tokens", "8")[0] == 0

    with clients(status["base_url"], 3):
        found = verbs.document("advise", "--for", "8")
    assert (found["server"], found["binds"]) == ("sim", "queue")
    assert found["try"]["flag"] == "--max-num-seqs 2"
    assert found["try"]["price"]
    assert found["evidence"]["queued_share"] > 0.5
    assert found["trial"] is None

    verbs.configure(table, 'args = ["--max-num-seqs", "2"]')
    assert verbs.run("restart", "sim", "--wait")[0] == 0
    assert verbs.run("ab", "sim", "sim", "-n", "4", "--max-tokens", "8")[0] == 0
    code, out, _ = verbs.run("advise", "sim", "--for", "1")
    assert code == 0
    assert "sim: not known\n  No request arrived" in out
    assert "last try, without --max-num-seqs 1; with --max-num-seqs 2: " in out


def test_a_server_that_does_not_serve_is_not_advised(verbs: MadeHost) -> None:
    verbs.configure(verbs.server())
    code, _, err = verbs.run("advise", "sim")
    assert code == 3
    assert "sim" in err
