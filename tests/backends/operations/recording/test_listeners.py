"""Who follows the record holds up neither the record nor others who follow it."""

from backends.agent.messages import Message, Snapshot
from backends.domain.billing.account import Account
from backends.domain.facts import HostTicked
from backends.domain.stamp import Stamp
from backends.operations.recording.listeners import MOST_WAITING, Listeners

NOW = Snapshot(Account())


def ticked(second: int) -> HostTicked:
    return HostTicked(Stamp(float(second), float(second)))


async def test_one_that_takes_nothing_is_let_go_and_another_misses_nothing() -> None:
    listeners = Listeners(lambda: NOW)
    slow, quick = listeners.messages(), listeners.messages()
    assert await anext(slow) is NOW
    assert await anext(quick) is NOW
    taken: list[Message] = []
    for second in range(MOST_WAITING + 1):
        listeners.send(ticked(second))
        taken.append(await anext(quick))
    assert taken == [ticked(second) for second in range(MOST_WAITING + 1)]
    assert [each async for each in slow] == []
    listeners.end()
    assert [each async for each in quick] == []
