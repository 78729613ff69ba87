"""What the processes beside a server cost: agent, keeper and console, each on its own line.

Runs true keepers over simulated servers that nobody asks anything, beside other processes that
sleep, where no other process of this machine is seen. CPU is of the process and its children,
memory that which the process alone holds (USS) and all that it has mapped (RSS).
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil

from benchmarks.console import INFERCTL, SETTLE_S, Terminal, environment_of
from tests.console.conftest import free_port

SITUATIONS = ((1, 100), (5, 100), (5, 1000))
"""How many servers, and how many other processes."""

TABLE = """
[server.s{number}]
model = "org/model"
vllm = "{vllm}"
port = {port}
gpu_usd_per_hour = "1.88"
[server.s{number}.environment]
INFERCTL_SIMULATED_SPEED = "60"
"""

BUDGETS = {("agent", 1): 0.5, ("agent", 5): 1.5}
"""CPU in per cent of a core, by process and number of servers."""

AGENT_MB = 45.0

MOST_TIMES = 1.2
"""What all of it may cost in the last situation, in terms of the first."""


@contextmanager
def servers(count: int, state: Path) -> Iterator[None]:
    """Start servers by the verb, which begins the agent too, and end all of it."""
    configuration = state / "CONFIG" / "inferctl" / "config.toml"
    configuration.parent.mkdir(parents=True, exist_ok=True)
    tables = (
        TABLE.format(number=number, vllm=f"{INFERCTL}-simulated-vllm", port=free_port())
        for number in range(count)
    )
    configuration.write_text("".join(tables))
    environment = environment_of(state)
    names = [f"s{number}" for number in range(count)]
    for name in names:
        start = [INFERCTL, "start", name, "--wait", "--force"]
        subprocess.run(start, check=True, env=environment, capture_output=True)
    try:
        yield
    finally:
        for words in (*(["stop", name] for name in names), ["agent", "stop"]):
            subprocess.run([INFERCTL, *words], check=False, env=environment, capture_output=True)


@contextmanager
def others(count: int) -> Iterator[None]:
    """Keep processes that do nothing."""
    sleeping = [subprocess.Popen(["sleep", "3600"]) for _ in range(count)]
    try:
        yield
    finally:
        for one in sleeping:
            one.send_signal(signal.SIGKILL)
            one.wait()


def cpu_s(process: psutil.Process) -> float:
    """Return the CPU seconds of a process and its living children."""
    family = [process, *process.children(recursive=False)]
    return sum(one.cpu_times().user + one.cpu_times().system for one in family)


def of_module(module: str) -> psutil.Process:
    """Return the first process that runs one of our modules."""
    for process in psutil.process_iter(["cmdline"]):  # one that has ended has none
        if module in (process.info["cmdline"] or ()):
            return process
    raise SystemExit(f"no process runs {module}")


def measured(count: int, processes: int, seconds: float) -> float:
    """Print the lines of one situation; return what agent and console take, in % of a core.

    The agent is asked again while the console is open, which it then keeps up to date.
    """
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        state = Path(folder)
        stack.enter_context(others(processes))
        stack.enter_context(servers(count, state))
        agent, keeper = of_module("backends.operations.agent"), of_module("backends.keeper")
        time.sleep(SETTLE_S)
        alone_s, kept_s = cpu_s(agent), cpu_s(keeper)
        time.sleep(seconds)
        line("agent", count, processes, agent, 100 * (cpu_s(agent) - alone_s) / seconds)
        line("keeper", count, processes, keeper, 100 * (cpu_s(keeper) - kept_s) / seconds)
        terminal = Terminal(INFERCTL, state=state)
        try:
            terminal.read_for(30, lambda seen: b"ready" in seen.lower())
            terminal.read_for(SETTLE_S)
            console = psutil.Process(terminal.pid)
            before_s, agents_s = cpu_s(console), cpu_s(agent)
            terminal.read_for(seconds)
            drawn, kept = cpu_s(console) - before_s, cpu_s(agent) - agents_s
            line("console", count, processes, console, 100 * drawn / seconds)
            return 100 * (drawn + kept) / seconds
        finally:
            terminal.end()


def line(name: str, count: int, processes: int, process: psutil.Process, percent: float) -> None:
    """Print what one process costs in a situation."""
    memory = process.memory_full_info()
    budget = BUDGETS.get((name, count))
    told = "" if budget is None else f"{'within' if percent <= budget else 'OVER'} {budget} %"
    print(
        f"{name:8}{count:>8}{processes:>8}{percent:>9.2f} %{memory.uss / 1e6:>9.1f}"
        f"{memory.rss / 1e6:>9.1f}  {told}".rstrip(),
        flush=True,
    )


def up_s() -> float:
    """Return how long a new agent takes until it answers; the median of five."""
    took = []
    with tempfile.TemporaryDirectory() as folder:
        environment = environment_of(Path(folder))
        for _ in range(5):
            began = time.monotonic()
            subprocess.run(
                [INFERCTL, "agent", "start"], check=True, env=environment, capture_output=True
            )
            took.append(time.monotonic() - began)
            subprocess.run(
                [INFERCTL, "agent", "stop"], check=True, env=environment, capture_output=True
            )
    return sorted(took)[2]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20)
    options = parser.parse_args()
    print(f"load average {os.getloadavg()[0]:.2f} on {os.cpu_count()} cores")
    print(f"agent up, with the verb that starts it: {up_s():.2f} s")
    print(f"{'':8}{'servers':>8}{'others':>8}{'CPU':>11}{'USS MB':>9}{'RSS MB':>9}")
    whole = [measured(count, processes, options.seconds) for count, processes in SITUATIONS]
    times = whole[-1] / whole[0]
    told = "within" if times <= MOST_TIMES else "OVER"
    (one, few), (five, many) = SITUATIONS[0], SITUATIONS[-1]
    print(
        f"agent and console beside {five} servers and {many} others: {times:.2f} times what they "
        f"take beside {one} and {few} ({whole[-1]:.2f} % against {whole[0]:.2f} %), {told} "
        f"{MOST_TIMES} times"
    )


if __name__ == "__main__":
    alone = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")
    if os.geteuid() == 0 and os.getpid() != 1:
        again = [*alone, sys.executable, "-m", "benchmarks.agent", *sys.argv[1:]]
        sys.exit(subprocess.run(again, check=False).returncode)
    main()
