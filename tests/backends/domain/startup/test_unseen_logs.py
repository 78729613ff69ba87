"""Small logs of failures that nobody here had met, against what a maintainer would say of each."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from backends.domain.start import Outcome
from backends.domain.startup.document import start_document
from backends.domain.startup.explain import explain
from console.cli.explain import numbered

# What cause or line, and remedy must name, of the sense that `expected.json` words; and must not.
SAID: dict[str, tuple[str, str, str]] = {
    "cause_only_in_wrapper": ("pe_dim must be 64", "", "no error was found"),
    "checkpoint_without_vision": (r"visual\.\*", "--language-model-only", "--force-download"),
    "cuda_error_802": ("", "nvidia-fabricmanager", ""),
    "cutlass_gemm_internal": ("", "--linear-backend marlin", ""),
    "dev_shm_full": ("/dev/shm", "--shm-size.*--ipc=host.*medium: Memory", ""),
    "exception_not_called_error": ("106496", "", "no error was found"),
    "fatal_python_error": ("crashed in ncclCommInitRank", "", "no error was found"),
    "gpu_memory_access_fault": (
        r"GPU \(node-2\) met a memory access fault during capture_graphs",
        "VLLM_ROCM_USE_AITER_MOE=0.*VLLM_ROCM_USE_AITER=0.*--enforce-eager",
        "without a word",
    ),
    "hub_401_typo": ("no model org/modle-a.*private", "", "licence"),
    "jit_needs_nvcc": ("nvcc", "VLLM_USE_FLASHINFER_SAMPLER=0.*CUDA toolkit.*CUDA_HOME", ""),
    "jit_ptxas_too_old": ("sm_121a", "TRITON_PTXAS_PATH=/usr/local/cuda/bin/ptxas", ""),
    "libcuda_missing": ("driver's library", "--gpus all.*nvidia-container-toolkit", "another kind"),
    "lora_rank": ("64", "--max-lora-rank 64", ""),
    "mm_item_over_batch": ("2496", "--max-num-batched-tokens 2496", ""),
    "nccl_error": ("", "NCCL_DEBUG=INFO.*--shm-size", ""),
    "no_attention_backend": ("No attention backend takes block_size=106;", "--block-size", ""),
    "no_kernel_for_quantized_layer": (
        "MarlinFP8ScaledMMLinearKernel",
        "VLLM_TEST_FORCE_FP8_MARLIN=1, as the log itself says, or --linear-backend marlin",
        "",
    ),
    "node_never_joined": (r"within 1800 s \(world size 16, 8 local\)", "", ""),
    "one_backend_lacks_kernel": (
        "",
        "--linear-backend marlin.*--moe-backend marlin",
        "Update the driver",
    ),
    "oom_profiling_encoder": ("multimodal encoder", "--skip-mm-profiling.*--limit-mm-per-", ""),
    "ray_stacked_prefixes": ("", "", ""),
    "rendezvous_port_in_use": ("(?i)port 29500", "--master-port.*VLLM_PORT", " --port"),
    "transformers_too_new": ("Transformers", 'pip install "transformers<5"', ""),
}


@pytest.fixture
def unseen(shared: Path) -> Path:
    folder = shared / "wild" / "failures"
    if not folder.is_dir():
        pytest.skip("no logs of unseen failures beside this checkout")
    return folder


def test_every_case_is_held_against_its_expectation(unseen: Path) -> None:
    expected = json.loads((unseen / "expected.json").read_text())
    assert {path.stem for path in unseen.glob("*.log")} == set(expected)
    assert {name for name, entry in expected.items() if entry.get("failure")} == set(SAID)
    wrong = {name: faults for name in expected if (faults := _faults(unseen, name, expected[name]))}
    assert wrong == {}


@pytest.mark.parametrize("name", SAID)
def test_cause_and_remedy_of_an_unseen_failure(unseen: Path, name: str) -> None:
    (start,) = explain(numbered(str(unseen / f"{name}.log")))
    failure = start.failure
    assert failure is not None
    cause, remedy, never = SAID[name]
    assert re.search(cause, f"{failure.cause} {failure.line}")
    assert re.search(remedy, failure.remedy)
    assert not never or never not in failure.cause + failure.remedy


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("loading_incomplete", "7 of 18 shards, 139 s, 0.14 GiB/s"),
        (
            "waits_for_ray_gpus",
            "1270 s for Ray to give 2 GPUs.*ray status.*VLLM_HOST_IP",
        ),
        ("waits_for_worker", "waited 180 s for a worker that does not answer"),
    ],
)
def test_how_far_an_unfinished_start_got(unseen: Path, name: str, says: str) -> None:
    (start,) = explain(numbered(str(unseen / f"{name}.log")))
    assert start.outcome is Outcome.INCOMPLETE
    assert re.search(says, start.standing or "")


def _faults(folder: Path, name: str, expected: dict[str, Any]) -> list[object]:
    starts = explain(numbered(str(folder / f"{name}.log")))
    if len(starts) != 1:
        return [f"{len(starts)} starts"]
    found = start_document(starts[0])
    plain = expected.keys() & found.keys() - {"memory", "phases", "failure"}
    faults: list[object] = [(key, found[key]) for key in plain if found[key] != expected[key]]
    faults += _memory_faults(found["memory"], expected.get("memory", {}))
    for phase in expected.get("phases", []):
        faults += _phase_faults(found["phases"], phase)
    return faults + _failure_faults(found["failure"], expected.get("failure"))


def _memory_faults(found: dict[str, Any], expected: dict[str, Any]) -> list[object]:
    ranks = [{"rank": one["rank"], "weights_gib": one["weights_gib"]} for one in found["ranks"]]
    known = found | {"ranks": ranks}
    return [(key, known[key]) for key in expected if known[key] != expected[key]]


def _phase_faults(phases: list[dict[str, Any]], expected: dict[str, Any]) -> list[object]:
    found = next(phase for phase in phases if phase["name"] == expected["name"])
    faults: list[object] = []
    for key, value in expected.items():
        if key == "duration_s_at_least":
            right = found["duration_s"] >= value
        elif key == "detail":
            right = value.items() <= found["detail"].items()
        else:
            # vLLM rounds what it reports up to a whole second.
            right = found[key] == (pytest.approx(value, abs=0.2) if key != "name" else value)
        if not right:
            faults.append((expected["name"], key, found.get(key)))
    return faults


def _failure_faults(found: dict[str, Any] | None, expected: dict[str, Any] | None) -> list[object]:
    if expected is None or found is None:
        return [] if expected is None and found is None else [("failure", found)]
    kind, number = expected["kind"], expected.get("line_number")
    faults: list[object] = [] if kind in {None, found["kind"]} else [("kind", found["kind"])]
    if found["line_number"] not in expected.get("line_number_any_of", [number]):
        faults.append(("line_number", found["line_number"]))
    return faults
