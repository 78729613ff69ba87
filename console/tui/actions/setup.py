"""From what the welcome offers to a server on the main screen: asks, writes a profile, turns."""

import asyncio
from dataclasses import replace
from pathlib import Path

from backends.discovery.offer import Offer
from backends.domain.server import RuntimeKind
from backends.operations.host import settings_of_this_host
from backends.operations.profiles import executable_at, model_at, new_profile
from backends.operations.watched import watched_of
from backends.problem import Problem
from backends.settings.config import Profile
from console.tui.actions.console import Console
from console.tui.actions.watch import WatchActions
from console.tui.screens.question import Question, TextQuestion
from console.tui.screens.welcome import Choice
from console.tui.views.welcome import with_tilde

DEMO = "demo"
"""What the app is left with where the demo was chosen."""

WRITTEN_S = 20.0
"""How long it stays on screen where the configuration is: long enough to be copied."""


class SetupActions:
    """Acts on what is chosen on the welcome."""

    def __init__(self, console: Console, watch: WatchActions) -> None:
        self._console = console
        self._watch = watch

    def choose(self, kind: Choice, value: str, offer: Offer | None) -> None:
        """Watch a server, write a profile and show it, or leave for the demo.

        `offer` is what was found on this host, None while it is looked for.
        """
        if self._console.context.read_only and kind not in {"demo", "server"}:
            self._refuse("this console is read-only: it writes no profile")
            return
        match kind:
            case "demo":
                self._console.exit(DEMO)
            case "server":
                self._watch_server(int(value))
            case "model":
                self._console.carry_out(self._serve_model(value, offer), "choose")
            case "vllm":
                self._console.carry_out(self._serve_with(value, offer), "choose")
            case "container":
                self._console.carry_out(self._serve_in(value, offer), "choose")
            case "name":
                self._console.carry_out(self._serve_named(offer), "choose")
            case "gpu":
                pass  # shown, and never chosen

    def _watch_server(self, pid: int) -> None:
        console = self._console
        server = next((each for each in console.session.servers if each.pid == pid), None)
        if server is None:
            console.notify("this server has ended meanwhile", severity="warning", markup=False)
        else:
            self._watch.turn_to(watched_of(server))

    async def _serve_named(self, offer: Offer | None) -> None:
        """Ask for a model, which need not be on this host yet, and go on as if it were chosen."""
        model = await self._ask_model(offer)
        if model is not None:
            await self._serve_model(model, offer)

    async def _serve_with(self, executable: str, offer: Offer | None) -> None:
        model = await self._ask_model(offer)
        if model is not None:
            await self._serve(model, executable)

    async def _serve_in(self, source: str, offer: Offer | None) -> None:
        """Ask for a model, and write the profile of a container: ``RUNTIME NAME``."""
        model = await self._ask_model(offer)
        if model is None:
            return
        kind, _, name = source.partition(" ")
        runtime = RuntimeKind(kind)
        inside = runtime is RuntimeKind.EXEC
        where = {"container": name} if inside else {"image": name}
        await self._serve(model, "vllm", runtime=runtime, **where)

    async def _serve_model(self, model: str, offer: Offer | None) -> None:
        executable = await self._ask_executable(offer)
        if executable is not None:
            await self._serve(model, executable)

    async def _ask_executable(self, offer: Offer | None) -> str | None:
        executables = offer.executables if offer else ()
        if len(executables) == 1:
            return str(executables[0].path)
        if executables:
            answers = tuple(
                (str(each.path), f"{each.path}  {each.version or 'version not known'}")
                for each in executables
            )
            question = Question("vLLM executable", answers)
            return await self._console.push_screen_wait(question)
        sentence = "vLLM not found; path to the executable"
        hint = "path of the vllm executable"
        typed = await self._console.push_screen_wait(TextQuestion(sentence, (), hint))
        path = typed and await asyncio.to_thread(executable_at, typed)
        if typed and not path:
            self._refuse(f"{typed} is not an executable")
        return path or None

    async def _ask_model(self, offer: Offer | None) -> str | None:
        choices = tuple((each.name, each.name) for each in (offer.models if offer else ()))
        hint = "a Hugging Face name such as org/model, or a folder"
        question = TextQuestion("Model to serve", choices, hint)
        typed = await self._console.push_screen_wait(question)
        model = typed and await asyncio.to_thread(model_at, typed)
        if typed and not model:
            self._refuse(f"{typed} is not a folder")
        return model or None

    def _refuse(self, sentence: str) -> None:
        self._console.notify(sentence, severity="error", markup=False)

    async def _serve(
        self,
        model: str,
        executable: str,
        *,
        runtime: RuntimeKind = RuntimeKind.PROCESS,
        image: str = "",
        container: str = "",
    ) -> None:
        """Write a profile, unless there is one of this model and place, and show it."""
        console, settings = self._console, self._console.host.settings
        wanted = (model, executable, image, container)
        same = [
            each
            for each in settings.servers
            if (each.model, each.vllm, each.image, each.container) == wanted
        ]
        if same:
            self._watch.turn_to(same[0].name)
            return
        listed = console.session.servers
        try:
            profile = await asyncio.to_thread(
                new_profile,
                model,
                executable,
                settings,
                names={each.name for each in listed},
                ports={each.port for each in listed if each.port},
            )
            profile = replace(profile, runtime=runtime, image=image, container=container)
            path = await asyncio.to_thread(_write, profile)
            self._watch.reconfigure(await asyncio.to_thread(settings_of_this_host))
        except (Problem, OSError) as error:
            console.notify(str(error), title="not written", severity="error", markup=False)
            return
        self._watch.turn_to(profile.name)
        console.notify(
            f"{profile.name} is written to {with_tilde(path)}; s starts it on port {profile.port}",
            timeout=WRITTEN_S,
            markup=False,
        )


def _write(profile: Profile) -> Path:
    """Add a profile to the configuration; for a thread, because what writes TOML loads here.

    Raises:
        Problem: the configuration cannot be changed.
        OSError: it cannot be written.
    """
    from backends.settings.write import add_profile  # noqa: PLC0415  0.6 MB, for a welcome alone

    return add_profile(profile)
