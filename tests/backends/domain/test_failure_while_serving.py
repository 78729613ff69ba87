"""A server that fails after it was ready: how long it served, what it is called, and its hang."""

from functools import reduce

import pytest

from backends.domain.facts import (
    Exited,
    FailureSeen,
    HealthChanged,
    RequestErrorsCounted,
    ServerFact,
    StopOrdered,
    Stopped,
)
from backends.domain.format import spoken
from backends.domain.lifecycle import Life, life_after, not_started
from backends.domain.server import Exit, ServerState
from backends.domain.serving import RequestErrors, request_errors_words
from backends.domain.start import Failure, FailureKind, Outcome
from backends.domain.startup.diagnosis import after_a_hang
from backends.domain.startup.document import start_document
from backends.domain.startup.fold import as_start
from tests.backends.domain.journals import at, ready, stopped
from tests.backends.domain.startup.logs import only_start

DIED = Failure(FailureKind.ENGINE_DIED, 9, "EngineDeadError", "The engine died.", "Look.")
HUNG = after_a_hang(None, "the engine makes no progress")


def _life(journal: list[ServerFact]) -> Life:
    return reduce(life_after, journal, not_started("chat"))


def test_how_long_a_server_served_is_told_once_it_failed() -> None:
    end: list[ServerFact] = [
        Exited(at(1470.0), Exit(0, None)),
        FailureSeen(at(1471.0), DIED),
        Stopped(at(1472.0)),
    ]
    life = _life([*ready(), *end])
    assert (life.server.state, life.server.served_s) == (ServerState.FAILED, 1320.0)
    assert life.server.end_of_service == "stopped unexpectedly after 22 min"
    assert life.start is not None
    start = as_start(life.start, at(1480.0))
    assert (start.outcome, start.served_s) == (Outcome.READY, 1320.0)
    assert start_document(start)["served_s"] == 1320.0


def test_a_server_that_was_stopped_ended_as_it_was_meant_to() -> None:
    server = _life(stopped()).server
    assert (server.state, server.end_of_service) == (ServerState.STOPPED, "")


def test_a_server_that_was_stopped_because_it_hung_has_failed() -> None:
    assert HUNG is not None
    end: list[ServerFact] = [
        HealthChanged(at(300.0), False, "the engine makes no progress"),
        FailureSeen(at(1470.0), HUNG),
        StopOrdered(at(1470.0), "a test"),
        Exited(at(1472.0), Exit(0, None)),
        Stopped(at(1473.0)),
    ]
    life = _life([*ready(), *end])
    assert life.server.state is ServerState.FAILED
    assert life.server.failure == HUNG
    assert life.server.end_of_service == "hung, ended after 22 min"
    assert life.start is not None
    assert life.start.failure == HUNG
    assert _life([*ready(), end[0]]).server.note == "the engine makes no progress"


def test_a_hang_is_the_cause_of_an_end_without_one_and_of_no_other() -> None:
    told = after_a_hang(DIED, "no token for over 30 s")
    assert told is not None
    assert told.kind is FailureKind.ENGINE_HUNG
    assert (told.line_number, told.line) == (9, "EngineDeadError")
    assert "no token for over 30 s" in told.cause
    assert "The engine died." in told.cause
    fault = Failure(FailureKind.GPU_FAULT, 3, "Xid 79", "A fault.", "Look.")
    assert after_a_hang(fault, "no token") == fault
    assert after_a_hang(DIED, "") == DIED
    assert after_a_hang(None, "") is None


def test_errors_of_requests_are_those_counted_last() -> None:
    counted: list[ServerFact] = [
        RequestErrorsCounted(at(160.0), RequestErrors(http_5xx=1)),
        RequestErrorsCounted(at(460.0), RequestErrors(http_5xx=3, aborted=12)),
    ]
    server = _life([*ready(), *counted]).server
    assert request_errors_words(server.request_errors) == "3 answered 5xx, 12 aborted"
    assert request_errors_words(RequestErrors(0, 0, 0, 0)) == request_errors_words(None) == ""


@pytest.mark.parametrize(
    ("value_s", "words"),
    [(8, "8 s"), (119, "119 s"), (1320, "22 min"), (7200, "2 h"), (172_800, "2 days")],
)
def test_a_duration_in_a_sentence(value_s: float, words: str) -> None:
    assert spoken(value_s) == words


BANNER = """\
INFO 11-21 08:00:00 [api_server.py:1] vLLM API server version 0.32.0
INFO 11-21 08:00:09 [core.py:1] Initializing a V1 LLM engine (v0.32.0) with config: model='m',
INFO 11-21 08:00:40 [core.py:1] init engine (profile, create kv cache, warmup model) took 20 seconds
INFO 11-21 08:00:41 [launcher.py:1] Available routes are:
INFO:     Application startup complete.
INFO:     10.0.0.1:5 - "POST /v1/completions HTTP/1.1" 200 OK
"""
SILENT = """\
(EngineCore pid=9) INFO 11-21 08:2{minute}:41 [shm_broadcast.py:1] No available shared memory \
broadcast block found in 60 seconds. This typically happens when some processes are hanging
"""
GOES_ON = """\
INFO 11-21 08:25:00 [loggers.py:1] Engine 000: Avg prompt throughput: 0.0 tokens/s, Avg \
generation throughput: {rate} tokens/s, Running: 1 reqs, Waiting: 0 reqs
"""
STOP = "INFO 11-21 08:30:41 [launcher.py:1] Shutting down FastAPI HTTP server.\n"
KILLED = (
    "(EngineCore pid=9) ERROR 11-21 08:30:41 [core.py:1] Worker proc VllmWorker-0 died "
    "unexpectedly (exit code: -9), shutting down executor.\n"
)


@pytest.mark.parametrize("end", [STOP, KILLED], ids=["stopped", "killed"])
def test_a_log_in_which_a_worker_does_not_answer_to_the_end_tells_of_a_hang(end: str) -> None:
    text = BANNER + SILENT.format(minute=1) + SILENT.format(minute=2) + end
    start = only_start(text.encode())
    assert start.outcome is Outcome.READY
    assert start.failure is not None
    assert start.failure.kind is FailureKind.ENGINE_HUNG
    assert "120 s" in start.failure.cause
    assert start.served_s == pytest.approx(1800.0)


def test_a_worker_that_dies_within_two_minutes_of_silence_is_why_it_was_silent() -> None:
    start = only_start((BANNER + SILENT.format(minute=1) + KILLED).encode())
    assert start.failure is not None
    assert start.failure.kind is FailureKind.ENGINE_DIED
    assert "VllmWorker-0 died unexpectedly" in start.failure.line


def test_a_worker_that_answered_again_did_not_hang() -> None:
    busy = BANNER + SILENT.format(minute=1) + GOES_ON.format(rate="7.5") + STOP
    assert only_start(busy.encode()).failure is None
    still = only_start(
        (BANNER + SILENT.format(minute=1) + GOES_ON.format(rate="0.0") + STOP).encode()
    )
    assert still.failure is not None


def test_a_log_that_only_ends_while_a_worker_does_not_answer_has_not_failed() -> None:
    assert only_start((BANNER + SILENT.format(minute=1)).encode()).failure is None


def test_answers_with_an_error_of_the_server_are_counted_from_the_log() -> None:
    answers = "".join(
        f'(APIServer pid=1) INFO:     10.0.0.1:{port} - "{what} HTTP/1.1" {status}\n'
        for port, what, status in (
            (1, "POST /v1/completions", "500 Internal Server Error"),
            (2, "POST /v1/chat/completions", "503 Service Unavailable"),
            (3, "POST /v1/completions", "404 Not Found"),
            (4, "GET /health", "503 Service Unavailable"),
            (5, "POST /v1/completions", "200 OK"),
        )
    )
    assert only_start((BANNER + answers).encode()).request_errors == RequestErrors(http_5xx=2)
    assert only_start(BANNER.encode()).request_errors is None


def test_the_signal_that_ended_a_worker_is_named_where_its_executor_says_so() -> None:
    failure = only_start((BANNER + KILLED).encode()).failure
    assert failure is not None
    assert failure.kind is FailureKind.ENGINE_DIED
    assert failure.cause.startswith(
        "The process VllmWorker-0 was ended by SIGKILL while it served without"
    )
    unnamed = KILLED.replace(" (exit code: -9)", "")
    failure = only_start((BANNER + unnamed).encode()).failure
    assert failure is not None
    assert failure.cause.startswith("The process VllmWorker-0 ended while it served without")
