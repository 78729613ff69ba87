"""A server that writes its own key, and what of it stays: nothing beside its own log."""

from dataclasses import replace

import pytest

from backends.domain.facts import FailureSeen, Stopped
from backends.domain.redaction import KNOWN_KEY_HIDDEN
from backends.host import processes
from backends.keeper import client
from backends.keeper.folder import ServerFolder
from tests.backends.keeper.conftest import Bench, last, until

KEY = "vk-7Qm2Zr9TxB4nLw8YcE5uJd1HsKf6GvPa0oXiRb3MeNtUq5Z"


@pytest.mark.parametrize("before", ["", "x" * 1980], ids=["whole", "where a quote is cut"])
async def test_the_key_that_a_server_logs_is_in_no_fact(bench: Bench, before: str) -> None:
    order = bench.order(exit=1, last_words=f"ValueError: {before}{KEY}, {KEY[:20]}")
    order = replace(order, environment={**order.environment, "VLLM_API_KEY": KEY})
    folder = bench.launch(order)
    facts = await until(client.follow(folder), Stopped)
    seen = last(facts, FailureSeen)
    assert isinstance(seen, FailureSeen)
    if not before:
        assert KNOWN_KEY_HIDDEN in seen.failure.line
    kept = ServerFolder(folder)
    for file in (kept.journal, kept.order, kept.keeper, kept.keeper_log):
        assert KEY[:30] not in file.read_text()
    assert KEY in kept.log.read_text()


async def test_a_keeper_holds_no_key_that_only_its_server_needs(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", KEY)
    monkeypatch.setenv("HF_TOKEN", KEY)
    folder = bench.launch()
    for name in ("AWS_SECRET_ACCESS_KEY", "HF_TOKEN"):
        assert processes.environment_value(bench.keeper_pid(folder), name) is None
    server = bench.start(folder).process.pid
    assert processes.environment_value(server, "AWS_SECRET_ACCESS_KEY") == KEY
    assert processes.environment_value(server, "HF_TOKEN") == KEY
