"""Sleep mode of a server: by key and by verb, measured, kept, and known to meter and verdict."""

import argparse
import asyncio
import json
from dataclasses import replace
from functools import partial

import pytest

from backends.domain.billing.meter import activity_of
from backends.domain.decision.routing import NowKind
from backends.domain.decision.wording import now_reason
from backends.domain.facts import FirstTokenSeen
from backends.domain.server import ServerState
from backends.domain.session import Session, watching
from backends.keeper.folder import ServerFolder, read_journal, server_folder
from backends.operations import servers
from backends.operations import sleep as operation
from backends.operations.ab import check_that_none_sleeps, why_no_ab
from backends.operations.context import context_of
from backends.operations.host import Host
from backends.operations.load_test import check_that_it_serves
from backends.operations.records import measured_here
from backends.problem import NotFound, Problem
from backends.servers.listing import list_servers
from console.cli import sleep as verb
from console.cli.history import run as history
from console.tui.app import InferctlApp
from console.tui.screens.history import HistoryScreen
from console.tui.screens.question import Question
from console.tui.views.screen import decision_of
from tests.console.conftest import SERVER, MadeHost
from tests.console.stage import until
from tests.polling import until as awaited

pytestmark = [pytest.mark.slow, pytest.mark.process]

SPEED = (("INFERCTL_SIMULATED_SPEED", "400"),)
DEVELOPMENT = (*SPEED, ("VLLM_SERVER_DEV_MODE", "1"))
MODE = ("--enable-sleep-mode",)


def started(made: MadeHost, args: tuple[str, ...], variables: tuple[tuple[str, str], ...]) -> Host:
    """Start the server with these arguments, and return the host once its first token came."""
    named = tuple(one for one in made.profile.environment if one[0] not in dict(variables))
    profile = replace(made.profile, args=args, environment=(*named, *variables))
    host = made.host(settings=replace(made.settings, servers=(profile,)))
    servers.start(host, profile)
    awaited(lambda: made.state() is ServerState.READY)
    journal = ServerFolder(server_folder(host.state_folder, SERVER)).journal
    awaited(lambda: any(isinstance(one, FirstTokenSeen) for one in read_journal(journal)))
    return host


@pytest.mark.parametrize("level", [1, 2])
def test_sleeping_frees_the_memory_and_waking_takes_it_again(
    made_host: MadeHost, level: int
) -> None:
    host = started(made_host, MODE, DEVELOPMENT)
    slept = operation.sleep(host, SERVER, level)
    assert (slept.order, slept.level, made_host.state()) == ("sleep", level, ServerState.SLEEPING)
    assert slept.memory_bytes is not None
    assert slept.memory_bytes > 10 << 30
    with pytest.raises(Problem, match="is already asleep"):
        operation.sleep(host, SERVER, level)
    woken = operation.wake(host, SERVER)
    assert (woken.order, woken.level, made_host.state()) == ("wake", level, ServerState.READY)
    assert woken.memory_bytes == slept.memory_bytes
    with pytest.raises(Problem, match="is awake"):
        operation.wake(host, SERVER)
    kept = measured_here(host).sleeps
    assert {one.sleep_id for one in kept} == {slept.sleep_id, woken.sleep_id}


def test_one_without_the_mode_says_what_it_needs(made_host: MadeHost) -> None:
    host = started(made_host, MODE, SPEED)
    with pytest.raises(Problem, match="VLLM_SERVER_DEV_MODE=1"):
        operation.sleep(host, SERVER, 1)


def test_one_that_frees_nothing_says_why(
    made_host: MadeHost, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    host = started(made_host, (), DEVELOPMENT)
    monkeypatch.setattr(verb, "this_host", lambda _: host)
    assert verb.sleep(arguments(level=1, force=False)) == 0
    assert "freed nothing: start it with --enable-sleep-mode" in capsys.readouterr().err


def arguments(**given: object) -> argparse.Namespace:
    kinds = dict.fromkeys(("starts", "series", "loads", "coldprobes", "sleeps"), False)
    asked = dict.fromkeys(("id", "note", "compare", "find"))
    return argparse.Namespace(
        **{"name": SERVER, "json": False, "lines": 20, **asked, **kinds, **given}
    )


async def test_the_key_asks_how_deep_and_the_verdict_knows(
    made_host: MadeHost, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    host = await asyncio.to_thread(started, made_host, MODE, DEVELOPMENT)
    app = made_host.app(settings=host.settings)
    async with app.run_test(size=(120, 35)) as pilot:

        def state() -> ServerState | None:
            return app.session.life.server.state if app.session.life else None

        await until(pilot, lambda: state() is ServerState.READY)
        await pilot.press("z")
        await until(pilot, lambda: isinstance(app.screen, Question))
        await pilot.press("down", "enter")
        await until(pilot, lambda: state() is ServerState.SLEEPING)
        now = decision_of(app.session, app.context).now
        assert now.kind is NowKind.SEND_TO_API
        assert "its GPU is still billed" in now_reason(now)
        await until(pilot, partial(is_carried_out, app))
        await pilot.press("z")
        await until(pilot, lambda: state() is ServerState.READY)
        await until(pilot, lambda: len(measured_here(host).sleeps) == 2)
        await pilot.press("h")
        await until(pilot, lambda: isinstance(app.screen, HistoryScreen))
    monkeypatch.setattr("console.cli.history.this_host", lambda: host)
    history(arguments(json=True))
    kept = json.loads(capsys.readouterr().out)["sleeps"]
    assert [one["document"]["order"] for one in kept] == ["wake", "sleep"]


def is_carried_out(app: InferctlApp) -> bool:
    return all(each.is_finished for each in app.workers if each.group == "server")


def test_a_server_that_sleeps_is_idle_and_a_verdict_says_what_waking_takes(
    made_host: MadeHost,
) -> None:
    assert activity_of(ServerState.SLEEPING, None) == "idle"
    host = started(made_host, MODE, DEVELOPMENT)
    operation.sleep(host, SERVER, 1)
    woken = operation.wake(host, SERVER)
    operation.sleep(host, SERVER, 1)
    (server,) = (one for one in list_servers(host.state_folder) if one.name == SERVER)
    session = watching(Session(host.now()), SERVER, server.model)
    assert session.life is not None
    session = replace(session, life=replace(session.life, server=server))
    context = replace(context_of(host), measured=measured_here(host))
    assert "its GPU is still billed" in server.note
    assert why_no_ab(session, host.settings).startswith("needs two targets: wake the server")
    with pytest.raises(NotFound, match=f"run: inferctl wake {SERVER}"):
        check_that_it_serves(host, SERVER)
    with pytest.raises(NotFound, match=f"run: inferctl wake {SERVER}"):
        check_that_none_sleeps((SERVER, "api"), host)
    check_that_none_sleeps(("api",), host)
    said = now_reason(decision_of(session, context).now)
    assert f"waking takes {woken.took_s:.1f} s here" in said
    assert "GiB are free" in said
