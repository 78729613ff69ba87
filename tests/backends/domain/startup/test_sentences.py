"""The figures that fill the sentences of a failure, each from the words that it is told in."""

import re
from typing import Any

import pytest

from backends.domain.startup.root import Frame, Suspect
from backends.domain.startup.sentences import figures_of


def figures(
    said: str = "ValueError: no",
    *,
    settings: dict[str, str] | None = None,
    frames: tuple[Frame, ...] = (),
    more: tuple[str, ...] = (),
    phase: str = "",
    **told: str,
) -> dict[str, str]:
    """The figures of a line whose wording tells these words."""
    suspect = Suspect(1, said, said, "EngineCore", 1, phase, list(frames), list(more))
    found = None
    if told:
        pattern = "".join(f"(?P<{name}>{re.escape(value)})" for name, value in told.items())
        found = re.match(pattern, "".join(told.values()))
        assert found is not None
    return figures_of(suspect, frames, found, settings or {})


@pytest.mark.parametrize(
    ("told", "name", "figure"),
    [
        ({"heads": "12"}, "divisors", "1, 2, 3, 4, 6, 12"),
        ({"heads": "1"}, "divisors", "1"),
        ({"found": "12080"}, "found_cuda", "12.8"),
        ({"found": "13010"}, "found_cuda", "13.1"),
        ({"free": "3.0", "total": "40.0"}, "of_total", ": 3.0 of 40.0 were free"),
        ({"share": "0.9", "free": "10.59", "total": "100"}, "free_share", "0.10"),
        ({"share": "0.9", "free": "1", "total": "0.5"}, "free_share", "2.00"),
        ({"share": "0.9", "free": "1", "total": "0"}, "free_share", ""),
        ({"wanted": "2.00 GiB"}, "wanted_note", ": it asked for 2.00 GiB at once"),
        ({"waited_ms": "600000"}, "within_note", " within 600 s"),
        ({"waited_too_ms": "1500"}, "within_note", " within 2 s"),
        ({"waited": "30"}, "within_note", " within 30 s"),
        ({"joined": "3", "awaited": "8"}, "world_note", " (3 of 8 joined)"),
        ({"port": "9000"}, "port", "9000"),
        ({"other": "9001"}, "port", "9001"),
        ({"model": "org/m"}, "named", " org/m"),
        ({"which": "Tool parser"}, "parser_flag", "--tool-call-parser"),
        ({"which": "reasoning parser"}, "parser_flag", "--reasoning-parser"),
        ({"host": "hub.local"}, "hub", "The host hub.local"),
        ({"arch": "sm_90"}, "arch_note", " (sm_90)"),
        ({"gpu": "H100"}, "gpu_note", " (H100)"),
        ({"hw": "gfx942"}, "gpu_note", " (gfx942)"),
        ({"exit_type": "OOMKilled"}, "exit_note", " (OOMKilled)"),
        ({"call": "cuInit"}, "call_note", " (cuInit)"),
        ({"parameter": "a.b"}, "weight_note", " (a.b)"),
        ({"tool": "ninja"}, "tool_name", "ninja"),
    ],
)
def test_a_figure_of_a_wording(told: dict[str, Any], name: str, figure: str) -> None:
    assert figures(**told)[name] == figure


def test_what_no_wording_tells_is_empty_or_the_usual() -> None:
    found = figures()
    for name in ("named", "hub_note", "gpu_note", "within_note", "world_note", "option_note"):
        assert found[name] == ""
    assert found["port"] == "8000"
    assert found["model"] == "MODEL"
    assert found["hub"] == "The Hugging Face hub"
    assert found["host"] == "huggingface.co"
    assert found["file"] == "the file in its header"
    assert found["tool_name"] == "a C compiler (gcc)"
    assert found["layer"] == "quantized"


@pytest.mark.parametrize(
    ("settings", "name", "figure"),
    [
        ({"model": "org/m"}, "asked", "org/m"),
        ({"port": "8001"}, "port", "8001"),
        ({"gpu_memory_utilization": "0.9"}, "utilization_note", " (it was 0.9)"),
        ({"kv_cache_gib": "1.5"}, "kv_note", " (1.5 GiB)"),
        ({"world_size": "8"}, "world_note", " (world size 8)"),
        ({"world_size": "8", "local_world_size": "4"}, "world_note", " (world size 8, 4 local)"),
        ({"phase": "compile"}, "during", " during compile"),
        ({"phase": "unlogged"}, "during", ""),
    ],
)
def test_a_figure_of_a_setting(settings: dict[str, str], name: str, figure: str) -> None:
    assert figures(settings=settings)[name] == figure


@pytest.mark.parametrize(
    ("name", "since", "flag", "before"),
    [
        ("attention_backend", 13, "--attention-backend", "VLLM_ATTENTION_BACKEND in the environme"),
        ("linear_backend", 20, "--linear-backend marlin", "VLLM_TEST_FORCE_FP8_MARLIN=1"),
        ("moe_backend", 17, "--moe-backend marlin", "VLLM_USE_FLASHINFER_MOE_FP8=0"),
        ("meeting_flag", 12, "--master-port over several nodes", "VLLM_PORT"),
    ],
)
def test_a_flag_is_named_from_its_first_release_on(
    name: str, since: int, flag: str, before: str
) -> None:
    assert figures(settings={"version": f"0.{since}.0"})[name].startswith(flag)
    assert figures(settings={"version": f"0.{since - 1}.9"})[name].startswith(before)
    assert figures(settings={"version": "1.0.0"})[name].startswith(flag)
    assert (
        figures(settings={"version": f"0.{since}.0"})["version_note"] == f" of version 0.{since}.0"
    )
    either = figures()[name]
    assert either.startswith(flag)
    assert either.endswith(f"before vLLM 0.{since})")


@pytest.mark.parametrize(
    ("said", "flag"),
    [
        ("tensor parallel size 3", "--tensor-parallel-size"),
        ("TP and pp_size", "--tensor-parallel-size or --pipeline-parallel-size"),
        ("tp, pp and dp", "--tensor-parallel-size or --pipeline-parallel-size"),
        ("data_parallel", "--data-parallel-size"),
        ("dcp", "--decode-context-parallel-size"),
        ("pcp", "--prefill-context-parallel-size"),
        ("ep_size", "--enable-expert-parallel or the sizes it divides by"),
        ("ranks", "--tensor-parallel-size, or the other parallel sizes"),
    ],
)
def test_the_parallel_size_that_a_line_is_about(said: str, flag: str) -> None:
    assert figures(said)["parallel_flag"] == flag


def test_a_number_that_is_not_divisible_says_of_what_to_choose_a_divisor() -> None:
    said = "AssertionError: heads (40) must be divisible by tensor parallel size (3)"
    assert figures(said)["divisors_note"] == " to a divisor of 40"


@pytest.mark.parametrize(
    ("said", "note"),
    [
        ("max_model_len is too large", " (max_model_len)"),
        ("a_b is short", ""),  # five characters and fewer are a word
        ("ab_cde is long enough", " (ab_cde)"),
        ("one_two, three_four, five_six and seven_eight", " (one_two, three_four, five_six)"),
        ("one_two and one_two", " (one_two)"),
        ("--max-num-seqs", " (--max-num-seqs)"),
        ("unknown chat template", " (--chat-template)"),
        ("no_such [type=other_name]", " (no_such)"),
        ("nothing of the kind", ""),
    ],
)
def test_the_options_that_a_line_names(said: str, note: str) -> None:
    found = figures(said)
    assert found["option_note"] == note
    remedy = f"that the line names{note}" if note else "that the line is about"
    assert found["option_remedy"] == f"Correct the option {remedy}"


def test_what_all_backends_refused_is_what_to_change() -> None:
    found = figures(
        backends="FLASH: [head_size not known, dtype bad], XFORMERS: [dtype bad, block_size 3]}.",
        wanted="dtype=float8, block_size=16",
    )
    assert found["common_reason"] == "dtype=float8"
    assert found["common_flag"] == "--dtype"
    assert found["backends"].endswith("block_size 3]")
    both = figures(backends="A: [head_size x, dtype y, zeta z], B: [zeta z, dtype y, head_size x]")
    assert both["common_reason"] == "dtype, head_size, zeta"
    assert both["common_flag"] == "--dtype, the model, zeta"
    none = figures(backends="A: [dtype y], B: [zeta z]")
    assert (none["common_reason"], none["common_flag"]) == ("this configuration", "see the reasons")


@pytest.mark.parametrize(
    ("weights", "groups", "remedy"),
    [
        ("model.visual.a, visual.b", "visual.*", "It is the text part of a multimodal model"),
        ("mtp.0.a, model.mtp.b", "mtp.*", "It lacks the layers for speculative decoding"),
        ("b.x, a.y, model.c.z", "a.*, b.*, c.*", "Most likely it belongs to another class"),
        ("f.1, e.1, d.1, c.1, b.1, a.1", "a.*, b.*, c.*, d.*, e.*", "Most likely it belongs"),
        ("everything", "everything", "Most likely it belongs"),
    ],
)
def test_which_weights_are_missing(weights: str, groups: str, remedy: str) -> None:
    found = figures(weights=weights)
    assert found["weight_groups"] == groups
    assert found["mismatch_remedy"].startswith(remedy)


def test_quotes_are_bounded() -> None:
    found = figures("x" * 300, more=("  why", " ", "y" * 500))
    assert found["line"] == "x" * 200
    reasons = f"why {'y' * 500}"[:400]
    assert found["reasons_note"] == f" It says: {reasons}"
    assert found["line_and_reasons"] == f"{'x' * 200}. It says: {reasons}"
    assert figures("x" * 300)["line_and_reasons"] == "x" * 200
    assert figures(weights="w" * 300)["weight_groups"] == "w" * 200
    assert figures(backends="b" * 500)["backends"] == "b" * 400


def test_a_set_that_the_log_advises_is_quoted() -> None:
    said = "RuntimeError: no, set the environment variable VLLM_USE_V1=0 instead"
    assert figures(said)["advised_note"] == "Set VLLM_USE_V1=0, as the log itself says, or"
    assert figures()["advised_note"] == "Choose"


def test_where_it_was_raised() -> None:
    frames = (
        Frame("/x/site-packages/torch/cuda.py", "7", "init"),
        Frame("/x/site-packages/vllm/v1/ops.py", "9", "run"),
    )
    found = figures(frames=frames)
    assert found["in_frame"] == " (raised in torch/cuda.py:7 in init)"
    assert found["file"] == "vllm/v1/ops.py"
    assert found["crash_frame"] == ": it crashed in init (torch/cuda.py:7)"
    assert found["process"] == "EngineCore"
    sampler = (Frame("/x/vllm/v1/sample/topk_topp_sampler.py", "1", "f"),)
    assert figures(frames=sampler)["sampler_remedy"].startswith("Set VLLM_USE_FLASHINFER_SAMPLER=0")
    assert figures()["sampler_remedy"] == "Install"


@pytest.mark.parametrize(
    ("said", "backend"),
    [
        ("no attention here", "--attention-backend"),
        ("fused_moe refused", "--moe-backend marlin"),
        ("scaled_mm refused", "--linear-backend marlin, or --moe-backend marlin"),
        (
            "refused",
            (
                "--attention-backend for attention, --linear-backend marlin or"
                " --moe-backend marlin for quantized layers"
            ),
        ),
    ],
)
def test_the_backend_of_the_layer_that_a_line_is_about(said: str, backend: str) -> None:
    assert figures(said, settings={"version": "0.32.0"})["layer_backend"] == backend
