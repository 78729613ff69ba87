"""A real Docker daemon with an image of this host's own files, for the tests that need one.

The image holds folders, links and a ``vllm`` that runs the simulated one; everything else of it is
mounted from this host, so that nothing is fetched. The daemon, its socket and its folders belong
to the tests and end with them, by pid.
"""

import io
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from backends.containers.engine import Engine, EngineUnavailable
from backends.domain.server import RuntimeKind
from backends.settings.config import Profile
from tests.polling import free_port

ROOT = Path(__file__).resolve().parents[1]
IMAGE = "simulated-vllm:0.32.0"
UP_S = 20.0
BRIDGE = f"infer{os.getpid()}"[:15]
MOUNTS = tuple(dict.fromkeys(("/usr", sys.base_prefix, sys.prefix, str(ROOT))))


def contained_profile(runtime: RuntimeKind, image: str) -> Profile:
    """A profile of the simulated vLLM in a container of this host's own files, on its network."""
    return Profile(
        "ours",
        "org/ours",
        port=free_port(),
        environment=(("INFERCTL_SIMULATED_SPEED", "40"),),
        runtime=runtime,
        image=image,
        mounts=tuple(f"{each}:{each}:ro" for each in MOUNTS),
        network="host",
    )


@dataclass
class DockerHost:
    """The daemon, and the containers that a test started in it."""

    engine: Engine
    bridge: bool
    daemon: "subprocess.Popen[bytes]"

    def restart(self, number: signal.Signals, *, live_restore: bool) -> None:
        """End the daemon by a signal, and start it again over the same folders."""
        self.daemon.send_signal(number)
        self.daemon.wait(30)
        folder = Path(self.engine.socket).parent
        # One that was killed leaves both behind, and takes a process that nobody reaped for alive.
        for left in ("pid", "exec/containerd/containerd.pid"):
            (folder / left).unlink(missing_ok=True)
        flags = ("--live-restore",) if live_restore else ()
        again = _start(folder, bridge=self.bridge, flags=flags)
        assert again is not None, (folder / "log").read_text()[-2000:]
        self.daemon = again

    def cli(self, *arguments: str) -> str:
        """Return what the docker client prints."""
        asked = ("docker", "-H", f"unix://{self.engine.socket}", *arguments)
        return subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()

    def run(self, *options: str, command: tuple[str, ...], name: str = "") -> str:
        """Start a container of the image as somebody else would; return its name."""
        name = name or f"theirs-{uuid.uuid4().hex[:6]}"
        mounts = (part for each in MOUNTS for part in ("-v", f"{each}:{each}:ro"))
        self.cli("run", "-d", "--name", name, *mounts, *options, IMAGE, *command)
        return name

    def remove_all(self) -> None:
        """Remove what the test started."""
        for name in self.cli("ps", "-aq").split():
            self.cli("rm", "-f", name)


def image_layer(more: Mapping[str, bytes] | None = None) -> bytes:
    """Return the files of the image, and some more by their paths, as a tar archive."""
    script = (
        f"#!{sys.executable}\nimport sys\n\nsys.path.insert(0, {str(ROOT)!r})\n"
        "from backends.simulated.vllm import main\n\nmain()\n"
    )
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        for name in ("usr", "etc", "tmp", "root", "sbin", "opt", "opt/bin"):
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if name == "tmp" else 0o755
            tar.addfile(entry)
        for name in ("bin", "lib", "lib64"):  # an engine puts its init into sbin
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = tarfile.SYMTYPE, f"usr/{name}"
            tar.addfile(entry)
        for name, content in {"opt/bin/vllm": script.encode(), **(more or {})}.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o755
            tar.addfile(entry, io.BytesIO(content))
    return data.getvalue()


def _start(
    folder: Path, *, bridge: bool, flags: tuple[str, ...] = ()
) -> "subprocess.Popen[bytes] | None":
    closed = ("--iptables=false", "--ip6tables=false", "--bridge=none")
    apart = (f"--bridge={BRIDGE}",) if bridge else closed
    places = (
        *("-H", f"unix://{folder}/docker.sock", "--data-root", f"{folder}/data"),
        *("--exec-root", f"{folder}/exec", "--pidfile", f"{folder}/pid"),
    )
    with (folder / "log").open("ab") as log:
        daemon = subprocess.Popen(
            ("dockerd", "--storage-driver=vfs", *places, *apart, *flags),
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    engine = Engine(RuntimeKind.DOCKER, f"{folder}/docker.sock")
    deadline = time.monotonic() + UP_S
    while time.monotonic() < deadline and daemon.poll() is None:
        try:
            engine.read("/info")
        except EngineUnavailable:
            time.sleep(0.1)
        else:
            return daemon
    _end(daemon)
    return None


def _made_bridge() -> bool:
    """Make a bridge of this process's own: daemons beside each other would share ``docker0``."""
    if not (shutil.which("iptables") and shutil.which("ip")):
        return False
    address = f"172.{16 + os.getpid() % 14}.{os.getpid() // 14 % 250}.1/24"
    for words in (
        ("link", "add", "name", BRIDGE, "type", "bridge"),
        ("addr", "add", address, "dev", BRIDGE),
        ("link", "set", BRIDGE, "up"),
    ):
        if subprocess.run(("ip", *words), check=False, capture_output=True).returncode:
            return False
    return True


def _end(daemon: "subprocess.Popen[bytes]") -> None:
    daemon.send_signal(signal.SIGTERM)
    try:
        daemon.wait(20)
    except subprocess.TimeoutExpired:
        daemon.kill()
        daemon.wait()


class NotHere(Exception):
    """No daemon runs on this host; the message says why."""


@contextmanager
def running_daemon() -> Iterator[DockerHost]:
    """Run a daemon, with a bridge where this host lets it have one.

    Raises:
        NotHere: it does not run here.
    """
    if os.getuid() != 0 or not shutil.which("dockerd") or not shutil.which("docker"):
        raise NotHere("a Docker daemon needs root and dockerd (Debian: apt-get install docker.io)")
    folder = Path(tempfile.mkdtemp(prefix="dockerd-", dir="/tmp"))
    bridge = _made_bridge()
    daemon = _start(folder, bridge=True) if bridge else None
    if daemon is None:
        bridge, daemon = False, _start(folder, bridge=False)
    if daemon is None:
        last = (folder / "log").read_text(errors="replace").splitlines()[-1:]
        raise NotHere(f"dockerd does not start here: {''.join(last)}")
    engine = Engine(RuntimeKind.DOCKER, f"{folder}/docker.sock")
    host = DockerHost(engine, bridge, daemon)
    try:
        path = f"ENV PATH=/opt/bin:{os.environ['PATH']}"
        asked = ("docker", "-H", f"unix://{engine.socket}", "import", "--change", path, "-", IMAGE)
        subprocess.run(asked, input=image_layer(), check=True, capture_output=True)
        yield host
        host.remove_all()
    finally:
        _end(host.daemon)
        if bridge:
            subprocess.run(("ip", "link", "del", BRIDGE), check=False, capture_output=True)
        # A daemon that was killed leaves these, and a folder that is mounted cannot be removed.
        for line in Path("/proc/self/mounts").read_text().splitlines():
            if (place := line.split()[1]).startswith(f"{folder}/"):
                subprocess.run(("umount", "-l", place), check=False, capture_output=True)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def docker_daemon() -> Iterator[DockerHost]:
    """A daemon of these tests."""
    try:
        with running_daemon() as daemon:
            yield daemon
    except NotHere as reason:
        pytest.skip(str(reason))


@pytest.fixture
def docker(docker_daemon: DockerHost, monkeypatch: pytest.MonkeyPatch) -> Iterator[DockerHost]:
    """The daemon, as the one that this host's verbs ask; what a test started in it is removed."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{docker_daemon.engine.socket}")
    yield docker_daemon
    docker_daemon.remove_all()
