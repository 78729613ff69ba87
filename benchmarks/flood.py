"""A server that prints 20,000 lines a second: what its keeper pays, and how soon a key is answered.

The console runs on a pseudo-terminal with the log screen open. A key is answered when what it
changes has arrived on the terminal; keys are sent at uneven distances, so that they meet the frames
at any moment. The same keys are timed once more when the flood has ended, for comparison.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

import psutil

from benchmarks.console import INFERCTL, Terminal, environment_of

FLOOD = """
import sys, time
rate, seconds = 20000, float(sys.argv[1])
number, began = 0, time.monotonic()
while (passed := time.monotonic() - began) < seconds:
    due = int(passed * rate)
    out = [f'INFO 11-21 08:00:00 [x.py:1] line {n:09d} of a flood' for n in range(number, due)]
    if out:
        print(chr(10).join(out), flush=True)
    number = due
    time.sleep(0.005)
print(f'TOTAL {number}', flush=True)
time.sleep(600)
"""

BUDGET_S = 0.05
QUIET_KEYS = 40
PAUSES_S = (0.041, 0.083, 0.057, 0.109, 0.067)

KEYS: dict[str, tuple[tuple[bytes, bytes], tuple[bytes, bytes]]] = {
    "search opened, closed": ((b"/", b"earch: ("), (b"\r", b"arnings")),
    "50,000 lines filtered, shown again": ((b"w", b"0 of "), (b"w", b"following")),
}
"""Pairs of keys with what each brings to the terminal; the second undoes the first.

The first letter of the search line's hint is under its cursor, and so drawn apart; the footer has
the log's keys again when the line has closed.
"""


def flood(folder: Path, seconds: float) -> None:
    """Print what a flood costs the keeper, whether a line was lost, and key latency meanwhile."""
    environment = _prepare(folder, seconds)
    subprocess.run(
        [INFERCTL, "start", "flood", "--force"], check=True, env=environment, capture_output=True
    )
    began = time.monotonic()
    state = folder / "STATE" / "inferctl" / "servers" / "flood"
    keeper = psutil.Process(json.loads((state / "keeper.json").read_bytes())["pid"])
    terminal = Terminal(INFERCTL, state=folder)
    console = psutil.Process(terminal.pid)
    try:
        _open_the_log(terminal)
        for name, pair in KEYS.items():
            until = began + seconds * (0.5 if name == next(iter(KEYS)) else 0.95)
            _row(f"flood: {name}", console, _answers_s(terminal, pair, until=until))
        _tell_keeper(keeper, time.monotonic() - began)
        terminal.read_for(max(0.0, began + seconds + 3 - time.monotonic()))
        for name, pair in KEYS.items():
            _row(f"quiet: {name}", console, _answers_s(terminal, pair, count=QUIET_KEYS))
    finally:
        terminal.end()
        subprocess.run(
            [INFERCTL, "stop", "flood"], check=True, env=environment, capture_output=True
        )
    _tell_lost((state / "server.log").read_text().splitlines())


def _prepare(folder: Path, seconds: float) -> dict[str, str]:
    """Write a profile whose server is the flood; return the environment to find it in."""
    script = folder / "flood"
    script.write_text(f"#!{sys.executable}\nimport sys\nsys.argv[1:] = ['{seconds}']\n{FLOOD}")
    script.chmod(0o700)
    configuration = folder / "CONFIG" / "inferctl" / "config.toml"
    configuration.parent.mkdir(parents=True)
    configuration.write_text(f'[server.flood]\nmodel = "m"\nvllm = "{script}"\nport = 1\n')
    return environment_of(folder)


def _open_the_log(terminal: Terminal) -> None:
    terminal.read_for(20, lambda seen: b"uit" in seen)
    for _ in range(20):
        terminal.write(b"l")
        if terminal.read_for(1, lambda seen: b"ollowing" in seen) is not None:
            return
    raise SystemExit("the log screen never came")


def _answers_s(
    terminal: Terminal,
    pair: tuple[tuple[bytes, bytes], tuple[bytes, bytes]],
    *,
    until: float = float("inf"),
    count: int = sys.maxsize,
) -> Iterator[float]:
    pauses = cycle(PAUSES_S)
    for number, (key, answer) in enumerate(cycle(pair)):
        over = number >= count or time.monotonic() >= until
        if over and number % 2 == 0:  # never leave the search line open
            return
        seconds = terminal.answer_s(key, answer)
        if answer not in terminal.seen:
            raise SystemExit(f"{key!r} did not bring {answer!r} to the terminal")
        yield seconds
        terminal.read_for(next(pauses))


def _row(name: str, console: psutil.Process, seconds: Iterator[float]) -> None:
    """Print how soon keys were answered, and the CPU that the console took meanwhile for each."""
    before_s, began = sum(console.cpu_times()[:2]), time.monotonic()
    ordered = sorted(seconds)
    cpu_s, passed_s = sum(console.cpu_times()[:2]) - before_s, time.monotonic() - began
    p99 = ordered[-(-99 * len(ordered) // 100) - 1]
    told = "within" if p99 <= BUDGET_S else "OVER"
    print(
        f"{name:42} median {statistics.median(ordered) * 1000:4.0f} ms,"
        f" p99 {p99 * 1000:4.0f} ms, worst {ordered[-1] * 1000:4.0f} ms of {len(ordered)} keys,"
        f" {told} the budget of {BUDGET_S * 1000:.0f} ms;"
        f" {1000 * cpu_s / len(ordered):.1f} ms of CPU a key,"
        f" {100 * cpu_s / passed_s:.0f} % of a core"
    )


def _tell_keeper(keeper: psutil.Process, seconds: float) -> None:
    cpu = keeper.cpu_times()
    print(
        f"{'flood: keeper':42} {100 * (cpu.user + cpu.system) / seconds:.0f} % of a core,"
        f" {keeper.memory_info().rss / 1e6:.1f} MB"
    )


def _tell_lost(log: list[str]) -> None:
    numbers = [int(line.split()[5]) for line in log if " line " in line]
    total = int(next(line.split()[1] for line in log if line.startswith("TOTAL")))
    whole = "in order" if numbers == list(range(total)) else "NOT the lines that were printed"
    print(
        f"{'flood: lines':42} {total:,} printed, {len(numbers):,} in the log, {whole},"
        f" {total - len(numbers)} lost"
    )


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=40)
    options = parser.parse_args()
    print(f"load average {os.getloadavg()[0]:.2f} on {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as folder:
        flood(Path(folder), options.seconds)


if __name__ == "__main__":
    main()
