"""``inferctl sleep`` and ``wake``: free a server's GPU memory without ending it, and measure it."""

import argparse

from backends.domain.reports.sleep import SleepReport, sleep_sentence
from backends.operations import sleep as operation
from backends.operations.host import this_host
from console.cli.output import document, say
from console.cli.status import settings_without_faults


def sleep(arguments: argparse.Namespace) -> int:
    """Put a server to sleep.

    Raises:
        Problem: it cannot sleep now; the message says why and what would help.
    """
    host = this_host(settings_without_faults())
    report = operation.sleep(host, arguments.name, arguments.level, force=arguments.force)
    _tell(report, as_json=arguments.json)
    return 0


def wake(arguments: argparse.Namespace) -> int:
    """Wake a server.

    Raises:
        Problem: it does not sleep, or does not answer.
    """
    host = this_host(settings_without_faults())
    _tell(operation.wake(host, arguments.name), as_json=arguments.json)
    return 0


def _tell(report: SleepReport, *, as_json: bool) -> None:
    if as_json:
        document({"sleep": report})
        return
    say(sleep_sentence(report))
    if report.order == "sleep":
        say("its GPU is still billed; requests to it wait until it wakes")
