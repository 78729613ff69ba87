"""A host of its own for a test of verbs: configuration, folders, and a simulated vLLM."""

import json
import shlex
import signal
import socket
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from backends.host import processes
from backends.host.survivors import MARKER
from backends.keeper.folder import ServerFolder, keeper_id, server_folder
from backends.settings.paths import config_file, state_folder
from console import __main__ as inferctl

ROOT = Path(__file__).resolve().parents[4]

MODEL = "openai/gpt-oss-120b"


@dataclass(frozen=True)
class MadeHost:
    """Runs verbs as the command line does, and tells what they wrote."""

    capsys: pytest.CaptureFixture[str]
    folder: Path

    def run(self, *argv: str) -> tuple[int, str, str]:
        """Return exit code, stdout and stderr of one verb."""
        self.capsys.readouterr()
        code = inferctl.main(argv)
        told = self.capsys.readouterr()
        return code, told.out, told.err

    def document(self, *argv: str) -> Any:
        """Return the one JSON document of a verb that succeeds."""
        code, out, err = self.run(*argv, "--json")
        assert code == 0, err
        return json.loads(out)

    def configure(self, *tables: str) -> None:
        """Write the configuration."""
        config_file().parent.mkdir(parents=True, exist_ok=True)
        config_file().write_text("\n".join(tables))

    def server(self, name: str = "sim", *, speed: float = 200, **more: str) -> str:
        """Return the table of a profile whose vLLM is simulated."""
        environment = {"INFERCTL_SIMULATED_SPEED": str(speed)}
        environment |= {f"INFERCTL_SIMULATED_{key.upper()}": value for key, value in more.items()}
        told = ", ".join(f'{key} = "{value}"' for key, value in environment.items())
        return "\n".join(
            (
                f"[server.{name}]",
                f'model = "{MODEL}"',
                f'vllm = "{self._simulated_vllm()}"',
                f"port = {free_port()}",
                'gpu_usd_per_hour = "1.88"',
                f"environment = {{ {told} }}",
            )
        )

    def _simulated_vllm(self) -> Path:
        program = self.folder / "vllm"
        command = shlex.join((sys.executable, "-m", "backends.simulated.vllm"))
        program.write_text(f'#!/bin/sh\nPYTHONPATH={shlex.quote(str(ROOT))} exec {command} "$@"\n')
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        return program

    def start_id(self, name: str = "sim") -> str:
        """Return the id of the server's newest start."""
        return ServerFolder(server_folder(state_folder(), name)).journal.resolve().stem

    def clean(self) -> None:
        """End every keeper and server of this host."""
        for order in state_folder().glob("servers/*/order.json"):
            folder = ServerFolder(order.parent)
            if keeper := keeper_id(folder):
                processes.send(keeper, signal.SIGKILL, lambda _: True)
            marker = f"{order.parent.name}:"
            ids = {path.stem for path in folder.starts.glob("*.jsonl")}
            for one in processes.running():
                value = processes.environment_value(one.id.pid, MARKER) or ""
                if value.startswith(marker) and value.removeprefix(marker) in ids:
                    processes.send(one.id, signal.SIGKILL, lambda _: True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def verbs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[MadeHost]:
    """Run verbs on a host of their own; whatever they start ends with the test."""
    made = MadeHost(capsys, tmp_path)
    yield made
    made.clean()
