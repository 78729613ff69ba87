"""The tables, as the steps that led to them; step N brings a database to ``user_version`` N."""

_COSTS = {
    "runs": """
        SELECT series.series_id, 'run ' || new.lane || ' ' || new.place, series.began_wall_s,
            json_extract(iif(json_valid(new.run), new.run, NULL), '$.cost_usd') AS usd
        FROM {rows} series WHERE series.series_id = new.series_id AND usd IS NOT NULL
    """,
    "series": """
        SELECT new.series_id, 'warm-up ' || lane.key, new.began_wall_s,
            json_extract(lane.value, '$.warm_up.cost_usd') AS usd
        FROM {rows} json_each(iif(json_valid(new.report), new.report, NULL), '$.lanes') AS lane
        WHERE usd IS NOT NULL
    """,
    "findings": """
        SELECT new.finding_id, 'load', new.began_wall_s,
            json_extract(iif(json_valid(new.document), new.document, NULL), '$.ended.cost_usd')
                AS usd
        FROM {rows} (SELECT 1) WHERE new.kind = 'load' AND usd IS NOT NULL
        UNION ALL
        SELECT new.finding_id, 'request ' || probe.key, json_extract(probe.value, '$.ended_at'),
            json_extract(probe.value, '$.cost_usd') AS usd
        FROM {rows} json_each(
            iif(json_valid(new.document), new.document, NULL), '$.probes'
        ) AS probe
        WHERE new.kind = 'coldhunt' AND usd IS NOT NULL
    """,
}
"""What the rows of a table have cost: of all, or of the ``new`` one where `rows` is empty.

Each cost is the text of a Decimal. A record that cannot be read has none.
"""


def _costs_of(table: str) -> str:
    """Return what keeps the costs of the rows that a table has, and of every one to come."""
    into = "INSERT OR REPLACE INTO test_costs"
    return f"""
        {into} {_COSTS[table].format(rows=f"{table} AS new,")};
        CREATE TRIGGER costs_of_{table} AFTER INSERT ON {table} BEGIN
            {into} {_COSTS[table].format(rows="")};
        END;
    """


MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE starts (
        start_id TEXT PRIMARY KEY,
        server TEXT NOT NULL,
        model TEXT NOT NULL,
        args_sha256 TEXT NOT NULL,
        vllm_version TEXT,
        began_wall_s REAL NOT NULL,
        outcome TEXT NOT NULL,
        total_s REAL,
        cost_usd TEXT,
        completeness INTEGER NOT NULL,
        args TEXT NOT NULL,
        start TEXT NOT NULL
    );
    CREATE INDEX starts_by_likeness ON starts (model, args_sha256, began_wall_s);
    CREATE INDEX starts_by_model ON starts (model, began_wall_s);
    CREATE INDEX starts_by_server ON starts (server, began_wall_s);
    CREATE INDEX starts_by_time ON starts (began_wall_s);

    CREATE TABLE series (
        series_id TEXT PRIMARY KEY,
        began_wall_s REAL NOT NULL,
        lanes TEXT NOT NULL,
        prompt_sha256 TEXT NOT NULL,
        report TEXT NOT NULL
    );
    CREATE INDEX series_by_time ON series (began_wall_s);

    CREATE TABLE runs (
        series_id TEXT NOT NULL,
        lane TEXT NOT NULL,
        place INTEGER NOT NULL,
        run TEXT NOT NULL,
        itl_us BLOB NOT NULL
    );
    CREATE UNIQUE INDEX runs_by_series ON runs (series_id, lane, place);

    CREATE TABLE meters (
        name TEXT PRIMARY KEY,
        saved_wall_s REAL NOT NULL,
        state TEXT NOT NULL
    );

    CREATE TABLE verdicts (
        wall_s REAL NOT NULL,
        server TEXT NOT NULL,
        verdict TEXT NOT NULL,
        document TEXT NOT NULL
    );
    CREATE INDEX verdicts_by_time ON verdicts (wall_s);

    CREATE TABLE events (
        wall_s REAL NOT NULL,
        server TEXT NOT NULL,
        kind TEXT NOT NULL,
        what TEXT NOT NULL
    );
    CREATE INDEX events_by_time ON events (wall_s);
    """,
    """
    CREATE TABLE findings (
        kind TEXT NOT NULL,
        finding_id TEXT NOT NULL,
        began_wall_s REAL NOT NULL,
        endpoint TEXT NOT NULL,
        document TEXT NOT NULL
    );
    CREATE UNIQUE INDEX findings_by_id ON findings (kind, finding_id);
    CREATE INDEX findings_by_time ON findings (kind, began_wall_s);
    """,
    f"""
    CREATE TABLE test_costs (
        record_id TEXT NOT NULL,
        part TEXT NOT NULL,
        wall_s REAL NOT NULL,
        cost_usd TEXT NOT NULL,
        PRIMARY KEY (record_id, part)
    ) WITHOUT ROWID;
    CREATE INDEX test_costs_by_time ON test_costs (wall_s, cost_usd);
    {_costs_of("runs")}
    {_costs_of("series")}
    {_costs_of("findings")}
    """,
)
