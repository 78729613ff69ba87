"""A host shows whose it is by its variables, its firmware and its name."""

from pathlib import Path

import pytest

from backends.host.provider import HostProvider, provider_seen


@pytest.mark.parametrize(
    ("environ", "vendor", "hostname", "expected"),
    [
        ({"RUNPOD_POD_ID": "x"}, "Supermicro", "a", HostProvider("runpod", "")),
        (
            {},
            "DigitalOcean",
            "ml-ubuntu-gpu-mi300x1-192gb-20gb-atl1",
            HostProvider("digitalocean", "gpu-mi300x1-192gb"),
        ),
        ({}, "Amazon EC2", "ip-10-0-0-1", HostProvider("aws", "p5.48xlarge")),
        ({}, "Dell Inc.", "gpu-mi300x1-192gb", None),
        ({}, None, "a", None),
    ],
)
def test_what_shows_the_provider(
    tmp_path: Path,
    environ: dict[str, str],
    vendor: str | None,
    hostname: str,
    expected: HostProvider | None,
) -> None:
    if vendor is not None:
        (tmp_path / "sys_vendor").write_text(f"{vendor}\n")
    if vendor == "Amazon EC2":
        (tmp_path / "product_name").write_text("p5.48xlarge\n")
    assert provider_seen(environ, tmp_path, hostname) == expected
