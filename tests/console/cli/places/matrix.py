"""Every verb where a folder that it needs is bad: ``make places-matrix`` prints all cells.

A cell is one kind of bad place, one of the four folders, and one kind of user. Every verb has to
answer with an exit code of its own and a sentence, within a bounded time; nothing may be written
behind a link, and root may leave nothing in the home folder of another user.
"""

import argparse
import itertools
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parents[4]
KINDS = ("read_only", "absent", "full", "other_owner", "linked", "file", "fifo")
LOG = REPOSITORY / "tests/data/logs/v0.32.0_cpu_fail_badflag.log"
PLACES = {
    "state": ".local/state/inferctl",
    "config": ".config/inferctl",
    "cache": ".cache/huggingface",
    "output": "out",
}
USERS = {"root": 0, "user": 65534, "nameless": 54321, "sudo": 0}
"""Whom the verbs run as: `nameless` has no entry in the user database and no HOME, `sudo` is root
with HOME of the user."""

SOMEBODY_ELSE = 4242
CONFIGURATION = """
[server.chat]
model = "org/model"
vllm = "/nonexistent/vllm"
port = 18999
gpu_usd_per_hour = "1.88"

[endpoint.api]
base_url = "http://127.0.0.1:9/v1"
model = "org/model"
input_usd_per_mtok = "0.10"
output_usd_per_mtok = "0.70"
"""
VERBS = (
    "status",
    "status --json",
    "doctor",
    "gpus --json",
    "cost",
    "cost --report --output OUT/cost.md",
    "history",
    "verdict",
    "logs chat",
    "start chat --force",
    "stop chat",
    "export runs --csv",
    "prices list",
    "prices set p/m --input 1 --output 2",
    "explain LOG --report --output OUT/report.md",
    "adopt --port 9",
    "coldprobe api --status",
    "ab api chat --yes",
)
RUNNER = """
import contextlib, faulthandler, io, json, sys, traceback
from console.__main__ import main

told = []
for argv in json.loads(sys.argv[1]):
    faulthandler.dump_traceback_later(60, exit=True)
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main(argv)
        except SystemExit as ended:
            code = ended.code
        except BaseException:
            code = None
            traceback.print_exc()
    told.append([code, out.getvalue() + err.getvalue()])
print(json.dumps(told))
"""


@dataclass(frozen=True)
class Cell:
    kind: str
    place: str
    user: str

    def __str__(self) -> str:
        return f"{self.kind}-{self.place}-{self.user}"


CELLS = [Cell(*each) for each in itertools.product(KINDS, PLACES, USERS)]


def can_play() -> bool:
    """Tell whether this is root, and may mount folders of its own."""
    mounted = ("unshare", "-m", "mount", "-t", "tmpfs", "none", "/mnt")
    return os.geteuid() == 0 and not subprocess.call(mounted, stderr=subprocess.DEVNULL)


def wrong_in(cell: Cell) -> list[str]:
    """Play a cell, and return what is wrong with what the verbs did."""
    base = Path(tempfile.mkdtemp(prefix="places-"))
    try:
        base.chmod(0o755)
        return list(_wrong(cell, base))
    finally:
        shutil.rmtree(base)


def _wrong(cell: Cell, base: Path) -> Iterator[str]:
    owner = USERS["user"] if cell.user == "sudo" else USERS[cell.user]
    home, beyond = base / "home", base / "beyond"
    mounting = _made(cell, home, beyond, owner)
    shutil.copyfile(LOG, base / "log")
    words = {"OUT": str(home / "out"), "LOG": str(base / "log")}
    argvs = [
        [words.get(word, word.replace("OUT", words["OUT"])) for word in verb.split()]
        for verb in VERBS
    ]
    before = _looks(beyond)
    become = f"setpriv --reuid {USERS[cell.user]} --regid {USERS[cell.user]} --clear-groups"
    played = subprocess.run(
        [
            *("unshare", "-m", "sh", "-ec", f'{mounting}\nexec {become} "$@"', "sh"),
            *(sys.executable, "-c", RUNNER, json.dumps(argvs)),
        ],
        check=False,
        env=_environment(cell, home),
        cwd="/",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
    )
    if played.returncode:
        yield f"it ended with {played.returncode}: {played.stderr[-2000:]}"
        return
    for verb, (code, told) in zip(VERBS, json.loads(played.stdout), strict=True):
        if code not in range(5) or "Traceback" in told:
            yield f"{verb}: {code}: {told[-1500:]}"
        elif code in (1, 2, 3) and not told.strip():
            yield f"{verb}: {code} without a word"
    # Where a file goes that the user names is the user's own affair.
    if cell.place in ("state", "config") and _looks(beyond) != before:
        yield f"what is behind the link was changed: {_looks(beyond)}"
    if cell.user == "sudo":
        for path in home.rglob("*"):
            if path.lstat().st_uid == 0 and not path.is_relative_to(home / PLACES["output"]):
                yield f"root left {path}"


def _made(cell: Cell, home: Path, beyond: Path, owner: int) -> str:
    """Make the folders of a user and the bad one; return the commands that mount it."""
    bad = home / PLACES[cell.place]
    for place in PLACES.values():
        (home / place).mkdir(parents=True)
    beyond.mkdir(mode=0o755)
    (home / PLACES["config"] / "config.toml").write_text(CONFIGURATION)
    if cell.kind in ("absent", "linked", "file", "fifo"):
        shutil.rmtree(bad)
    match cell.kind:
        case "linked":
            bad.symlink_to(beyond)
        case "file":
            bad.write_text("no folder")
        case "fifo":
            os.mkfifo(bad)
        case _:
            pass
    for path in (home, *home.rglob("*")):
        os.chown(path, owner, owner, follow_symlinks=False)
    os.chown(beyond, SOMEBODY_ELSE, SOMEBODY_ELSE)
    match cell.kind:
        case "read_only":
            return f"mount --bind {bad} {bad}; mount -o remount,ro,bind {bad}"
        case "full":
            room = f"size=64k,mode=700,uid={owner},gid={owner}"
            kept = f"cp -a {bad} {beyond.parent}/kept; mount -t tmpfs -o {room} none {bad}"
            filled = f"dd if=/dev/zero of={bad}/ballast bs=1k 2>/dev/null || true"
            return f"{kept}; cp -a {beyond.parent}/kept/. {bad}; {filled}"
        case "other_owner":
            bad.chmod(0o700)
            os.chown(bad, SOMEBODY_ELSE, SOMEBODY_ELSE)
        case _:
            pass
    return ""


def _environment(cell: Cell, home: Path) -> dict[str, str]:
    around = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(REPOSITORY),
        "PYTHONDONTWRITEBYTECODE": "1",
        "TERM": "xterm",
    }
    if cell.user == "sudo":
        around["SUDO_UID"] = str(USERS["user"])
    if cell.user != "nameless":
        return {**around, "HOME": str(home)}
    own = {"CONFIG": ".config", "STATE": ".local/state", "CACHE": ".cache"}
    return {**around, **{f"XDG_{kind}_HOME": str(home / path) for kind, path in own.items()}}


def _looks(folder: Path) -> tuple[str, list[str]]:
    return stat.filemode(folder.stat().st_mode), sorted(each.name for each in folder.iterdir())


def main() -> int:
    """Play the chosen cells and print what each showed."""
    parser = argparse.ArgumentParser(prog="places_matrix", description=__doc__)
    parser.add_argument("words", nargs="*", help="play only cells that carry all these words")
    asked = parser.parse_args()
    if not can_play():
        parser.error("needs root and mounts")
    chosen = [one for one in CELLS if set(asked.words) <= set(str(one).split("-"))]
    wrong = 0
    for cell in chosen:
        found = wrong_in(cell)
        wrong += bool(found)
        print(f"{cell}: {'; '.join(found) or 'sentences alone'}", flush=True)
    print(f"{len(chosen)} cells of {len(VERBS)} verbs each, {wrong} wrong")
    return wrong


if __name__ == "__main__":
    sys.exit(main())
