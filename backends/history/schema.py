"""The tables, as the steps that led to them; step N brings a database to ``user_version`` N."""


def _costs_of(table: str, target: str, targets: str, cold_probe: str) -> str:
    """Return what keeps the costs of the rows that a table has, and of every one to come.

    Each cost is the text of a Decimal. A record that cannot be read has none.

    Args:
        table: whose rows.
        target: the column of a run's target.
        targets: the key of the targets in the report of a series.
        cold_probe: the kind of a finding that is a cold-start probe.
    """
    costs = {
        "runs": f"""
            SELECT series.series_id, 'run ' || new.{target} || ' ' || new.place,
                series.began_wall_s,
                json_extract(iif(json_valid(new.run), new.run, NULL), '$.cost_usd') AS usd
            FROM {{rows}} series WHERE series.series_id = new.series_id AND usd IS NOT NULL
        """,
        "series": f"""
            SELECT new.series_id, 'warm-up ' || target.key, new.began_wall_s,
                json_extract(target.value, '$.warm_up.cost_usd') AS usd
            FROM {{rows}} json_each(
                iif(json_valid(new.report), new.report, NULL), '$.{targets}'
            ) AS target
            WHERE usd IS NOT NULL
        """,
        "findings": f"""
            SELECT new.finding_id, 'load', new.began_wall_s,
                json_extract(iif(json_valid(new.document), new.document, NULL), '$.ended.cost_usd')
                    AS usd
            FROM {{rows}} (SELECT 1) WHERE new.kind = 'load' AND usd IS NOT NULL
            UNION ALL
            SELECT new.finding_id, 'request ' || probe.key, json_extract(probe.value, '$.ended_at'),
                json_extract(probe.value, '$.cost_usd') AS usd
            FROM {{rows}} json_each(
                iif(json_valid(new.document), new.document, NULL), '$.probes'
            ) AS probe
            WHERE new.kind = '{cold_probe}' AND usd IS NOT NULL
        """,
    }[table]
    into = "INSERT OR REPLACE INTO test_costs"
    return f"""
        {into} {costs.format(rows=f"{table} AS new,")};
        CREATE TRIGGER costs_of_{table} AFTER INSERT ON {table} BEGIN
            {into} {costs.format(rows="")};
        END;
    """


def _all_costs(target: str, targets: str, cold_probe: str) -> str:
    tables = ("runs", "series", "findings")
    return "".join(_costs_of(table, target, targets, cold_probe) for table in tables)


def _in(column: str, path: str) -> str:
    """Return the value at a path in the JSON of a column; NULL where it has none, or is no JSON."""
    return f"json_extract(iif(json_valid({column}), {column}, NULL), '{path}')"


_START_RESULT = f"new.outcome || ' ' || ifnull({_in('new.start', '$.failure.kind')}, '')"
_START_ENTRY = f"""
    SELECT new.began_wall_s, new.start_id, 'start', new.server,
        replace({_START_RESULT}, '_', ' '),
        'start ' || new.start_id || ' ' || new.model || ' ' || ifnull(new.vllm_version, '')
            || ' ' || new.args || ' ' || new.started_by || ' ' || new.stopped_by
"""
_SERIES_ENTRY = f"""
    SELECT new.began_wall_s, new.series_id, 'series', new.targets,
        replace(ifnull({_in("new.report", "$.difference.ttft_s.verdict")}, ''), '_', ' '),
        'A/B series ' || new.series_id || ' ' || ifnull((
            SELECT group_concat(ifnull(json_extract(target.value, '$.model'), ''), ' ') FROM
                json_each(iif(json_valid(new.report), new.report, NULL), '$.targets') AS target
        ), '')
"""
_FINDING_ENTRY = f"""
    SELECT new.began_wall_s, new.finding_id, new.kind, new.endpoint,
        CASE WHEN new.kind <> 'load' THEN ''
            WHEN {_in("new.document", "$.ended.best")} IS NULL THEN 'failed' ELSE 'passed' END,
        CASE new.kind WHEN 'load' THEN 'load test ' WHEN 'coldprobe' THEN 'cold-start probe '
            ELSE 'sleep wake ' END
            || new.finding_id || ' ' || ifnull({_in("new.document", "$.model")}, '')
"""
"""What is searched of a row: kind, server or targets, result, and words of all else."""


def _entries_of(table: str, key: str, entry: str) -> str:
    """Return what lists the rows that a table has, and keeps the list as they change.

    The outer statement's way with conflicts would be the trigger's as well: nothing is replaced.
    """
    renew = f"DELETE FROM entries WHERE record_id = new.{key}; INSERT INTO entries {entry};"
    return f"""
        INSERT OR REPLACE INTO entries {entry} FROM {table} AS new;
        CREATE TRIGGER entries_of_{table} AFTER INSERT ON {table} BEGIN {renew} END;
        CREATE TRIGGER entries_of_{table}_again AFTER UPDATE ON {table} BEGIN {renew} END;
    """


def _renamed(column: str, old: str, new: str) -> str:
    """Return the JSON of a column with one key renamed wherever it stands; the rest stays as it is.

    An unescaped quote, the name, a quote and a colon are a key in JSON and nothing else.
    """
    return f"""replace({column}, '"{old}":', '"{new}":')"""


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
    {_all_costs("lane", "lanes", "coldhunt")}
    """,
    f"""
    DROP TRIGGER costs_of_runs;
    DROP TRIGGER costs_of_series;
    DROP TRIGGER costs_of_findings;
    ALTER TABLE series RENAME COLUMN lanes TO targets;
    ALTER TABLE runs RENAME COLUMN lane TO target;
    UPDATE series SET report = {_renamed("report", "lanes", "targets")};
    UPDATE series SET report = {_renamed("report", "lane", "target")};
    UPDATE runs SET run = {_renamed("run", "lane", "target")};
    UPDATE findings SET kind = 'coldprobe' WHERE kind = 'coldhunt';
    UPDATE findings SET document = {_renamed("document", "hunt_id", "probe_id")}
        WHERE kind = 'coldprobe';
    UPDATE findings SET document = json_set(document, '$.prices', json_object(
        'input_usd_per_mtok', json_extract(document, '$.input_usd_per_mtok'),
        'output_usd_per_mtok', json_extract(document, '$.output_usd_per_mtok')
    )) WHERE kind = 'coldprobe' AND json_valid(document)
        AND json_type(document, '$.prices') IS NULL;
    {_all_costs("target", "targets", "coldprobe")}
    """,
    """
    DROP TABLE verdicts;
    DROP TABLE events;
    """,
    """
    ALTER TABLE runs ADD COLUMN itl_coding INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE series ADD COLUMN has_detail INTEGER NOT NULL DEFAULT 1;
    CREATE INDEX series_with_detail ON series (began_wall_s) WHERE has_detail;
    """,
    f"""
    ALTER TABLE starts ADD COLUMN started_by TEXT NOT NULL DEFAULT '';
    ALTER TABLE starts ADD COLUMN stopped_by TEXT NOT NULL DEFAULT '';
    ALTER TABLE starts ADD COLUMN ended_wall_s REAL;

    CREATE TABLE notes (
        record_id TEXT PRIMARY KEY,
        text TEXT NOT NULL,
        wall_s REAL NOT NULL,
        written_by TEXT NOT NULL
    );

    CREATE TABLE entries (
        began_wall_s REAL NOT NULL,
        record_id TEXT NOT NULL,
        kind TEXT NOT NULL,
        subject TEXT NOT NULL,
        result TEXT NOT NULL,
        words TEXT NOT NULL,
        PRIMARY KEY (began_wall_s, record_id)
    ) WITHOUT ROWID;
    CREATE UNIQUE INDEX entries_by_id ON entries (record_id);
    CREATE INDEX entries_by_kind ON entries (kind, began_wall_s);
    {_entries_of("starts", "start_id", _START_ENTRY)}
    {_entries_of("series", "series_id", _SERIES_ENTRY)}
    {_entries_of("findings", "finding_id", _FINDING_ENTRY)}
    """,
)
