"""``inferctl coldprobe ENDPOINT``: does it answer late after it was left alone."""

import argparse
from typing import Any

from backends.domain.ab.cold import ColdProbePlan, missing_gap
from backends.domain.format import pause
from backends.domain.reports.cold_probe import (
    cold_probe_document,
    cold_probe_lines,
)
from backends.operations import ab, cold_probe, load_test
from backends.operations.host import Host, this_host
from backends.prober import cold_probe_runs
from backends.prober.cold_probe_runs import (
    ColdProbeFolder,
    ColdProbeOrder,
    ColdProbeRuns,
    cold_probe_folder,
    worker_pid,
)
from backends.problem import NotFound
from console.cli.output import agree, document, say, show


def run(arguments: argparse.Namespace) -> int:
    """Begin a cold-start probe or go on with one, detached; or show one, or end it.

    Raises:
        Problem: the endpoint cannot be had, is being probed already, or the probe was not wanted.
        NotFound: there is no cold-start probe to show or to end.
    """
    host = this_host()
    (target,) = ab.targets([arguments.endpoint], host.settings)
    folder = cold_probe_folder(host.state_folder, target.endpoint)
    if arguments.stop:
        return _stop(folder, target.endpoint, as_json=arguments.json)
    if arguments.status:
        return _show(folder, target.endpoint, as_json=arguments.json)
    plan = cold_probe.plan_of(target, arguments.gaps, arguments.rounds)
    earlier = folder.read_order()
    if earlier is not None and not arguments.again and _complete(folder, plan):
        say(f"{target.endpoint} was probed to the end; --again repeats it")
        return _show(folder, target.endpoint, as_json=arguments.json)
    return _begin(arguments, host, folder, plan)


def _begin(
    arguments: argparse.Namespace, host: Host, folder: ColdProbeFolder, plan: ColdProbePlan
) -> int:
    (target,) = ab.targets([arguments.endpoint], host.settings)
    load_test.check_that_it_serves(host, arguments.endpoint)
    if worker_pid(folder) is not None:
        raise ColdProbeRuns(
            f"{target.endpoint} is being probed already; --status shows it, --stop ends it"
        )
    done = 0 if arguments.again else len(folder.read_probes())
    consent = cold_probe.consent(plan, target, host.settings, done=done)
    agree(consent, asked_before=arguments.yes)
    order = cold_probe.order_of(arguments.endpoint, target, plan, host.now().wall_s)
    order = cold_probe.taken_up(folder, order, again=arguments.again)
    cold_probe_runs.launch(folder, cold_probe.COLD_PROBE_WORKER)
    say(
        f"probing in the background, whatever becomes of this terminal; see it with: inferctl"
        f" coldprobe {arguments.endpoint} --status"
    )
    if arguments.json:
        document(status_document(folder, order))
    return 0


def _stop(folder: ColdProbeFolder, endpoint: str, *, as_json: bool) -> int:
    stopped = cold_probe_runs.stop(folder)
    say("stopped; the same command resumes it" if stopped else "no cold-start probe is running")
    if folder.read_order() is None:
        raise NotFound(f"{endpoint} was never probed")
    return _show(folder, endpoint, as_json=as_json)


def _show(folder: ColdProbeFolder, endpoint: str, *, as_json: bool) -> int:
    order = folder.read_order()
    if order is None:
        raise NotFound(f"{endpoint} was never probed; run: inferctl coldprobe {endpoint}")
    if as_json:
        document(status_document(folder, order))
        return 0
    show(_state_line(folder, order))
    report = cold_probe.report_of(order, folder.read_probes(), folder.read_end())
    for line in cold_probe_lines(report):
        show(line)
    return 0


def status_document(folder: ColdProbeFolder, order: ColdProbeOrder) -> dict[str, Any]:
    """Return a cold-start probe with what goes on with it now."""
    pid = worker_pid(folder)
    report = cold_probe.report_of(order, folder.read_probes(), folder.read_end())
    return {"running": pid is not None, "pid": pid, **cold_probe_document(report)}


def _state_line(folder: ColdProbeFolder, order: ColdProbeOrder) -> str:
    pid, probes = worker_pid(folder), folder.read_probes()
    gap_s = missing_gap(probes, order.plan)
    if gap_s is None:
        return "complete"
    if pid is None and (ended := folder.read_end()):
        return f"ENDED, not complete: {ended}; go on with: inferctl coldprobe {order.reference}"
    if pid is None:
        return f"NOT RUNNING, not complete; resume with: inferctl coldprobe {order.reference}"
    done = sum(1 for probe in probes if probe.planned_idle_s and probe.error is None)
    planned = order.plan.rounds * len(order.plan.gaps_s)
    return f"running, process {pid}: {done} of {planned} pauses measured, now one of {pause(gap_s)}"


def _complete(folder: ColdProbeFolder, plan: ColdProbePlan) -> bool:
    return missing_gap(folder.read_probes(), plan) is None
