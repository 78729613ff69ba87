"""What the host was used for while no console watched, told by the keepers' journals."""

from pathlib import Path

from backends.domain.billing.stretches import Stretch, changes, stretches_between
from backends.domain.facts import ServerFact
from backends.keeper.folder import ServerFolder, read_journal, server_folders


def stretches(state_folder: Path, from_s: float, to_s: float) -> tuple[Stretch, ...]:
    """Return what this host's servers did between two instants, seconds since 1970."""
    return stretches_between(
        [changes(_lately(folder, from_s)) for folder in server_folders(state_folder)], from_s, to_s
    )


def launches(state_folder: Path) -> tuple[float, ...]:
    """Return when the servers that run were launched; where none does, when the last one was."""
    found = [changes(read_journal(folder.journal)) for folder in server_folders(state_folder)]
    begun = [(each[0][0], each[-1][1]) for each in found if each]
    running = tuple(at for at, now in begun if now != "stopped")
    return running or tuple(sorted(at for at, _ in begun)[-1:])


def _lately(folder: ServerFolder, from_s: float) -> list[ServerFact]:
    """Return the facts of all starts that were written to since an instant, and of the last."""
    journals = sorted(folder.starts.glob("*.jsonl"), key=lambda path: path.stat().st_mtime)
    recent = [path for path in journals if path.stat().st_mtime >= from_s]
    return [fact for path in recent or journals[-1:] for fact in read_journal(path)]
