import pytest

from backends.domain.start import Outcome, Phase, PhaseName, RankMemory, Start, StartMemory
from backends.domain.startup.advice import advise

GPU = (("device_config", "cuda"),)
LOAD = PhaseName.LOAD_WEIGHTS
PREFETCH = "--safetensors-load-strategy prefetch"
STREAM = "--load-format runai_streamer"


def levers(
    version: str | None,
    *settings: tuple[str, str],
    outcome: Outcome = Outcome.READY,
    phase: PhaseName = PhaseName.COMPILE,
    took_s: float = 50,
) -> list[str]:
    start = Start(
        "s",
        version,
        "org/m",
        outcome,
        100,
        100,
        phases=(Phase(phase, 0, took_s),),
        memory=StartMemory(ranks=(RankMemory(0, None, 10.5), RankMemory(1, None, 11.0))),
        settings=(*GPU, *settings),
    )
    return [entry.lever for entry in advise(start)]


@pytest.mark.parametrize(
    ("version", "phase", "settings", "lever"),
    [
        ("0.9.1", PhaseName.COMPILE, (), ["--enforce-eager"]),
        ("0.14.0rc1.dev2+g7", PhaseName.COMPILE, (), ["-O0"]),
        ("0.14.0", PhaseName.COMPILE, (("compile_cache", "miss"),), ["VLLM_CACHE_ROOT"]),
        ("0.14.0", PhaseName.COMPILE, (("optimization_level", "1"),), []),
        ("0.14.0", PhaseName.DOWNLOAD, (), ["hf download org/m"]),
        ("0.14.0", LOAD, (), [STREAM]),
        ("0.14.0", LOAD, (("load_format", "auto"),), [STREAM]),
        ("0.14.0", LOAD, (("load_format", "tensorizer"),), ["--enable-sleep-mode"]),
        ("0.22.0", LOAD, (("filesystem", "NFS"),), [PREFETCH]),
        ("0.18.0", LOAD, (("filesystem", "NFS"),), [STREAM]),
        ("0.10.1", PhaseName.PROFILE_MEMORY, (), []),
        ("0.10.2", PhaseName.PROFILE_MEMORY, (), ["--kv-cache-memory-bytes 11274289152"]),
        ("0.13.0", PhaseName.CAPTURE_GRAPHS, (), ["--max-cudagraph-capture-size 64"]),
        ("0.13.0", PhaseName.CAPTURE_GRAPHS, (("cudagraph_capture_sizes", "[1, 2]"),), []),
        ("0.30.0", PhaseName.SPAWN_ENGINE, (), []),
        ("0.32.0", PhaseName.SPAWN_ENGINE, (), ["vllm snapshot create"]),
        ("0.32.0", PhaseName.SPAWN_ENGINE, (("tensor_parallel_size", "2"),), []),
        (None, PhaseName.COMPILE, (), []),
    ],
)  # fmt: skip
def test_a_lever_fits_the_version_and_is_not_yet_used(
    version: str | None, phase: PhaseName, settings: tuple[tuple[str, str], ...], lever: list[str]
) -> None:
    assert levers(version, *settings, phase=phase) == lever


def test_short_phases_and_failed_starts_get_no_advice() -> None:
    assert levers("0.14.0", took_s=1.9) == []
    assert levers("0.14.0", took_s=4.9) == []
    assert levers("0.14.0", outcome=Outcome.FAILED) == []


def test_the_largest_phase_comes_first() -> None:
    start = Start(
        "s",
        "0.32.0",
        "org/m",
        Outcome.READY,
        100,
        100,
        phases=(Phase(PhaseName.LOAD_WEIGHTS, 0, 30), Phase(PhaseName.COMPILE, 30, 60)),
    )
    first, second = advise(start)
    assert (first.phase, first.share) == (PhaseName.COMPILE, 0.6)
    assert second.phase is PhaseName.LOAD_WEIGHTS
