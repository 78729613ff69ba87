"""Bad input: an exit code, one sentence on stderr, nothing on stdout, and never a traceback."""

import socket
from pathlib import Path

import pytest

from backends.domain.server import ServerState
from backends.settings.paths import config_file
from tests.console.cli.conftest import Cli, Ran, configure
from tests.console.conftest import SERVER, MadeHost, free_port

PROFILE = '[server.chat]\nmodel = "org/model"\nvllm = "{vllm}"\nport = {port}\n'


def told(ran: Ran, code: int, *words: str) -> None:
    """Assert one sentence of the program's own, and nothing for a reader of stdout."""
    assert (ran.code, ran.out) == (code, ""), ran
    assert "Traceback" not in ran.err
    lines = [line for line in ran.err.splitlines() if line.startswith("inferctl: ")]
    assert len(lines) == 1, ran.err
    for word in words:
        assert word in ran.err, ran.err


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ("[server.chat]\nmodel = 'x'\nprot = 8000\n", ("prot", "config.toml")),
        ("[server.chat]\nmodel = 'x'\ngpu_usd_per_hour = 'cheap'\n", ("gpu_usd_per_hour",)),
        ("[server.chat]\nmodel = 'x'\ngpu_usd_per_hour = '-1'\n", ("gpu_usd_per_hour",)),
        ("[server.chat]\nmodel = 'x'\nport = 70000\n", ("port",)),
        ("[server.chat\n", ("config.toml",)),
        ("[endpoint.e]\nmodel = 'x'\n", ("base_url",)),
        ("[endpoint.e]\nbase_url='http://h/v1'\nmodel='x'\napi_key='sk-1'\n", ("api_key",)),
    ],
    ids=["unknown", "no-number", "negative", "port", "no-toml", "missing", "key-in-config"],
)
def test_a_configuration_with_a_fault_is_told_by_its_place(
    cli: Cli, toml: str, words: tuple[str, ...]
) -> None:
    configure(toml)
    told(cli("history"), 2, *words)


def test_with_a_fault_in_the_configuration_a_server_is_still_seen_and_stopped(
    cli: Cli, configured: MadeHost
) -> None:
    assert cli("start", SERVER, "--wait", "--force").code == 0
    configure("[server.chat]\nmodel = 'x'\nprot = 8000\n")
    seen = cli("status", "--json")
    assert (seen.code, [one["name"] for one in seen.json()["servers"]]) == (0, [SERVER])
    assert "going on without the configuration" in seen.err
    assert "prot" in seen.err
    stopped = cli("stop", SERVER)
    assert (stopped.code, f"{SERVER} is stopped" in stopped.err) == (0, True), stopped.err
    assert configured.state() is ServerState.STOPPED


@pytest.mark.parametrize("verb", ["start", "restart"])
def test_an_unknown_profile(cli: Cli, verb: str) -> None:
    told(cli(verb, "nobody"), 3, "nobody")


@pytest.mark.parametrize("verb", ["status", "logs", "stop"])
def test_a_server_that_never_was(cli: Cli, verb: str) -> None:
    ran = cli(verb, "nobody")
    told(ran, ran.code, "nobody")
    assert ran.code in {1, 3}


def test_a_program_that_is_not_there(cli: Cli) -> None:
    configure(PROFILE.format(vllm="/nowhere/vllm", port=free_port()))
    told(cli("start", "chat"), 1, "/nowhere/vllm")


def test_a_port_that_somebody_holds(cli: Cli, tmp_path: Path) -> None:
    program = tmp_path / "vllm"
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o700)
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
        configure(PROFILE.format(vllm=program, port=port))
        told(cli("start", "chat"), 1, str(port))


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [("missing.log", 3, "no such file"), ("", 1, "directory")],
    ids=["missing", "directory"],
)
def test_a_log_that_cannot_be_read(
    cli: Cli, tmp_path: Path, name: str, code: int, words: str
) -> None:
    told(cli("explain", str(tmp_path / name)), code, words)


def test_a_log_that_is_not_text_holds_no_start(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "not.log"
    file.write_bytes(bytes(range(256)) * 64)
    ran = cli("explain", str(file), "--json")
    assert (ran.code, ran.json()) == (1, {"starts": []})
    assert "Traceback" not in ran.err


@pytest.mark.parametrize("reference", ["nobody", "ftp://x#m", "http://127.0.0.1:1/v1"])
def test_an_endpoint_that_is_none(cli: Cli, reference: str) -> None:
    ran = cli("ab", reference, reference)
    told(ran, ran.code)
    assert ran.code in {2, 3}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("missing.toml", None),
        ("s.toml", "gpu_usd_per_hour = 'cheap'"),
        ("s.toml", "gpu_usd_per_huor = 1"),
        ("s.json", "[1, 2"),
        ("s.toml", "gpu_usd_per_hour = -1"),
    ],
    ids=["missing", "no-number", "unknown", "no-json", "negative"],
)
def test_a_scenario_with_a_fault(cli: Cli, tmp_path: Path, name: str, text: str | None) -> None:
    file = tmp_path / name
    if text is not None:
        file.write_text(text)
    told(cli("verdict", "--scenario", str(file)), 2, name)


def test_a_scenario_whose_name_no_file_can_have(cli: Cli) -> None:
    told(cli("verdict", "--scenario", "x" * 300), 2, "cannot be read")


@pytest.mark.parametrize("content", [b"\xff", b"[]", b"{", b'{"api": [1]}'])
@pytest.mark.parametrize("verb", ["prices", "verdict"])
def test_a_file_of_prices_with_a_fault(cli: Cli, verb: str, content: bytes) -> None:
    configure("[endpoint.e]\nbase_url = 'http://127.0.0.1:9/v1'\nmodel = 'm'\n")
    (config_file().parent / "prices.json").write_bytes(content)
    ran = cli(*(("prices", "list") if verb == "prices" else ("verdict",)))
    told(ran, 2, "prices.json")


def test_a_failure_that_the_demo_does_not_know(cli: Cli) -> None:
    told(cli("demo", "--fail", "earthquake"), 2, "earthquake", "gpu_out_of_memory")


@pytest.mark.parametrize("argv", [(), ("demo",)], ids=["console", "demo"])
def test_the_console_needs_a_terminal(cli: Cli, argv: tuple[str, ...]) -> None:
    told(cli(*argv), 2, "terminal")


@pytest.mark.parametrize(
    "argv",
    [
        ("bogus",),
        ("start",),
        ("stop", "x", "--drain", "soon"),
        ("stop", "x", "--drain", "-1"),
        ("stop", "x", "--drain", "nan"),
        ("logs", "x", "-n", "0"),
        ("logs", "x", "-n", "1.5"),
        ("ab", "only-one"),
        ("ab", "a", "b", "-n", "many"),
        ("adopt", "--port", "70000"),
        ("demo", "--speed", "0"),
        ("verdict", "--require", "luck"),
        ("verdict", "--scenario", ""),
        ("verdict", "--traffic", " "),
        ("cost", "--prometheus", ""),
        ("ab", "a", "b", "--timeout", "0"),
        ("stop", "/etc/passwd"),
        ("logs", "../chat"),
        ("status", "\x1b[31m"),
        ("cost", "--until", "9999-12-31"),
        ("cost", "--since", "0001-01-01"),
    ],
    ids=" ".join,
)
def test_a_command_line_that_is_none(cli: Cli, argv: tuple[str, ...]) -> None:
    ran = cli(*argv)
    assert (ran.code, ran.out) == (2, "")
    *_, last = ran.err.splitlines()
    assert "error: " in last
    assert "Traceback" not in ran.err
    assert "_" not in last.replace("self_host", ""), "a name of the code is shown"


def test_a_prompt_file_that_is_not_there(cli: Cli) -> None:
    reference = "http://127.0.0.1:9/v1#m"
    told(cli("ab", reference, reference, "--prompt-file", "/nowhere/p"), 2, "/nowhere/p")
