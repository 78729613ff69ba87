"""How verbs speak: JSON, or lines for a person; the one place where words leave as text.

Model ids, process titles, log lines and answers are written by others. Here whatever a terminal
would obey in them is made visible, and a newline within a line forges no further one.
"""

import os
import sys
from collections.abc import Iterable
from typing import Any

from backends.domain.reports.csv_table import write_csv
from backends.domain.reports.table import plain_table
from backends.domain.visible import LONGEST_LINE, bounded, visible
from backends.operations.consent import Consent
from backends.problem import Problem, UsageProblem
from backends.wire import json_text


def document(value: Any) -> None:
    """Print a value as the one JSON document of a verb."""
    print(json_text(value, indent=2))


def document_line(value: Any) -> None:
    """Print a value as one line of JSON, for documents without an end."""
    print(json_text(value), flush=True)


def documents(name: str, values: Iterable[Any]) -> None:
    """Print one JSON document that lists values under a name, one a line, as they come."""
    print(f'{{"{name}": [', end="")
    for place, value in enumerate(values):
        print("," * bool(place), json_text(value), sep="\n", end="")
    print("\n]}")


def show(text: str = "") -> None:
    """Print one line on stdout; of a very long one the beginning, and how much was cut."""
    print(bounded(text, LONGEST_LINE), flush=True)


def show_page(text: str) -> None:
    """Print lines that were composed of visible text, such as Markdown, CSV or SVG."""
    print(visible(text, keep_newlines=True), end="")


def show_csv(rows: Iterable[Iterable[object]]) -> None:
    """Print rows as CSV as they come, see `csv_cell`."""
    write_csv(sys.stdout, rows)


def say(text: str) -> None:
    """Print a message for the person at the terminal, on stderr."""
    print(bounded(text, LONGEST_LINE), file=sys.stderr, flush=True)


def ask(question: str) -> str:
    """Return what the person at the terminal answers."""
    print(bounded(question), end=" ", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip()


def table(rows: list[tuple[str, ...]], amber: frozenset[int] = frozenset()) -> None:
    """Print rows in columns as wide as they need.

    Args:
        rows: the cells of each, the head first.
        amber: places of rows that need a second look; coloured on a terminal, unless NO_COLOR is
            set. A word in the row must say why.
    """
    coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    for place, line in enumerate(plain_table(rows)):
        print(f"\x1b[33m{line}\x1b[0m" if coloured and place in amber else line)


def agree(consent: Consent, *, asked_before: bool) -> None:
    """Say what something costs in money or requests, and go on only with a yes.

    Args:
        consent: what is asked.
        asked_before: ``--yes`` was given.

    Raises:
        UsageProblem: nobody can answer, and ``--yes`` was not given.
        Problem: the answer was no.
    """
    say(consent.sentence)
    if asked_before or not consent.needed:
        return
    if not sys.stdin.isatty():
        raise UsageProblem(f"{consent.what} is asked about; say --yes where nobody can answer")
    if ask("run it? [y/N]").lower() not in {"y", "yes"}:
        raise Problem("not run")
