"""``inferctl logs``: the log of a server."""

import argparse
import asyncio
from pathlib import Path

from backends.problem import NotFound
from console.cli.output import document, document_line, show


def run(arguments: argparse.Namespace) -> int:
    """Print the last lines, and with ``-f`` go on until interrupted.

    Raises:
        NotFound: the server never ran here.
    """
    from backends.keeper.folder import ServerFolder, server_folder
    from backends.keeper.tail import last_lines
    from backends.settings.paths import state_folder

    path = ServerFolder(server_folder(state_folder(), arguments.name)).log
    if not path.exists():
        raise NotFound(f"{arguments.name} has no log: it was never started by inferctl here")
    if arguments.follow:
        asyncio.run(_follow(path, arguments.lines, as_json=arguments.json))
        return 0
    lines = last_lines(path, arguments.lines)
    if arguments.json:
        document({"log": str(path), "lines": lines})
        return 0
    for line in lines:
        _print(line, as_json=False)
    return 0


async def _follow(path: Path, count: int, *, as_json: bool) -> None:
    from backends.keeper.tail import tail

    async for lines in tail(path, count=count):
        for line in lines:
            _print(line, as_json=as_json)


def _print(line: str, *, as_json: bool) -> None:
    if as_json:
        document_line({"line": line})
    else:
        show(line)
