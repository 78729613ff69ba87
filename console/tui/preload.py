"""Loads in a thread what the first frame does not need: an import takes longer than a frame."""

import asyncio
import importlib

SOURCES = (
    "console.tui.feeds",
    "console.tui.actions.watch",
    "console.tui.views.screen",
    "backends.operations.meter_store",
    "backends.operations.records",
    "backends.history.thread",
)
"""What the first facts need."""

KEYS = (
    "console.tui.screens.opened",
    "console.tui.actions.server",
    "backends.operations.servers",
    "backends.operations.outage",
    "backends.servers.holders",
    "backends.settings.write",
    "console.tui.palette",
    "console.tui.actions.ab",
    "console.tui.export",
    "backends.keeper.launch",
)
"""What the first key may need, whichever it is."""


async def load(modules: tuple[str, ...]) -> None:
    """Import modules, one after the other, while the event loop goes on."""
    for module in modules:
        await asyncio.to_thread(importlib.import_module, module)
