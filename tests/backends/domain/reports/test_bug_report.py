"""A report can be pasted anywhere: it helps, and shows nothing of whoever made it."""

import random
import re
from pathlib import Path

import pytest

from backends.domain.reports.bug_report import bug_report
from backends.domain.reports.pseudonyms import Pseudonyms
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

SECRETS = {
    "a token": ("hf_MARKERabcdefghijklmnop1", "Invalid token hf_MARKERabcdefghijklmnop1"),
    "a token by its name": ("MARKERpass", "bad settings: my_password='MARKERpass'"),
    "a bearer": ("MARKERbearer", "got Authorization: Bearer MARKERbearer"),
    "a path": ("MARKERuser", "cannot open /home/MARKERuser/model/config.json"),
    "a quoted path": ("MARKER two", "cannot open '/data/MARKER two/x.bin'"),
    "a Windows path": ("MARKERwin", r"cannot open C:\Users\MARKERwin\x.bin"),
    "a URL": ("MARKERurl", "cannot reach https://MARKERurl.example/private?sig=1"),
    "an address": ("10.77.66.55", "cannot connect to 10.77.66.55:29500"),
    "an IPv6 address": ("fd00::77:66", "cannot connect to [fd00::77:66]:29500"),
    "a MAC address": ("aa:bb:cc:dd:ee:77", "no link on aa:bb:cc:dd:ee:77"),
    "an account": ("MARKERname", "rejected MARKERname@cluster"),
    "a domain": ("MARKERdom", "cannot resolve gpu.MARKERdom.internal"),
    "a host and port": ("MARKERnode", "cannot connect to MARKERnode:29500"),
    "a host's setting": ("MARKERmaster", "failed with master_addr='MARKERmaster'"),
    "this host": ("MARKERself", "lost MARKERself on the way"),
    "a private model": ("MARKERorg", "Cannot find 'MARKERorg/model-7b' on the hub"),
    "a cached model": ("MARKERcache", "bad file in models--MARKERcache--model-7b"),
}


def report_of(log: str) -> str:
    numbered = list(enumerate(log.splitlines(), 1))
    return bug_report(explain(numbered), lambda: numbered, ["MARKERself"])


def failed_with(said: str, model: str = "Qwen/Qwen3-8B") -> str:
    line = f"(EngineCore pid=90) ERROR 09-14 07:07:34 [core.py:1] ValueError: {said}"
    return report_of(LOG.replace("@MODEL", model).replace("@HIDDEN", line))


@pytest.mark.parametrize(("secret", "said"), SECRETS.values(), ids=SECRETS)
def test_what_identifies_the_owner_is_replaced(secret: str, said: str) -> None:
    assert secret in LOG + said
    report = failed_with(said)
    assert secret not in report
    assert "ValueError" in report


def test_what_was_replaced_is_said() -> None:
    last = failed_with("no file /home/ann/a and 10.0.0.9", "acme/secret-13b").rstrip()
    last = last.rpartition("\n")[2]
    assert all(f"{kind}: " in last for kind in ("path", "address", "model"))


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
        "/vllm/v1/sample/ops.py",
        "tensor_parallel_size=1",
        "| configure |",
    ):
        assert wanted in report
    assert "plain-word-key" not in report
    assert "/home/jane" not in report


def test_the_same_name_stays_the_same() -> None:
    report = failed_with("no /home/ann/a, no /home/bob/b, no /home/ann/a")
    assert re.search(r"no (PATH-\d), no (?!\1)PATH-\d, no \1", report)


def test_versions_times_and_modules_are_no_addresses_or_hosts() -> None:
    text = (
        "08:09:22 vllm.v1.engine.io CUDA 12.8 torch 2.9.1+cu128 127.0.0.1:8000 0.0.0.0 core.py:1330"
    )
    names = Pseudonyms()
    assert names.of(text) == text
    assert names.replaced() == []


def test_no_fence_is_ended_from_inside() -> None:
    line = "(EngineCore pid=90) ERROR 09-14 07:07:34 [core.py:1] RuntimeError: ```` # a heading"
    report = report_of(LOG.replace("@MODEL", "Qwen/Qwen3-8B").replace("@HIDDEN", line))
    assert "\n`````\n" in report


def test_lines_between_two_that_are_kept_are_marked_as_left_out() -> None:
    between = "\n".join(f"INFO 09-14 07:07:34 [x.py:1] nothing {number}" for number in range(99))
    error = "(EngineCore pid=90) ERROR 09-14 07:07:34 [core.py:1] ValueError: no"
    hidden = f"{error}\n{between}\n{error}"
    report = report_of(LOG.replace("@MODEL", "Qwen/Qwen3-8B").replace("@HIDDEN", hidden))
    kept = report.splitlines()
    assert "…" in kept
    beside_each_other = failed_with("no\n" + error).splitlines()
    assert kept.count("…") == beside_each_other.count("…") + 1


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


def test_the_first_name_of_a_kind_has_the_number_one() -> None:
    names = Pseudonyms(hosts=("secret-host",))
    assert names.of("secret-host of secret-host") == "HOST-1 of HOST-1"
    assert names.replaced() == [("host", 2)]
