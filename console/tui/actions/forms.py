"""Forms over the configuration: opens them, shows what would change, writes and applies it."""

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backends.operations.host import settings_of_this_host
from backends.operations.profiles import executable_at, new_profile
from backends.problem import Problem
from backends.servers.vllm_help import arguments_of_help, arguments_of_source
from backends.settings.form import NAME, Form, forms, values_at
from backends.settings.paths import config_file
from backends.settings.presets import presets
from console.tui.actions.console import Console
from console.tui.actions.watch import WatchActions
from console.tui.screens.form import FormScreen, Values
from console.tui.screens.question import Question
from console.tui.views.form import field_view
from console.tui.views.keys import RUNNING, managed_name, state_of
from console.tui.views.welcome import with_tilde
from widgets.form_field import FieldView

if TYPE_CHECKING:
    from backends.settings.write import Changes, Draft, Keys

RELOAD = "reload"
READ_ONLY = "this console is read-only: it changes no configuration"


class FormActions:
    """Acts on the configuration of this host."""

    def __init__(self, console: Console, watch: WatchActions) -> None:
        self._console = console
        self._watch = watch

    def choose(self) -> None:
        """Ask which table is to be filled in."""
        if self._may_write():
            self._console.carry_out(self._choose(), "form")

    def open(self, form: Form) -> None:
        """Fill in a table."""
        if self._may_write():
            self._console.carry_out(self._open(form), "form")

    def reload(self) -> None:
        """Read the configuration again, which somebody has edited."""
        self._console.carry_out(self._reload(), "form")

    def keep_theme(self, name: str) -> None:
        """Write down which theme was chosen."""
        if not self._console.context.orders_nothing:
            self._console.carry_out(self._keep_theme(name), "theme")

    def _may_write(self) -> bool:
        if self._console.context.orders_nothing:
            self._console.notify(READ_ONLY, severity="warning", markup=False)
        return not self._console.context.orders_nothing

    async def _choose(self) -> None:
        console = self._console
        life = console.session.life
        watched = life.server.name if life is not None else ""
        # What is on screen comes first.
        found = sorted(forms(console.host.settings), key=lambda form: form.table[-1] != watched)
        answers = [(str(place), form.title) for place, form in enumerate(found)]
        answers.append((RELOAD, "Reload configuration"))
        answer = await console.push_screen_wait(Question("Edit config.toml", tuple(answers)))
        if answer == RELOAD:
            await self._reload()
        elif answer is not None:
            await self._open(found[int(answer)])

    async def _open(self, form: Form) -> None:
        console = self._console
        try:
            beginning = await self._beginning(form)
            if beginning is None:
                return
            values, comments = beginning
            views = await asyncio.to_thread(_views, form, values)
        except (Problem, OSError) as error:
            console.notify(str(error), title="not opened", severity="error", markup=False)
            return
        save = partial(self._save, form, comments)
        screen = FormScreen(form, views, save, lambda executable: _complete(screen, executable))
        if await console.push_screen_wait(screen):
            console.notify(
                f"written to {with_tilde(config_file())}{self._next(form)}", markup=False
            )

    async def _beginning(self, form: Form) -> "tuple[Mapping[str, Any], Sequence[str]] | None":
        """Return what the fields hold at first, and the comments of a new table; None: called off.

        A new server has the vLLM of the others and a port of its own, a new endpoint what its
        provider needs.

        Raises:
            ConfigError: the file is no TOML.
            OSError: it cannot be read.
        """
        settings, listed = self._console.host.settings, self._console.session.servers
        if not form.adds:
            return await asyncio.to_thread(values_at, form.table, config_file()), ()
        if form.table == ("server",):
            vllm = next((each.vllm for each in settings.servers), "vllm")
            ports = {each.port for each in listed if each.port}
            suggested = partial(new_profile, "", vllm, settings, names=(), ports=ports)
            return {"vllm": vllm, "port": (await asyncio.to_thread(suggested)).port}, ()
        known = await asyncio.to_thread(presets)
        answers = (("", "Any other"), *((each.name, each.title) for each in known.values()))
        name = await self._console.push_screen_wait(Question("Provider of the endpoint", answers))
        if not name:
            return None if name is None else ({}, ())
        return {NAME: name, **known[name].values}, known[name].comments

    def _next(self, form: Form) -> str:
        """Return what is left to do about the watched server, as the end of a sentence."""
        session = self._console.session
        runs = form.table[-1] == managed_name(session) and state_of(session) in RUNNING
        return f"; {form.table[-1]} keeps its old settings until restarted (r)" if runs else ""

    async def _save(self, form: Form, comments: Sequence[str], name: str, values: Values) -> bool:
        """Show what would change in the file as it is now, and write it if agreed.

        Raises:
            Problem: the result would have faults, or may not be written there.
            OSError: it cannot be written.
        """
        table = (*form.table, name) if form.adds else form.table
        changes = {(*table, key): value for key, value in values.items()}
        prepared = partial(_draft, changes, table if form.adds else (), comments)
        said = ""
        while True:
            change = await asyncio.to_thread(prepared)
            lines = "\n".join(change.difference)
            sentence = f"{said}Write this to {with_tilde(change.path)}?\n\n{lines}"
            answers = (("write", "Write it"), ("no", "Cancel"))
            if await self._console.push_screen_wait(Question(sentence, answers)) != "write":
                return False
            if await asyncio.to_thread(_written, change):
                break
            said = "The file has changed meanwhile. This is the diff against it as it is now.\n"
        self._watch.reconfigure(await asyncio.to_thread(settings_of_this_host))
        if form.adds and form.table == ("server",) and self._console.session.life is None:
            self._watch.turn_to(name)
        return True

    async def _reload(self) -> None:
        try:
            settings = await asyncio.to_thread(settings_of_this_host)
        except (Problem, OSError) as error:
            self._console.notify(str(error), title="not read", severity="error", markup=False)
            return
        self._watch.reconfigure(settings)
        self._console.notify(f"{with_tilde(config_file())} reloaded", markup=False)

    async def _keep_theme(self, name: str) -> None:
        try:
            change = await asyncio.to_thread(_draft, {("theme",): name})
            await asyncio.to_thread(_written, change)
            self._watch.reconfigure(await asyncio.to_thread(settings_of_this_host))
        except (Problem, OSError) as error:
            self._console.notify(
                f"the theme could not be saved: {error}", severity="warning", markup=False
            )


async def _complete(screen: FormScreen, executable: str) -> None:
    """Let a form complete arguments: by vLLM's source at once, by its own help once it answers."""
    path = await asyncio.to_thread(executable_at, executable)
    if path is None:
        return
    screen.know(await asyncio.to_thread(arguments_of_source, Path(path)))
    if named := await arguments_of_help(Path(path)):
        screen.know(named)


def _views(form: Form, values: Mapping[str, Any]) -> tuple[FieldView, ...]:
    """Return the fields; for a thread, because what writes TOML may load here."""
    return tuple(field_view(field, values.get(field.key)) for field in form.fields)


def _draft(changes: "Changes", adds: "Keys" = (), comments: Sequence[str] = ()) -> "Draft":
    """Return the change of the file; for a thread, because what writes TOML loads here.

    Raises:
        ConfigError: the result would have faults.
        OSError: the file cannot be read.
    """
    from backends.settings.write import draft  # noqa: PLC0415  0.6 MB, for a change alone

    return draft(changes, adds=adds, comments=comments)


def _written(change: "Draft") -> bool:
    """Write a change, and return whether nobody else was quicker; for a thread.

    Raises:
        Problem: root would write into the folder of another user.
        OSError: it cannot be written.
    """
    from backends.settings.write import ChangedMeanwhile, write_draft  # noqa: PLC0415  as above

    try:
        write_draft(change)
    except ChangedMeanwhile:
        return False
    return True
