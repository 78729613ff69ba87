"""A server that writes 20,000 lines a second and more loses none of them."""

from pathlib import Path

import pytest

from backends.domain.facts import FirstTokenSeen
from backends.keeper import client
from tests.backends.keeper.conftest import Bench, everything, until

LINES = 100_000


@pytest.mark.slow
async def test_no_line_is_lost_in_a_flood(bench: Bench) -> None:
    folder = bench.launch(lines=LINES)
    facts = await until(client.follow(folder), FirstTokenSeen, within_s=60)
    took_s = facts[-1].at.mono_s - facts[0].at.mono_s
    assert LINES / took_s > 20_000
    assert _peak_kib(bench.keeper_pid(folder)) < 25 * 1024
    await everything(client.stop(folder, "test"))
    numbers = [line.split()[1] for line in _lines(folder) if line.startswith("line ")]
    assert numbers == [f"{number:08d}" for number in range(LINES)]


def _lines(folder: Path) -> list[str]:
    return (folder / "server.log").read_text().splitlines()


def _peak_kib(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
