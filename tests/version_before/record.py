"""Records ``tests/data/state_before``: ``python -m tests.version_before.record``.

The version before starts and stops simulated servers, measures, and leaves a server behind whose
processes were all killed. What it then has in its state folder is kept, without the names, numbers
and folders of the machine that recorded it; the database as the SQL that makes it.
"""

import getpass
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from backends.host import processes
from backends.keeper.folder import ServerFolder, keeper_id, server_folder
from backends.servers.listing import server_pids
from backends.settings.paths import state_folder
from tests.console.conftest import MODEL, free_port
from tests.version_before.earlier import ROOT, EarlierVersion, earlier_version

RECORDED = ROOT / "tests" / "data" / "state_before"
KEPT = ("order.json", "journal.jsonl", "starts", "server.log", "keeper.json")
"""What is kept of a server's folder; of the others everything but who was sending requests."""
MOST_LOG_LINES = 60
CONFIG = """
[server.chat]
model = "{model}"
vllm = "{vllm}"
port = {chat}
gpu_usd_per_hour = "1.88"
[server.chat.environment]
INFERCTL_SIMULATED_SPEED = "100"
INFERCTL_SIMULATED_SERVING_SPEED = "20"

[server.lost]
model = "{model}"
vllm = "{vllm}"
port = {lost}
[server.lost.environment]
INFERCTL_SIMULATED_SPEED = "100"

[endpoint.api]
base_url = "http://127.0.0.1:{api}/v1"
model = "{model}"
input_usd_per_mtok = "0.10"
output_usd_per_mtok = "0.70"

[limits]
ttft_p99_s = 1.0
"""


def main() -> None:
    """Record the state folder anew."""
    with tempfile.TemporaryDirectory() as home_name:
        home = Path(home_name)
        for kind in ("STATE", "CONFIG", "CACHE"):
            os.environ[f"XDG_{kind}_HOME"] = str(home / kind)
        version = earlier_version(home / "packages")
        if version is None:
            sys.exit("this checkout does not hold the version before")
        vllm = version.simulated_vllm()
        ports = {name: free_port() for name in ("chat", "lost", "theirs")}
        with endpoint(version) as ports["api"]:
            config = home / "CONFIG" / "inferctl" / "config.toml"
            config.parent.mkdir(parents=True)
            config.write_text(CONFIG.format(model=MODEL, vllm=vllm, **ports))
            use(version, vllm, ports["theirs"])
        keep(home, ports)


@contextmanager
def endpoint(version: EarlierVersion) -> Iterator[int]:
    """Serve the simulated endpoint of the version before, which sleeps after a second."""
    sleepy = ("--speed", "20", "--cold-after", "1", "--cold-start", "1")
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "backends.simulated.endpoint", "--model", MODEL, *sleepy],
        env=version.environment(),
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline())
    finally:
        process.terminate()
        process.wait()


def use(version: EarlierVersion, vllm: Path, theirs: int) -> None:
    """Do with the version before what leaves something in its state folder."""
    run(version, "start", "chat", "--wait")
    run(version, "ab", "chat", "api", "-n", "2", "--max-tokens", "16", "--yes")
    run(version, "load", "chat", "--step", "2", "--for", "4", "--max-tokens", "16", "--yes")
    run(version, "coldhunt", "api", "--gaps", "0.2s,1.5s", "--rounds", "2", "--yes")
    while not json.loads(run(version, "coldhunt", "api", "--status", "--json"))["complete"]:
        time.sleep(1)
    run(version, "start", "lost", "--wait")
    lost = ServerFolder(server_folder(state_folder(), "lost"))
    keeper = keeper_id(lost)
    assert keeper is not None
    members = [processes.identity(pid) for pid in server_pids(state_folder())["lost"]]
    for one in (keeper, *members):
        processes.send(one, signal.SIGKILL, lambda _: True)
    with adopted(version, vllm, theirs):
        run(version, "stop", "chat")


@contextmanager
def adopted(version: EarlierVersion, vllm: Path, port: int) -> Iterator[None]:
    """Run a vLLM that inferctl did not start, and let it be adopted."""
    command = [str(vllm), "serve", "org/theirs", "--port", str(port)]
    process = subprocess.Popen(
        command,
        env=version.environment({"INFERCTL_SIMULATED_SPEED": "400"}),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while version.run("adopt", "--port", str(port)).returncode:
            time.sleep(0.2)
        yield
    finally:
        process.terminate()
        process.wait()


def run(version: EarlierVersion, *arguments: str) -> str:
    """Run a verb that must succeed."""
    done = version.run(*arguments)
    if done.returncode:
        sys.exit(f"inferctl {' '.join(arguments)} ended with {done.returncode}: {done.stderr}")
    return done.stdout


def keep(home: Path, ports: dict[str, int]) -> None:
    """Write what the version before left, without what only the recording machine knows."""
    state = home / "STATE" / "inferctl"
    shutil.rmtree(RECORDED, ignore_errors=True)
    for path in sorted(state.rglob("*")):
        place = path.relative_to(state)
        into = RECORDED / place
        of_server = place.parts[0] == "servers"
        if (
            path.is_dir()
            or place.parts[0] == "sending"
            or (of_server and not {*place.parts} & {*KEPT})
        ):
            continue
        into.parent.mkdir(parents=True, exist_ok=True)
        if path.is_symlink():
            into.symlink_to(path.readlink())
        elif path.name == "history.sqlite":
            into.with_suffix(".sql").write_text(neutral(dump(path), home, ports))
        elif path.suffix in {".json", ".jsonl", ".log"}:
            lines = path.read_text().splitlines(keepends=True)
            kept = lines if path.suffix != ".log" else lines[:MOST_LOG_LINES]
            into.write_text(neutral("".join(kept), home, ports))


def dump(path: Path) -> str:
    """Return the SQL that makes a database again, with its version."""
    with closing(sqlite3.connect(path)) as database:
        (version,) = database.execute("PRAGMA user_version").fetchone()
        return "\n".join((*database.iterdump(), f"PRAGMA user_version = {version};\n"))


def neutral(text: str, home: Path, ports: dict[str, int]) -> str:
    """Return a text without the folders, ports and the boot of this machine."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    text = text.replace(boot, "00000000-0000-0000-0000-000000000000")
    text = text.replace(str(home), "/home/user").replace(str(ROOT), "/opt/inferctl")
    text = text.replace(f"of user {getpass.getuser()}", "of user somebody")
    text = text.replace(sys.executable, "/usr/bin/python3").replace(sys.prefix, "/usr")
    for number, port in enumerate(sorted(ports.values())):
        text = re.sub(rf"\b{port}\b", str(8000 + number), text)
    return text


if __name__ == "__main__":
    main()
