from dataclasses import replace
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from backends.domain.start import Outcome, Phase, PhaseName, RankMemory, Start, StartMemory
from backends.domain.startup.advice import advise, all_levers
from backends.domain.startup.lessons import (
    Expected,
    Saving,
    Slower,
    advice_sentence,
    saving_figure,
    slower_sentence,
)
from backends.domain.startup.levers import LEVERS

LISTED = (
    "--compilation-config '{\"cudagraph_capture_sizes\": [1, 2, 4, 8, 16, 24, 32, 40, 48, 56, 64]}'"
)
GPU = (("device_config", "cuda"),)
LOAD = PhaseName.LOAD_WEIGHTS
PREFETCH = "--safetensors-load-strategy prefetch"
STREAM = "--load-format runai_streamer"
WHOLE_FILES = "--load-format fastsafetensors"


def levers(
    version: str | None,
    *settings: tuple[str, str],
    outcome: Outcome = Outcome.READY,
    phase: PhaseName = PhaseName.COMPILE,
    took_s: float = 50,
    environment: dict[str, str] | None = None,
) -> list[str]:
    return [
        entry.lever
        for entry in advise(
            started(version, *settings, outcome=outcome, phase=phase, took_s=took_s),
            (),
            environment,
        )
    ]


def started(
    version: str | None,
    *settings: tuple[str, str],
    outcome: Outcome = Outcome.READY,
    phase: PhaseName = PhaseName.COMPILE,
    took_s: float = 50,
    start_id: str = "s",
    **more: Any,
) -> Start:
    return Start(
        start_id,
        version,
        "org/m",
        outcome,
        100,
        100,
        phases=(Phase(phase, 0, took_s, **more),),
        memory=StartMemory(ranks=(RankMemory(0, None, 10.5), RankMemory(1, None, 11.0))),
        settings=(*GPU, *settings),
    )


@pytest.mark.parametrize(
    ("version", "phase", "settings", "lever"),
    [
        ("0.9.1", PhaseName.COMPILE, (), ["--enforce-eager"]),
        ("0.14.0rc1.dev2+g7", PhaseName.COMPILE, (), ["-O0"]),
        ("0.14.0", PhaseName.COMPILE, (("compile_cache", "miss"),), ["VLLM_CACHE_ROOT"]),
        ("0.14.0", PhaseName.COMPILE, (("optimization_level", "1"),), []),
        ("0.14.0", PhaseName.DOWNLOAD, (), ["hf download org/m"]),
        ("0.14.0", LOAD, (), [WHOLE_FILES]),
        ("0.14.0", LOAD, (("load_format", "auto"),), [WHOLE_FILES]),
        ("0.8.3", LOAD, (), [STREAM]),
        ("0.14.0", LOAD, (("device_config", "cpu"),), [STREAM]),
        ("0.14.0", LOAD, (("load_format", "tensorizer"),), ["--enable-sleep-mode"]),
        ("0.22.0", LOAD, (("filesystem", "NFS"),), [PREFETCH]),
        ("0.18.0", LOAD, (("filesystem", "NFS"),), [WHOLE_FILES]),
        ("0.16.0+rocm700", LOAD, (("load_format", "tensorizer"),), []),
        ("0.17.0+rocm700", LOAD, (("load_format", "tensorizer"),), ["--enable-sleep-mode"]),
        ("0.10.1", PhaseName.PROFILE_MEMORY, (), []),
        ("0.10.2", PhaseName.PROFILE_MEMORY, (), ["--kv-cache-memory-bytes 11274289152"]),
        ("0.26.0", PhaseName.PROFILE_MEMORY, (), ["VLLM_ENABLE_STARTUP_PLAN=1"]),
        ("0.26.0", PhaseName.PROFILE_MEMORY, (("kv_cache_memory_bytes", "9"),), []),
        ("0.11.0", PhaseName.CAPTURE_GRAPHS, (), [LISTED]),
        ("0.21.0", PhaseName.WARM_UP_KERNELS, (), []),
        ("0.22.0", PhaseName.WARM_UP_KERNELS, (), ["VLLM_CACHE_ROOT"]),
        ("0.33.0", PhaseName.WARM_UP_KERNELS, (), ["--no-enable-flashinfer-autotune"]),
        ("0.18.0", PhaseName.JIT_BUILD, (("platform", "cuda"),), []),
        ("0.13.0", PhaseName.CAPTURE_GRAPHS, (), ["--max-cudagraph-capture-size 64"]),
        ("0.13.0", PhaseName.CAPTURE_GRAPHS, (("cudagraph_capture_sizes", "[1, 2]"),), ["-O1"]),
        ("0.30.0", PhaseName.SPAWN_ENGINE, (), []),
        ("0.32.0", PhaseName.SPAWN_ENGINE, (), ["vllm snapshot create"]),
        ("0.32.0", PhaseName.SPAWN_ENGINE, (("tensor_parallel_size", "2"),), []),
        ("0.32.0+rocm710", PhaseName.SPAWN_ENGINE, (), []),
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


def test_a_variable_that_is_set_already_is_no_lever() -> None:
    missed = ("compile_cache", "miss")
    assert levers("0.14.0", missed) == ["VLLM_CACHE_ROOT"]
    assert levers("0.14.0", missed, environment={"VLLM_CACHE_ROOT": "/disk"}) == ["-O0"]
    planned = {"VLLM_ENABLE_STARTUP_PLAN": "1"}
    assert levers("0.26.0", phase=PhaseName.PROFILE_MEMORY, environment=planned) == []


def test_which_levers_each_version_has(snapshot: SnapshotAssertion) -> None:
    ends = {end for lever in LEVERS for end in (lever.since, lever.before or lever.since)}
    ends |= {(*end[:2], end[2] + 1) for end in ends} | {(0, minor, 99) for minor in range(8, 34)}
    by_version = {
        ".".join(map(str, version)): [
            f"{lever.phase}: {lever.lever}" for lever in LEVERS if lever.exists_in(version)
        ]
        for version in sorted(ends)
    }
    assert by_version == snapshot


def test_every_open_lever_of_a_phase_can_be_asked_for() -> None:
    told = [entry.lever for entry in all_levers(started("0.32.0", phase=LOAD))]
    assert told == [
        WHOLE_FILES,
        STREAM,
        "--model-loader-extra-config '{\"enable_multithread_load\": true}'",
        "vllm preload --model org/m, then --load-format ipc_cache",
        "--enable-sleep-mode",
    ]


def saving(start: Start, lever: str, *others: Start) -> Saving | None:
    (found,) = [entry for entry in all_levers(start, others) if entry.lever == lever]
    return found.saving


def test_what_falls_away_saves_at_most_what_it_took() -> None:
    start = started("0.32.0")
    graphs = Phase(PhaseName.CAPTURE_GRAPHS, 50, 9)
    start = replace(start, phases=(*start.phases, graphs))
    found = saving(start, "-O0")
    assert found == Saving(0.0, 59, "what it took in this start")
    assert saving_figure(found) == "up to 59 s"


def test_fewer_graphs_save_in_proportion() -> None:
    graphs = (("PIECEWISE graph", "51"), ("FULL graph", "35"))
    start = started("0.32.0", phase=PhaseName.CAPTURE_GRAPHS, took_s=8.6, detail=graphs)
    found = saving(start, "--max-cudagraph-capture-size 64")
    assert found is not None
    assert found.most_s == pytest.approx(8.6 * (86 - 22) / 86)
    assert saving_figure(found) == "6.4 s"


def test_what_others_published_is_never_taken_for_a_measurement() -> None:
    found = saving(started("0.14.0", phase=LOAD, took_s=20), WHOLE_FILES)
    assert found is not None
    assert found.published
    assert "arXiv 2505.23072; not measured here" in found.basis
    assert saving_figure(found) == "16 to 17 s"


def test_a_start_of_this_host_that_used_a_lever_tells_what_it_saves() -> None:
    slow = started("0.14.0", phase=LOAD, took_s=20)
    fast = ("load_format", "fastsafetensors")
    users = [
        started("0.14.0", fast, phase=LOAD, took_s=took_s, start_id=f"u{took_s}")
        for took_s in (4, 6)
    ]
    found = saving(slow, WHOLE_FILES, *users)
    assert found == Saving(14, 16, "measured here, in 2 starts with it")
    other_version = [replace(user, vllm_version="0.15.0") for user in users]
    published = saving(slow, WHOLE_FILES, *other_version)
    assert published is not None
    assert published.published


def test_a_lever_that_saved_nothing_here_promises_nothing() -> None:
    user = started("0.14.0", ("load_format", "runai_streamer"), phase=LOAD, start_id="u")
    assert saving(started("0.14.0", phase=LOAD), STREAM, user) is None


def test_the_sentence_names_saving_and_price() -> None:
    (first,) = advise(started("0.32.0"))
    assert advice_sentence(first) == (
        "compile took 50.0 s, 50% of the start; -O0 compiles nothing and captures no graphs; "
        "saves up to 50 s (what it took in this start); its price: slower tokens, most of all at "
        "small batches"
    )


@pytest.mark.parametrize(("most_s", "said"), [(9.94, "up to 9.9 s"), (9.95, "up to 10 s")])
def test_a_saving_has_a_tenth_of_a_second_below_ten(most_s: float, said: str) -> None:
    assert saving_figure(Saving(0.0, most_s, "published")) == said


def test_short_phases_are_compared_in_tenths_of_a_second() -> None:
    slow = Slower(PhaseName.COMPILE, 4.2, Expected(2.0, 1.5, 2.25, 5))
    assert slower_sentence(slow) == "compile 4.2 s, usually 2.0 s (1.5 to 2.2, last 5 starts)"
