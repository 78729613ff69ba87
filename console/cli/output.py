"""How verbs speak: JSON, or lines for a person; the one place where words leave as text.

Model ids, process titles, log lines and answers are written by others. Here whatever a terminal
would obey in them is made visible, and a newline within a line forges no further one.
"""

import io
import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from backends.domain.redaction import without_secrets
from backends.domain.reports.csv_table import write_csv
from backends.domain.reports.table import plain_table
from backends.domain.visible import LONGEST_LINE, bounded, visible
from backends.operations.consent import Consent
from backends.problem import Problem, UsageProblem
from backends.wire import json_text, plain


class OutputLost(Problem):
    """What a verb prints cannot be written: the disk behind stdout is full, or a limit is met."""


def take_streams() -> None:
    """Open those of stdin, stdout and stderr that the caller closed, and write every character.

    A file opened later would else take their numbers; a locale may lack a character that is shown.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            os.open(os.devnull, os.O_RDWR)
            setattr(sys, name, os.fdopen(number, "w" if number else "r", closefd=False))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def finish() -> None:
    """Write what was printed and is not written yet.

    Raises:
        OutputLost: it cannot be written.
    """
    with _written():
        sys.stdout.flush()


def give_up_stdout() -> None:
    """Let nothing more be written to stdout: Python would try again, and complain, as it ends."""
    with suppress(OSError), Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())


@contextmanager
def _written() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        give_up_stdout()
        raise OutputLost(
            f"the output cannot be written: {error.strerror}; see where stdout leads"
        ) from error


def _shown(text: str) -> str:
    """Return one line as it is printed: what is secret is hidden before anything is cut."""
    return bounded(without_secrets(text), LONGEST_LINE)


def document(value: Any) -> None:
    """Print a value as the one JSON document of a verb."""
    text = json_text(without_secrets(plain(value)), indent=2)
    with _written():
        print(text)


def document_line(value: Any) -> None:
    """Print a value as one line of JSON, for documents without an end."""
    text = json_text(without_secrets(plain(value)))
    with _written():
        print(text, flush=True)


def documents(name: str, values: Iterable[Any]) -> None:
    """Print one JSON document that lists values under a name, one a line, as they come."""
    texts = map(json_text, values)
    with _written():
        print(f'{{"{name}": [', end="")
    for place, text in enumerate(texts):
        with _written():
            print("," * bool(place), text, sep="\n", end="")
    with _written():
        print("\n]}")


def show(text: str = "") -> None:
    """Print one line on stdout; of a very long one the beginning, and how much was cut."""
    with _written():
        print(_shown(text), flush=True)


def show_page(text: str) -> None:
    """Print lines that were composed of visible text, such as Markdown, CSV or SVG."""
    with _written():
        print(visible(without_secrets(text), keep_newlines=True), end="")


def show_csv(rows: Iterable[Iterable[object]]) -> None:
    """Print rows as CSV as they come, see `csv_cell`."""
    write_csv(sys.stdout, rows)


def say(text: str) -> None:
    """Print a message for the person at the terminal, on stderr."""
    with suppress(OSError):  # what nobody hears must not end what was asked for
        print(_shown(text), file=sys.stderr, flush=True)


def draw_progress(text: str) -> bool:
    """Draw one line on stderr over the one before, and return whether there is a terminal for it.

    An empty text takes the line away.
    """
    if not sys.stderr.isatty():
        return False
    room = shutil.get_terminal_size().columns - 1
    with suppress(OSError):
        print(f"\r\x1b[K{_shown(text)[:room]}", end="", file=sys.stderr, flush=True)
    return True


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
    for place, line in enumerate(plain_table(without_secrets(rows))):
        with _written():
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
        raise UsageProblem(f"{consent.what}: confirm, or pass --yes in non-interactive use")
    if ask("run it? [y/N]").lower() not in {"y", "yes"}:
        raise Problem("not run")
