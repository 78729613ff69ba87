"""The welcome's view: what was found on disk, and what the sources tell of servers and GPUs."""

from pathlib import Path

from backends.discovery.containers import ContainerSource
from backends.discovery.executables import Executable
from backends.discovery.models import Model
from backends.discovery.offer import Offer
from backends.domain import format as fmt
from backends.domain.gpu import Gpu, GpuSample
from backends.domain.server import Owner, RuntimeKind, Server
from backends.domain.session import Session
from backends.settings.paths import config_file
from widgets.welcome import ItemKind, WelcomeItem, WelcomeView

KINDS: dict[str, ItemKind] = {"executables": "vllm", "models": "model", "gpus": "gpu"}

EXTERNAL = "external"

NO_SERVER = "no vLLM runs on this host"

DEMO = WelcomeItem("demo", "demo", "the demo", "the full console, SIMULATED")

DAY_S = 86_400


def welcome_view(session: Session, offer: Offer | None) -> WelcomeView:
    """Return what can be chosen; it grows while the search and the sources answer.

    `offer` holds executables and models; it is None while they are looked for.
    """
    servers = tuple(each for each in session.servers if each.pid is not None)
    gpus = _gpus(session)
    return WelcomeView(
        items=(
            *(_server(each, session.now.wall_s) for each in servers),
            *(_model(each, session.now.wall_s) for each in (offer.models if offer else ())),
            *(_executable(each) for each in (offer.executables if offer else ())),
            *(_container(each) for each in (offer.containers if offer else ())),
            *(_gpu(each) for each in (gpus.gpus if gpus else ())),
            DEMO,
        ),
        nothing=(
            *((("server", NO_SERVER),) if session.servers_seen and not servers else ()),
            *((KINDS[what], reason) for what, reason in (offer.reasons if offer else ())),
            *((("gpu", gpus.reason or "no GPU was found"),) if gpus and not gpus.gpus else ()),
        ),
        looking=offer is None or gpus is None or not session.servers_seen,
    )


def _gpus(session: Session) -> GpuSample | None:
    reason = session.failed_sources.get("gpus")
    return GpuSample((), reason) if session.gpus is None and reason else session.gpus


def _server(server: Server, now_s: float) -> WelcomeItem:
    whose = "managed" if server.owner is Owner.MANAGED else EXTERNAL
    place = f", {server.note}" if server.owner is Owner.EXTERNAL and server.note else ""
    runtime = f"{server.runtime.label}, " if server.owner is Owner.EXTERNAL else ""
    unasked = "no address" if server.port is None else f"port {server.port}"
    where = (server.base_url or unasked).removeprefix("http://").removesuffix("/v1")
    up = f", up {fmt.clock(now_s - server.started_at)}" if server.started_at else ""
    return WelcomeItem(
        "server",
        str(server.pid),
        server.model or server.name,
        f"{server.state}, {runtime}{where}, {whose}{up}, pid {server.pid}{place}",
    )


def _model(model: Model, now_s: float) -> WelcomeItem:
    size = f"{fmt.gib(model.size_bytes)} GiB"
    if model.state == "partial":
        return WelcomeItem("model", model.name, model.name, f"{size} so far, {model.reason}")
    used = f", {_ago(now_s - model.last_used_wall_s)}" if model.last_used_wall_s else ""
    return WelcomeItem("model", model.name, model.name, f"{size}{used}")


def _ago(age_s: float) -> str:
    days = int(age_s // DAY_S)
    if days < 1:
        return "used today"
    return "used yesterday" if days == 1 else f"used {days} days ago"


def _executable(executable: Executable) -> WelcomeItem:
    version = f"vLLM {executable.version}" if executable.version else "version not known"
    detail = f"{version}, on PATH" if executable.on_path else version
    path = str(executable.path)
    return WelcomeItem("vllm", path, path, detail)


def _container(found: ContainerSource) -> WelcomeItem:
    version = f"vLLM {found.version}" if found.version else "version not known"
    inside = found.runtime is RuntimeKind.EXEC
    what = f"runs, of image {found.image}" if inside else f"image of {found.runtime}"
    size = "" if found.size_bytes is None else f", {fmt.gib(found.size_bytes)} GiB"
    value = f"{found.runtime} {found.name}"
    return WelcomeItem("container", value, found.name, f"{version}, {what}{size}")


def _gpu(gpu: Gpu) -> WelcomeItem:
    memory = gpu.memory
    used = f"{fmt.gib(memory.used_bytes)} of " if memory.used_bytes is not None else ""
    return WelcomeItem(
        "gpu",
        str(gpu.index),
        f"{gpu.index}  {gpu.name}",
        f"{used}{fmt.gib(memory.total_bytes)} GiB",
    )


def consequence(item: WelcomeItem) -> str:
    """Return what choosing an item leads to."""
    file = with_tilde(config_file())
    match item.kind:
        case "server":
            if EXTERNAL in item.detail:
                return "Enter watches it. inferctl did not start it, and will not stop it."
            return "Enter shows it."
        case "model":
            return f"Enter writes {file} with this model. Nothing starts yet."
        case "vllm" | "container":
            return f"Enter asks for the model to serve with it, and writes {file}."
        case "demo":
            return "Enter opens the console over simulated processes; data is discarded on exit."
        case "gpu":
            return ""


def with_tilde(path: Path) -> str:
    """Return a path as a person writes it, with ``~``."""
    home = Path.home()
    return f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path)
