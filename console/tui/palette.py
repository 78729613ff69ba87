"""The command palette: every server to watch, and every key's action, by name."""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from textual.app import SystemCommand
from textual.command import CommandList, CommandPalette
from textual.screen import Screen

from backends.domain.server import Owner
from backends.operations.ab import ab_targets
from backends.operations.watched import watchable, watched_of
from backends.settings.form import forms
from console.tui.actions.console import Console

if TYPE_CHECKING:
    from console.tui.actions.actions import Actions


class Palette(CommandPalette):
    """Textual's palette, whose list is moved in only once it stands.

    Textual 8.2.8 ends the program where a page is turned in a list that has no room yet.
    """

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Refuse to move in a list of which nothing is on screen."""
        if action == "command_list" and not self.query_one(CommandList).scrollable_content_region:
            return False
        return super().check_action(action, parameters)


def commands(console: Console, actions: "Actions", screen: Screen[Any]) -> Iterator[SystemCommand]:
    """Yield what can be done on a screen now."""
    host, session = console.host, console.session
    for server in watchable(host, session):
        whose = "" if server.owner is Owner.MANAGED else ", external"
        port = f", port {server.port}" if server.port else ""
        yield SystemCommand(
            f"Watch {server.name}",
            f"{server.state}{port}, {server.model or 'model not known'}{whose}",
            partial(actions.watch.turn_to, watched_of(server)),
        )
    may_order = not console.context.orders_nothing
    for reference in ab_targets(session, host.settings) if may_order else ():
        yield SystemCommand(
            f"Load {reference}",
            "Raise the rate until a latency limit breaks: the measured capacity",
            partial(actions.load.load, reference),
        )
    if console.context.beside is not None:
        yield SystemCommand(
            "Put the recorded A/B away",
            "Show the live targets alone",
            partial(actions.show.compare_with, None),
        )
    for form in forms(host.settings) if may_order else ():
        yield SystemCommand(
            form.title,
            f"A form over [{'.'.join(form.table)}] of config.toml",
            partial(actions.forms.open, form),
        )
    yield SystemCommand(
        "Reload configuration",
        "Read config.toml again, which an editor has changed",
        actions.forms.reload,
    )
    if not host.simulated and may_order:
        yield SystemCommand(
            "Welcome",
            "What this host offers: servers, models, vLLM executables, GPUs",
            partial(actions.show.show, "welcome"),
        )
    for active in screen.active_bindings.values():
        binding = active.binding
        if binding.id and binding.description and active.enabled:
            yield SystemCommand(
                binding.description,
                binding.tooltip or f"The key {binding.key_display or binding.key}",
                partial(screen.app.run_action, binding.action, active.node),
            )
