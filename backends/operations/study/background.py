"""A study in a thread of its own, so that what it writes and waits for holds up nobody else."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from backends.domain.study.study import NotMeasured
from backends.history.thread import HistoryThread
from backends.operations import ab
from backends.operations.host import Host
from backends.operations.study import files, plan
from backends.operations.study.folder import StudyFolder, study_folder, unfinished
from backends.operations.study.measure import Measuring
from backends.operations.study.plan import Step, StudyOrder
from backends.operations.study.run import Tell, run_missing, study_of


@dataclass(frozen=True, slots=True)
class Prepared:
    """A study that may begin, or go on where it was cut off.

    Attributes:
        left: the steps that are not finished.
        resumed: an earlier one that asked the same goes on.
    """

    order: StudyOrder
    folder: StudyFolder
    steps: tuple[Step, ...]
    left: tuple[Step, ...]
    resumed: bool


def prepare(host: Host, asked: StudyOrder, *, again: bool = False) -> Prepared:
    """Return the study to run: the unfinished one that asks the same, or a new one.

    Args:
        host: this host.
        asked: what to measure.
        again: begin a new one in any case.

    Raises:
        Problem: a finished step cannot be read.
    """
    found = None if again else unfinished(host.state_folder, asked)
    folder, order = found or (study_folder(host.state_folder, asked.study_id), asked)
    steps = plan.steps_of(host, order)
    done = folder.finished() if found else {}
    left = tuple(step for step in steps if step.name not in done)
    return Prepared(order, folder, steps, left, found is not None)


class BackgroundStudy:
    """Measures what is left of a study; `run` blocks a thread, `cancel` may come from any other."""

    def __init__(self, host: Host, prepared: Prepared, writer: HistoryThread) -> None:
        self._host = host
        self._prepared = prepared
        self._writer = writer
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[Sequence[NotMeasured]] | None = None
        self._cancelled = False

    def run(self, tell: Tell) -> tuple[Path, ...]:
        """Measure, write the study, and return where; nothing where it was cancelled.

        Raises:
            Problem: it cannot go on, or another process runs it.
            OSError: a file cannot be written.
        """
        order, folder = self._prepared.order, self._prepared.folder
        folder.begin(order)
        with folder.held():
            try:
                failed = asyncio.run(self._measured(tell))
            except asyncio.CancelledError:
                return ()
            study = study_of(order, folder, failed)
            targets = ab.targets([order.server, order.endpoint], self._host.settings)
            study = files.without_names(study, (key for each in targets for key in each.secrets))
            return files.write_study(study, folder.path, "study")

    def cancel(self) -> None:
        """End it where it waits next; what is measured stays, and the same order resumes."""
        self._cancelled = True
        if self._loop is not None and self._task is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._task.cancel)

    async def _measured(self, tell: Tell) -> Sequence[NotMeasured]:
        of = Measuring(
            self._host, self._prepared.order, self._prepared.folder, self._writer, lambda _: None
        )
        self._task = asyncio.create_task(run_missing(of, self._prepared.steps, tell))
        self._loop = asyncio.get_running_loop()
        if self._cancelled:
            self._task.cancel()
        return await self._task
