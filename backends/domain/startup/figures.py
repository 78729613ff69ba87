"""What lines tell beyond phases: version, settings, durations, memory and the KV cache."""

from backends.domain.facts import (
    KvCacheSized,
    MemoryReported,
    PhaseProgressed,
    PhaseReported,
    StartFact,
    StartIdentified,
)
from backends.domain.stamp import Stamp
from backends.domain.start import MemoryPart, PhaseName
from backends.domain.startup.settings import global_rank, settings_of
from backends.domain.startup.wording import Event, Wording

_NO_SETTINGS = frozenset(
    {"took", "done", "total", "mode", "version", "model", "args", "config", "module", "clock"}
    | {"servers", "compilation", "tokens", "concurrency", "blocks", "per_request"}
    | {"placement_s", "specs", "silent_s"}
    | {"weights", "kv_cache", "cuda_graphs", "activation_peak"}
)
_PARTS: tuple[MemoryPart, ...] = ("weights", "kv_cache", "cuda_graphs", "activation_peak")


class Figures:
    """Collects the figures of one start, and leaves out what vLLM says twice."""

    def __init__(self) -> None:
        self._settings: dict[str, str] = {}
        self._model = self._version = ""
        self._parts: dict[str, str] = {}
        self._kv_tokens: int | None = None
        self._weights_time_told = False
        self._compile_told = False
        self._counts: dict[str, int] = {}

    @property
    def known(self) -> dict[str, str]:
        """Settings and latest figures by name, for the sentences of a failure."""
        return self._settings | {"model": self._model, "version": self._version} | self._parts

    def rank(self, process: str) -> int | None:
        """Return the rank that a process name means with these settings."""
        return global_rank(process, self._settings)

    def measured(
        self, at: Stamp, row: Wording, groups: dict[str, str], rank: int | None
    ) -> list[StartFact]:
        """Return the facts about durations, memory and the KV cache that a line gives."""
        facts: list[StartFact] = []
        if "took" in groups:
            facts += self._reported(at, row, float(groups["took"]), rank, groups)
        for part in _PARTS:
            if part in groups:
                facts.append(MemoryReported(at, part, float(groups[part]), rank))
                self._parts[f"{part}_gib"] = groups[part]
        return facts + self._kv_sized(at, groups)

    def identified(self, at: Stamp, row: Wording, groups: dict[str, str]) -> list[StartFact]:
        """Return what a line tells of version, model and settings that was not yet told."""
        told = settings_of(groups.get("args", ""), groups.get("config", ""))
        told |= {k: v for k, v in groups.items() if k not in _NO_SETTINGS}
        if row.setting:
            told |= dict([row.setting])
        model = groups.get("model") or told.pop("model", None)
        new = {name: value for name, value in told.items() if name not in self._settings}
        if told.get("compile_cache") == "miss" and self._settings.get("compile_cache") == "hit":
            new["compile_cache"] = "miss"
        self._settings |= new
        self._model = self._model or model or ""
        self._version = self._version or groups.get("version", "")
        if not (new or model or "version" in groups):
            return []
        return [StartIdentified(at, groups.get("version"), model, tuple(new.items()))]

    def counted(self, at: Stamp, row: Wording, groups: dict[str, str]) -> list[StartFact]:
        """Return how many kernels were built until now, or how many ranks waited for one."""
        built = row.event is Event.BUILD_ENDED and "took" in groups
        name = "builds" if built else "waits" if row.event is Event.BUILD_AWAITED else ""
        if not name:
            return []
        self._counts[name] = self._counts.get(name, 0) + 1
        return [PhaseProgressed(at, PhaseName.JIT_BUILD, name, self._counts[name], None)]

    def _reported(
        self, at: Stamp, row: Wording, took_s: float, rank: int | None, groups: dict[str, str]
    ) -> list[StartFact]:
        phase = row.reports or row.ends
        if row.event is Event.ENGINE_READY:
            facts: list[StartFact] = [
                PhaseReported(at, PhaseName.START_API, took_s, rank, row.measure)
            ]
            if "compilation" in groups and not self._compile_told:
                seconds = float(groups["compilation"])
                facts.append(PhaseReported(at, PhaseName.COMPILE, seconds, rank, "compile_s"))
            return facts
        if row.event is Event.BUILD_ENDED:
            return [PhaseReported(at, PhaseName.JIT_BUILD, took_s, rank, item=groups["module"])]
        if phase is PhaseName.LOAD_WEIGHTS and row.measure:
            self._weights_time_told = True
        elif phase is PhaseName.LOAD_WEIGHTS and self._weights_time_told:
            return []  # "Model loading took" repeats what "Loading weights took" said, and more
        if phase is PhaseName.COMPILE:
            if not row.measure:
                return []  # Dynamo's share is part of the total that follows
            self._compile_told = True
        return [] if phase is None else [PhaseReported(at, phase, took_s, rank, row.measure)]

    def _kv_sized(self, at: Stamp, groups: dict[str, str]) -> list[StartFact]:
        concurrency = float(groups["concurrency"]) if "concurrency" in groups else None
        if "tokens" in groups:
            self._kv_tokens = int(groups["tokens"].replace(",", ""))
        elif "blocks" in groups:
            self._settings["kv_blocks"] = groups["blocks"]
        elif concurrency is not None and self._kv_tokens is None:
            self._kv_tokens = self._tokens_of_blocks(groups["per_request"], concurrency)
        if self._kv_tokens is None or not ("tokens" in groups or concurrency is not None):
            return []
        return [KvCacheSized(at, self._kv_tokens, concurrency)]

    def _tokens_of_blocks(self, per_request: str, concurrency: float) -> int | None:
        # The V0 engine gives blocks; their size follows from the concurrency printed beside them.
        request = int(per_request.replace(",", ""))
        blocks = int(self._settings.get("kv_blocks", "0"))
        for block_size in (16, 32, 64, 128, 8, 1):
            if blocks and request and abs(blocks * block_size / request - concurrency) < 0.0051:
                return blocks * block_size
        return None


def progressed(
    at: Stamp, row: Wording, groups: dict[str, str], phase: PhaseName | None
) -> list[StartFact]:
    """Return how far the phase is, for a line that counts items."""
    if "done" not in groups:
        return []
    item = f"{groups['mode']} {row.item}" if "mode" in groups else row.item
    of_phase = row.begins or phase or PhaseName.LOAD_WEIGHTS
    if row.event is Event.BUILD_BAR:
        of_phase, item = PhaseName.JIT_BUILD, f"{groups['module']}"
    return [PhaseProgressed(at, of_phase, item, int(groups["done"]), int(groups["total"]))]
