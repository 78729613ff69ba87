"""The key that applies what a failure's remedy says, and starts the server again."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from backends.domain.startup.fix import difference
from backends.operations.host import settings_of_this_host
from backends.problem import Problem
from console.tui.actions.console import Console
from console.tui.actions.watch import WatchActions
from console.tui.screens.question import Question
from console.tui.views.keys import fix_of, managed_profile


async def apply_fix(
    console: Console, watch: WatchActions, start: Callable[[], Awaitable[None]]
) -> None:
    """Show which arguments change, write them into the configuration if agreed, and start."""
    profile = managed_profile(console.session, console.context)
    fixed = fix_of(console.session, console.context)
    if profile is None or fixed is None:
        return
    changes = "\n".join(difference(profile.args, fixed))
    sentence = f"Change the arguments of {profile.name}, and start it again?\n\n{changes}"
    answers = (("apply", "Write it to config.toml, and start"), ("no", "Cancel"))
    if await console.push_screen_wait(Question(sentence, answers)) != "apply":
        return
    try:
        await asyncio.to_thread(partial(_write, profile.name, fixed))
        watch.reconfigure(await asyncio.to_thread(settings_of_this_host))
    except (Problem, OSError) as error:
        console.notify(str(error), title="not written", severity="error", markup=False)
        return
    await start()


def _write(name: str, args: tuple[str, ...]) -> None:
    """Set the arguments of a profile; for a thread, because what writes TOML loads here.

    Raises:
        Problem: the configuration cannot be changed.
        OSError: it cannot be written.
    """
    from backends.settings.write import set_values  # noqa: PLC0415  0.6 MB, for a fix alone

    set_values({("server", name, "args"): list(args)})
