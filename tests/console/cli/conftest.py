"""The command line in this very process, over a configuration that a test writes."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from backends.settings.paths import config_file, state_folder
from console.__main__ import main
from tests.console.conftest import MadeHost


@dataclass(frozen=True)
class Ran:
    """What one command line did."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


Cli = Callable[..., Ran]


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Cli:
    """Run a command line and return its exit code and what it printed."""

    def run(*argv: str) -> Ran:
        capsys.readouterr()
        try:
            code = main(argv)
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 1
        printed = capsys.readouterr()
        return Ran(code, printed.out, printed.err)

    return run


def configure(text: str) -> Path:
    """Write the configuration of this test's machine."""
    path = config_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.fixture
def configured(made_host: MadeHost) -> Iterator[MadeHost]:
    """Configure a simulated server, and the simulated serverless endpoint with its prices."""
    profile = made_host.profile
    variables = "\n".join(f'{key} = "{value}"' for key, value in profile.environment)
    configure(
        f"""
[server.chat]
model = "{profile.model}"
vllm = "{profile.vllm}"
port = {profile.port}
gpu_usd_per_hour = "1.88"
[server.chat.environment]
{variables}

[endpoint.serverless]
base_url = "http://127.0.0.1:{made_host.endpoint_port}/v1"
model = "{profile.model}"
input_usd_per_mtok = "0.10"
output_usd_per_mtok = "0.70"
"""
    )
    kept = MadeHost(state_folder(), made_host.endpoint_port, profile)
    yield kept
    # Its processes are told by the file that stands for their GPU, which lies in the host's folder.
    made_host.folder, folder = kept.folder, made_host.folder
    made_host.clean()
    made_host.folder = folder
