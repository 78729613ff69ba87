"""The process that speaks to AMD's binding, so that what it prints or breaks is not ours.

``python -m backends.gpus.amdsmi_child FOLDER`` imports ``amdsmi`` from FOLDER, answers at once with
a line of JSON (an `Answer`), and with another for each order on its input.
"""

import importlib
import sys
from itertools import chain
from typing import Any

from backends.gpus.amdsmi_readings import Answer, is_library_version, library_version, read_all
from backends.gpus.child_io import Answering


def main() -> None:
    """Greet with a first answer, then answer orders until the input ends or one fails."""
    console = Answering()
    folder = sys.argv[1]
    binding = _import_binding(folder)
    if isinstance(binding, str):
        console.reply(Answer(failed=binding))
        return
    library = library_version(binding)
    for listing in chain([True], console.orders()):
        answer = read_all(binding, library, processes=listing)
        doubts = [doubt for reading in answer.readings for doubt in reading.doubts]
        if doubts or not is_library_version(library):
            what = doubts[0] if doubts else "its version cannot be"
            failed = f"the binding in {folder} does not fit library {library or '?'}: {what}"
            answer = Answer(library=library, failed=failed)
        console.reply(answer)
        if answer.failed:
            return


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


if __name__ == "__main__":
    main()
