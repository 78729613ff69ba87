"""Names who holds what a start failed for.

It is looked up when nothing of the failed server is left, so whoever holds it then is the cause.
"""

from dataclasses import replace
from pathlib import Path

from backends.domain.start import Failure, FailureKind
from backends.keeper.helper import printed_by

WITHIN_S = 15.0

MEMORY = (FailureKind.FREE_MEMORY_BELOW_TARGET, FailureKind.GPU_OUT_OF_MEMORY)


def with_holders(failure: Failure, state_folder: Path, port: int) -> Failure:
    """Return the failure with who holds the memory or the port in its remedy, where it is one."""
    if failure.kind not in (*MEMORY, FailureKind.PORT_IN_USE):
        return failure
    try:
        told = printed_by(
            "backends.servers.holders",
            *(str(state_folder), failure.kind, str(port)),
            within_s=WITHIN_S,
        ).decode()
    except TimeoutError:
        return failure
    return replace(failure, remedy=f"{told}. {failure.remedy}") if told else failure
