"""Ways in which people run vLLM, each as a tree of true processes, and the row it has to be."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from backends.domain.server import RuntimeKind, Server, ServerState
from backends.host.ports import ports_of
from backends.host.processes import read
from backends.problem import Problem
from backends.servers.adoption import watch_order
from backends.servers.ending import end_external, what_ends
from backends.servers.listing import list_servers
from tests.polling import free_port, until

PY = sys.executable
SERVER = """
import http.server, json, os, socket, subprocess, sys, time
class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        key, asked = os.environ.get("KEY"), self.path.startswith("/v1")
        locked = key and asked and self.headers["Authorization"] != "Bearer " + key
        self.send_response(401 if locked else 200)
        self.end_headers()
        self.wfile.write(json.dumps({"data": [{"id": "as served"}]}).encode())
    def log_message(self, *_): pass
host = os.environ.get("HOST", "127.0.0.1")
class Listener(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
if os.environ.get("LISTEN"):
    Listener((host, int(os.environ["LISTEN"])), Answers).serve_forever()
sleeps = ("-c", "import time; time.sleep(600)")
if os.environ.get("CHILD"):
    subprocess.Popen([os.environ["CHILD"], *sleeps], executable=sys.executable)
time.sleep(600)
"""
RUNNER = """#!{python}
import subprocess, sys, time
child = subprocess.Popen({argv!r}, env={env!r} or None)
child.wait()
"""


@dataclass
class Stage:
    """A folder with vLLM's programs and modules in it, and the processes that were started."""

    folder: Path
    port: int
    started: "list[subprocess.Popen[bytes]]"

    def run(self, *argv: str, **variables: str) -> int:
        """Run a command in the folder, and return its pid."""
        environment = {**os.environ, "PYTHONPATH": str(self.folder), **variables}
        process = subprocess.Popen(argv, cwd=self.folder, env=environment, start_new_session=True)
        self.started.append(process)
        return process.pid

    def runner(self, name: str, argv: tuple[str, ...], **variables: str) -> Path:
        """Write a program of that name which runs another."""
        path = self.folder / name
        environment = {**os.environ, **variables}
        path.write_text(RUNNER.format(python=PY, argv=list(argv), env=environment))
        path.chmod(0o755)
        return path

    def rows(self, count: int = 1) -> list[Server]:
        """Return what is listed of the sessions of these processes, once it is so many."""

        def look() -> list[Server] | None:
            sessions = {one.pid for one in self.started}
            listed = [one for one in list_servers(None) if one.pid is not None]
            own = [
                one for one in listed if (found := read(one.pid or 0)) and found.session in sessions
            ]
            return own if len(own) == count else None

        return until(look)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    for place in (
        *("vllm", "uv run/vllm", "vllm_nvext/entrypoints/openai/api_server.py"),
        *("site/vllm/entrypoints/openai/api_server.py", "vllm_pkg/vllm/entrypoints/api_server.py"),
    ):
        path = tmp_path / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(SERVER)
    made = Stage(tmp_path, free_port(), [])
    yield made
    for each in made.started:
        os.killpg(each.pid, signal.SIGKILL)
        each.wait()


Way = Callable[[Stage], tuple[str, ...]]
FLAGS = ("--served-model-name", "chat", "--port")
NVEXT = "vllm_nvext.entrypoints.openai.api_server"

ONE_ROW: dict[str, Way] = {
    "the image's own program": lambda one: (PY, "vllm", "serve", "--model", "org/m"),
    "an interpreter with flags": lambda one: (PY, "-u", "-X", "dev", "vllm", "serve", "org/m"),
    "NIM and others that extend its modules": lambda one: (PY, "-m", NVEXT, "--model", "org/m"),
    "the file of its module": lambda one: (
        *(PY, "site/vllm/entrypoints/openai/api_server.py", "--model", "org/m"),
    ),
    "the demo server": lambda one: (
        *(PY, "vllm_pkg/vllm/entrypoints/api_server.py", "--model", "org/m"),
    ),
    "a folder with spaces": lambda one: (PY, "uv run/vllm", "serve", "/models/my model"),
}


@pytest.mark.parametrize("way", ONE_ROW.values(), ids=ONE_ROW.keys())
def test_it_is_one_row_with_its_model_and_port_that_starts(stage: Stage, way: Way) -> None:
    pid = stage.run(*way(stage), *FLAGS, str(stage.port))
    (row,) = stage.rows()
    assert (row.pid, row.state) == (pid, ServerState.STARTING)
    assert (row.model, row.port) == ("chat", stage.port)


@pytest.mark.parametrize("wrapper", ["uv", "tini", "conda", "nsys", "start.sh"])
def test_what_runs_it_is_no_row_of_its_own(stage: Stage, wrapper: str) -> None:
    server = (PY, "vllm", "serve", "org/m", "--port", str(stage.port))
    program = stage.runner(wrapper, server)
    wrapped = stage.run(str(program), "run", "vllm", "serve", "org/m")
    (row,) = stage.rows()
    assert row.pid != wrapped
    assert (row.model, row.port) == ("org/m", stage.port)


def test_a_shell_that_goes_on_behind_it_is_no_row(stage: Stage) -> None:
    shell = stage.run("bash", "-c", f"{PY} vllm serve org/m --port {stage.port}; true")
    (row,) = stage.rows()
    assert (row.pid != shell, row.port) == (True, stage.port)


def test_two_of_a_disaggregated_pair_are_two_rows_and_their_proxy_none(stage: Stage) -> None:
    (stage.folder / "toy_proxy_server.py").write_text(SERVER)
    prefill, decode = free_port(), free_port()
    stage.run(PY, "toy_proxy_server.py", "--port", str(stage.port), LISTEN=str(stage.port))
    for port in (prefill, decode):
        stage.run(PY, "vllm", "serve", "org/m", "--port", str(port), LISTEN=str(port))
    assert {one.port for one in stage.rows(2)} == {prefill, decode}


@pytest.mark.parametrize("named", ["config.yaml", "{folder}/config.yaml"])
def test_what_its_file_of_configuration_says_holds(stage: Stage, named: str) -> None:
    (stage.folder / "config.yaml").write_text(
        f"# made\nmodel: org/m  # the model\nport: {stage.port}\nserved-model-name: 'chat'\n"
        "compilation-config:\n  port: 1\nenable-prefix-caching: true\n"
    )
    path = named.format(folder=stage.folder)
    stage.run(PY, "vllm", "serve", "--config", path, LISTEN=str(stage.port))
    (row,) = stage.rows()
    until(lambda: stage.rows()[0].state is ServerState.READY)
    assert (row.port, row.name) == (stage.port, f"vllm-{stage.port}")


def test_the_command_line_outranks_its_file_of_configuration(stage: Stage) -> None:
    (stage.folder / "c.yaml").write_text("model: org/other\nport: 1\nuds: /run/vllm.sock\n")
    stage.run(PY, "vllm", "serve", "org/m", "--config=c.yaml", "--port", str(stage.port))
    (row,) = stage.rows()
    assert (row.model, row.state) == ("org/m", ServerState.UNKNOWN)
    assert "Unix socket" in row.address_reason


@pytest.mark.parametrize("flags", [("--api-key", "k-123456"), ("--api_key=k-123456",)])
def test_a_key_on_its_command_line_opens_its_list_of_models(
    stage: Stage, flags: tuple[str, ...]
) -> None:
    port = str(stage.port)
    stage.run(PY, "vllm", "serve", "org/m", "--port", port, *flags, LISTEN=port, KEY="k-123456")
    row = until(lambda: one if (one := stage.rows()[0]).state is ServerState.READY else None)
    assert row.model == "as served"
    assert "k-123456" not in repr(row)


def test_one_whose_port_the_kernel_picks_is_reached_there(stage: Stage) -> None:
    pid = stage.run(PY, "vllm", "serve", "org/m", "--port", "0", LISTEN="0")
    row = until(lambda: one if (one := stage.rows()[0]).state is ServerState.READY else None)
    assert (row.name, ports_of(pid)) == (f"vllm-{pid}", (row.port,))
    assert watch_order(row).port == row.port


def test_one_that_has_no_port_yet_starts_and_cannot_be_watched(stage: Stage) -> None:
    pid = stage.run(PY, "vllm", "serve", "org/m", "--port", "0")
    (row,) = stage.rows()
    assert (row.name, row.port, row.state) == (f"vllm-{pid}", None, ServerState.STARTING)
    with pytest.raises(Problem, match="has not been given a port yet"):
        watch_order(row)


@pytest.mark.parametrize("host", ["::1", "::"])
def test_one_that_listens_on_ipv6_is_reached(stage: Stage, host: str) -> None:
    port = str(stage.port)
    stage.run(PY, "vllm", "serve", "m", "--host", host, "--port", port, LISTEN=port, HOST=host)
    row = until(lambda: one if (one := stage.rows()[0]).state is ServerState.READY else None)
    assert row.base_url == f"http://[::1]:{port}/v1"


def test_several_api_servers_of_one_program_are_one_row(stage: Stage) -> None:
    flags = ("--api-server-count", "4", "--port", str(stage.port))
    pid = stage.run(PY, "vllm", "serve", "org/m", *flags, CHILD="VLLM::APIServer_0")
    (row,) = stage.rows()
    assert row.pid == pid


def test_a_program_that_runs_vllm_in_itself_is_a_row_of_which_no_state_is_claimed(
    stage: Stage,
) -> None:
    (stage.folder / "batch.py").write_text(SERVER)
    pid = stage.run(PY, "batch.py", "--model", "org/m", CHILD="VLLM::EngineCore")
    (row,) = stage.rows()
    assert (row.pid, row.state, row.name) == (pid, ServerState.UNKNOWN, f"vllm-{pid}")
    assert row.address_reason.startswith("batch.py runs vLLM in itself")
    with pytest.raises(Problem, match="end it by its own way"):
        list(end_external(row))


@pytest.mark.parametrize(
    ("supervisor", "variables", "kind", "ends"),
    [
        (
            "supervisord",
            {"SUPERVISOR_GROUP_NAME": "llm", "SUPERVISOR_PROCESS_NAME": "chat"},
            RuntimeKind.SUPERVISORD,
            "supervisorctl stop llm:chat",
        ),
        (
            "supervisord",
            {"SUPERVISOR_GROUP_NAME": "chat", "SUPERVISOR_PROCESS_NAME": "chat"},
            RuntimeKind.SUPERVISORD,
            "supervisorctl stop chat",
        ),
        ("s6-supervise", {}, RuntimeKind.S6, "s6-svc -d {folder}"),
        ("runsv", {}, RuntimeKind.RUNIT, "sv down {folder}"),
    ],
)
def test_a_supervisor_that_starts_it_again_is_named_with_what_ends_it(
    stage: Stage, supervisor: str, variables: dict[str, str], kind: RuntimeKind, ends: str
) -> None:
    server = (PY, "vllm", "serve", "org/m", "--port", str(stage.port))
    stage.run(str(stage.runner(supervisor, server, **variables)), "chat")
    (row,) = stage.rows()
    assert (row.runtime.kind, row.runtime.policy) == (kind, "autorestart")
    assert row.runtime.ends == ends.format(folder=stage.folder)
    assert f"{kind} starts it again" in what_ends(row)
    with pytest.raises(Problem, match="would start it again"):
        list(end_external(row))


def test_a_container_without_a_cgroup_is_known_by_what_runs_it(stage: Stage) -> None:
    server = (PY, "vllm", "serve", "org/m", "--port", str(stage.port))
    conmon = str(stage.runner("conmon", server))
    stage.run(conmon, "--api-version", "1", "-c", "0a" * 32, "-u", "0a" * 32, "-n", "llm")
    (row,) = stage.rows()
    assert (row.name, row.runtime.kind, row.runtime.name) == ("llm", RuntimeKind.PODMAN, "llm")
    assert "podman" in row.note  # why its engine does not tell more


@pytest.mark.parametrize("name", ["../../etc", "..", "a/b c"])
def test_a_name_that_others_chose_is_no_path(stage: Stage, name: str) -> None:
    server = (PY, "vllm", "serve", "org/m", "--port", str(stage.port))
    stage.run(str(stage.runner("supervisord", server, SUPERVISOR_PROCESS_NAME=name)))
    (row,) = stage.rows()
    assert "/" not in row.name
    assert not row.name.startswith(".")
