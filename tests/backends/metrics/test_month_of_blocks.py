"""A true Prometheus server over a month of blocks: the demand is that of the counters in them.

Two replicas on two hosts: the second joins in the middle and restarts once. Weekdays from 8 to 18
UTC are busy. Prometheus extrapolates at the ends of each window by up to one sample's distance,
which bounds how far a sum may be off.
"""

import shutil
import subprocess
import time
from collections.abc import Iterator

import pytest

from backends.domain.traffic.shape import profile_rps
from backends.metrics.http_get import Unreachable, http_get
from backends.metrics.prometheus_server import past_traffic
from tests.console.stage import free_port

PROMETHEUS, PROMTOOL = shutil.which("prometheus"), shutil.which("promtool")
pytestmark = [
    pytest.mark.skipif(
        PROMETHEUS is None or PROMTOOL is None,
        reason="no prometheus and promtool on PATH; Debian: apt-get install prometheus",
    ),
    pytest.mark.slow,
]

DAY_S, SAMPLE_S, DAYS = 86_400, 100, 30
END_S = 1_764_547_200 // DAY_S * DAY_S
START_S = END_S - DAYS * DAY_S
MODEL = "org/fleet"
EDGES = (100.0, 500.0)
PER_REQUEST = {"prompt_tokens": 80, "prompt_tokens_cached": 20, "generation_tokens": 220}


def rps(at_s: float) -> float:
    """Return how many requests a second one replica serves."""
    weekday = (int(at_s) // DAY_S + 3) % 7 < 5
    return 2.0 if weekday and 8 * 3600 <= at_s % DAY_S < 18 * 3600 else 0.5


def counted() -> dict[str, list[tuple[int, float]]]:
    """Return the requests that each replica had counted at each sample."""
    found: dict[str, list[tuple[int, float]]] = {"a:8000": [], "b:8000": []}
    for instance, begins_s in (("a:8000", START_S), ("b:8000", START_S + 15 * DAY_S)):
        total = 0.0
        for at_s in range(begins_s, END_S + SAMPLE_S, SAMPLE_S):
            if instance == "b:8000" and at_s == START_S + 20 * DAY_S:
                total = 0.0
            found[instance].append((at_s, total))
            total += rps(at_s) * SAMPLE_S
    return found


def open_metrics() -> str:
    """Return the samples of every series as OpenMetrics, one series after another."""
    lines: list[str] = []
    series = counted()

    def add(name: str, times: float, labels: str = "") -> None:
        for instance, samples in series.items():
            where = f'{{instance="{instance}",model_name="{MODEL}"{labels}}}'
            lines.extend(f"{name}{where} {total * times} {at_s}" for at_s, total in samples)

    lines.append("# TYPE vllm:request_success counter")
    add("vllm:request_success_total", 1)
    for name, tokens in PER_REQUEST.items():
        lines.append(f"# TYPE vllm:{name} counter")
        add(f"vllm:{name}_total", tokens)
    for name, tokens in (("prompt", 80), ("generation", 220)):
        histogram = f"vllm:request_{name}_tokens"
        lines.append(f"# TYPE {histogram} histogram")
        for edge in EDGES:
            add(f"{histogram}_bucket", float(tokens <= edge), f',le="{edge}"')
        add(f"{histogram}_bucket", 1, ',le="+Inf"')
        add(f"{histogram}_sum", tokens)
    return "\n".join([*lines, "# EOF", ""])


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("blocks")
    (folder / "prometheus.yml").write_text("global: {}\n")
    samples = folder / "samples.om"
    samples.write_text(open_metrics())
    assert PROMTOOL is not None
    assert PROMETHEUS is not None
    subprocess.run(
        [
            *(PROMTOOL, "tsdb", "create-blocks-from", "--max-block-duration=1500h"),
            *("openmetrics", samples, folder / "data"),
        ],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{free_port()}"
    process = subprocess.Popen(
        [
            PROMETHEUS,
            f"--config.file={folder}/prometheus.yml",
            f"--storage.tsdb.path={folder}/data",
            "--storage.tsdb.retention.time=50y",
            f"--web.listen-address={address.removeprefix('http://')}",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 60
        while not ready(address):
            assert time.monotonic() < deadline, "Prometheus never became ready"
            time.sleep(0.05)
        yield address
    finally:
        process.kill()
        process.wait()


def ready(address: str) -> bool:
    try:
        return http_get(f"{address}/-/ready", 1, accept="*/*")[0] == 200
    except Unreachable:
        return False


def test_a_month_of_two_replicas_is_one_demand(prometheus: str) -> None:
    past = past_traffic(prometheus, MODEL, END_S, span_s=DAYS * DAY_S, timeout_s=60)
    grown = sum(rps(at_s) * SAMPLE_S for each in counted().values() for at_s, _ in each[:-1])
    assert float(past.seen.n) == pytest.approx(grown, rel=0.002)
    assert float(past.seen.input_tokens_mean or 0) == pytest.approx(80, rel=1e-6)
    assert float(past.seen.output_tokens_mean or 0) == pytest.approx(220, rel=1e-6)
    assert float(past.cached_input_share or 0) == pytest.approx(0.25, rel=1e-6)
    assert past.replicas == 2


def test_its_series_has_the_weekdays_and_the_second_replica(prometheus: str) -> None:
    past = past_traffic(prometheus, MODEL, END_S, span_s=DAYS * DAY_S, timeout_s=60)
    series = past.series
    assert series is not None
    by_day = [0.0] * DAYS
    for place, count in zip(series.places, series.requests, strict=True):
        by_day[int(place * series.step_s - START_S) // DAY_S] += count
    for day, requests in enumerate(by_day):
        at_s = START_S + day * DAY_S
        of_one = sum(rps(at_s + hour * 3600) * 3600 for hour in range(24))
        assert requests == pytest.approx(of_one * (2 if day >= 15 else 1), rel=0.01), day
    assert past.profile is not None
    rates = profile_rps(past.profile)
    assert min(rate or 0 for rate in rates[8:18]) > 2 * max(rate or 0 for rate in rates[18:])
