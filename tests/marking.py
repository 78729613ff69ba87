"""Marks by place and by fixture, so that a test need not repeat what these say already."""

from pathlib import Path

import pytest

TESTS = Path(__file__).parent

PLACES = {
    "alone": (
        "backends/gpus/test_stub_matrix.py",
        "backends/keeper/test_flood.py",
        "backends/keeper/test_kill_matrix.py",
        "backends/prober",
        "backends/simulated/test_reading.py",
        "console/ledger/test_coldhunt.py",
        "console/test_prometheus.py",
        "real_vllm",
    ),
    "terminal": ("terminal",),
    "real_vllm": ("real_vllm",),
    "process": (
        "backends/gpus/test_detect.py",
        "backends/gpus/test_driver.py",
        "backends/gpus/test_real_gpu.py",
        "backends/gpus/test_stub_matrix.py",
        "backends/gpus/test_watch.py",
        "backends/history/test_database.py",
        "backends/host/test_abandoned.py",
        "backends/host/test_oom.py",
        "backends/host/test_own_requests.py",
        "backends/host/test_ports.py",
        "backends/host/test_processes.py",
        "backends/host/test_servers.py",
        "backends/keeper/test_kill_matrix.py",
        "backends/prober/test_client.py",
        "backends/prober/test_coldhunt.py",
        "backends/prober/test_load.py",
        "backends/prober/test_truth.py",
        "backends/simulated",
        "console/ledger/test_ab.py",
        "console/ledger/test_coldhunt.py",
        "console/test_adopt.py",
        "console/test_long_run.py",
        "console/test_open_console.py",
        "console/test_prometheus.py",
        "console/verbs/test_start_attacked.py",
        "real_vllm",
        "terminal",
        "test_imports.py",
        "test_release_version.py",
    ),
    "slow": (
        "backends/domain/streams/test_simulation.py",
        "backends/prober/test_truth.py",
        "console/test_prometheus.py",
        "real_vllm",
        "terminal",
    ),
}
"""Folders and files, each of whose tests carries the mark."""

STARTING = {
    "bench",
    "binding",
    "certificate",
    "endpoint_port",
    "nvml_libraries",
    "serve",
    "tmux",
    "verbs",
}
"""Fixtures that start processes."""


def mark(item: pytest.Item) -> None:
    """Add the marks that follow from where a test stands and what it uses."""
    place = item.path.relative_to(TESTS)
    for name, places in PLACES.items():
        if any(place.is_relative_to(each) for each in places):
            item.add_marker(name)
    if STARTING & set(getattr(item, "fixturenames", ())):
        item.add_marker("process")
