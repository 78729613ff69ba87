"""The process that speaks to AMD's binding, so that what it prints or breaks is not ours.

``python -m backends.gpus.amdsmi_child FOLDER`` imports ``amdsmi`` from FOLDER, answers at once with
a line of JSON (an `Answer`), and with another for each line ``sample`` or ``sample processes`` on
its input. It ends when its input ends, even while a driver call hangs.
"""

import importlib
import os
import queue
import resource
import sys
import threading
from typing import Any, BinaryIO

import msgspec

from backends.gpus.amdsmi_readings import Answer, library_version, read_all

SAMPLE = b"sample"
SAMPLE_PROCESSES = b"sample processes"


def main() -> None:
    """Answer orders from standard input until it ends."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    replies = _take_over_output()
    orders: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_read_orders, args=(orders,), daemon=True).start()
    folder = sys.argv[1]
    binding = _import_binding(folder)
    if isinstance(binding, str):
        _reply(replies, Answer(failed=binding))
        return
    library = library_version(binding)
    answer = read_all(binding, library, processes=True)
    doubts = [doubt for reading in answer.readings for doubt in reading.doubts]
    if doubts:
        failed = f"the binding in {folder} does not fit library {library or '?'}: {doubts[0]}"
        answer = Answer(library=library, failed=failed)
    _reply(replies, answer)
    while not answer.failed:
        listing = orders.get() == SAMPLE_PROCESSES
        answer = read_all(binding, library, processes=listing)
        _reply(replies, answer)


def _take_over_output() -> BinaryIO:
    """Return a private copy of standard output, and let all other writing go nowhere."""
    replies = os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.dup2(nowhere, sys.stderr.fileno())
    return replies


def _read_orders(orders: queue.SimpleQueue[bytes]) -> None:
    for line in sys.stdin.buffer:
        orders.put(line.strip())
    os._exit(0)


def _import_binding(folder: str) -> Any:
    """Return the binding after its initialisation, or the sentence that says why it has none."""
    sys.path.insert(0, folder)
    try:
        binding = importlib.import_module("amdsmi")
        binding.amdsmi_init(binding.AmdSmiInitFlags.INIT_AMD_GPUS)
    except Exception as error:
        # Without its library the binding raises KeyError, not ImportError; the class is told.
        what = " ".join(str(error).split())
        return f"AMD's binding in {folder} does not load: {type(error).__name__}: {what}"
    finally:
        sys.path.remove(folder)
    return binding


def _reply(replies: BinaryIO, answer: Answer) -> None:
    replies.write(msgspec.json.encode(answer) + b"\n")


if __name__ == "__main__":
    main()
