"""A real podman service with the image of `docker_host`, for the tests that need one.

It keeps to folders of its own and runs containers by runc: crun refuses where the limits of a
process are fixed. The service and what it ran end with the tests, by pid.
"""

import os
import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from backends.containers.engine import Engine, EngineUnavailable
from backends.domain.server import RuntimeKind
from tests.docker_host import MOUNTS, image_layer

IMAGE = "localhost/simulated-vllm:0.32.0"
UP_S = 20.0
TRIED_S = 60.0
NOBODY = 65534
"""The user of the rootless service."""

_CONTAINERS = """
[containers]
default_ulimits = []
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
"""


@dataclass
class PodmanHost:
    """The service, and the client with the same folders."""

    engine: Engine
    environment: dict[str, str] = field(repr=False)
    as_user: tuple[str, ...] = ()

    def cli(self, *arguments: str, data: bytes | None = None) -> str:
        """Return what the podman client prints."""
        done = subprocess.run(
            (*self.as_user, "podman", *arguments),
            check=True,
            capture_output=True,
            input=data,
            env=self.environment,
            cwd="/",
            timeout=TRIED_S,
        )
        return done.stdout.decode().strip()

    def run(self, *options: str, command: tuple[str, ...]) -> str:
        """Start a container of the image as somebody else would; return its name."""
        name = f"theirs-{uuid.uuid4().hex[:6]}"
        mounts = (part for each in MOUNTS for part in ("-v", f"{each}:{each}:ro"))
        self.cli("run", "-d", "--name", name, *mounts, *options, IMAGE, *command)
        return name

    def remove_all(self) -> None:
        """Remove what the test started."""
        self.cli("rm", "-f", "-a", "-t", "1")


def _made(folder: Path, *, rootless: bool) -> PodmanHost:
    (folder / "containers.conf").write_text(_CONTAINERS)
    storage = f'[storage]\ndriver = "vfs"\ngraphroot = "{folder}/graph"\nrunroot = "{folder}/run"\n'
    # One user is all that is mapped without /etc/subuid.
    storage += '[storage.options.vfs]\nignore_chown_errors = "true"\n' if rootless else ""
    (folder / "storage.conf").write_text(storage)
    places = {
        "CONTAINERS_CONF": f"{folder}/containers.conf",
        "CONTAINERS_STORAGE_CONF": f"{folder}/storage.conf",
    }
    engine = Engine(RuntimeKind.PODMAN, f"{folder}/podman.sock")
    if not rootless:
        return PodmanHost(engine, {**os.environ, **places})
    homes = dict.fromkeys(("HOME", "XDG_RUNTIME_DIR", "TMPDIR"), str(folder))
    for place in (folder, *folder.iterdir()):
        os.chown(place, NOBODY, NOBODY)
    user = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
    return PodmanHost(engine, {**os.environ, **places, **homes}, user)


@pytest.fixture(scope="session")
def podman_service() -> Iterator[PodmanHost]:
    """A service of these tests; skips, with the reason, where podman does not run."""
    yield from _service(rootless=False)


@pytest.fixture(scope="session")
def rootless_service() -> Iterator[PodmanHost]:
    """The same of a user who is not root; skips, with the reason, where that does not run."""
    yield from _service(rootless=True)


def _service(*, rootless: bool) -> Iterator[PodmanHost]:
    if os.getuid() != 0 or not shutil.which("podman") or not shutil.which("runc"):
        pytest.skip("podman needs root, podman and runc (Debian: apt-get install podman runc)")
    folder = Path(tempfile.mkdtemp(prefix="podman-", dir="/tmp"))
    host = _made(folder, rootless=rootless)
    order = ("podman", "system", "service", "-t", "0", f"unix://{host.engine.socket}")
    with (folder / "log").open("wb") as log:
        service = subprocess.Popen(
            (*host.as_user, *order),
            stdout=log,
            stderr=log,
            cwd=folder,
            env=host.environment,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + UP_S
        while not _answers(host.engine):
            if time.monotonic() > deadline or service.poll() is not None:
                pytest.skip(f"podman does not start here: {(folder / 'log').read_text()[-300:]}")
            time.sleep(0.1)
        path = f"ENV PATH=/opt/bin:{os.environ['PATH']}"
        try:
            host.cli("import", "--change", path, "-", IMAGE, data=image_layer())
            host.cli("run", "--rm", "--network=host", "-v", "/usr:/usr:ro", IMAGE, "true")
        except subprocess.CalledProcessError as error:
            pytest.skip(f"podman runs no container here: {error.stderr.decode()[-300:]}")
        yield host
        host.remove_all()
    finally:
        service.terminate()
        service.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _answers(engine: Engine) -> bool:
    try:
        engine.read("/info")
    except EngineUnavailable:
        return False
    return True


@pytest.fixture
def podman(podman_service: PodmanHost, monkeypatch: pytest.MonkeyPatch) -> Iterator[PodmanHost]:
    """The service, as the one that this host's verbs ask; what a test started in it is removed."""
    monkeypatch.setenv("CONTAINER_HOST", f"unix://{podman_service.engine.socket}")
    yield podman_service
    podman_service.remove_all()


@pytest.fixture
def rootless(rootless_service: PodmanHost, monkeypatch: pytest.MonkeyPatch) -> Iterator[PodmanHost]:
    """The same of a user who is not root."""
    monkeypatch.setenv("CONTAINER_HOST", f"unix://{rootless_service.engine.socket}")
    yield rootless_service
    rootless_service.remove_all()
