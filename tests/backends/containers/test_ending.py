"""How containers ended, by what their engines answer, or do not, at that moment."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from backends.containers import ending
from backends.containers.container import Container, described
from backends.containers.ending import await_end
from backends.containers.engine import Engine, EngineNotRunning, EngineUnavailable
from backends.domain.server import Exit, RuntimeKind
from backends.domain.start import FailureKind

DOCKER, PODMAN = (Engine(kind, "/s") for kind in (RuntimeKind.DOCKER, RuntimeKind.PODMAN))
ENDED = described({"Id": "0a", "Name": "/rocm", "State": {"Status": "exited", "ExitCode": 143}})
DOWN, SLOW = EngineNotRunning("nobody answers"), EngineUnavailable("no answer in time")
LIVE_RESTORE = "live-restore"


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ending, "POLL_S", 0.0)
    monkeypatch.setattr(ending, "SEEN_S", 0.2)


def says(monkeypatch: pytest.MonkeyPatch, *answers: Container | Exception | None) -> None:
    """Let the engine give these answers, the last one for ever."""
    left: Iterator[Container | Exception | None] = iter(answers)
    last = answers[-1]

    def inspect(*_: object) -> Container | None:
        answer = next(left, last)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(ending, "inspect", inspect)


@pytest.mark.parametrize(
    ("answers", "exit_seen"),
    [((DOWN, ENDED), Exit(None, 15)), ((DOWN,), Exit(None, None))],
    ids=["restarted", "stays down"],
)
def test_the_end_of_docker_itself_is_named_as_what_ended_a_container(
    answers: tuple[Container | Exception, ...], exit_seen: Exit, monkeypatch: pytest.MonkeyPatch
) -> None:
    says(monkeypatch, *answers)
    ended = await_end(DOCKER, "0a")
    failure = ended.failure("docker")
    assert failure is not None
    assert (ended.exit, failure.kind) == (exit_seen, FailureKind.KILLED)
    assert LIVE_RESTORE in failure.remedy


@pytest.mark.parametrize(("engine", "named"), [(DOCKER, True), (PODMAN, False)])
def test_a_log_that_was_let_go_of_shows_the_end_of_a_daemon_that_answers_again(
    engine: Engine, named: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    says(monkeypatch, replace(ENDED, exit_code=137))
    failure = await_end(engine, "0a", lost=True).failure(engine.kind)
    assert failure is not None
    assert (LIVE_RESTORE in failure.remedy) is named


def test_an_end_that_docker_did_not_see_is_that_of_its_daemon(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    says(monkeypatch, replace(ENDED, exit_code=255))
    failure = await_end(DOCKER, "0a").failure("docker")
    assert failure is not None
    assert (failure.kind, LIVE_RESTORE in failure.remedy) == (FailureKind.KILLED, True)


@pytest.mark.parametrize(
    ("engine", "before"),
    [(DOCKER, SLOW), (PODMAN, DOWN)],
    ids=["a slow answer", "podman has no daemon"],
)
def test_what_proves_no_end_of_a_daemon_is_not_called_one(
    engine: Engine, before: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    says(monkeypatch, before, ENDED)
    ended = await_end(engine, "0a")
    assert (ended.exit, ended.failure(engine.kind)) == (Exit(None, 15), None)


def test_want_of_memory_is_what_it_is_whoever_else_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    says(monkeypatch, DOWN, replace(ENDED, exit_code=137, oom_killed=True))
    failure = await_end(DOCKER, "0a").failure("docker")
    assert failure is not None
    assert failure.kind is FailureKind.HOST_OUT_OF_MEMORY


def test_one_that_was_removed_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    says(monkeypatch, None)
    ended = await_end(DOCKER, "0a")
    assert (ended.removed, ended.exit) == (True, Exit(None, None))
