"""Which resource binds a server now, which flag to try, and what the last try showed."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, closing
from dataclasses import dataclass, fields
from itertools import groupby
from statistics import median
from typing import Any

from backends.domain.ab.load import mean_itl_s
from backends.domain.advise.binding import Binding, binding_of
from backends.domain.advise.flags import WITHOUT_A_FLAG, Flag, flag_for
from backends.domain.advise.trial import Measured, Trial, trial_of
from backends.domain.facts import MetricsScraped, SourceFailed
from backends.domain.reports.load import LoadReport
from backends.domain.server import Server, ServerState
from backends.domain.startup.openings import Settings
from backends.domain.values import whole
from backends.domain.vllm_arguments import value_of
from backends.history.history import History, open_history
from backends.history.records import FindingRecord, StartRecord
from backends.metrics.scrape import watch_metrics
from backends.operations.finished_starts import record_finished_starts
from backends.operations.host import Host
from backends.problem import NotFound, Problem
from backends.servers.listing import list_servers
from backends.wire import UnreadableRecord, typed

EVERY_S = 1.0
LOOKED_BACK = 200
"""So many starts, series and loads are looked through for what was measured before."""

_ASKED_FOR = (
    "max_num_seqs",
    "max_num_batched_tokens",
    "gpu_memory_utilization",
    "kv_cache_dtype",
    "kv_cache_memory_bytes",
    "num_gpu_blocks_override",
    "quantization",
    "tensor_parallel_size",
)


@dataclass(frozen=True, slots=True)
class Known:
    """What is on record of a server.

    Attributes:
        settings: of its newest start, by the names of vLLM's arguments; empty where none is known.
        alone_itl_s: median over A/B runs with its arguments, each one request alone; None for none.
        trial: of its newest arguments against those before; None where they never changed.
    """

    settings: Settings
    alone_itl_s: float | None
    trial: Trial | None


@dataclass(frozen=True, slots=True)
class Advised:
    """The advice on one server.

    Attributes:
        attempt: the change to try; None where nothing binds or no flag would help.
        instead: what helps where no flag does, empty otherwise.
    """

    server: str
    binding: Binding
    attempt: Flag | None
    instead: str
    trial: Trial | None


def serving(host: Host, name: str | None) -> Server:
    """Return the server to watch; without a name the only one that serves.

    Raises:
        NotFound: there is no such server, or it does not serve.
    """
    servers = list_servers(host.state_folder)
    ready = [each for each in servers if each.state is ServerState.READY and each.base_url]
    if name is None and len(ready) == 1:
        return ready[0]
    if name is None:
        names = ", ".join(each.name for each in ready)
        raise NotFound(
            f"name one of: {names}" if ready else "no server is serving; see inferctl status"
        )
    found = next((each for each in ready if each.name == name), None)
    if found is None:
        state = next((each.state for each in servers if each.name == name), None)
        raise NotFound(f"{name} is {state}" if state else f"no server is called {name}")
    return found


async def readings_of(host: Host, base_url: str, for_s: float) -> AsyncGenerator[MetricsScraped]:
    """Yield a reading a second of a server's counters.

    Raises:
        Problem: its counters cannot be read.
    """
    began_s = host.now().mono_s
    facts = watch_metrics(base_url, every_s=EVERY_S, now=host.now)
    async with aclosing(facts):
        async for fact in facts:
            if isinstance(fact, SourceFailed):
                raise Problem(fact.reason)
            yield fact
            if fact.at.mono_s - began_s >= for_s:
                return


def known_of(host: Host, server: str) -> Known:
    """Return what is on record of a server; reads the history.

    Raises:
        HistoryUnavailable: it cannot be read.
    """
    record_finished_starts(host)
    with closing(open_history(host.history_file)) as history:
        starts = history.recent_starts(LOOKED_BACK, server)
        if not starts:
            return Known({}, None, None)
        (newest, since_s), *earlier = _stretches(starts)
        before, from_s = earlier[0] if earlier else (None, since_s)
        samples = _samples(history, server, from_s)
    alone = [each.value for each in samples if each.figure == "itl_s" and each.wall_s >= since_s]
    trial = None
    if before is not None:
        trial = trial_of(before.args, newest.args, *_sides(samples, since_s))
    return Known(_settings(newest), median(alone) if alone else None, trial)


def _stretches(starts: Sequence[StartRecord]) -> list[tuple[StartRecord, float]]:
    """Return one start of each stretch with the same arguments, newest first, and its begin."""
    groups = [list(group) for _, group in groupby(starts, key=lambda each: each.args)]
    return [(group[0], group[-1].began_wall_s) for group in groups]


@dataclass(frozen=True, slots=True)
class _Sample:
    """One value of a field of `Measured`; only those with the same `alike` are compared."""

    figure: str
    alike: tuple[Any, ...]
    wall_s: float
    value: float


def _samples(history: History, server: str, from_s: float) -> list[_Sample]:
    found: list[_Sample] = []
    for series in history.recent_series(LOOKED_BACK):
        side = next((side for side, endpoint in series.targets if endpoint == server), None)
        if side is None or series.began_wall_s < from_s:
            continue
        alike = (series.prompt_sha256, (series.report.get("sampling") or {}).get("max_tokens"))
        for run in history.runs_of(series.series_id):
            values = (("ttft_s", run.ttft_s), ("itl_s", mean_itl_s(run)))
            found += [
                _Sample(figure, alike, series.began_wall_s, value)
                for figure, value in values
                if value is not None and run.target == side and run.error is None
            ]
    for record in history.findings.recent("load", LOOKED_BACK):
        report = _load(record)
        if report is None or record.endpoint != server or record.began_wall_s < from_s:
            continue
        best, limits = report.ended.best, (report.ttft_limit_s, report.itl_limit_s)
        if best is not None and report.ended.bounded:
            asked = (report.prompt_sha256, report.max_tokens, *limits)
            found.append(_Sample("capacity_rps", asked, record.began_wall_s, best.planned_rps))
    return found


def _load(record: FindingRecord) -> LoadReport | None:
    try:
        return typed(record.document, LoadReport)
    except UnreadableRecord:
        return None


def _sides(samples: Sequence[_Sample], since_s: float) -> tuple[Measured, Measured]:
    """Return what was measured alike before and after an instant, most values first."""
    before: dict[str, tuple[float, ...]] = {}
    after: dict[str, tuple[float, ...]] = {}
    for figure in (field.name for field in fields(Measured)):
        of_it = [each for each in samples if each.figure == figure]
        sides = [
            tuple(
                tuple(
                    each.value
                    for each in of_it
                    if each.alike == alike and (each.wall_s >= since_s) is later
                )
                for later in (False, True)
            )
            for alike in {each.alike for each in of_it}
        ]
        if sides:
            before[figure], after[figure] = max(sides, key=lambda both: min(map(len, both)))
    return Measured(**before), Measured(**after)


def _settings(newest: StartRecord) -> Settings:
    words = newest.args
    given = {name: value_of((f"--{name.replace('_', '-')}",), words) for name in _ASKED_FOR}
    found = dict(newest.start.settings) | {name: value for name, value in given.items() if value}
    if "--no-enable-prefix-caching" in words:
        found["enable_prefix_caching"] = "False"
    return found


def advised(server: str, readings: Sequence[MetricsScraped], known: Known) -> Advised:
    """Return the advice that readings of a server and its record give."""
    binding = binding_of(
        readings,
        max_num_seqs=whole(known.settings.get("max_num_seqs")),
        alone_itl_s=known.alone_itl_s,
    )
    attempt = flag_for(binding, known.settings)
    instead = "" if attempt else WITHOUT_A_FLAG.get(binding.resource, "")
    return Advised(server, binding, attempt, instead, known.trial)


def advice_document(found: Advised) -> dict[str, Any]:
    """Return the document of ``advise --json``."""
    binding, trial = found.binding, found.trial
    return {
        "server": found.server,
        "binds": binding.resource,
        "reason": binding.reason,
        "evidence": binding.evidence,
        "try": found.attempt,
        "instead": found.instead or None,
        "trial": trial,
    }
