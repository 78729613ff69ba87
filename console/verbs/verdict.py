"""``inferctl verdict``: is the GPU or the API cheaper, and what would flip it."""

import argparse
from datetime import UTC, datetime

from backends.domain.money.document import verdict_document
from backends.domain.money.kinds import VerdictKind
from backends.domain.money.scenario import Scenario
from backends.domain.money.verdict import Verdict, decide
from console.verbs.report import document, table

NOT_REQUIRED = 4
"""Exit code of a decision that is not the one that was required."""

SELF_HOST = frozenset({VerdictKind.SELF_HOST_CHEAPER, VerdictKind.RESERVED_CHEAPER})
API = frozenset({VerdictKind.API_CHEAPER, VerdictKind.NO_CROSSOVER})


def run(arguments: argparse.Namespace) -> int:
    """Decide a scenario from a file, or the one that is measured now.

    Raises:
        UsageProblem: the scenario cannot be read.
    """
    if arguments.published:
        return _published(as_json=arguments.json)
    scenario = _from_file(arguments.scenario) if arguments.scenario else _measured()
    found = decide(scenario)
    if arguments.json:
        document(verdict_document(found))
    else:
        _tell(found)
    wanted = {"self_host": SELF_HOST, "api": API}.get(arguments.require or "")
    return 0 if wanted is None or found.kind in wanted else NOT_REQUIRED


def _published(*, as_json: bool) -> int:
    """Print the figures of published comparisons beside ours."""
    from backends.scenarios.published.comparison import comparison_document, comparison_rows

    if as_json:
        document(comparison_document())
    else:
        table(comparison_rows())
    return 0


def _from_file(name: str) -> Scenario:
    from backends.domain.money.scenario import BadScenario
    from backends.problem import UsageProblem
    from backends.scenarios.reading import scenario_at

    try:
        return scenario_at(name)
    except BadScenario as error:
        raise UsageProblem(str(error)) from error


def _measured() -> Scenario:
    """Return the scenario of this host, from two readings of its server's counters."""
    from console import economics
    from console.capacity import known_capacities
    from console.glance import glance
    from console.this_host import this_host

    machine = this_host()
    session = glance(machine)
    today = datetime.now(UTC).date()
    return economics.scenario(
        session, machine.settings, today, known_capacities(machine.state_folder)
    )


def _tell(found: Verdict) -> None:
    print(f"{found.kind.value.replace('_', ' ')}: {found.reason}")
    for option in found.options:
        cost = "—" if option.usd_per_hour is None else f"${option.usd_per_hour:.4f}/h"
        print(f"  {option.name:26}{cost:>16}  {option.excluded_because}".rstrip())
    for assumption in found.assumptions:
        print(f"  assumed: {assumption}")
