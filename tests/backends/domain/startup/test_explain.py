# ruff: noqa: E501  (lines of vLLM are quoted whole)

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.domain.start import Outcome, PhaseName
from backends.domain.startup.explain import explain
from tests.backends.domain.startup.logs import durations, only_start, recorded, starts_in


def test_a_start_that_compiled() -> None:
    start = only_start(recorded("compiled"))
    assert (start.vllm_version, start.model) == ("0.32.0", "/models/tiny")
    assert start.outcome is Outcome.READY
    assert (start.total_s, start.ready_s, start.engine_init_s) == (44, 44, 29.54)
    assert durations(start) == {
        "configure": 0,
        "spawn_engine": 6,
        "init_devices": 7,
        "load_weights": 1,
        "compile": 27,
        "profile_memory": 1,
        "allocate_kv_cache": 2,
        "start_api": 0,
    }
    assert start.unlogged_s == 0
    assert start.weights_load_s == 0.01
    assert (start.memory.kv_cache_gib, start.memory.kv_cache_tokens) == (1.0, 1048576)
    assert start.memory.max_concurrency == 1024
    assert start.memory.weights_gib is None
    assert start.failure is None


def test_an_eager_start_has_no_compilation() -> None:
    start = only_start(recorded("eager"))
    assert start.outcome is Outcome.READY
    assert (start.total_s, start.compile_s) == (19, None)
    assert "compile" not in durations(start)
    assert dict(start.settings)["enforce_eager"] == "True"


@pytest.mark.parametrize(
    ("name", "kind", "line_number"),
    [("bad_flag", "bad_argument", 5), ("max_model_len", "max_model_len_too_large", 53)],
)
def test_recorded_failures(name: str, kind: str, line_number: int) -> None:
    start = only_start(recorded(name))
    assert start.outcome is Outcome.FAILED
    assert start.failure is not None
    assert (start.failure.kind.value, start.failure.line_number) == (kind, line_number)


def test_a_log_without_times_gives_none() -> None:
    assert only_start(recorded("bad_flag")).total_s is None


PREFIXES = {
    "docker": lambda at, line: f"2026-11-21T{at}.250000000Z {line}",
    "kubernetes": lambda at, line: f"2026-11-21T{at}.250000Z stdout F {line}",
    "compose": lambda at, line: f"vllm-1  | {line}",
    "journald": lambda at, line: f"Nov 21 {at} gpu vllm[77]: {line}",
    "colour": lambda at, line: f"\x1b[1;36m{line}\x1b[0;0m",
}


@pytest.mark.parametrize("prefix", PREFIXES.values(), ids=PREFIXES)
def test_what_stands_before_the_lines_changes_nothing(prefix: object) -> None:
    assert callable(prefix)
    at, lines = "08:57:45", []
    for line in recorded("compiled").decode().splitlines():
        at = found[1] if (found := re.search(r" \d\d-\d\d (\d\d:\d\d:\d\d) \[", line)) else at
        lines.append(prefix(at, line))
    plain, prefixed = only_start(recorded("compiled")), only_start("\n".join(lines))
    early = plain.total_s if prefixed.total_s == plain.total_s else None
    assert early is not None or prefixed.phases[0].name is PhaseName.LAUNCH
    same = {"compile": 27, "init_devices": 7, "spawn_engine": 6, "load_weights": 1}
    assert {name: durations(prefixed)[name] for name in same} == same
    assert prefixed.memory == plain.memory


def test_windows_ends_of_lines_change_nothing() -> None:
    log = recorded("compiled")
    assert only_start(log.replace(b"\n", b"\r\n")) == only_start(log)


def test_several_starts_in_one_file() -> None:
    log = (
        recorded("max_model_len") + recorded("eager") + recorded("compiled") + recorded("bad_flag")
    )
    starts = starts_in(log)
    assert [start.outcome.value for start in starts] == ["failed", "ready", "ready", "failed"]
    assert [start.start_id for start in starts] == ["1", "2", "3", "4"]
    assert [start.total_s for start in starts] == [9, 19, 44, None]


def test_a_start_that_was_cut_off_and_begun_again() -> None:
    whole = recorded("eager")
    cut = whole[: whole.index(b"Loading weights took")]
    starts = starts_in(cut + whole)
    assert [start.outcome.value for start in starts] == ["incomplete", "ready"]
    assert starts[0].progress is not None
    assert starts[0].phases[-1].name is PhaseName.LOAD_WEIGHTS


def test_a_traceback_that_only_warned_does_not_split_a_start() -> None:
    warned = b"Traceback (most recent call last):\nImportError: no module named fancy\n"
    log = recorded("compiled")
    cut = log.index(b"(EngineCore pid=")
    start = only_start(log[:cut] + warned + log[cut:])
    assert (start.outcome, start.total_s, start.failure) == (Outcome.READY, 44, None)


def test_a_year_that_ends_during_a_start() -> None:
    log = recorded("compiled").replace(b" 11-21 08:57:5", b" 12-31 23:59:5")
    log = log.replace(b" 11-21 08:58:", b" 01-01 00:00:")
    assert only_start(log).total_s == 44


OFFLINE = """\
INFO 03-01 16:04:26 [utils.py:253] non-default args: {'model': 'org/m'}
INFO 03-01 16:04:34 [model.py:514] Resolved architecture: Qwen2ForCausalLM
INFO 03-01 16:04:34 [model.py:1661] Using max model len 1024
(EngineCore_DP0 pid=370) INFO 03-01 16:04:55 [core.py:95] Initializing a V1 LLM engine (v0.14.0) with config: model='org/m', tensor_parallel_size=1
(EngineCore_DP0 pid=370) INFO 03-01 16:04:56 [gpu_model_runner.py:1] Starting to load model org/m...
(EngineCore_DP0 pid=370) INFO 03-01 16:05:03 [gpu_model_runner.py:1] Model loading took 9.4922 GiB memory and 5.9 seconds
(EngineCore_DP0 pid=370) INFO 03-01 16:06:36 [gpu_worker.py:363] Available KV cache memory: 0.34 GiB
(EngineCore_DP0 pid=370) INFO 03-01 16:06:37 [core.py:261] init engine (profile, create kv cache, warmup model) took 93.10 seconds
INFO 03-01 16:06:40 [llm.py:344] Supported tasks: ['generate']
"""


def test_an_engine_without_a_server_is_ready_when_it_is_up() -> None:
    start = only_start(OFFLINE)
    assert (start.outcome, start.total_s) == (Outcome.READY, 131)
    assert durations(start)["load_weights"] == 7


def test_a_server_whose_engine_is_up_is_not_yet_ready() -> None:
    banner = "INFO 03-01 16:04:20 [api_server.py:1] vLLM API server version 0.14.0\n"
    assert only_start(banner + OFFLINE).outcome is Outcome.INCOMPLETE


def test_the_uvicorn_stream_may_be_missing() -> None:
    banner = "INFO 03-01 16:04:20 [api_server.py:1] vLLM API server version 0.14.0\n"
    routes = "INFO 03-01 16:06:42 [launcher.py:36] Available routes are:\n"
    start = only_start(banner + OFFLINE + routes)
    assert (start.outcome, start.ready_s) == (Outcome.READY, 142)


def test_several_api_servers_are_ready_when_all_are() -> None:
    head = "INFO 03-01 16:04:20 [api_server.py:1] vLLM API server version 0.14.0\n"
    two = head + OFFLINE + "INFO 03-01 16:06:41 [utils.py:1] Started 2 API server processes\n"
    up = "INFO:     Application startup complete.\n"
    assert only_start(two + up).outcome is Outcome.INCOMPLETE
    assert only_start(two + up + up).outcome is Outcome.READY


def test_kernel_builds_are_a_phase_of_their_own() -> None:
    lines = OFFLINE.splitlines(keepends=True)
    began = "(EngineCore_DP0 pid=370) [aiter] start build [module_quant] under /opt/aiter\n"
    ended = (
        "(EngineCore_DP0 pid=370) [aiter] \x1b[32mfinish build [module_quant], cost 34.6s \x1b[0m\n"
    )
    start = only_start("".join([*lines[:6], began, ended, *lines[6:]]))
    spent = durations(start)
    assert spent["jit_build"] == pytest.approx(34.6)
    assert spent["profile_memory"] == pytest.approx(58.4)


def test_json_records_have_milliseconds() -> None:
    def record(at: str, message: str) -> str:
        return f'{{"asctime": "2026-11-21 {at}", "levelname": "INFO", "message": "{message}"}}\n'

    start = only_start(
        record("08:09:57,604", "vLLM server version 0.32.0, serving model /models/tiny")
        + record("08:09:57,617", "Using max model len 1024")
        + record("08:10:11,512", "Initializing a V1 LLM engine (v0.32.0) with config: model='x'")
        + record("08:10:32,478", "Application startup complete.")
    )
    assert start.total_s == pytest.approx(34.874)
    assert durations(start)["spawn_engine"] == pytest.approx(13.895)


FRAGMENTS = st.sampled_from(
    [
        b"(EngineCore_DP0 pid=1) ",
        b"INFO 11-21 08:00:0",
        b" [a.py:1] ",
        b'{"asctime": "2026-11-21 08:09:57,604", "message": "',
        b"2026-11-21T08:00:00Z ",
        b"Model loading took 1",
        b" GiB and 1 seconds",
        b"torch.compile took 1.1 s in total",
        b"Capturing CUDA graphs (decode, FULL): 1/2 [00:01<1, 1it/s]",
        b"ValueError: No available memory for the cache blocks",
        b"[aiter] finish build [x], cost 1s",
        b"Application startup complete.",
        b"vLLM API server version 0.9.1",
        b"GPU KV cache size: ,, tokens",
        b"\n",
        b"\r",
        b"\x00\xff\x1b[",
    ]
)


@given(st.lists(FRAGMENTS | st.binary(max_size=20)).map(b"".join))
def test_nothing_makes_it_raise(log: bytes) -> None:
    for start in starts_in(log):
        spent = sum(phase.duration_s or 0.0 for phase in start.phases) + start.unlogged_s
        assert start.total_s is None or spent == pytest.approx(start.total_s)


def test_no_lines_are_no_start() -> None:
    assert explain([]) == []
    assert starts_in("hello\nworld\n") == []
