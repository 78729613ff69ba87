"""What containers offer on the first screen, by a real Docker daemon."""

from backends.containers.images import version_in
from backends.discovery.containers import ContainerSource, find_container_sources
from backends.discovery.offer import Offer
from backends.domain.server import RuntimeKind
from backends.domain.session import Session
from backends.domain.stamp import Stamp
from console.tui.views.welcome import consequence, welcome_view
from tests.docker_host import IMAGE, DockerHost
from tests.polling import free_port


def test_images_and_containers_with_a_vllm_are_offered_and_those_that_serve_are_not(
    docker: DockerHost,
) -> None:
    docker.run("--network=host", command=("sleep", "1000"), name="rocm")
    docker.run("--network=host", command=("vllm", "serve", "m", "--port", str(free_port())))
    inside, image = find_container_sources()
    assert inside == ContainerSource(RuntimeKind.EXEC, "rocm", IMAGE, version_in(IMAGE))
    assert (image.runtime, image.name) == (RuntimeKind.DOCKER, IMAGE)
    assert image.size_bytes is not None


def test_each_is_an_item_that_says_what_enter_writes() -> None:
    found = ContainerSource(RuntimeKind.EXEC, "rocm", "vllm/vllm-openai:v0.11.0", "0.11.0")
    offer = Offer((), (), None, (), (), (), (found,))
    view = welcome_view(Session(Stamp(0.0, 0.0)), offer)
    (item,) = [one for one in view.items if one.kind == "container"]
    assert (item.value, item.title) == ("exec rocm", "rocm")
    assert "vLLM 0.11.0" in item.detail
    assert "asks for the model" in consequence(item)
