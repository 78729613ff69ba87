"""The tables, as the steps that led to them; step N brings a database to ``user_version`` N."""

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
)
