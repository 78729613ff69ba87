"""``inferctl study``: the whole measurement of a server beside an endpoint, as one document."""

import argparse
import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from backends.domain.format import about
from backends.domain.study.compare import compare_document, compare_markdown
from backends.domain.study.sections import sections
from backends.domain.study.study import NotMeasured
from backends.operations import ab
from backends.operations.host import Host, this_host
from backends.operations.study import files, plan
from backends.operations.study.background import prepare
from backends.operations.study.folder import StudyFolder
from backends.operations.study.measure import NO_TRAFFIC, Measuring
from backends.operations.study.plan import QUICK, WHOLE, Sizes, Step, StudyOrder
from backends.operations.study.run import Progress, run_missing, study_of
from console.cli.main import INTERRUPTED
from console.cli.output import agree, document, draw_progress, say, show, show_page
from console.cli.recording import recording


def run(arguments: argparse.Namespace) -> int:
    """Run a study, check one, or put several side by side.

    Raises:
        Problem: a study cannot be run or read; the message holds the remedy.
    """
    actions = {"run": _run, "verify": _verify, "compare": _compare}
    return actions[arguments.action](arguments)


def _run(arguments: argparse.Namespace) -> int:
    """Measure what is missing; 1 where a step gave nothing, and the study says which."""
    host = this_host()
    asked = plan.order_of(
        host, arguments.name, arguments.endpoint, _sizes(arguments), quick=arguments.quick
    )
    study = prepare(host, asked, again=arguments.again)
    order, folder, done = study.order, study.folder, len(study.steps) - len(study.left)
    if study.resumed:
        say(f"study {order.study_id} is resumed: {done} of {len(study.steps)} steps are done")
    agree(plan.consent(host, order, study.left, done), asked_before=arguments.yes)
    folder.begin(order)
    try:
        with folder.held():
            failed = measured(host, order, folder)
            return _finished(arguments, host, order, folder, failed)
    except KeyboardInterrupt:
        say(f"interrupted; {order.server} is left as it is, and the same command resumes")
        return INTERRUPTED


def _sizes(arguments: argparse.Namespace) -> Sizes:
    sizes = QUICK if arguments.quick else WHOLE
    if arguments.no_starts:
        sizes = replace(sizes, starts=0)
    if arguments.gaps:
        sizes = replace(sizes, gaps_s=tuple(sorted(set(arguments.gaps))))
    return sizes


def measured(host: Host, order: StudyOrder, folder: StudyFolder) -> list[NotMeasured]:
    """Measure what is missing; an interrupt ends it and leaves what is finished."""
    steps = plan.steps_of(host, order)
    try:
        with recording(host) as writer:
            of = Measuring(host, order, folder, writer, lambda _: None)
            return asyncio.run(_run_with_clock(of, steps))
    finally:
        draw_progress("")


async def _run_with_clock(of: Measuring, steps: Sequence[Step]) -> list[NotMeasured]:
    """Draw the line every second too, so that what is left counts down within a step."""
    line = ProgressLine()

    async def count_down() -> None:
        while True:
            await asyncio.sleep(1.0)
            line.draw()

    clock = asyncio.create_task(count_down())
    try:
        return await run_missing(of, steps, line.show)
    finally:
        clock.cancel()


class ProgressLine:
    """Shows progress as one line of a terminal; in a log, as one line for each step."""

    def __init__(self) -> None:
        self._at: Progress | None = None

    def show(self, at: Progress) -> None:
        """Show how far a study is."""
        is_new = self._at is None or self._at.number != at.number
        self._at = at
        if not self.draw() and is_new:
            say(self._text(at))

    def draw(self) -> bool:
        """Draw the line as it is now; False where there is no terminal."""
        return self._at is None or draw_progress(self._text(self._at))

    @staticmethod
    def _text(at: Progress) -> str:
        words = f": {at.detail}" if at.detail else ""
        left = about(at.left_s(time.monotonic()))
        return f"{at.number}/{at.of} {at.step.title}{words}, about {left} left"


def _finished(
    arguments: argparse.Namespace,
    host: Host,
    order: StudyOrder,
    folder: StudyFolder,
    failed: list[NotMeasured],
) -> int:
    """Write all forms and say where; 1 where a step gave nothing."""
    study = study_of(order, folder, failed)
    if not arguments.with_names:
        targets = ab.targets([order.server, order.endpoint], host.settings)
        study = files.without_names(study, (key for each in targets for key in each.secrets))
    where = Path(arguments.output).expanduser() if arguments.output else folder.path
    written = files.write_study(study, where, "study" if not arguments.output else order.study_id)
    if arguments.output:
        files.write_study(study, folder.path, "study")
    if arguments.json:
        document(files.study_document(study))
    else:
        for line in sections(study)[0].lines:
            show(line)
    for missing in failed:
        say(f"not measured: {missing.what}: {missing.reason}")
    for path in written:
        say(f"written: {path}")
    return 1 if any(missing.reason != NO_TRAFFIC for missing in failed) else 0


def _verify(arguments: argparse.Namespace) -> int:
    """Recompute a study from its samples; 1 where something of it is another figure."""
    path = Path(arguments.file)
    found = files.differences(path)
    if why := files.drawn_by_another(files.read_study(path)):
        say(why)
    if arguments.json:
        document({"file": path.name, "verified": not found, "differences": found})
    else:
        for line in found:
            show(line)
        if not found:
            what = "figure" if why else "figure and picture"
            show(f"{path.name}: every {what} follows from its samples")
    return 1 if found else 0


def _compare(arguments: argparse.Namespace) -> int:
    """Put studies side by side, as Markdown or as one document."""
    studies = [files.read_study(Path(file)) for file in (arguments.file, *arguments.others)]
    if arguments.json:
        document(compare_document(studies))
    else:
        show_page(compare_markdown(studies))
    return 0
