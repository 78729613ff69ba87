"""Starts with a past: sessions and desks whose earlier starts tell what to expect."""

from dataclasses import replace

from backends.domain.facts import (
    BecameReady,
    DownloadSeen,
    Fact,
    FirstTokenSeen,
    PhaseBegan,
    PhaseProgressed,
    PhaseReported,
    StartIdentified,
)
from backends.domain.session import Session
from backends.domain.start import Outcome, Phase, PhaseName, Start
from tests.backends.domain.journals import at, spawned
from tests.console.sessions import DESK, gpu, session

SETTINGS = (
    ("device_config", "cuda"),
    ("tensor_parallel_size", "4"),
    ("compile_cache", "miss"),
)
IDENTIFIED = StartIdentified(at(103.0), "0.32.0", "org/model", SETTINGS)


def earlier(compile_s: float, number: int, load_s: float = 20.0) -> Start:
    """Return a start that was ready before, with its graphs found in the cache."""
    lasted = (
        (PhaseName.LAUNCH, 4.0),
        (PhaseName.CONFIGURE, 6.0),
        (PhaseName.LOAD_WEIGHTS, load_s),
        (PhaseName.COMPILE, compile_s),
        (PhaseName.CAPTURE_GRAPHS, 8.0),
        (PhaseName.START_API, 1.0),
    )
    phases, begins_s = [], 0.0
    for name, lasted_s in lasted:
        phases.append(Phase(name, begins_s, lasted_s))
        begins_s += lasted_s
    return Start(
        f"earlier-{number}",
        "0.32.0",
        "org/model",
        Outcome.READY,
        begins_s + 0.5,
        begins_s,
        begins_s + 0.5,
        tuple(phases),
        settings=(*SETTINGS[:2], ("compile_cache", "hit")),
    )


EARLIER = tuple(
    earlier(compile_s, number, 20.0 + number)
    for number, compile_s in enumerate((12.0, 9.0, 14.0, 12.0, 11.0, 13.0, 12.0, 12.0))
)
KNOWING = replace(DESK, earlier=EARLIER, others=EARLIER)
"""A desk with eight earlier starts."""

_LOADED: list[Fact] = [
    spawned(),
    IDENTIFIED,
    PhaseBegan(at(104.0), PhaseName.CONFIGURE),
    gpu(105, 1.5),
    PhaseBegan(at(110.0), PhaseName.LOAD_WEIGHTS),
    gpu(118, 22.0),
    gpu(126, 44.0),
    *(
        PhaseReported(at(131.0), PhaseName.LOAD_WEIGHTS, took_s, rank, "weights_load_s")
        for rank, took_s in enumerate((16.1, 15.2, 15.9, 20.8))
    ),
    PhaseBegan(at(131.0), PhaseName.COMPILE),
    gpu(132, 48.0),
]
COMPILING: Session = session([*_LOADED, gpu(139, 49.0)], 140.0)
"""Nine seconds into a compilation that usually takes twelve."""

DOWNLOADING: Session = session(
    [
        *_LOADED[:4],
        PhaseBegan(at(110.0), PhaseName.LOAD_WEIGHTS),
        DownloadSeen(at(140.0), at(110.0), 12_400_000_000, 68_000_000_000, 410e6),
    ],
    140.0,
)
LEARNT: Session = session(
    [
        *_LOADED,
        gpu(150, 49.0),
        PhaseBegan(at(179.0), PhaseName.CAPTURE_GRAPHS),
        PhaseProgressed(at(180.0), PhaseName.CAPTURE_GRAPHS, "PIECEWISE graph", 51, 51),
        gpu(185, 74.0),
        PhaseBegan(at(187.0), PhaseName.START_API),
        BecameReady(at(188.0)),
        FirstTokenSeen(at(188.4)),
        gpu(190, 74.0),
    ],
    200.0,
)
"""A start that compiled for 48 seconds where others took 12."""
