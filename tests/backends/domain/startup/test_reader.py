"""The reader as a keeper uses it: every line with the instant at which it arrived."""

import pytest

from backends.domain.facts import (
    BecameReady,
    FailureSeen,
    MemoryReported,
    PhaseBegan,
    PhaseProgressed,
    PhaseReported,
    StartFact,
    StartWaits,
    StopOrdered,
)
from backends.domain.server import Exit
from backends.domain.stamp import Stamp
from backends.domain.start import FailureKind, Outcome, PhaseName, Start
from backends.domain.startup.fold import apply, as_start, running_phase
from backends.domain.startup.lines import LineSplitter
from backends.domain.startup.reader import StartReader
from backends.domain.startup.state import begin
from tests.backends.domain.startup.logs import recorded

INIT_ENGINE = "init engine (profile, create kv cache, warmup model)"
WORKER = "(Worker_TP{rank} pid={rank}) INFO 11-21 08:00:00 [a.py:1] {message}"


def at(seconds: float) -> Stamp:
    return Stamp(seconds, 1.7e9 + seconds)


def fed(*lines: tuple[float, str]) -> list[StartFact]:
    reader = StartReader()
    return [fact for seconds, line in lines for fact in reader.feed(at(seconds), line)]


def folded(facts: list[StartFact], now_s: float) -> Start:
    state = begin("s1", at(0))
    for fact in facts:
        state = apply(state, fact)
    return as_start(state, at(now_s))


def test_a_recorded_start_as_it_arrives() -> None:
    splitter, reader, state = LineSplitter(), StartReader(), begin("s1", at(0))
    seen: list[PhaseName | None] = []
    for place, line in enumerate(splitter.feed(recorded("compiled")) + splitter.rest()):
        for fact in reader.feed(at(place), line):
            state = apply(state, fact)
            seen += [running_phase(state)] if running_phase(state) not in seen[-1:] else []
    assert reader.close(at(999), Exit(0, None)) == []
    assert as_start(state, at(999)).outcome is Outcome.READY
    assert seen == [
        PhaseName.LAUNCH,
        PhaseName.CONFIGURE,
        PhaseName.SPAWN_ENGINE,
        PhaseName.INIT_DEVICES,
        PhaseName.LOAD_WEIGHTS,
        PhaseName.COMPILE,
        PhaseName.PROFILE_MEMORY,
        PhaseName.UNLOGGED,
        PhaseName.ALLOCATE_KV_CACHE,
        PhaseName.START_API,
        None,
    ]


def test_a_phase_that_another_rank_still_goes_through_is_not_over() -> None:
    facts = fed(
        (1, WORKER.format(rank=0, message="Starting to load model m...")),
        (11, WORKER.format(rank=0, message="Model loading took 7.5 GiB and 10.0 seconds")),
        (14, WORKER.format(rank=1, message="Model loading took 7.6 GiB and 13.0 seconds")),
        (20, WORKER.format(rank=0, message="Available KV cache memory: 4.0 GiB")),
    )
    start = folded(facts, 20)
    spent = {phase.name: phase.duration_s for phase in start.phases}
    assert spent[PhaseName.LOAD_WEIGHTS] == 13
    assert spent[PhaseName.PROFILE_MEMORY] == 6
    assert [rank.weights_gib for rank in start.memory.ranks] == [7.5, 7.6]
    loaded = next(phase for phase in start.phases if phase.name is PhaseName.LOAD_WEIGHTS)
    assert loaded.reported_s == 13


def test_what_vllm_says_of_its_end_tells_when_a_phase_began() -> None:
    facts = fed(
        (1, "Starting to load model m..."),
        (101, "Time spent downloading weights for m: 95.5 seconds"),
        (110, "Model loading took 7.5 GiB memory and 109.0 seconds"),
        (120, "Dynamo bytecode transform time: 4.0 s"),
    )
    began = [fact for fact in facts if isinstance(fact, PhaseBegan)]
    assert [(fact.at.mono_s, fact.phase) for fact in began] == [
        (1, PhaseName.LOAD_WEIGHTS),
        (5.5, PhaseName.DOWNLOAD),
        (101, PhaseName.LOAD_WEIGHTS),
        (110, PhaseName.PROFILE_MEMORY),
        (116, PhaseName.COMPILE),
    ]
    assert began[1].at == Stamp(5.5, 1.7e9 + 5.5)


@pytest.mark.parametrize("bar_s", [20.0, 29.0])
def test_a_bar_that_shows_only_when_complete_still_lasted(bar_s: float) -> None:
    facts = fed(
        (10, "GPU KV cache size: 100 tokens"),
        (bar_s, "Capturing CUDA graphs (decode, FULL): 100%|█| 7/7 [00:09<00:00, 1.00it/s]"),
        (29, "Graph capturing finished in 9 secs, took 0.38 GiB"),
    )
    (captured,) = [p for p in folded(facts, 29).phases if p.name is PhaseName.CAPTURE_GRAPHS]
    assert (captured.start_s, captured.duration_s, captured.reported_s) == (20, 9, 9)
    assert captured.detail == (("FULL graph", "7"),)


def test_a_record_glued_to_a_bar_is_read_too() -> None:
    bar = "Capturing CUDA graph shapes:  99%|█| 66/67 [02:58<00:02,  2.48s/it]"
    record = "(VllmWorker rank=1 pid=7) INFO 08-16 02:17:50 [gpu_model_runner.py:2485] "
    facts = fed((5, f"{bar}{record}Graph capturing finished in 5 secs, took 2.60 GiB"))
    assert PhaseProgressed(at(5), PhaseName.CAPTURE_GRAPHS, "graph", 66, 67) in facts
    assert MemoryReported(at(5), "cuda_graphs", 2.6, 1) in facts


def test_a_second_model_adds_to_the_first() -> None:
    facts = fed(
        (1, "Loading weights took 570.62 seconds"),
        (2, "Loading weights took 11.07 seconds"),
        (3, "torch.compile took 3.48 s in total"),
        (4, "torch.compile took 6.50 s in total"),
        (
            5,
            f"{INIT_ENGINE} took 867 s (compilation: 9.98 s)",
        ),
    )
    start = folded(facts, 6)
    assert start.weights_load_s == pytest.approx(581.69)
    assert start.compile_s == pytest.approx(9.98)
    assert start.engine_init_s == 867


def test_the_engine_tells_of_a_compilation_that_its_log_did_not() -> None:
    line = f"{INIT_ENGINE} took 36.21 s (compilation: 11.84 s)"
    reported = [fact for fact in fed((9, line)) if isinstance(fact, PhaseReported)]
    assert [(fact.measure, fact.reported_s) for fact in reported] == [
        ("engine_init_s", 36.21),
        ("compile_s", 11.84),
    ]


def test_nothing_after_ready_changes_the_start() -> None:
    reader = StartReader()
    reader.feed(at(1), "Starting to load model m...")
    assert reader.feed(at(2), "INFO:     Application startup complete.") == [BecameReady(at(2))]
    assert reader.feed(at(3), "Model loading took 7.5 GiB memory and 1.0 seconds") == []
    assert reader.feed(at(4), "INFO:     Application startup complete.") == []


def test_a_stop_in_the_log_hides_the_errors_it_causes() -> None:
    reader = StartReader()
    reader.feed(at(1), "Starting to load model m...")
    reader.feed(at(2), "(APIServer pid=1) KeyboardInterrupt: terminated")
    reader.feed(at(3), "RuntimeError: Engine core initialization failed. See root cause above.")
    assert reader.stopping_at == at(2)
    assert reader.close(at(4), Exit(130, None)) == []


@pytest.mark.parametrize(
    ("died_s", "kind"), [(8.9, FailureKind.ENGINE_DIED), (9.1, None)], ids=["before", "after"]
)
def test_a_death_that_the_other_stream_brings_late_is_older_than_the_stop_that_it_led_to(
    died_s: float, kind: FailureKind | None
) -> None:
    reader = StartReader()
    died = "Engine core proc EngineCore died unexpectedly, shutting down client."
    for seconds, line in (
        (7.0, "INFO:     Application startup complete."),
        (9.0, "INFO:     Shutting down"),
        (died_s, f"(APIServer pid=6) ERROR 11-30 15:39:43 [core_client.py:908] {died}"),
    ):
        reader.ready = True
        reader.feed(at(seconds), line)
    told = [one for one in reader.close(at(10), Exit(0, None)) if isinstance(one, FailureSeen)]
    assert [one.failure.kind for one in told] == ([] if kind is None else [kind])


def test_a_stop_that_a_keeper_orders_hides_them_too() -> None:
    reader, state = StartReader(), begin("s1", at(0))
    state = apply(state, StopOrdered(at(1), "you"))
    reader.feed(at(2), "ValueError: torn down")
    (failed,) = reader.close(at(3), Exit(None, 15))
    assert isinstance(failed, FailureSeen)
    start = as_start(apply(state, failed), at(4))
    assert (start.outcome, start.failure) == (Outcome.STOPPED, None)


def test_what_the_workers_warm_up_ends_with_their_word() -> None:
    start = folded(
        fed(
            (1, WORKER.format(rank=0, message="Available KV cache memory: 4.22 GiB")),
            (2, "INFO 11-21 08:00:00 [a.py:1] GPU KV cache size: 61,424 tokens"),
            (16, WORKER.format(rank=0, message="Kernel JIT monitor activated")),
            (17, f"INFO 11-21 08:00:00 [core.py:1] {INIT_ENGINE} took 44.04 s"),
        ),
        17,
    )
    phases = {phase.name: phase.duration_s for phase in start.phases}
    assert phases[PhaseName.WARM_UP_KERNELS] == 14
    assert start.unlogged_s == 1


BUILD = "(Worker_TP{rank} pid={rank}) [aiter] {message}"


def test_kernel_builds_are_counted_with_their_modules_and_who_waited() -> None:
    lock = "/cache/aiter/jit/build/lock_module_quant"
    start = folded(
        fed(
            (1, WORKER.format(rank=0, message="Starting to load model m...")),
            (10, BUILD.format(rank=0, message="start build [module_quant] under /cache")),
            (11, BUILD.format(rank=1, message=f"waiting for baton release at {lock}")),
            (40, BUILD.format(rank=0, message="finish build [module_quant], cost 30.0s ")),
            (41, BUILD.format(rank=1, message="import [module_quant] under /cache/a.so")),
            (50, BUILD.format(rank=1, message="start build [module_gemm] under /cache")),
            (60, BUILD.format(rank=1, message="finish build [module_gemm], cost 10.0s ")),
        ),
        60,
    )
    (built,) = (phase for phase in start.phases if phase.name is PhaseName.JIT_BUILD)
    assert built.duration_s == 40
    detail = dict(built.detail)
    assert (detail["builds"], detail["waits"]) == ("2", "1")
    assert detail["modules"] == "module_quant, module_gemm"
    assert [(share.rank, share.reported_s) for share in built.ranks] == [(0, 30), (1, 10)]
    assert built.rank == 0


def test_a_server_that_only_waits_for_anothers_build_builds_too() -> None:
    lock = "/cache/aiter/jit/build/lock_module_quant"
    facts = fed(
        (1, "INFO 11-21 08:00:00 [a.py:1] Starting to load model m..."),
        (10, f"[aiter] waiting for baton release at {lock}"),
        (11, "[aiter] waiting for baton release at /tmp/tuned_gemm.csv.lock"),
        (40, "[aiter] import [module_quant] under /cache/a.so"),
    )
    phases = {phase.name: phase.duration_s for phase in folded(facts, 50).phases}
    assert (phases[PhaseName.JIT_BUILD], phases[PhaseName.LOAD_WEIGHTS]) == (30, 19)


def test_a_bar_of_kernels_that_are_compiled_is_a_build() -> None:
    bar = "[Aiter Triton] Pre-compiling fp8 BMM kernel: {done}|  | {done}/1024 [00:{at:02}<00:00]"
    facts = fed(
        (1, "INFO 11-21 08:00:00 [a.py:1] Starting to load model m..."),
        (10, bar.format(done=0, at=0)),
        (30, bar.format(done=512, at=20)),
        (48, bar.format(done=1024, at=38)),
    )
    (build,) = (phase for phase in folded(facts, 50).phases if phase.name is PhaseName.JIT_BUILD)
    assert (build.duration_s, build.detail) == (38, (("fp8 BMM kernel", "1024"),))


ENGINE = "(EngineCore_DP{rank} pid={rank}) INFO 11-21 08:00:00 [a.py:1] {message}"


def test_each_engine_of_a_data_parallel_server_has_its_phases() -> None:
    config = "Initializing a V1 LLM engine (v0.32.0) with config: data_parallel_size=2, "
    started = "(APIServer pid=9) INFO 11-21 08:00:00 [a.py:1] Started 2 API server processes"
    up = "INFO:     Application startup complete."
    facts = fed(
        (0, started),
        (1, ENGINE.format(rank=0, message=config)),
        (2, ENGINE.format(rank=1, message=config)),
        (5, ENGINE.format(rank=0, message="Starting to load model m...")),
        (6, ENGINE.format(rank=1, message="Starting to load model m...")),
        (20, ENGINE.format(rank=0, message="Model loading took 7.5 GiB memory and 15.0 seconds")),
        (31, ENGINE.format(rank=1, message="Model loading took 7.6 GiB memory and 25.0 seconds")),
        (40, ENGINE.format(rank=0, message=f"{INIT_ENGINE} took 20.0 s")),
        (42, ENGINE.format(rank=1, message=f"{INIT_ENGINE} took 11.0 s")),
        (50, up),
    )
    assert not any(isinstance(fact, BecameReady) for fact in facts)
    start = folded(
        facts + fed((0, started), (1, ENGINE.format(rank=0, message=config)), (50, up), (51, up)),
        60,
    )
    assert start.ready_s == 51
    (load,) = (phase for phase in start.phases if phase.name is PhaseName.LOAD_WEIGHTS)
    assert load.rank == 1
    assert [(share.rank, share.start_s, share.duration_s) for share in load.ranks] == [
        (0, 5, 15),
        (1, 6, 25),
    ]
    assert [rank.weights_gib for rank in start.memory.ranks] == [7.5, 7.6]


def test_a_wait_that_the_log_announces_is_a_fact() -> None:
    reader = StartReader()
    line = (
        "(EngineCore pid=90) INFO 09-14 07:07:20 [ray_utils.py:214] Waiting for creating a "
        "placement group of specs for 10 seconds. "
        "specs=[{'node:10.0.0.1': 0.001, 'GPU': 1.0}, {'GPU': 1.0}]."
    )
    (fact,) = reader.feed(Stamp(10.0, 10.0), line)
    assert isinstance(fact, StartWaits)
    assert fact.reason.startswith("waiting for 10 s for Ray to give 2 GPUs: see `ray status`")
