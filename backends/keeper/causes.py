"""Why a server ended, told from the way it ended alone."""

import signal

from backends.domain.server import Exit
from backends.domain.start import Failure, FailureKind


def cause_of(ended: Exit | None) -> Failure | None:
    """Return the failure that an exit nobody ordered stands for, None for exit code 0."""
    if ended is None or (ended.code is None and ended.signal is None):
        return Failure(
            FailureKind.UNKNOWN,
            None,
            "",
            "The server ended while no keeper could see how.",
            "Look at the end of server.log, and in `dmesg` for the out-of-memory killer.",
        )
    if ended.signal is not None:
        return Failure(
            FailureKind.KILLED,
            None,
            "",
            f"The server was ended by {signal.Signals(ended.signal).name}, "
            "which inferctl did not send.",
            "Look in `dmesg` for the out-of-memory killer, and ask who else works on this host.",
        )
    if ended.code:
        return Failure(
            FailureKind.UNKNOWN,
            None,
            "",
            f"The server ended with exit code {ended.code} and its log names no cause.",
            "Read the end of server.log; VLLM_LOGGING_LEVEL=DEBUG makes it say more.",
        )
    return None
