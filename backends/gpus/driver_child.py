"""The process that samples one vendor's GPUs: ``python -m backends.gpus.driver_child VENDOR``.

For ``VENDOR SYS PROC``, with the folders where those file systems are mounted, it answers each
order on its input with a line of JSON, a `DriverAnswer`.
"""

import sys
from pathlib import Path

from backends.gpus.child_io import Answering
from backends.gpus.vendors import VENDORS


def main() -> None:
    """Answer orders until the input ends."""
    console = Answering()
    name, sysfs, proc = sys.argv[1:]
    vendor = next(each for each in VENDORS if each.name == name)
    sample = vendor.open(Path(sysfs), Path(proc))
    for listing in console.orders():
        console.reply(sample(listing))


if __name__ == "__main__":
    main()
