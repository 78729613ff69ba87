"""A report can be pasted anywhere: it helps, and shows nothing of whoever made it."""

import random
import re
from pathlib import Path

import pytest

from backends.domain.reports.anonymized import Anonymizer
from backends.domain.reports.bug_report import bug_report
from backends.domain.startup.explain import explain

LOG = """\
(APIServer pid=1) INFO 09-14 07:07:01 [api_utils.py:345]  ▄▄ ▄█ █     █     █ ▀▄▀ █  version 0.26.0
(APIServer pid=1) INFO 09-14 07:07:01 [api_utils.py:273] non-default args: {'model_tag': '@MODEL', \
'model': '@MODEL', 'api_key': ['plain-word-key'], 'served_model_name': ['wombat-chat']}
(EngineCore pid=90) INFO 09-14 07:07:06 [core.py:116] Initializing a V1 LLM engine (v0.26.0) with \
config: model='@MODEL', tensor_parallel_size=1, device_config=cuda
@HIDDEN
(EngineCore pid=90) ERROR 09-14 07:07:35 [core.py:1330] EngineCore failed to start.
(EngineCore pid=90) ERROR 09-14 07:07:35 [core.py:1330]   File \
"/home/jane/env/lib/python3.12/site-packages/vllm/v1/sample/ops.py", line 504, in flashinfer_sample
(EngineCore pid=90) ERROR 09-14 07:07:35 [core.py:1330] RuntimeError: Could not find nvcc and \
default cuda_home='/usr/local/cuda' doesn't exist
"""

HIDDEN = {
    "key or token": ["hf_" + "a1B2" * 8, "nvapi-" + "x9" * 20, "ghp_" + "k3" * 18],
    "path": ["/srv/acme/private/notes.txt", "~/work/acme/start.sh", "C:\\Users\\jane\\vllm.log"],
    "host": ["gpu-7.acme.internal", "models.acme-corp.com", "box.fritz.home"],
    "address": ["10.20.30.40", "fd00:12::1:9", "203.0.113.77"],
    "e-mail address": ["jane.doe@acme-corp.com"],
    "identifier": ["1a36b9c2-2bef-4f7f-bd58-2e4a9faabd2e"],
}


def report_of(log: str) -> str:
    numbered = list(enumerate(log.splitlines(), 1))
    return bug_report(explain(numbered), lambda: numbered)


@pytest.mark.parametrize("kind", HIDDEN)
def test_what_identifies_the_owner_is_replaced_and_counted(kind: str) -> None:
    lines = "\n".join(
        f"(EngineCore pid=90) ERROR 09-14 07:07:34 [core.py:1] RuntimeError: see {each} for more"
        for each in HIDDEN[kind]
    )
    report = report_of(LOG.replace("@MODEL", "Qwen/Qwen3-8B").replace("@HIDDEN", lines))
    for each in HIDDEN[kind]:
        assert each not in report
    counted = re.search(rf"(\d+) x {kind}", report.rstrip().rpartition("\n")[2])
    assert counted is not None
    assert int(counted[1]) >= len(HIDDEN[kind])


@pytest.mark.parametrize(
    ("model", "stays"),
    [("Qwen/Qwen3-8B", True), ("acme/secret-13b", False), ("/data/models/secret-13b", False)],
)
def test_a_model_stays_only_where_its_publisher_is_known_for_open_weights(
    model: str, stays: bool
) -> None:
    report = report_of(
        LOG.replace("@MODEL", model).replace("@HIDDEN", f"see {model}: {model[-10:]}")
    )
    assert (model in report) is stays
    assert stays or "secret-13b" not in report
    assert "wombat-chat" not in report


def test_what_helps_stays() -> None:
    report = report_of(LOG.replace("@MODEL", "Qwen/Qwen3-8B").replace("@HIDDEN", ""))
    for wanted in (
        "vLLM: 0.26.0",
        "## Failure: build_tools",
        "Could not find nvcc and default cuda_home='/usr/local/cuda' doesn't exist",
        "…/vllm/v1/sample/ops.py",
        "tensor_parallel_size=1",
        "| configure |",
    ):
        assert wanted in report
    assert "plain-word-key" not in report
    assert "/home/jane" not in report


def test_the_same_value_has_the_same_name_everywhere() -> None:
    anonymous = Anonymizer()
    first = anonymous.replace("http://node-1.acme.internal:8000 from 10.0.0.7")
    assert anonymous.replace("10.0.0.7 at node-1.acme.internal") == "<address 1> at <host 1>"
    assert first == "http://<host 1>:8000 from <address 1>"


def test_versions_times_and_modules_are_no_addresses_or_hosts() -> None:
    text = (
        "08:09:22 vllm.v1.engine.io CUDA 12.8 torch 2.9.1+cu128 127.0.0.1:8000 0.0.0.0 [core.py:12]"
    )
    anonymous = Anonymizer()
    assert anonymous.replace(text) == text
    assert anonymous.replaced == {}


def test_no_fence_is_ended_from_inside() -> None:
    line = "(EngineCore pid=90) ERROR 09-14 07:07:34 [core.py:1] RuntimeError: ```` # a heading"
    report = report_of(LOG.replace("@MODEL", "Qwen/Qwen3-8B").replace("@HIDDEN", line))
    assert "\n`````\n" in report


def test_a_flood_is_cut_to_what_a_report_has_room_for() -> None:
    rng = random.Random(7)
    flood = "\n".join(
        f"(EngineCore pid=90) ERROR 09-14 07:07:34 [core.py:1] RuntimeError: {rng.random()}"
        for _ in range(5000)
    )
    report = report_of(LOG.replace("@MODEL", "Qwen/Qwen3-8B").replace("@HIDDEN", flood))
    assert len(report.splitlines()) < 350
    assert "lines left out" in report


def test_each_recorded_log_gives_a_report(recorded_logs: list[Path]) -> None:
    for path in recorded_logs:
        numbered = list(enumerate(path.read_text("utf-8", "replace").splitlines(), 1))
        starts = explain(numbered)
        if starts:
            assert bug_report(starts, lambda lines=numbered: lines).startswith("# vLLM start: ")  # type: ignore[misc]


@pytest.fixture
def recorded_logs() -> list[Path]:
    return sorted((Path(__file__).parents[3] / "data" / "logs").glob("*.log"))
