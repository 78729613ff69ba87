"""An image that has to be fetched first: a phase of the start, with its bytes."""

import gzip
import hashlib
import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from backends.domain.facts import ContainerStarted, DownloadSeen, ServerFact
from backends.domain.lifecycle import life_after, not_started
from backends.domain.server import RuntimeKind
from backends.domain.start import PhaseName
from backends.domain.startup.fold import as_start
from backends.host import processes
from backends.keeper.clock import now
from backends.keeper.folder import ServerFolder, keeper_id, read_journal, server_folder
from backends.operations import servers
from tests.console.stage import host_in
from tests.docker_host import DockerHost, contained_profile, image_layer
from tests.polling import until

MIB = 1 << 20
LAYER = os.urandom(6 * MIB)
PIECE, PIECE_S = MIB // 4, 0.15


class Registry(BaseHTTPRequestHandler):
    """A registry of one image, as the distribution specification has it; blobs come slowly."""

    protocol_version = "HTTP/1.1"
    blobs: dict[str, bytes] = {}  # noqa: RUF012
    manifest = b""

    def do_GET(self) -> None:
        if "/manifests/" in self.path:
            self._send(self.manifest, "application/vnd.docker.distribution.manifest.v2+json")
        elif "/blobs/" in self.path:
            self._send(self.blobs[self.path.rpartition("/")[2]], "application/octet-stream")
        else:
            self._send(b"{}", "application/json")

    do_HEAD = do_GET  # noqa: N815

    def _send(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Docker-Content-Digest", digest(body))
        self.end_headers()
        for at in range(0, 0 if self.command == "HEAD" else len(body), PIECE):
            self.wfile.write(body[at : at + PIECE])
            if len(body) > MIB:
                time.sleep(PIECE_S)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


def digest(body: bytes) -> str:
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


@pytest.fixture
def registry() -> Iterator[str]:
    """Serve the image of these tests with six MiB more in it; give its name."""
    tar = image_layer({"opt/weights": LAYER})
    layer = gzip.compress(tar, 1)
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Env": [f"PATH=/opt/bin:{os.environ['PATH']}"]},
            "rootfs": {"type": "layers", "diff_ids": [digest(tar)]},
        }
    ).encode()
    kind = "application/vnd.docker"
    Registry.blobs = {digest(one): one for one in (layer, config)}
    Registry.manifest = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": f"{kind}.distribution.manifest.v2+json",
            "config": {
                "mediaType": f"{kind}.container.image.v1+json",
                "size": len(config),
                "digest": digest(config),
            },
            "layers": [
                {
                    "mediaType": f"{kind}.image.rootfs.diff.tar.gzip",
                    "size": len(layer),
                    "digest": digest(layer),
                }
            ],
        }
    ).encode()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Registry)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}/made/vllm:0.32.0"
    server.shutdown()
    server.server_close()


def has_started(facts: list[ServerFact]) -> bool:
    return any(isinstance(one, ContainerStarted) for one in facts)


def test_fetching_an_image_is_a_phase_with_its_bytes(
    docker: DockerHost, registry: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    host = host_in(tmp_path)
    servers.start(host, contained_profile(RuntimeKind.DOCKER, registry))
    folder = ServerFolder(server_folder(host.state_folder, "ours"))
    try:
        until(lambda: has_started(read_journal(folder.journal)))
        facts = read_journal(folder.journal)
    finally:
        keeper = keeper_id(folder)
        assert keeper is not None
        processes.send(keeper, signal.SIGKILL, lambda _: True)
    seen = [one for one in facts if isinstance(one, DownloadSeen)]
    under_way = [one.fetched_bytes for one in seen if not one.over]
    assert under_way == sorted(under_way)
    assert under_way[-1] > MIB
    assert seen[-1].over
    life = not_started("")
    for fact in facts:
        life = life_after(life, fact)
    assert life.start is not None
    phases = {one.name: one for one in as_start(life.start, now()).phases}
    assert (phases[PhaseName.DOWNLOAD].duration_s or 0.0) > 1.0
    docker.cli("rmi", "-f", registry)
