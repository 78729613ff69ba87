"""Ends a server: the order of signals, and the proof that nothing of it is left."""

import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from backends.domain.facts import ServerFact, StopProgressed, SurvivorsFound
from backends.domain.server import ProcessId
from backends.domain.stamp import Stamp
from backends.host import processes
from backends.host.survivors import survivor
from backends.http1 import Address
from backends.keeper.probe import running_requests
from backends.keeper.tree import Tree

POLL_S = 0.05
SAY_EVERY_S = 5.0
SETTLE_S = 2.0
"""How long processes may outlive a server that ends by itself before they count as survivors."""
SWALLOWED_S = 3.0
"""How long a start may take to obey the first SIGTERM; before its engine exists it does at once."""
MEMORY_S = 30.0
"""How long GPUs may take to show memory as given back."""
MEMORY_POLL_S = 0.5


def _nothing() -> None:
    """Need no preparation."""


@dataclass(frozen=True, slots=True)
class Ending:
    """What ending a server needs.

    Attributes:
        term_grace_s: how long one SIGTERM is given.
        memory_released: tells whether the GPUs gave the server's memory back, None where unknown.
        before_force: called before processes that outlived the server get a signal.
        own_drain_s: how long the server itself lets requests finish after a SIGTERM.
    """

    tree: Tree
    address: Address
    record: Callable[[ServerFact], object]
    now: Callable[[], Stamp]
    term_grace_s: float
    memory_released: Callable[[], bool | None]
    before_force: Callable[[], None] = _nothing
    own_drain_s: float = 0.0

    def say(self, step: str) -> None:
        """Record one step of the stop sequence."""
        self.record(StopProgressed(self.now(), step))

    def send(self, process: ProcessId, number: signal.Signals) -> bool:
        """Send a signal to one of the server's processes; False where it is none, or has ended."""
        return processes.send(process, number, self.tree.may_end)

    def exited_within(self, seconds: float) -> bool:
        """Wait for the first process to end."""
        return any(self.tree.exit() is not None for _ in _until(seconds))

    def gone_within(self, seconds: float) -> bool:
        """Wait for every process to end."""
        return any(self.tree.is_gone() for _ in _until(seconds))


def drain(ending: Ending, drain_s: float) -> None:
    """Wait until no request runs or waits, at most `drain_s`, and say how many still do.

    A server that was started with vLLM's own ``--shutdown-timeout`` gets its SIGTERM at once: until
    that time is over it finishes what runs and refuses what is new. It was then seen to stay until
    the end of that time although nothing ran (0.32.0 on the CPU), so the requests are counted here
    all the same. Without it new requests are still let in.
    """
    refuses = ending.own_drain_s > 0 and ending.send(ending.tree.first, signal.SIGTERM)
    if refuses:
        ending.say(f"SIGTERM to process {ending.tree.first.pid}, which lets requests finish")
    lets_in = "new ones are refused" if refuses else "new ones are accepted"
    began_s = time.monotonic()
    said: tuple[int | None, int] | None = None
    for _ in _until(drain_s, every_s=0.5):
        if ending.tree.exit() is not None:
            return
        requests = running_requests(ending.address)
        if requests == 0:
            ending.say("no request is running")
            return
        spent_s = time.monotonic() - began_s
        news = requests, int(spent_s / SAY_EVERY_S)
        if news != said:
            said = news
            count = "unknown" if requests is None else str(requests)
            left_s = max(0.0, drain_s - spent_s)
            ending.say(f"requests running: {count}, {left_s:.0f} s left; {lets_in}")
    ending.say(f"requests were still running after {drain_s:.0f} s; they are cut off")


def terminate(ending: Ending, *, starting: bool = False) -> None:
    """End the first process: SIGTERM, SIGTERM, SIGKILL to its group.

    Args:
        ending: what is to be ended.
        starting: while vLLM's engine starts the first SIGTERM is swallowed, and either start-up
            runs on or it stands still; the second one ends it (seen with 0.32.0, three times out
            of three), so it comes soon.
    """
    began_s = time.monotonic()
    first_grace_s = min(SWALLOWED_S, ending.term_grace_s) if starting else ending.term_grace_s
    for attempt, grace_s in (("SIGTERM", first_grace_s), ("SIGTERM again", ending.term_grace_s)):
        if not ending.send(ending.tree.first, signal.SIGTERM):
            break
        ending.send(ending.tree.first, signal.SIGCONT)  # one that is suspended obeys nothing
        ending.say(f"{attempt} to process {ending.tree.first.pid}")
        if ending.exited_within(grace_s):
            return
    if ending.tree.exit() is None:
        ending.say(f"SIGKILL to the whole group after {time.monotonic() - began_s:.0f} s")
        _kill_group(ending)
        ending.exited_within(SETTLE_S)


def end_rest(ending: Ending, *, orderly: bool) -> None:
    """End what outlived the first process, and return only when nothing is left.

    Args:
        ending: what is to be ended.
        orderly: the first process could pass it to the others; without it an engine runs on
            for ever (seen with 0.32.0), so none of them is waited for.
    """
    if ending.gone_within(SETTLE_S if orderly else 0):
        return
    ending.before_force()
    for number, patience_s in (
        (signal.SIGTERM, ending.term_grace_s),
        (signal.SIGKILL, SAY_EVERY_S),
    ):
        left = ending.tree.members()
        ending.record(SurvivorsFound(ending.now(), tuple(survivor(one) for one in left)))
        ending.say(f"{number.name} to {len(left)} processes that outlived the server")
        for one in left:
            ending.send(one.id, number)
        if ending.gone_within(patience_s):
            break
    while not ending.gone_within(SAY_EVERY_S):
        left = ending.tree.members()
        for one in left:
            ending.send(one.id, signal.SIGKILL)
        names = ", ".join(f"{processes.display_name(one)} {one.id.pid}" for one in left)
        ending.say(f"the kernel has not yet ended {names or 'the last process'}")
    ending.record(SurvivorsFound(ending.now(), ()))


def await_memory(ending: Ending) -> None:
    """Wait until the GPUs show the memory as given back; say so where they do not or cannot."""
    for _ in _until(MEMORY_S, MEMORY_POLL_S):
        released = ending.memory_released()
        if released is None:
            ending.say("all processes exited; GPU memory release not verified")
            return
        if released:
            ending.say("the GPUs report the server's memory as freed")
            return
    ending.say(f"all processes ended, but GPU memory is still held after {MEMORY_S:.0f} s")


def _kill_group(ending: Ending) -> None:
    for one in ending.tree.members():
        ending.send(one.id, signal.SIGKILL)


def _until(seconds: float, every_s: float = POLL_S) -> Iterator[None]:
    """Yield at once and then every `every_s`, the last time when `seconds` have passed."""
    deadline = time.monotonic() + seconds
    while True:
        yield
        left_s = deadline - time.monotonic()
        if left_s <= 0:
            return
        time.sleep(min(every_s, left_s))
