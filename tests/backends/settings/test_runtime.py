"""The runtime of a server in the configuration: what it needs, and what means nothing for it."""

from pathlib import Path

import pytest

from backends.domain.server import RuntimeKind
from backends.settings.config import Profile
from backends.settings.faults import ConfigError
from backends.settings.read import parse_settings
from backends.settings.write import add_profile

PATH = Path("/config.toml")


def server(*lines: str) -> Profile:
    toml = "\n".join(('[server.chat]\nmodel = "org/chat"', *lines))
    return parse_settings(toml, PATH).servers[0]


def test_a_container_has_its_image_mounts_and_network(tmp_path: Path) -> None:
    made = server(
        'runtime = "docker"',
        'image = "vllm/vllm-openai:v0.11.0"',
        'mounts = ["/data:/data:ro"]',
        'network = "host"',
    )
    assert (made.runtime, made.network) == (RuntimeKind.DOCKER, "host")
    assert made.mounts == ("/data:/data:ro",)
    path = add_profile(made, tmp_path / "config.toml")
    assert parse_settings(path.read_text(), path).servers == (made,)


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        (('runtime = "docker"',), "lacks image"),
        (('runtime = "podman"',), "lacks image"),
        (('runtime = "exec"',), "lacks container"),
        (('container = "rocm"',), "means nothing for a process"),
        (('runtime = "kubernetes"',), "starts no server"),
        (('image = "x"',), "means nothing for a process"),
        (('runtime = "docker"', 'image = "x"', 'network = "none"'), "is 'none'"),
        (('runtime = "docker"', 'image = "x"', 'mounts = ["data"]'), "not a mount"),
        (('runtime = "docker"', 'image = "x"', 'mounts = "/a:/b"'), "not a list"),
    ],
)
def test_what_does_not_fit_is_a_fault(lines: tuple[str, ...], fault: str) -> None:
    with pytest.raises(ConfigError) as raised:
        server(*lines)
    assert fault in str(raised.value)
