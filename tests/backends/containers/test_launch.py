"""What a container is started with: the command for each kind of device, and the same request."""

import json
import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from backends.containers.devices import Devices, devices_of
from backends.containers.images import version_in
from backends.containers.launch import ContainerLaunch
from backends.domain.server import RuntimeKind
from tests.docker_host import IMAGE, DockerHost

LAUNCH = ContainerLaunch(
    engine=RuntimeKind.DOCKER,
    image="vllm/vllm-openai:v0.11.0",
    name="inferctl-chat",
    command=("serve", "org/chat", "--host", "0.0.0.0", "--port", "8000"),
    start="chat:0123456789ab",
    host="127.0.0.1",
    port=8000,
    network="bridge",
    mounts=("/root/.cache/huggingface:/root/.cache/huggingface",),
    variables=("HF_HOME", "VLLM_API_KEY"),
    devices=Devices("nvidia"),
)

GOLDEN = {
    "nvidia": (LAUNCH, "--gpus all -p 127.0.0.1:8000:8000"),
    "nvidia by CDI": (
        replace(LAUNCH, devices=Devices("nvidia", cdi=True)),
        "--device nvidia.com/gpu=all -p 127.0.0.1:8000:8000",
    ),
    "nvidia in podman": (
        replace(LAUNCH, engine=RuntimeKind.PODMAN),
        "--device nvidia.com/gpu=all -p 127.0.0.1:8000:8000",
    ),
    "amd on the host's network": (
        replace(LAUNCH, devices=Devices("amd", (44, 109)), network="host"),
        (
            "--device /dev/kfd --device /dev/dri --group-add 44 --group-add 109 "
            "--security-opt seccomp=unconfined --network=host"
        ),
    ),
    "no GPU": (replace(LAUNCH, devices=Devices()), "-p 127.0.0.1:8000:8000"),
}


@pytest.mark.parametrize(("launch", "devices"), GOLDEN.values(), ids=list(GOLDEN))
def test_the_command_is_what_a_person_would_type(launch: ContainerLaunch, devices: str) -> None:
    assert shlex.join(launch.as_command()) == (
        f"{launch.engine} run -d --name inferctl-chat --label inferctl.start=chat:0123456789ab "
        f"--init --shm-size=16g {devices} "
        "-v /root/.cache/huggingface:/root/.cache/huggingface -e HF_HOME -e VLLM_API_KEY "
        "--entrypoint vllm vllm/vllm-openai:v0.11.0 "
        "serve org/chat --host 0.0.0.0 --port 8000"
    )


@pytest.mark.parametrize(
    "devices", [Devices(), Devices("amd", (44, 109)), Devices("nvidia")], ids=str
)
@pytest.mark.parametrize("network", ["bridge", "host"])
def test_the_request_makes_the_same_container_as_the_command(
    docker: DockerHost, devices: Devices, network: str
) -> None:
    launch = replace(LAUNCH, image=IMAGE, devices=devices, variables=())
    launch = replace(launch, network="host" if network == "host" else "bridge")
    run, detached, *rest = launch.as_command()[1:]
    assert (run, detached) == ("run", "-d")
    typed = json.loads(docker.cli("inspect", docker.cli("create", *rest)))[0]
    docker.cli("rm", "inferctl-chat")
    made = docker.engine.order("/containers/create", launch.as_request(), name="inferctl-chat")
    asked = docker.engine.read(f"/containers/{made['Id']}/json")
    for key in (
        *("Binds", "Devices", "DeviceRequests", "GroupAdd", "Init", "NetworkMode"),
        *("PortBindings", "SecurityOpt", "ShmSize"),
    ):
        one, other = typed["HostConfig"][key], asked["HostConfig"][key]
        if key == "DeviceRequests" and one:
            one, other = _requests(one), _requests(other)
        assert (one or None) == (other or None), key
    for key in ("Cmd", "Entrypoint", "Labels"):
        assert typed["Config"][key] == asked["Config"][key], key


def _requests(answer: list[dict[str, object]]) -> list[tuple[object, object]]:
    return [(one["Count"], one["Capabilities"]) for one in answer]


def test_the_devices_are_those_whose_files_are_there(tmp_path: Path) -> None:
    assert devices_of(tmp_path) == Devices()
    (tmp_path / "dev/dri").mkdir(parents=True)
    (tmp_path / "dev/kfd").touch()
    (tmp_path / "dev/dri/renderD128").touch()
    group = (tmp_path / "dev/kfd").stat().st_gid
    assert devices_of(tmp_path) == Devices("amd", (group,))
    (tmp_path / "dev/nvidiactl").touch()
    assert devices_of(tmp_path) == Devices("nvidia")
    (tmp_path / "etc/cdi").mkdir(parents=True)
    (tmp_path / "etc/cdi/nvidia.yaml").touch()
    assert devices_of(tmp_path) == Devices("nvidia", cdi=True)


@pytest.mark.parametrize(
    ("image", "version"),
    [
        ("vllm/vllm-openai:v0.11.0", "0.11.0"),
        ("vllm/vllm-openai-rocm:0.23.0", "0.23.0"),
        ("rocm/vllm:rocm7.14.0_cdna_ubuntu24.04_py3.14_pytorch_2.11.0_vllm_0.23.0", "0.23.0"),
        ("nvcr.io/nvidia/vllm:26.01-py3", None),
        ("vllm/vllm-openai:latest", None),
        ("vllm/vllm-openai", None),
    ],
)
def test_the_version_is_read_from_an_images_name(image: str, version: str | None) -> None:
    assert version_in(image) == version
