"""``inferctl explain``: phases, memory and failure of any vLLM log file."""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from functools import reduce
from pathlib import Path
from socket import gethostname
from typing import IO, Any

from backends.domain.format import plain_s
from backends.domain.server import end_of_service
from backends.domain.serving import request_errors_words
from backends.domain.start import Failure, Outcome, Phase, Start
from backends.domain.startup.diagnosis import SAYS_LITTLE
from backends.domain.startup.document import start_document
from backends.domain.startup.expectation import beside_usual, comparable
from backends.domain.startup.explain import explain
from backends.domain.startup.fold import as_start
from backends.domain.startup.lines import numbered_lines
from backends.domain.startup.log_bytes import ZSTD_MAGIC
from backends.domain.startup.memory import memory_words
from backends.domain.visible import visible
from backends.host.zstd import unpacked
from backends.problem import NotFound, Problem, UsageProblem
from console.cli.output import document, say, show, show_page, table

CHUNK_BYTES = 1 << 20
LONGEST_LINE = 300
"""Characters of a root line that the text shows where no terminal is narrower; the JSON has all."""

IN_MEMORY_BYTES = 64 << 20
"""How much of standard input is kept in memory for a report, which reads it twice."""

LAUNCH_UNLOGGED = "counted from the log's first line; what the launch took before it is in no log"


def run(arguments: argparse.Namespace) -> int:
    """Explain each log; 1 where no start was found in any of them.

    Raises:
        Problem: a file cannot be read, or a report not be written.
    """
    if arguments.report or arguments.output:
        return _report(arguments)
    found = {name: _with_its_journal(name, explain(numbered(name))) for name in arguments.log}
    if arguments.json:
        files = [
            {"log": name, "starts": [_document(start) for start in starts]}
            for name, starts in found.items()
        ]
        one = {"starts": files[0]["starts"]}
        document(one if len(files) == 1 else {"logs": files})
    else:
        for name, starts in found.items():
            if len(found) > 1:
                show(f"== {name}")
            _tell(starts)
        if any(found.values()):
            show(LAUNCH_UNLOGGED)
    return _status([start for starts in found.values() for start in starts], arguments)


def _document(start: Start) -> dict[str, Any]:
    return start_document(start) | {"usual_here": _usual_here(start)}


def _usual_here(start: Start) -> str | None:
    """Return what this host's own starts say of an unfinished one, None where they say nothing."""
    if start.outcome is not Outcome.INCOMPLETE or start.model is None or start.total_s is None:
        return None
    from backends.history.database import HistoryUnavailable  # noqa: PLC0415  for these alone
    from backends.history.history import open_history  # noqa: PLC0415
    from backends.settings.paths import history_file  # noqa: PLC0415

    if not history_file().exists():
        return None
    try:
        with closing(open_history(history_file())) as history:
            earlier = [record.start for record in history.starts_like(start.model)]
    except HistoryUnavailable as problem:
        say(f"not compared with earlier starts: {problem}")
        return None
    return beside_usual(comparable(earlier, start), start)


def _with_its_journal(name: str, starts: list[Start]) -> list[Start]:
    """Return the starts of a log that a keeper wrote with the cause that only its journal has.

    The kernel's kill of a process, or a hang, leaves no word in the log itself.
    """
    if Path(name).name != "server.log":
        return starts
    from backends.domain.lifecycle import life_after, not_started  # noqa: PLC0415  for ours alone
    from backends.keeper.folder import ServerFolder, Unreadable, read_journal  # noqa: PLC0415

    folder = ServerFolder(Path(name).resolve().parent)
    try:
        facts = read_journal(folder.journal)
    except Unreadable as problem:
        say(f"note: going on without the journal: {problem}")
        return starts
    life = reduce(life_after, facts, not_started(""))
    failure = life.server.failure
    if life.start is None or failure is None:
        return starts
    last = starts[-1] if starts else as_start(life.start, facts[-1].at)
    if starts and last.failure is not None and last.failure.kind not in SAYS_LITTLE:
        return starts
    ready = last.outcome is Outcome.READY
    served_s = life.server.served_s if ready else None
    outcome = last.outcome if ready else Outcome.FAILED
    told = replace(last, failure=failure, outcome=outcome, served_s=served_s, standing=None)
    return [*starts[:-1], told]


def _status(starts: list[Start], arguments: argparse.Namespace) -> int:
    """Return the exit code: whether anything was read, or what became of the last start."""
    if not starts:
        return 1
    if not arguments.exit_status:
        return 0
    if starts[-1].failure is not None:  # also of a server that failed while it served
        return 1
    return 3 if starts[-1].outcome is Outcome.INCOMPLETE else 0


def _report(arguments: argparse.Namespace) -> int:
    from backends.domain.reports.bug_report import bug_report  # noqa: PLC0415  for a report alone

    if len(arguments.log) > 1 or arguments.json:
        raise UsageProblem("--report is of one log, and is not JSON; leave out the others")
    (name,) = arguments.log
    with ExitStack() as stack:
        spooled: IO[bytes] | None = None
        if name == "-":
            spooled = stack.enter_context(tempfile.SpooledTemporaryFile(IN_MEMORY_BYTES))
            shutil.copyfileobj(sys.stdin.buffer, spooled, CHUNK_BYTES)

        def lines() -> Iterator[tuple[int, str]]:
            if spooled is None:
                return numbered(name)
            spooled.seek(0)
            return numbered_lines(_chunks(spooled))

        starts = explain(lines())
        if not starts:
            say(f"{name}: no vLLM start in this file")
            return 1
        text = bug_report(starts, lines, [gethostname()])
    if not arguments.output:
        show_page(text)
    else:
        try:
            Path(arguments.output).write_text(visible(text, keep_newlines=True), encoding="utf-8")
        except OSError as error:
            raise Problem(f"{arguments.output} cannot be written: {error.strerror}") from error
        say(f"written: {arguments.output}")
        say(text.rstrip().rpartition("\n")[2])
    return _status(starts, arguments)


def numbered(name: str) -> Iterator[tuple[int, str]]:
    """Yield the lines of a file, or of stdin for ``-``, with their numbers from 1 on.

    Raises:
        NotFound: there is no such file.
        Problem: it cannot be read.
    """
    try:
        if name == "-":
            yield from numbered_lines(_chunks(sys.stdin.buffer))
            return
        with Path(name).open("rb") as file:
            if file.peek(4)[:4] == ZSTD_MAGIC:
                chunks = unpacked(file, CHUNK_BYTES)
                if chunks is None:
                    raise Problem(f"{name}: zstd; use `zstd -dc {name} | inferctl explain -`")
                yield from numbered_lines(chunks)
                return
            yield from numbered_lines(_chunks(file))
    except FileNotFoundError as error:
        raise NotFound(f"{name}: there is no such file") from error
    except OSError as error:
        raise Problem(f"{name}: {error.strerror}") from error


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    while chunk := file.read(CHUNK_BYTES):
        yield chunk


def _tell(starts: list[Start]) -> None:
    if not starts:
        show("no vLLM start in this file")
    columns = shutil.get_terminal_size().columns if sys.stdout.isatty() else LONGEST_LINE
    for start in starts:
        version = f"vLLM {start.vllm_version}" if start.vllm_version else "vLLM of unknown version"
        ended = end_of_service(start.failure, start.served_s)
        outcome = f"{start.outcome}, {ended}" if ended else start.outcome
        show(f"{start.model or 'unknown model'} on {version}: {outcome}")
        table(_rows(start))
        show(f"unlogged {plain_s(start.unlogged_s)}, total {plain_s(start.total_s)}")
        show(f"memory: {memory_words(start.memory) or 'not in this log'}")
        if errors := request_errors_words(start.request_errors):
            show(f"requests: {errors}")
        if start.standing is not None:
            show(f"unfinished: {start.standing}")
        if usual := _usual_here(start):
            show(f"usual here: {usual}")
        if start.failure is not None:
            failure = start.failure
            head = f"failure: {failure.kind}"
            if failure.line:
                head += f", line {failure.line_number or 'unknown'}: "
            whole = head + failure.line
            cut = _cut(whole, min(columns, len(head) + LONGEST_LINE))
            show(cut)
            show(f"cause: {_without_line(failure) if cut == whole else failure.cause}")
            show(f"Fix: {failure.remedy}")
        show()


def _without_line(failure: Failure) -> str:
    """Return the cause without the line that it ends in, which stands above it."""
    line = " ".join(failure.line.partition(" [type=")[0][:200].rstrip(".").split())
    if not line or line.endswith(":") or f": {line}" not in failure.cause:
        return failure.cause
    return f"{failure.cause.replace(f': {line}', '', 1).rstrip('.')}."


def _cut(text: str, columns: int) -> str:
    """Return a line that fits, with a sign where something is left out; `--json` has it whole."""
    return text if len(text) <= columns else f"{text[: columns - 1]}…"


def _rows(start: Start) -> list[tuple[str, ...]]:
    """Return the phases in order of time; what overlaps and what failed is marked."""
    phases = sorted(start.phases, key=lambda phase: phase.start_s)
    failed = phases[-1] if phases and start.outcome is Outcome.FAILED else None
    rows, ended_s = [], 0.0
    for phase in phases:
        overlaps = phase.start_s < ended_s - RESOLUTION_S
        ended_s = max(ended_s, phase.start_s + (phase.duration_s or 0.0))
        rows.append(_phase(phase, failed=phase is failed, overlaps=overlaps))
    return rows


RESOLUTION_S = 0.05
"""Phases that touch overlap by less than this: it is half of the last digit shown."""


def _phase(phase: Phase, *, failed: bool, overlaps: bool) -> tuple[str, ...]:
    reported = "" if phase.reported_s is None else f"vLLM says {phase.reported_s:.2f} s"
    rank = "" if phase.rank is None else f"rank {phase.rank}"
    return (
        f"{'✖' if failed else ' '} {phase.name}",
        f"{phase.start_s:9.1f} s",
        f"{plain_s(phase.duration_s):>10}",
        reported,
        rank,
        "overlaps" if overlaps else "",
    )
