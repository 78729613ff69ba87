"""Prints who holds GPU memory or a port: ``python -m backends.servers.holders_now STATE KIND PORT``.

A process of its own, as it asks drivers and lists servers.
"""

import sys
from contextlib import closing
from pathlib import Path

from backends.domain.start import FailureKind
from backends.gpus.detect import open_gpus
from backends.host import ports
from backends.servers.holders import culprits, held_on_gpus, how_to_end
from backends.servers.listing import list_servers


def main() -> None:
    """Print the sentence, nothing where nobody is found."""
    state_folder, kind, port = Path(sys.argv[1]), FailureKind(sys.argv[2]), int(sys.argv[3])
    if kind is FailureKind.PORT_IN_USE:
        there = (one for one in ports.listeners(port) if one.process)
        held = {one.process.pid: (one.name, None) for one in there if one.process}
        found = culprits(held, list_servers(state_folder))
    else:
        with closing(open_gpus()) as gpus:
            found = culprits(held_on_gpus(gpus.sample(processes=True)), list_servers(state_folder))
    sys.stdout.write(how_to_end(found))


if __name__ == "__main__":
    main()
