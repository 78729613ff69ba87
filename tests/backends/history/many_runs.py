"""A history of a million runs, made in SQL through the very triggers that writing fires."""

import random
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from backends.domain.ab.run import Run
from backends.domain.start import Outcome, Start
from backends.history.database import open_database
from backends.history.records import SeriesRecord, StartRecord
from backends.history.rows import run_row, series_row, start_row

RUNS = 1_000_000
RUNS_A_SERIES = 40
PAIRS = RUNS_A_SERIES // 2
STARTS = 10_000

TARGETS = (("a", "chat"), ("b", "serverless"))
REPORT = {
    "targets": {"a": {"model": "org/model"}, "b": {"model": "org/model"}},
    "runs_planned": RUNS_A_SERIES // 2,
}
TOKENS = 220
ADD_SERIES = """
INSERT INTO series (series_id, began_wall_s, targets, prompt_sha256, report) VALUES (?, ?, ?, ?, ?)
"""


def fill(path: Path, unended: int = 5) -> None:
    """Write a million runs of a year, the newest `unended` series without an end, and the starts.

    Args:
        path: of the history, made if missing.
        unended: so many of the newest series never ended, and are told by their runs.
    """
    now_s = time.time()
    ended = {**REPORT, "complete": True}
    draw = random.Random(20261130)
    itl_s = tuple(draw.lognormvariate(-4.5, 0.3) for _ in range(TOKENS - 1))  # 11 ms, uneven
    run = Run("a", 0, 0.1, 0.1, itl_s, 1.1, 300, TOKENS, cost_usd="0.00012")
    of_a, of_b = run_row("", run), run_row("", replace(run, target="b"))
    with closing(open_database(path)) as database:
        database.rows("BEGIN")
        database.rows("PRAGMA cache_size = -200000")
        for number in range(RUNS // RUNS_A_SERIES):
            report = ended if number >= unended else REPORT
            began_s = now_s - 60.0 - number * 1000.0
            record = SeriesRecord(f"s{number}", began_s, TARGETS, "sha", report)  # type: ignore[arg-type]
            database.rows(ADD_SERIES, series_row(record))
        for target, row in (("a", of_a), ("b", of_b)):
            database.rows(
                """
                WITH RECURSIVE each(n) AS (
                    SELECT 0 UNION ALL SELECT n + 1 FROM each WHERE n < ? - 1
                )
                INSERT INTO runs
                SELECT 's' || (n / ?), ?, n % ?, json_set(?, '$.index', n % ?), ?, ? FROM each
                """,
                (RUNS // 2, PAIRS, target, PAIRS, row[3], PAIRS, *row[4:]),
            )
        for number in range(STARTS):
            start = Start(f"st{number}", Outcome.READY, ready_s=60.0, first_token_s=61.0)
            record_ = StartRecord("chat", "org/model", (), now_s - number * 3000.0, start)
            row_ = start_row(record_)
            database.rows(f"INSERT INTO starts VALUES ({', '.join('?' * len(row_))})", row_)
        database.rows("COMMIT")
