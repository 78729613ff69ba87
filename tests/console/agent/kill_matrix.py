"""The agent struck in every way and state: ``python -m tests.console.agent.kill_matrix``.

Each cell lives some seconds on a host of its own: a simulated server is started by the verb, asked,
and stopped; in between the agent is struck and begun again. What the record says then is held
against what this program itself has sent and timed. Words after the command choose cells that carry
all of them, such as ``SIGKILL serving``. The exit code is the number of cells that are wrong.
"""

import contextlib
import http.client
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backends.domain.billing.meter import MeterState
from tests.console.conftest import free_port, simulated_vllm

SERVER, MODEL = "chat", "org/model"
STATES = ("starting", "idle", "serving")
SIGNALS = ("SIGKILL", "SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGSEGV", "SIGABRT")
CLOCK_STEPS_S = {"ahead": 3600.0, "back": -3600.0}
STEPPED = tuple(f"{when}{way}" for way in CLOCK_STEPS_S for when in ("", "killed+"))
STRIKES = (*SIGNALS, "suspended", "locked", "damaged", "full", "twice", *STEPPED)
REQUESTS = 3
AWAY_S = 2.0
SETTLED_S = 3.0
"""What passes between the stop and the look at the record."""
SUSPENDED_S = 8.0
NEAR_S = 2.5
"""A second of the clock, and how long a verb takes on a busy machine."""
LIMIT_S = 90.0

SET_CLOCK = """
import os, time
true_s, place = time.time, os.environ["AGENT_MATRIX_CLOCK"]
def shifted_s():
    try:
        with open(place) as file:
            return true_s() + float(file.read())
    except (OSError, ValueError):
        return true_s()
time.time = shifted_s
"""
"""What every Python process of a cell begins with: its wall clock is off by what a file says, for
setting the true one would harm the machine."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What is done to the agent, and what its server does then."""

    strike: str
    state: str

    def __str__(self) -> str:
        return f"{self.strike} {self.state}"


@dataclass(slots=True)
class Truth:
    """What this program itself has done, apart from the record."""

    sent: int = 0
    stopped_mono_s: float = 0.0
    away_s: float = 0.0
    step_s: float = 0.0


class Home:
    """A host of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        homes = {f"XDG_{kind}_HOME": str(folder / kind) for kind in ("CONFIG", "STATE", "CACHE")}
        self.clock = folder / "clock"
        (folder / "site").mkdir()
        (folder / "site" / "sitecustomize.py").write_text(SET_CLOCK)
        self.environment = {
            **os.environ,
            **homes,
            "HF_HOME": str(folder / "hf"),
            "PYTHONPATH": f"{folder / 'site'}{os.pathsep}{Path(__file__).parents[3]}",
            "AGENT_MATRIX_CLOCK": str(self.clock),
        }
        self.state = folder / "STATE" / "inferctl"
        config = folder / "CONFIG" / "inferctl" / "config.toml"
        config.parent.mkdir(parents=True)
        config.write_text(
            f'[server.{SERVER}]\nmodel = "{MODEL}"\nvllm = "{simulated_vllm(folder)}"\n'
            f'port = {self.port}\ngpu_usd_per_hour = "1.88"\n[billing]\nsince = "server"\n'
            f'[server.{SERVER}.environment]\nINFERCTL_SIMULATED_SPEED = "10"\n'
        )

    def verb(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [str(Path(sys.executable).with_name("inferctl")), *words]
        return subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=False
        )

    def agent_pid(self) -> int | None:
        with suppress(ValueError, KeyError, TypeError):
            return int(json.loads(self.verb("agent", "status", "--json").stdout)["agent"]["pid"])
        return None

    def record(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.verb("cost", "--json").stdout)
        return found

    def latest(self) -> dict[str, Any]:
        return json.loads((self.state / "record.json").read_bytes())["account"]  # type: ignore[no-any-return]

    def server_state(self) -> str:
        with suppress(ValueError, KeyError, IndexError):
            servers = json.loads(self.verb("status", "--json").stdout)["servers"]
            return next(one["state"] for one in servers if one["name"] == SERVER)  # type: ignore[no-any-return]
        return ""

    def set_clock(self, step_s: float, truth: Truth) -> None:
        """Set the wall clock of all processes of this home; the file is never half written."""
        fresh = self.clock.with_name("clock.fresh")
        fresh.write_text(str(step_s))
        fresh.replace(self.clock)
        truth.step_s = step_s

    def ask(self, truth: Truth) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        with closing(connection):
            body = {"model": MODEL, "max_tokens": 8, "messages": [{"role": "user", "content": "?"}]}
            kind = {"Content-Type": "application/json"}
            connection.request("POST", "/v1/chat/completions", json.dumps(body), kind)
            connection.getresponse().read()
        truth.sent += 1


def wait_for(holds: Callable[[], object]) -> None:
    """Wait until something holds."""
    until_s = time.monotonic() + LIMIT_S
    while not holds():
        assert time.monotonic() < until_s, "it did not come to hold"
        time.sleep(0.1)


@contextmanager
def struck(cell: Cell, home: Home, truth: Truth) -> Iterator[None]:
    """Strike the agent, let the block run meanwhile, and begin it again."""
    pid = home.agent_pid()
    assert pid is not None, "no agent"
    began_s = time.monotonic()
    with contextlib.ExitStack() as stack:
        strike(cell, home, truth, pid, stack)
        yield
        away_s = SUSPENDED_S if cell.strike in {"suspended", "locked"} else AWAY_S
        while time.monotonic() < began_s + away_s:
            time.sleep(0.05)
    home.verb("agent", "start")
    wait_for(home.agent_pid)
    truth.away_s = time.monotonic() - began_s


def strike(cell: Cell, home: Home, truth: Truth, pid: int, stack: contextlib.ExitStack) -> None:
    """Do to the agent what a cell is about; the stack takes back what is to end with the block."""
    match cell.strike:
        case "suspended":
            os.kill(pid, signal.SIGSTOP)
            stack.callback(os.kill, pid, signal.SIGCONT)
        case "locked":
            holder = stack.enter_context(closing(sqlite3.connect(home.state / "history.sqlite")))
            holder.execute("BEGIN EXCLUSIVE")
            os.kill(pid, signal.SIGKILL)
            home.verb("agent", "start")
        case "damaged":
            os.kill(pid, signal.SIGKILL)
            with (home.state / "history.sqlite").open("r+b") as file:
                file.write(b"no database any more" * 1000)
        case "ahead" | "back":
            home.set_clock(CLOCK_STEPS_S[cell.strike], truth)
        case "killed+ahead" | "killed+back":
            os.kill(pid, signal.SIGKILL)
            home.set_clock(CLOCK_STEPS_S[cell.strike.removeprefix("killed+")], truth)
        case "full":
            fill(home)
            stack.callback((home.folder / "STATE" / "filler").unlink)
            os.kill(pid, signal.SIGKILL)
        case "twice":
            os.kill(pid, signal.SIGKILL)
            starts = [subprocess.Popen(command_of(home), env=home.environment) for _ in "12"]
            wait_for(lambda: sum(each.poll() is None for each in starts) <= 1)
        case name:
            os.kill(pid, signal.Signals[name])


def command_of(home: Home) -> list[str]:
    """Return the command line of this home's agent."""
    return [sys.executable, "-P", "-m", "backends.operations.agent", str(home.state)]


def fill(home: Home) -> None:
    """Leave no room on the disk that holds the state."""
    with (home.folder / "STATE" / "filler").open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"0" * 65536)


def play(cell: Cell, home: Home) -> str:
    """Return what is wrong in a cell; empty if nothing is."""
    truth = Truth()
    home.verb("start", SERVER, "--force")
    if cell.state == "starting":
        with struck(cell, home, truth):
            pass
    wait_for(lambda: home.server_state() == "ready")
    wait_for(lambda: "first_token_s" in home.verb("status", "--json").stdout)
    if cell.state == "idle":
        with struck(cell, home, truth):
            pass
    for _ in range(REQUESTS):
        home.ask(truth)
    if cell.state == "serving":
        with struck(cell, home, truth):
            home.ask(truth)
    for _ in range(REQUESTS):
        home.ask(truth)
    wait_for(lambda: requests_in(home) >= truth.sent)
    home.verb("stop", SERVER)
    truth.stopped_mono_s = time.monotonic()
    time.sleep(SETTLED_S)
    return wrong_in(home, truth)


def requests_in(home: Home) -> float:
    """Return the requests that the record has, without the keeper's own for the first token."""
    served = home.record()["servers"]
    return (served[0]["requests"] or 0) - 1 if served else 0


def wrong_in(home: Home, truth: Truth) -> str:
    """Hold the record against what was sent and timed here."""
    journal = [json.loads(line) for line in (home.state / f"servers/{SERVER}/journal.jsonl").open()]
    at = {fact["fact"]: fact["at"] for fact in reversed(journal)}
    meter = MeterState(**home.latest()["meter"])
    faults = []
    if (counted := requests_in(home)) != truth.sent:
        faults.append(f"{counted:g} of {truth.sent} requests")
    parts = (meter.serving_s, meter.idle_s, meter.starting_s, meter.stopped_s, meter.unwatched_s)
    if abs(sum(parts) - (meter.last_s - meter.began_s)) > 0.01:
        faults.append(f"{sum(parts):.1f} s in parts, {meter.last_s - meter.began_s:.1f} s in all")
    began_s = at["Spawned"]["wall_s"] + truth.step_s  # as the clock dates it now
    if abs(meter.began_s - began_s) > NEAR_S:
        faults.append(f"the bill begins {meter.began_s - began_s:.1f} s off")
    lasted_s = truth.stopped_mono_s - at["Spawned"]["mono_s"]
    if not 0 <= meter.last_s - meter.began_s - lasted_s <= SETTLED_S + NEAR_S:
        faults.append(
            f"{meter.last_s - meter.began_s:.1f} s in all, {lasted_s:.1f} s until the stop"
        )
    starting_s = at["BecameReady"]["mono_s"] - at["Spawned"]["mono_s"]
    if abs(meter.starting_s - starting_s) > NEAR_S:
        faults.append(f"starting {meter.starting_s:.1f} s, it was {starting_s:.1f} s")
    if meter.unwatched_s > truth.away_s + NEAR_S:
        faults.append(f"no data for {meter.unwatched_s:.1f} s, away for {truth.away_s:.1f} s")
    return "; ".join(faults)


@contextmanager
def home_for(cell: Cell) -> Iterator[Home]:
    """Yield a host for a cell, on a small disk of its own where that is to run full."""
    with tempfile.TemporaryDirectory(prefix="agent-") as name:
        folder = Path(name)
        mount = folder / "STATE"
        mount.mkdir()
        if cell.strike == "full":
            subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "none", mount], check=True)
        home = Home(folder)
        try:
            yield home
        finally:
            home.verb("stop", SERVER)
            home.verb("agent", "stop")
            if cell.strike == "full":
                subprocess.run(["umount", "-l", mount], check=True)


def main(words: list[str]) -> int:
    """Play the chosen cells and print a line for each."""
    cells = [Cell(strike, state) for strike in STRIKES for state in STATES]
    wrong = 0
    print(f"{'STRIKE':<13}{'STATE':<10}{'SECONDS':>8}  WRONG")
    for cell in cells:
        if not all(word in str(cell).split() for word in words):
            continue
        began_s = time.monotonic()
        with home_for(cell) as home:
            try:
                found = play(cell, home)
            except (AssertionError, KeyError, OSError, subprocess.CalledProcessError) as error:
                found = f"broken: {type(error).__name__} {error}"
        wrong += bool(found)
        took_s = time.monotonic() - began_s
        print(f"{cell.strike:<13}{cell.state:<10}{took_s:>8.1f}  {found or '-'}", flush=True)
    return wrong


def alone(words: list[str]) -> int:
    """Play the cells where no other server of this machine is seen, as far as that can be had."""
    unshare = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")
    if os.geteuid() != 0 or subprocess.run([*unshare, "true"], check=False).returncode != 0:
        print("servers of others are seen, in whose presence idle time is not known")
        return main(words)
    program = (
        "import sys; from tests.console.agent.kill_matrix import main; sys.exit(main(sys.argv[1:]))"
    )
    return subprocess.run([*unshare, sys.executable, "-c", program, *words], check=False).returncode


if __name__ == "__main__":
    sys.exit(alone(sys.argv[1:]))
