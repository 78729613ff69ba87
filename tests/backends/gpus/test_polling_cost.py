"""The driver is asked as often as the figures need it, and no more."""

from collections.abc import Callable

import pytest

from backends.gpus.nvml import NvmlGpus
from backends.gpus.proc import Proc
from tests.backends.gpus.nvml_stub import GIB, Driver
from tests.backends.gpus.polling_cost import metered

MEMORY = "nvmlDeviceGetMemoryInfo"
ACTIVITY = "nvmlDeviceGetUtilizationRates"
POWER = "nvmlDeviceGetPowerUsage"
TEMPERATURES = ("nvmlDeviceGetTemperatureV", "nvmlDeviceGetTemperatureV1")
CLOCKS = "nvmlDeviceGetCurrentClocksEventReasons"
COMPUTING = "nvmlDeviceGetComputeRunningProcesses_v3"
DRAWING = "nvmlDeviceGetGraphicsRunningProcesses_v3"
ONCE = {
    "nvmlInit",
    "nvmlInitWithFlags",
    "nvmlDeviceGetCount",
    "nvmlDeviceGetHandleByIndex",
    "nvmlDeviceGetMigMode",
    "nvmlDeviceGetPciInfo",
    "nvmlDeviceGetPciInfo_v3",
    "nvmlDeviceGetUUID",
    "nvmlDeviceGetName",
}


def minute(
    driver: Driver, proc: Proc, *, every_s: float, loading: bool, listing_s: float = 3.0
) -> dict[str, int]:
    """Return how often each call was made in a minute of sampling."""
    at_s = [0.0]
    source = NvmlGpus(now=lambda: at_s[0], proc=proc)
    list_at_s = 0.0
    with metered() as calls:
        for number in range(round(60 / every_s)):
            at_s[0] = number * every_s
            if loading:
                driver.put({"0.used": GIB + number})
            listing = at_s[0] >= list_at_s
            list_at_s = at_s[0] + listing_s if listing else list_at_s
            source.sample(processes=listing)
    return {name: len(taken) for name, taken in calls.items()}


@pytest.mark.parametrize(
    ("every_s", "loading", "expected"),
    [
        (1.0, False, {MEMORY: 60, ACTIVITY: 60, POWER: 60, CLOCKS: 12}),
        (0.25, True, {MEMORY: 240, ACTIVITY: 60, POWER: 60, CLOCKS: 12}),
    ],
    ids=["serving", "loading"],
)
def test_calls_in_a_minute(
    nvml_driver: Driver,
    made_proc: Callable[..., Proc],
    every_s: float,
    loading: bool,
    expected: dict[str, int],
) -> None:
    nvml_driver.put({"0.procs": f"1:{GIB}"})
    counted = minute(nvml_driver, made_proc({1: "a"}), every_s=every_s, loading=loading)
    lists = 20 if loading else 4
    slow = dict.fromkeys(TEMPERATURES, 12)
    listing = {COMPUTING: lists, DRAWING: lists}
    assert counted == {**expected, **slow, **listing, **dict.fromkeys(ONCE, 1)}
