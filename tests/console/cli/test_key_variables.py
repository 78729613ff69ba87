"""The keys of other endpoints stay out of a server: it runs the code of models and plug-ins."""

import os
import signal
from pathlib import Path
from typing import Any

import psutil
import pytest

from backends.host import processes
from backends.settings.paths import config_file
from tests.console.cli.conftest import Cli, configure
from tests.console.conftest import MadeHost

SECRETS = {"INFERENCE_KEY": "sk-endpoint", "CHAT_KEY": "sk-chat", "HF_TOKEN": "hf-token"}
KEYS = """
[endpoint.other]
base_url = "https://api.example.com/v1"
model = "org/model"
api_key_env = "INFERENCE_KEY"

[endpoint.hub]
base_url = "https://hub.example.com/v1"
model = "org/model"
api_key_env = "HF_TOKEN"
"""


def environment(pid: int) -> dict[str, str]:
    """Return the variables that a process began with."""
    entries = Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
    return dict(entry.split("=", 1) for entry in entries if entry)


def ready_server(cli: Cli) -> Any:
    started = cli("start", "chat", "--wait", "--json")
    assert started.code == 0, started.err
    (server,) = started.json()["servers"]
    return server


@pytest.fixture
def with_keys(configured: MadeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    text = config_file().read_text()
    port = f"port = {configured.profile.port}"
    configure(text.replace(port, f'{port}\napi_key_env = "CHAT_KEY"') + KEYS)
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("with_keys")
def test_a_server_and_its_keeper_get_no_key_but_the_one_that_it_asks_for(cli: Cli) -> None:
    server = ready_server(cli)
    tree = psutil.Process(server["pid"])
    for pid in (server["keeper_pid"], tree.pid, *(each.pid for each in tree.children(True))):
        assert not {"INFERENCE_KEY", "CHAT_KEY"} & environment(pid).keys()
        assert "sk-endpoint" not in environment(pid).values()
    assert environment(tree.pid)["VLLM_API_KEY"] == "sk-chat"
    assert environment(tree.pid)["HF_TOKEN"] == "hf-token"  # it fetches gated models with it
    assert environment(tree.pid)["PATH"] == os.environ["PATH"]


@pytest.mark.usefixtures("with_keys")
def test_a_keeper_that_takes_a_server_over_gets_none_either(cli: Cli) -> None:
    server = ready_server(cli)
    lost = processes.identity(server["keeper_pid"])
    assert processes.send(lost, signal.SIGKILL, lambda _: True)
    adopted = cli("adopt", "--port", str(server["port"]), "--json")
    assert adopted.code == 0, adopted.err
    (server,) = adopted.json()["servers"]
    assert server["keeper_pid"] != lost.pid
    assert not {"INFERENCE_KEY", "CHAT_KEY"} & environment(server["keeper_pid"]).keys()
