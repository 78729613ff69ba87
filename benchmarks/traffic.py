"""Ten million rows of traffic as the verdict reads them, beside the engine's own sums.

Part of `make bench`. Each figure is of a process of its own, with its start and its imports; the
engine counts the rows and adds up their columns. CPU seconds stand beside the wall's, for a busy
machine stretches only those.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROWS = 10_000_000
MOST_TIMES = 3.0
MOST_JSON_S = 40.0
MOST_MIB = 400

MAKE = """
import sys, duckdb
folder, rows = sys.argv[1:]
engine = duckdb.connect()
engine.execute("select setseed(0.5)")
made = (
    "select round(1795824000 + i * 0.2592, 3) as at, (random() * 4000)::int as input_tokens, "
    f"(random() * 800)::int as output_tokens from range({rows}) t(i)"
)
engine.execute(f"copy ({made}) to '{folder}/rows.csv' (header)")
engine.execute(f"copy (from '{folder}/rows.csv') to '{folder}/rows.parquet'")
engine.execute(f"copy (from '{folder}/rows.csv') to '{folder}/rows.jsonl' (format json)")
"""
SUMS = """
import sys, duckdb
engine = duckdb.connect(config={"threads": 2})
table = engine.sql(f"from '{sys.argv[1]}'")
names = ", ".join(f'sum("{name}")' for name in table.columns)
print(engine.execute(f"select count(*), {names} from '{sys.argv[1]}'").fetchall())
"""
READ = """
import sys
from backends.traffic.reader import traffic_in
print(traffic_in((sys.argv[1],)).source)
"""


@dataclass(frozen=True, slots=True)
class Took:
    """What one process took."""

    wall_s: float
    cpu_s: float
    peak_mib: float


def took(program: str, *arguments: str) -> Took:
    """Run a program and return what it took."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-c", program, *arguments], stdout=subprocess.DEVNULL
    )
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"a process of the benchmark failed: {status}")
    return Took(time.perf_counter() - began, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def best(program: str, path: Path, rounds: int) -> Took:
    """Return the quickest of some runs."""
    return min((took(program, str(path)) for _ in range(rounds)), key=lambda each: each.cpu_s)


def main() -> None:
    """Print the figures; fail where one is over its limit."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    print(f"load average {os.getloadavg()[0]:.2f} on {os.cpu_count()} cores, {rows:,} rows")
    failed = []
    with tempfile.TemporaryDirectory() as folder:
        took(MAKE, folder, str(rows))
        for name in ("rows.csv", "rows.parquet", "rows.jsonl"):
            path = Path(folder, name)
            engine, ours = best(SUMS, path, 3), best(READ, path, 3)
            times = ours.cpu_s / engine.cpu_s
            print(
                f"{name:13} {ours.wall_s:6.2f} s, {ours.cpu_s:6.2f} s of CPU, "
                f"{rows / ours.wall_s / 1e6:5.2f} M rows/s, {ours.peak_mib:4.0f} MiB; "
                f"engine {engine.wall_s:.2f} s, {engine.cpu_s:.2f} s of CPU: x{times:.2f}"
            )
            limit = ours.wall_s > MOST_JSON_S if name == "rows.jsonl" else times > MOST_TIMES
            if limit or ours.peak_mib > MOST_MIB:
                failed.append(name)
    if failed:
        raise SystemExit(f"over the limit: {', '.join(failed)}")


if __name__ == "__main__":
    main()
