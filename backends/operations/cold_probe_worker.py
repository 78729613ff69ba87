"""Runs one cold-start probe, detached: ``-m backends.operations.cold_probe_worker FOLDER``.

It prints one line on stdout once it holds the probe. SIGTERM ends it between two requests or
within one; what was measured is on disk by then.
"""

import asyncio
import signal
import sys
from contextlib import aclosing, suppress
from dataclasses import replace
from pathlib import Path

from backends.domain.ab.cold import ProbeEnded
from backends.domain.ab.run import Run
from backends.domain.visible import visible
from backends.history.thread import HistoryThread
from backends.operations import ab, cold_probe
from backends.operations.host import Host, this_host
from backends.operations.refused_fields import remember, with_refused
from backends.prober.cold_probe import PROMPT, ask_once, run_cold_probe
from backends.prober.cold_probe_runs import ColdProbeFolder, ColdProbeOrder, held
from backends.prober.protocol import Target
from backends.problem import NotFound, Problem
from backends.servers.own_traffic import sending
from backends.settings.secrets import forget_printed

WRITE_S = 5.0
"""How long it goes on at its end while another process holds the history."""


def main() -> int:
    """Measure until nothing is missing or a limit is reached."""
    folder = ColdProbeFolder(Path(sys.argv[1]))
    try:
        order = folder.read_order()
        if order is None:
            raise NotFound(f"{folder.path} holds no cold-start probe")
        host = this_host()
        writer = HistoryThread(host.history_file)
        with held(folder), suppress(asyncio.CancelledError):
            sys.stdout.write("probing\n")
            sys.stdout.close()
            try:
                asyncio.run(_cold_probe(folder, order, host, writer))
            finally:
                if writer.close(WRITE_S):
                    sys.stderr.write(f"not in the history yet: {visible(writer.problem)}\n")
    except Problem as problem:
        sys.stderr.write(f"{visible(str(problem))}\n")
        return 1
    return 0


async def _cold_probe(
    folder: ColdProbeFolder, order: ColdProbeOrder, host: Host, writer: HistoryThread
) -> None:
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    (target,) = with_refused(ab.targets([order.reference], host.settings), host)
    endpoint = host.settings.endpoint(order.reference)
    probes = folder.read_probes()

    async def ask(target: Target, prompt: str, limit_s: float) -> tuple[Run, float | None]:
        async with sending(host.state_folder, [target.base_url]):
            run, sent_at = await ask_once(with_fresh_key(target), prompt, limit_s)
        if run.error is None and run.not_sent != target.refused:
            remember(target, run.not_sent, host)
        if run.error and run.error.startswith("HTTP 401") and endpoint is not None:
            forget_printed(endpoint.api_key)
        return run, sent_at

    def with_fresh_key(target: Target) -> Target:
        """A key that a command prints is out of date before a probe of hours is over."""
        (fresh,) = ab.targets([order.reference], host.settings)
        return replace(target, api_key=fresh.api_key)

    async with aclosing(run_cold_probe(target, PROMPT, order.plan, folder.probes, ask=ask)) as told:
        async for fact in told:
            if isinstance(fact, ProbeEnded):
                folder.write_end(fact.reason)
            else:
                probes.append(fact)
            cold_probe.write_report(writer, cold_probe.report_of(order, probes, folder.read_end()))


if __name__ == "__main__":
    sys.exit(main())
