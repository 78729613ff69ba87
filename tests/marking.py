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
        "console/cli/ledger/test_cold_probe.py",
        "console/cli/test_prometheus.py",
        "real_vllm/test_ab.py",
        "real_vllm/test_advise.py",
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
        "backends/servers/test_abandoned.py",
        "backends/servers/test_memory_by_owner.py",
        "backends/host/test_oom.py",
        "backends/servers/test_own_traffic.py",
        "backends/host/test_ports.py",
        "backends/host/test_processes.py",
        "backends/servers/test_listing.py",
        "backends/keeper/test_kill_matrix.py",
        "backends/prober/test_client.py",
        "backends/prober/test_cold_probe.py",
        "backends/prober/test_load.py",
        "backends/prober/test_truth.py",
        "backends/simulated",
        "console/cli/ledger/test_ab.py",
        "console/cli/ledger/test_cold_probe.py",
        "console/cli/test_adopt.py",
        "console/cli/test_bad_places.py",
        "backends/operations/test_long_run.py",
        "console/tui/test_open_console.py",
        "console/cli/test_prometheus.py",
        "console/cli/test_start_attacked.py",
        "real_vllm",
        "terminal",
        "test_imports.py",
        "test_release_version.py",
    ),
    "slow": (
        "backends/domain/ab/test_simulation.py",
        "backends/prober/test_truth.py",
        "console/cli/test_prometheus.py",
        "real_vllm",
        "terminal",
    ),
}
"""Folders and files, each of whose tests carries the mark."""

STARTING = {
    "bench",
    "binding",
    "certificate",
    "earlier",
    "endpoint_port",
    "nvml_libraries",
    "serve",
    "tmux",
    "verbs",
}
"""Fixtures that start processes."""

ENGINES = {"docker", "podman", "rootless"}
"""Fixtures of container engines: one daemon for all of them, and its bridge is the host's, so that
their tests follow one another."""


def mark(item: pytest.Item) -> None:
    """Add the marks that follow from where a test stands and what it uses."""
    place = item.path.relative_to(TESTS)
    for name, places in PLACES.items():
        if any(place.is_relative_to(each) for each in places):
            item.add_marker(name)
    fixtures = set(getattr(item, "fixturenames", ()))
    if STARTING & fixtures:
        item.add_marker("process")
    if ENGINES & fixtures:
        item.add_marker("docker")
        item.add_marker("process")
        item.add_marker(pytest.mark.xdist_group("docker"))
    elif item.get_closest_marker("real_vllm"):
        item.add_marker(pytest.mark.xdist_group(place.name))
