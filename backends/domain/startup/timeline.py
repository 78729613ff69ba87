"""Which phase a start is in, from lines of which most tell only where a phase ended."""

from dataclasses import replace

from backends.domain.facts import PhaseBegan, StartFact
from backends.domain.stamp import Stamp
from backends.domain.start import PhaseName
from backends.domain.startup.wording import Event, Wording

_ORDER = {phase: place for place, phase in enumerate(PhaseName)}
_APART = frozenset({PhaseName.JIT_BUILD, PhaseName.UNLOGGED, PhaseName.FIRST_TOKEN})
_BUILDS = frozenset({Event.BUILD_BEGAN, Event.BUILD_AWAITED, Event.BUILD_BAR, Event.BUILD_ENDED})
_REPEATS = frozenset({PhaseName.COMPILE, PhaseName.PROFILE_MEMORY, PhaseName.WARM_UP_KERNELS})


class Timeline:
    """Follows the phases of one start.

    What follows an end is often only presumed. When a later line shows that the phase had not
    ended yet (another rank, a second model), its stretch is given back to it: a `PhaseBegan` may
    carry an instant before the latest one.
    """

    def __init__(self) -> None:
        self.phase: PhaseName | None = None
        self._began: Stamp | None = None
        self._presumed = False
        self._presumed_before: Stamp | None = None
        self._furthest = 0
        self._after_build = PhaseName.LAUNCH
        self._builds: set[str] = set()

    def boundaries(self, at: Stamp, row: Wording, groups: dict[str, str]) -> list[StartFact]:
        """Return the boundaries that a line means."""
        if row.event in _BUILDS:
            return self._build_boundaries(at, row.event, groups)
        if row.event is Event.ENGINE_READY:
            self._builds.clear()
        facts: list[StartFact] = []
        if row.begins is not None:
            facts += self._begin(at, row.begins)
        if row.ends is not None and row.then is not None:
            took_s = float(groups["took"]) if "took" in groups else None
            facts += self._end(at, row.ends, row.then, took_s)
        if row.event is Event.CONFIGURED or row.event is Event.SPAWNING:
            facts += self._configured(at)
            self._presumed = self._presumed and row.event is Event.CONFIGURED
        return facts

    def _begin(self, at: Stamp, phase: PhaseName) -> list[StartFact]:
        if phase is PhaseName.CONFIGURE and self._presumes(PhaseName.SPAWN_ENGINE):
            assert self._began is not None
            self.phase = phase
            return [PhaseBegan(self._began, phase)]
        if _ORDER[phase] < self._furthest and phase not in _REPEATS:
            return []
        return self._go(at, phase)

    @property
    def is_past_devices(self) -> bool:
        """Whether the start has come further than its processes' own beginnings."""
        return self._furthest > _ORDER[PhaseName.INIT_DEVICES]

    def _end(
        self, at: Stamp, phase: PhaseName, then: PhaseName, took_s: float | None
    ) -> list[StartFact]:
        facts: list[StartFact] = []
        if self.phase is not phase:
            if took_s is not None:
                facts = self._go(self._earlier(at, took_s, self._began), phase)
            elif self._presumes(then):
                return self._give_back(at, phase)
            else:
                facts = self._go(at, phase)
        elif took_s is not None and self._presumed_before is not None:
            # A container's log shows a progress bar only when it is complete.
            began = self._earlier(at, took_s, self._presumed_before)
            facts = [PhaseBegan(began, phase)]
        return facts + self._go(at, then, presumed=then is not phase)

    def _configured(self, at: Stamp) -> list[StartFact]:
        if self._presumes(PhaseName.SPAWN_ENGINE):
            return self._give_back(at, PhaseName.CONFIGURE)
        if self.phase in {None, PhaseName.CONFIGURE}:
            return self._go(at, PhaseName.SPAWN_ENGINE, presumed=True)
        return []

    def _build_boundaries(self, at: Stamp, event: Event, groups: dict[str, str]) -> list[StartFact]:
        module = groups["module"]
        if event is Event.BUILD_BAR and groups["done"] == groups["total"]:
            return self._built(at, module, _seconds(groups["clock"]))
        if event is Event.BUILD_ENDED:
            return self._built(at, module, float(groups.get("took", 0)))
        return self._build(at, module)

    def _build(self, at: Stamp, module: str) -> list[StartFact]:
        facts: list[StartFact] = []
        if not self._builds:
            self._after_build = self.phase or PhaseName.LAUNCH
            if self._presumes(PhaseName.SPAWN_ENGINE) and self._began is not None:
                facts = [PhaseBegan(self._began, PhaseName.CONFIGURE)]
        facts += self._go(at, PhaseName.JIT_BUILD)
        self._builds.add(module)
        return facts

    def _built(self, at: Stamp, module: str, took_s: float) -> list[StartFact]:
        self._builds.discard(module)
        if self._builds or self.phase is not PhaseName.JIT_BUILD:
            return []
        assert self._began is not None
        # In a recorded log these lines have no time of their own, only how long the build took.
        lacking_s = max(0.0, self._began.mono_s + took_s - at.mono_s)
        ended = Stamp(at.mono_s + lacking_s, at.wall_s + lacking_s)
        return self._go(ended, self._after_build, presumed=self._presumed)

    def _go(self, at: Stamp, phase: PhaseName, *, presumed: bool = False) -> list[StartFact]:
        if self._builds and phase is not PhaseName.JIT_BUILD:
            self._after_build, self._presumed = phase, presumed
            return []
        if self._began is not None and at.mono_s < self._began.mono_s:
            at = self._began
        if phase not in _APART:
            self._furthest = max(self._furthest, _ORDER[phase])
        if phase is not PhaseName.JIT_BUILD:
            self._presumed = presumed
        if phase is self.phase:
            return []
        self._presumed_before = self._began if self.phase is PhaseName.UNLOGGED else None
        self.phase, self._began = phase, at
        return [PhaseBegan(at, phase)]

    def _give_back(self, at: Stamp, phase: PhaseName) -> list[StartFact]:
        assert self._began is not None
        assert self.phase is not None
        facts: list[StartFact] = [PhaseBegan(self._began, phase), PhaseBegan(at, self.phase)]
        self._began = at
        return facts

    def _presumes(self, phase: PhaseName) -> bool:
        return self.phase is phase and self._presumed and not self._builds

    def _earlier(self, at: Stamp, took_s: float, not_before: Stamp | None) -> Stamp:
        back_s = took_s
        if not_before is not None:
            back_s = min(took_s, max(0.0, at.mono_s - not_before.mono_s))
        return Stamp(at.mono_s - back_s, at.wall_s - back_s)


def _seconds(clock: str) -> float:
    """Return the seconds of ``MM:SS`` or ``HH:MM:SS``."""
    seconds = 0
    for part in clock.split(":"):
        seconds = seconds * 60 + int(part)
    return float(seconds)


class RankTimelines:
    """Follows the phases of each rank by itself, from the lines that name one."""

    def __init__(self) -> None:
        self._by_rank: dict[int, Timeline] = {}

    def boundaries(
        self, at: Stamp, row: Wording, groups: dict[str, str], rank: int | None
    ) -> list[StartFact]:
        """Return the boundaries that a line means on its rank, or on all where it names none."""
        if rank is not None:
            self._by_rank.setdefault(rank, Timeline())
        concerned = self._by_rank if rank is None else (rank,)
        return [
            replace(fact, rank=place)
            for place in concerned
            for fact in self._by_rank[place].boundaries(at, row, groups)
            if isinstance(fact, PhaseBegan)
        ]
