"""Prints what is in use on every GPU: ``python -m backends.keeper.gpu_sample``.

A process of its own, so that no keeper has a driver's library in its memory.
"""

import sys

import msgspec

from backends.domain.gpu import Gpu
from backends.gpus.detect import open_gpus
from backends.host import processes
from backends.keeper.gpu_memory import Usage


def usage_of(gpu: Gpu) -> Usage:
    """Return the memory in use on one GPU, and how much of it no listed process accounts for."""
    used = gpu.memory.used_bytes
    # A driver may list a process for a moment after its end; what that held is nobody's.
    living = [one.used_bytes for one in gpu.processes or () if processes.read(one.pid)]
    known = [size for size in living if size is not None]
    if used is None or gpu.processes is None or len(known) < len(living):
        return Usage(used, None)
    return Usage(used, used - sum(known))


def main() -> None:
    """Write one JSON object, from the GPU's uuid to its usage."""
    source = open_gpus()
    sample = source.sample(processes=True)
    source.close()
    usages = {gpu.uuid: usage_of(gpu) for gpu in sample.gpus if not gpu.memory.unified}
    sys.stdout.buffer.write(msgspec.json.encode(usages))


if __name__ == "__main__":
    main()
