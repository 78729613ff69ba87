"""A data parallel server, whose API servers share one port and come up one after the other."""

from backends.domain.facts import BecameReady, FirstTokenSeen
from backends.keeper import client
from tests.backends.keeper.conftest import Bench, last, until

SECOND_UP_S = 1.5


async def test_it_is_ready_when_all_of_them_are(bench: Bench) -> None:
    folder = bench.launch(second_up_s=SECOND_UP_S)
    facts = await until(client.follow(folder), FirstTokenSeen)
    took_s = last(facts, BecameReady).at.mono_s - facts[0].at.mono_s
    assert took_s > SECOND_UP_S
