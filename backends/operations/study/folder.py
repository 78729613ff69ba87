"""A study on disk: its order, each finished step as one file, and what was written of it."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from backends.host.files import PRIVATE_FILE, read_file, replace_file
from backends.operations.study.plan import StudyOrder
from backends.problem import Problem
from backends.settings.paths import private_folder
from backends.wire import UnreadableRecord, json_bytes, plain, read_json, typed

FOLDER = "studies"
DECIMALS = 7
"""A tenth of a microsecond, finer than any clock here; every figure is made of the rounded ones."""


class StudyFolder:
    """The files of one study, in a folder under the state folder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.order = path / "order.json"
        self.idle = path / "idle.jsonl"
        self.document = path / "study.json"

    def begin(self, order: StudyOrder) -> None:
        """Write down what is to be measured, before anything is."""
        private_folder(self.path.parent)
        private_folder(self.path)
        private_folder(self._steps)
        replace_file(self.order, json_bytes(plain(order)))

    def read_order(self) -> StudyOrder | None:
        """Return what is measured here; None where that is not known to this version."""
        try:
            return typed(read_json(read_file(self.order)), StudyOrder)
        except (OSError, UnreadableRecord):
            return None

    def keep(self, step: str, began_wall_s: float, ended_wall_s: float, result: Any) -> None:
        """Write a finished step, whole or not at all."""
        record = {
            "step": step,
            "began_wall_s": began_wall_s,
            "ended_wall_s": ended_wall_s,
            "result": rounded(plain(result)),
        }
        replace_file(self._steps / f"{step}.json", json.dumps(record, indent=1).encode() + b"\n")

    def finished(self) -> dict[str, dict[str, Any]]:
        """Return the records of the steps that are finished, by name, in order of their ends.

        Raises:
            Problem: one cannot be read; the message names the remedy.
        """
        found = []
        for file in self._steps.glob("*.json"):
            try:
                found.append(dict(read_json(read_file(file))))
            except (OSError, ValueError) as error:
                remedy = "delete it, and the same command measures that step again"
                raise Problem(f"{file} cannot be read ({error}); {remedy}") from error
        return {each["step"]: each for each in sorted(found, key=lambda each: each["ended_wall_s"])}

    @contextmanager
    def held(self) -> Iterator[None]:
        """Be the one process that runs this study; the kernel lets go however that ends.

        Raises:
            Problem: another one runs it.
        """
        lock = os.open(self.path / "run.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE)
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Problem("this study is running already, in another terminal") from None
            yield
        finally:
            os.close(lock)

    @property
    def _steps(self) -> Path:
        return self.path / "steps"


def study_folder(state_folder: Path, study_id: str) -> StudyFolder:
    """Return the folder of a study, which need not exist."""
    return StudyFolder(state_folder / FOLDER / study_id)


def unfinished(state_folder: Path, order: StudyOrder) -> tuple[StudyFolder, StudyOrder] | None:
    """Return the newest study that asks the same and was not finished; None where there is none."""
    for path in sorted((state_folder / FOLDER).glob("*/order.json"), reverse=True):
        folder = StudyFolder(path.parent)
        earlier = folder.read_order()
        if earlier and earlier.asks_the_same(order) and not folder.document.exists():
            return folder, earlier
    return None


def rounded(value: Any) -> Any:
    """Return plain data whose fractions have no more digits than a clock has."""
    match value:
        case float():
            return round(value, DECIMALS)
        case dict():
            return {key: rounded(each) for key, each in value.items()}
        case list() | tuple():
            return [rounded(each) for each in value]
        case _:
            return value
