"""Starts a keeper, and waits until it answers that it keeps the server."""

import os
import subprocess
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import msgspec

from backends.host import spawn
from backends.host.files import PRIVATE_FILE
from backends.keeper.folder import ServerFolder, prepare
from backends.keeper.order import (
    AlreadyKept,
    KeeperError,
    LaunchFailed,
    LaunchOrder,
    NotRunning,
    Report,
    load_order,
    unwritable,
)

__all__ = ["AlreadyKept", "KeeperError", "LaunchFailed", "LaunchOrder", "adopt", "launch"]

REPORT_S = 30.0
"""A keeper reports within a fraction of a second; more than this means that it is stuck."""


def launch(order: LaunchOrder, folder: Path, withheld: Collection[str] = ()) -> None:
    """Start a server under a keeper of its own, and return once the keeper answers.

    Neither ends with the caller. The server runs in the caller's working folder, with the
    caller's environment and `order.environment` on top; in a container it has the latter alone.

    Args:
        order: what to start.
        folder: the server's folder, see `server_folder`.
        withheld: the caller's variables that neither gets, see `Settings.key_variables`.

    Raises:
        AlreadyKept: a keeper or processes of an earlier start are there.
        LaunchFailed: the server's program or the keeper cannot be executed.
    """
    inherited = {name: value for name, value in os.environ.items() if name not in withheld}
    whole = order.container is None and order.external is None
    inherited = inherited if whole else {}
    complete = replace(order, environment={**inherited, **order.environment})
    _run_keeper(ServerFolder(folder), msgspec.json.encode(complete), withheld)


def adopt(folder: Path, withheld: Collection[str] = ()) -> None:
    """Give a server whose keeper was killed a new keeper, and return once that answers.

    One that was only watched is watched again, by its log from the begin.

    Args:
        folder: the server's folder, see `server_folder`.
        withheld: the caller's variables that the keeper does not get.

    Raises:
        AlreadyKept: its keeper lives.
        NotRunning: nothing of it is left.
    """
    kept = ServerFolder(folder)
    order = load_order(kept.order)
    again = None if order.external is None else order
    _run_keeper(kept, msgspec.json.encode(again), withheld)


def _run_keeper(folder: ServerFolder, order: bytes, withheld: Collection[str]) -> None:
    try:
        prepare(folder)
        log = os.open(folder.keeper_log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, PRIVATE_FILE)
    except OSError as error:
        raise LaunchFailed(unwritable(folder.path, error)) from error
    with os.fdopen(log) as errors:
        process = subprocess.Popen(
            spawn.command("backends.keeper", str(folder.path.absolute())),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=spawn.environment(withheld),
            start_new_session=True,
        )
        try:
            answer, _ = process.communicate(order, timeout=REPORT_S)
        except subprocess.TimeoutExpired as error:
            raise LaunchFailed(f"the keeper does not answer; see {folder.keeper_log}") from error
    _raise_from(answer, folder)


def _raise_from(answer: bytes, folder: ServerFolder) -> None:
    if not answer:
        raise LaunchFailed(f"the keeper ended before it started anything; see {folder.keeper_log}")
    report = msgspec.json.decode(answer, type=Report)
    if report.error:
        kinds = {kind.__name__: kind for kind in (AlreadyKept, LaunchFailed, NotRunning)}
        raise kinds.get(report.error, KeeperError)(report.message)
