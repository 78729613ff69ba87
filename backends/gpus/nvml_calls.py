"""One call into NVIDIA's binding: its value, or a sentence that says why there is none."""

from dataclasses import dataclass
from typing import Any

import pynvml

_SENTENCES = {
    pynvml.NVML_ERROR_UNINITIALIZED: "the connection to the driver was closed",
    pynvml.NVML_ERROR_NOT_SUPPORTED: "this GPU does not report it (not supported)",
    pynvml.NVML_ERROR_NO_PERMISSION: (
        "the driver refuses it without more permission; in a container allow "
        "NVIDIA_DRIVER_CAPABILITIES=utility and for MIG NVIDIA_MIG_MONITOR_DEVICES=all"
    ),
    pynvml.NVML_ERROR_DRIVER_NOT_LOADED: (
        "the NVIDIA driver is not loaded; run `modprobe nvidia` or reinstall it"
    ),
    pynvml.NVML_ERROR_TIMEOUT: "the driver timed out",
    pynvml.NVML_ERROR_LIBRARY_NOT_FOUND: "no NVIDIA driver library (libnvidia-ml.so.1)",
    pynvml.NVML_ERROR_FUNCTION_NOT_FOUND: "this driver is too old to report it",
    pynvml.NVML_ERROR_GPU_IS_LOST: (
        "the GPU has fallen off the bus; see `dmesg | grep -i xid`, then reboot or reset it"
    ),
    pynvml.NVML_ERROR_RESET_REQUIRED: "the GPU needs a reset before it answers again",
    pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH: (
        "the NVIDIA driver and its library differ in version (updated while running); reboot"
    ),
    pynvml.NVML_ERROR_NO_DATA: "the driver has no figure yet",
    pynvml.NVML_ERROR_UNKNOWN: "the driver reports an unknown error; see `dmesg | grep -i xid`",
}

LOST = frozenset(
    _SENTENCES[code]
    for code in (
        pynvml.NVML_ERROR_UNINITIALIZED,
        pynvml.NVML_ERROR_GPU_IS_LOST,
        pynvml.NVML_ERROR_RESET_REQUIRED,
        pynvml.NVML_ERROR_UNKNOWN,
    )
)
"""Reasons after which a GPU answers again only on a new connection, if at all."""

TOO_OLD = (
    pynvml.NVML_ERROR_FUNCTION_NOT_FOUND,
    pynvml.NVML_ERROR_ARGUMENT_VERSION_MISMATCH,
)
"""Errors after which an older form of the same call may still answer."""


@dataclass(frozen=True, slots=True)
class Unavailable:
    """A call gave no value: NVML's error code and a sentence."""

    code: int
    reason: str


def ask(call: str, *arguments: Any) -> Any:
    """Return what ``pynvml.CALL(*arguments)`` returns, or `Unavailable`.

    A binding older than the call counts as a driver that lacks it.
    """
    function = getattr(pynvml, call, None)
    if function is None:
        return _unavailable(pynvml.NVML_ERROR_FUNCTION_NOT_FOUND)
    try:
        return function(*arguments)
    except pynvml.NVMLError as error:
        return _unavailable(error.value)
    except UnicodeDecodeError:
        return Unavailable(pynvml.NVML_ERROR_UNKNOWN, "the driver's answer is not text")


def _unavailable(code: int) -> Unavailable:
    return Unavailable(code, _SENTENCES.get(code, f"{pynvml.NVMLError(code)} (NVML error {code})"))
