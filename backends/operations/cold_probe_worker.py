"""Goes on with one hunt for cold hits, detached from any terminal: ``-m backends.operations.cold_probe_worker FOLDER``.

It says one line on stdout once it holds the hunt. SIGTERM ends it between two requests or within
one; what was measured is on disk by then.
"""

import asyncio
import signal
import sys
from contextlib import aclosing, suppress
from pathlib import Path

from backends.domain.ab.cold import ProbeEnded
from backends.domain.ab.run import Run
from backends.operations import ab, cold_probe
from backends.operations.host import Machine, this_host
from backends.prober.cold_probe import PROMPT, ask_once, hunt
from backends.prober.cold_probe_runs import HuntFolder, HuntOrder, held
from backends.prober.protocol import Lane
from backends.problem import NotFound, Problem
from backends.servers.own_traffic import sending
from console.cli.output import say, show


def main() -> int:
    """Measure until nothing is missing or a limit is reached."""
    folder = HuntFolder(Path(sys.argv[1]))
    try:
        order = folder.read_order()
        if order is None:
            raise NotFound(f"{folder.path} holds no hunt")
        machine = this_host()
        with held(folder), suppress(asyncio.CancelledError):
            show("hunting")
            sys.stdout.close()
            asyncio.run(_hunt(folder, order, machine))
    except Problem as problem:
        say(str(problem))
        return 1
    return 0


async def _hunt(folder: HuntFolder, order: HuntOrder, machine: Machine) -> None:
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    (lane,) = ab.lanes([order.reference], machine.settings)
    probes = folder.read_probes()

    async def ask(lane: Lane, prompt: str, limit_s: float) -> Run:
        with sending(machine.state_folder, [lane.base_url]):
            return await ask_once(lane, prompt, limit_s)

    async with aclosing(hunt(lane, PROMPT, order.plan, folder.probes, ask=ask)) as told:
        async for fact in told:
            if isinstance(fact, ProbeEnded):
                folder.write_end(fact.reason)
            else:
                probes.append(fact)
            cold_probe.keep(machine, cold_probe.report_of(order, probes, folder.read_end()))


if __name__ == "__main__":
    sys.exit(main())
