"""The folder of one server: what its keeper writes and a later keeper or console reads."""

import contextlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self, cast

import msgspec

from backends.domain.facts import ContainerStarted, ServerFact, Spawned, Stopped
from backends.domain.server import ProcessId
from backends.host import processes
from backends.host.container import in_container
from backends.host.files import read_file, replace_file
from backends.host.processes import Process, ProcessList
from backends.host.survivors import belonging_to
from backends.problem import Problem
from backends.wire import UnreadableRecord, decode_fact, read_json

PRIVATE_FOLDER = 0o700


class Unreadable(Problem):
    """A file of a server is there and cannot be read; the message names it."""

    @classmethod
    def of(cls, path: Path, error: OSError) -> Self:
        """Return the problem for this path."""
        return cls(f"{path} cannot be read: {error.strerror}; see who owns it, and the disk")


@dataclass(frozen=True, slots=True)
class ServerFolder:
    """The files under ``<state>/servers/NAME``."""

    path: Path

    @property
    def order(self) -> Path:
        """What was ordered last, without secrets."""
        return self.path / "order.json"

    @property
    def journal(self) -> Path:
        """The facts of the current start, a link to its file in `starts`."""
        return self.path / "journal.jsonl"

    @property
    def starts(self) -> Path:
        """The journals of all starts."""
        return self.path / "starts"

    @property
    def log(self) -> Path:
        """What the server of the current start writes."""
        return self.path / "server.log"

    @property
    def pipe(self) -> Path:
        """The FIFO that the server writes its output to.

        It has a name so that a later keeper can open it again; while nobody reads, what the server
        writes is lost but never blocks it.
        """
        return self.path / "server.pipe"

    @property
    def socket(self) -> Path:
        """Where the living keeper answers."""
        return self.path / "keeper.sock"

    @property
    def keeper(self) -> Path:
        """Who the last keeper is."""
        return self.path / "keeper.json"

    @property
    def keeper_log(self) -> Path:
        """The errors of keepers, as text."""
        return self.path / "keeper.log"

    @property
    def lock(self) -> Path:
        """The file that the living keeper holds locked."""
        return self.path / "lock"


def servers_folder(state_folder: Path) -> Path:
    """Return the folder that holds one folder for each server."""
    return state_folder / "servers"


def server_folder(state_folder: Path, name: str) -> Path:
    """Return the folder of the server called `name`."""
    return servers_folder(state_folder) / name


def server_folders(state_folder: Path) -> list[ServerFolder]:
    """Return the folder of each server that was ever started here, in the order of their names.

    Any other file among them is passed over.

    Raises:
        Unreadable: the folder that holds them cannot be read.
    """
    found = servers_folder(state_folder)
    try:
        return [ServerFolder(path) for path in sorted(found.iterdir()) if path.is_dir()]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise Unreadable.of(found, error) from error


def prepare(folder: ServerFolder) -> None:
    """Create the folder and those above it that are missing, for this user alone."""
    folder.starts.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
    for private in (folder.path.parent, folder.path, folder.starts):
        private.chmod(PRIVATE_FOLDER)


def link_journal(folder: ServerFolder, start_id: str) -> Path:
    """Make the journal of this start the current one; the earlier ones stay in ``starts``."""
    journal = folder.starts / f"{start_id}.jsonl"
    fresh = folder.path / "journal.fresh"
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(journal.relative_to(folder.path))
    fresh.replace(folder.journal)
    return journal


def read_journal(journal: Path) -> list[ServerFact]:
    """Return the facts of a journal, empty where there is none yet.

    Raises:
        Unreadable: there is one, and it cannot be read.
    """
    try:
        return list(facts_in(read_file(journal).split(b"\n")))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise Unreadable.of(journal, error) from error


def left_behind(facts: list[ServerFact], among: ProcessList | None = None) -> list[Process]:
    """Return the processes that live of the start in this journal.

    None where its beginning was lost: what lives of it is listed as a vLLM of others.

    Args:
        facts: the journal.
        among: every process of this host, where the caller has listed them by `TABLE`.
    """
    begun = next((fact for fact in facts if isinstance(fact, Spawned)), None)
    if begun is None or isinstance(facts[-1], Stopped):
        return []
    contained = [fact for fact in facts if isinstance(fact, ContainerStarted)]
    if contained:
        return in_container(contained[-1].container)
    return belonging_to(f"{begun.server}:{begun.start_id}", begun.process, among)


def facts_in(lines: Iterable[bytes]) -> Iterator[ServerFact]:
    """Yield the fact of each line, passing over those that cannot be read.

    A keeper that was killed leaves its last line cut off, and one of another version may write
    facts that this version does not know; neither may hide the rest.
    """
    for line in lines:
        with contextlib.suppress(UnreadableRecord):
            yield cast("ServerFact", decode_fact(line))


def leave_mark(folder: ServerFolder) -> None:
    """Write down that this process keeps the folder.

    Raises:
        OSError: the folder takes no file.
    """
    replace_file(folder.keeper, msgspec.json.encode(processes.identity(os.getpid())))


def keeper_id(folder: ServerFolder) -> ProcessId | None:
    """Return the last keeper of this folder, alive or not.

    Raises:
        Unreadable: its file is there, and cannot be read.
    """
    try:
        keeper: ProcessId = read_json(read_file(folder.keeper), ProcessId)
    except (FileNotFoundError, NotADirectoryError, UnreadableRecord):
        return None
    except OSError as error:
        raise Unreadable.of(folder.keeper, error) from error
    return keeper


def living_keeper(folder: ServerFolder) -> ProcessId | None:
    """Return the keeper of this folder that runs now, from the process table if no file names it.

    The file may name a dead keeper, because a full disk took no newer entry, or any process that
    somebody wrote into it; so a named process must also be one that keeps this folder.
    """
    keeper = keeper_id(folder)
    named = processes.read(keeper.pid) if keeper is not None else None
    if named is not None and named.id == keeper and keeps(named, folder):
        return keeper
    return next((one.id for one in processes.running() if keeps(one, folder)), None)


def keeps(process: Process, folder: ServerFolder) -> bool:
    """Tell by its command line whether a process is a keeper of this folder."""
    # One that has ended shows no command line.
    *_, flag, module, place = ("", "", "", *processes.command_line(process.id.pid))
    if (flag, module) != ("-m", "backends.keeper"):
        return False
    return Path(place).resolve() == folder.path.resolve()
