"""A server that is a unit of systemd, by recorded answers of systemctl over true processes."""

import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from backends.domain.facts import (
    BecameReady,
    PhaseBegan,
    ServerFact,
    Stopped,
    StopProgressed,
)
from backends.domain.server import RuntimeKind, Server, ServerState
from backends.domain.start import PhaseName
from backends.keeper.folder import ServerFolder, read_journal, server_folder
from backends.operations import servers
from backends.operations.host import Host
from backends.problem import Problem
from backends.servers.listing import list_servers
from backends.settings.config import Profile, Settings
from backends.settings.faults import ConfigError
from backends.settings.read import parse_settings
from tests.console.stage import ROOT, host_in
from tests.polling import free_port, until

UNIT = "vllm.service"
SYSTEMCTL = """#!{python}
import os, signal, subprocess, sys, time
from pathlib import Path
state = Path({state!r})
verb, *rest = sys.argv[1:]
pid = int((state / "pid").read_text()) if (state / "pid").exists() else 0
Path(state / "asked").open("a").write(" ".join(sys.argv[1:]) + "\\n")
if verb == "start":
    if rest[-1] != {unit!r}:
        sys.exit("Failed to start " + rest[-1] + ": Unit " + rest[-1] + " not found.")
    log = (state / "log").open("wb")
    made = subprocess.Popen({argv!r}, stdout=log, stderr=log, start_new_session=True,
        env=dict(os.environ, PYTHONPATH={root!r}, INFERCTL_SIMULATED_SPEED="60"))
    (state / "pid").write_text(str(made.pid))
elif verb == "stop":
    os.killpg(pid, signal.SIGTERM)
    while Path(f"/proc/{{pid}}").exists() and ") Z" not in Path(f"/proc/{{pid}}/stat").read_text():
        time.sleep(0.05)
elif verb == "show":
    alive = bool(pid) and Path(f"/proc/{{pid}}").exists()
    known = rest[0] == {unit!r}
    # As systemd 252 prints these properties.
    print("Result=success")
    print(f"MainPID={{pid if alive else 0}}")
    print("LoadState=" + ("loaded" if known else "not-found"))
    print("ActiveState=" + ("active" if alive else "inactive"))
    print("Restart=always")
    print("NRestarts=3")
    print("UnitFileState=enabled")
"""


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    """A host whose systemctl starts a simulated vLLM, and of it the profile."""
    state = tmp_path / "systemd"
    state.mkdir()
    script, port = tmp_path / "vllm", free_port()
    script.write_text("from backends.simulated.vllm import main\n\nmain()\n")
    argv = [sys.executable, str(script), "serve", "org/theirs", "--port", str(port)]
    program = tmp_path / "bin" / "systemctl"
    program.parent.mkdir()
    program.write_text(
        SYSTEMCTL.format(
            python=sys.executable, state=str(state), unit=UNIT, argv=argv, root=str(ROOT)
        )
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    profile = Profile("ours", "org/theirs", port=port, runtime=RuntimeKind.SYSTEMD, unit=UNIT)
    yield host_in(tmp_path, Settings(servers=(profile,)))
    pid = state / "pid"
    if pid.exists():
        try:
            os.killpg(int(pid.read_text()), signal.SIGKILL)
        except ProcessLookupError:
            return


def profile_of(host: Host) -> Profile:
    return host.settings.servers[0]


def journal(host: Host) -> list[ServerFact]:
    return read_journal(ServerFolder(server_folder(host.state_folder, "ours")).journal)


def test_a_unit_is_started_watched_and_stopped_by_systemd(host: Host, tmp_path: Path) -> None:
    checks = servers.preflight(host, profile_of(host))
    assert [(one.name, one.state) for one in checks] == [("unit", "ok")]
    servers.start(host, profile_of(host))
    until(lambda: any(isinstance(one, BecameReady) for one in journal(host)))

    def ours() -> Server:
        return next(one for one in list_servers(host.state_folder) if one.name == "ours")

    server = ours()
    assert (server.state, server.keeper_pid is None) == (ServerState.READY, False)
    phases = {one.phase for one in journal(host) if isinstance(one, PhaseBegan)}
    assert {PhaseName.LOAD_WEIGHTS, PhaseName.CAPTURE_GRAPHS} <= phases
    (again,) = servers.preflight(host, profile_of(host))
    assert (again.state, "runs already" in again.what) == ("fail", True)

    async def whole() -> list[ServerFact]:
        return [fact async for fact in servers.stop(host, "ours", 0.0)]

    facts = asyncio.run(whole())
    assert isinstance(facts[0], StopProgressed)
    assert facts[0].step == (
        "systemctl stop vllm.service; Restart=always starts it again when it ends by itself, not "
        "after this; it is enabled: the next boot starts it"
    )
    assert isinstance(facts[-1], Stopped)
    asked = (tmp_path / "systemd" / "asked").read_text().splitlines()
    assert "start --no-block vllm.service" in asked
    assert "stop vllm.service" in asked


def test_what_would_be_asked_is_shown(host: Host) -> None:
    profile = profile_of(host)
    order = servers.order(profile)
    assert servers.dry_run(order, profile) == ("systemctl", "start", "--no-block", UNIT)


def test_a_unit_that_is_not_there_is_said_before_the_start(host: Host) -> None:
    unknown = Profile("ours", "m", port=1, runtime=RuntimeKind.SYSTEMD, unit="other.service")
    (found,) = servers.preflight(host, unknown)
    assert (found.state, "daemon-reload" in found.remedy) == ("fail", True)
    with pytest.raises(Problem, match=r"Unit other\.service not found"):
        servers.start(host, unknown)


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        (('runtime = "systemd"',), "lacks unit"),
        (('unit = "vllm.service"',), "means nothing for a process"),
        (('runtime = "systemd"', 'unit = "u"', 'image = "x"'), "means nothing for a systemd"),
    ],
)
def test_a_unit_belongs_to_that_runtime_alone(lines: tuple[str, ...], fault: str) -> None:
    toml = "\n".join(('[server.chat]\nmodel = "org/chat"', *lines))
    with pytest.raises(ConfigError) as raised:
        parse_settings(toml, Path("/config.toml"))
    assert fault in str(raised.value)
