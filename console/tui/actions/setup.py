"""From what the welcome offers to a server on the main screen: asks, writes a profile, turns."""

import asyncio
import re
import shutil
from collections.abc import Collection, Iterator
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from backends.operations.host import settings_of_this_host
from backends.problem import Problem
from backends.settings.config import LOOPBACK, Profile, Settings
from backends.settings.paths import config_file
from console.tui.actions import watch
from console.tui.screens.question import Question, TextQuestion
from widgets.welcome import ItemKind, WelcomeItem

if TYPE_CHECKING:
    from backends.discovery.offer import Offer
    from console.tui.app import InferctlApp

DEMO = "demo"
"""What the app is left with where the demo was chosen."""

FIRST_PORT = 8000
"""What vLLM listens on without ``--port``, and the first that is tried for a new profile."""

LONGEST_NAME = 48

WRITTEN_S = 20.0
"""How long it stays on screen where the configuration lies: long enough to be copied."""


def consequence(item: WelcomeItem) -> str:
    """Return what choosing an item leads to."""
    match item.kind:
        case "server":
            if "not run by inferctl" in item.detail:
                return "Enter watches it. inferctl did not start it, and will not stop it."
            return "Enter shows it."
        case "model":
            return f"Enter writes {_shown(config_file())} with this model. Nothing starts yet."
        case "vllm":
            return f"Enter asks for the model to serve with it, and writes {_shown(config_file())}."
        case "demo":
            return "Enter opens the console over simulated processes; nothing of it is kept."
        case "gpu":
            return ""


async def choose(app: "InferctlApp", kind: ItemKind, value: str, found: "Offer | None") -> None:
    """Act on a choice: watch a server, write a profile and show it, or leave for the demo."""
    match kind:
        case "demo":
            app.exit(DEMO)
        case "server":
            _watch(app, int(value))
        case "model":
            await _serve_with_some(app, value, found)
        case "vllm":
            model = await _ask_model(app, found)
            if model is not None:
                await _serve(app, model, value)
        case "gpu":
            pass  # shown, and never chosen


async def name_model(app: "InferctlApp", found: "Offer | None") -> None:
    """Ask for a model, which need not be on this host yet, and go on as if it were chosen."""
    model = await _ask_model(app, found)
    if model is not None:
        await _serve_with_some(app, model, found)


async def _serve_with_some(app: "InferctlApp", model: str, found: "Offer | None") -> None:
    executable = await _ask_executable(app, found)
    if executable is not None:
        await _serve(app, model, executable)


def _watch(app: "InferctlApp", pid: int) -> None:
    server = next((each for each in app.session.servers if each.pid == pid), None)
    if server is None:
        app.notify("this server has ended meanwhile", severity="warning", markup=False)
    else:
        watch.turn_to(app, watch.target_of(server))


async def _ask_executable(app: "InferctlApp", found: "Offer | None") -> str | None:
    executables = found.executables if found else ()
    if len(executables) == 1:
        return str(executables[0].path)
    if executables:
        answers = tuple(
            (str(each.path), f"{each.path}  {each.version or 'version not known'}")
            for each in executables
        )
        return await app.push_screen_wait(Question("Which vLLM shall serve it?", answers))
    sentence = "No vLLM was found on this host. Where is it?"
    typed = await app.push_screen_wait(TextQuestion(sentence, (), "path of the vllm executable"))
    path = typed and await asyncio.to_thread(executable_at, typed)
    if typed and not path:
        app.notify(f"{typed} is no executable", severity="error", markup=False)
    return path or None


async def _ask_model(app: "InferctlApp", found: "Offer | None") -> str | None:
    choices = tuple((each.name, each.name) for each in (found.models if found else ()))
    hint = "a Hugging Face name such as org/model, or a folder"
    typed = await app.push_screen_wait(TextQuestion("Which model shall it serve?", choices, hint))
    model = typed and await asyncio.to_thread(model_at, typed)
    if typed and not model:
        app.notify(f"{typed} is no folder", severity="error", markup=False)
    return model or None


def executable_at(typed: str) -> str | None:
    """Return the path of an executable that the user named, None if it is none."""
    return shutil.which(str(Path(typed).expanduser()))


def model_at(typed: str) -> str | None:
    """Return what ``vllm serve`` takes: a name as it is, a folder's whole path, None if missing."""
    if not typed.startswith(("/", "~", ".")):
        return typed
    folder = Path(typed).expanduser().absolute()
    return str(folder) if folder.is_dir() else None


async def _serve(app: "InferctlApp", model: str, executable: str) -> None:
    """Write a profile, unless there is one of this model and executable, and show it."""
    # Its TOML library would delay the first frame.
    from backends.settings.write import add_profile

    settings = app.host.settings
    same = [each for each in settings.servers if (each.model, each.vllm) == (model, executable)]
    if same:
        watch.turn_to(app, same[0].name)
        return
    listed = app.session.servers
    try:
        profile = await asyncio.to_thread(
            new_profile,
            model,
            executable,
            settings,
            names={each.name for each in listed},
            ports={each.port for each in listed if each.port},
        )
        path = await asyncio.to_thread(add_profile, profile)
        watch.reconfigure(app, await asyncio.to_thread(settings_of_this_host))
    except (Problem, OSError) as error:
        app.notify(str(error), title="not written", severity="error", markup=False)
        return
    watch.turn_to(app, profile.name)
    app.notify(
        f"{profile.name} is written to {_shown(path)}; s starts it on port {profile.port}",
        timeout=WRITTEN_S,
        markup=False,
    )


def new_profile(
    model: str, executable: str, settings: Settings, names: Collection[str], ports: Collection[int]
) -> Profile:
    """Return a profile with a name of its own, on a port that nobody has.

    `names` are those of servers known beside those configured, `ports` those of servers that
    run, or that will listen once they are ready.
    """
    taken = {*names, *(each.name for each in settings.servers)}
    taken |= {each.name for each in settings.endpoints}
    used = {each.port for each in settings.servers} | set(ports)
    return Profile(
        name=next(name for name in _names(model) if name not in taken),
        model=model,
        vllm=executable,
        port=next(port for port in count(FIRST_PORT) if port not in used and _is_free(port)),
    )


def _names(model: str) -> Iterator[str]:
    """Yield names for a server of this model: its own, then its own with a number."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", Path(model).name)[:LONGEST_NAME]
    stem = plain.strip("._-") or "server"
    yield stem
    yield from (f"{stem}-{number}" for number in count(2))


def _is_free(port: int) -> bool:
    from backends.host.ports import is_free

    return is_free(LOOPBACK, port)


def _shown(path: Path) -> str:
    """Return a path as a person writes it, with ``~``."""
    home = Path.home()
    return f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path)
