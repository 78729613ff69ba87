"""``inferctl config``: what it writes starts, what it finds wrong has its line."""

import stat
import sys
from pathlib import Path

import pytest

from backends.domain.server import RuntimeKind
from backends.settings.paths import config_file
from backends.settings.read import read_settings
from tests.console.cli.conftest import Cli, configure


@pytest.fixture
def vllm(tmp_path: Path) -> str:
    program = tmp_path / "vllm"
    program.write_text(f"#!{sys.executable}\n")
    program.chmod(stat.S_IRWXU)
    return str(program)


def test_a_first_file_has_a_server_of_that_model(cli: Cli, vllm: str) -> None:
    ran = cli("config", "init", "org/model", "--vllm", vllm)
    assert ran.code == 0, ran.err
    (profile,) = read_settings().servers
    assert (profile.name, profile.model, profile.vllm) == ("model", "org/model", vllm)
    assert f"inferctl start model --wait starts it on port {profile.port}" in ran.out


def test_a_second_one_keeps_what_was_written_and_takes_another_port(cli: Cli, vllm: str) -> None:
    configure('# mine\n[server.model]\nmodel = "org/model"\nport = 8000\n')
    told = cli("config", "init", "org/model", "--vllm", vllm, "--json").json()
    assert config_file().read_text().startswith("# mine\n")
    first, second = read_settings().servers
    assert (told["server"], told["port"]) == (second.name, second.port)
    assert second.port != first.port


@pytest.mark.parametrize(
    ("words", "runtime", "where"),
    [
        (("--image", "vllm/vllm-openai"), RuntimeKind.DOCKER, ("vllm/vllm-openai", "")),
        (("--image", "i", "--runtime", "podman"), RuntimeKind.PODMAN, ("i", "")),
        (("--container", "rocm"), RuntimeKind.EXEC, ("", "rocm")),
    ],
)
def test_it_may_run_in_a_container(
    cli: Cli, words: tuple[str, ...], runtime: RuntimeKind, where: tuple[str, str]
) -> None:
    assert cli("config", "init", "org/model", *words).code == 0
    (profile,) = read_settings().servers
    assert (profile.runtime, (profile.image, profile.container)) == (runtime, where)


def test_what_is_missing_is_said(cli: Cli) -> None:
    ran = cli("config", "init", "/no/such/folder")
    assert (ran.code, "/no/such/folder is not a folder" in ran.err) == (3, True)
    ran = cli("config", "init")
    assert (ran.code, "name the model" in ran.err) == (2, True)
    ran = cli("config", "init", "org/m", "--vllm", "/no/such")
    assert (ran.code, "/no/such is not an executable" in ran.err) == (3, True)
    assert not config_file().exists()


def test_every_fault_is_told_with_its_line(cli: Cli) -> None:
    assert cli("config", "check").code == 3
    configure('[server.a]\nport = "x"\nmodel = "m"\ngpu_usd_per_hour = 1.88\n')
    ran = cli("config", "check")
    assert ran.code == 1
    assert [line.split(": ")[0][-2:] for line in ran.out.splitlines()] == [":2", ":4"]
    assert [each["line"] for each in cli("config", "check", "--json").json()["faults"]] == [2, 4]
    configure('[server.a]\nmodel = "m"\n')
    assert cli("config", "check").code == 0


def test_a_file_elsewhere_is_checked_where_it_lies(cli: Cli, tmp_path: Path) -> None:
    elsewhere = tmp_path / "other.toml"
    elsewhere.write_text("[nonsense]\n")
    ran = cli("config", "check", str(elsewhere))
    assert (ran.code, f"{elsewhere}:1: nonsense is unknown" in ran.out) == (1, True)
