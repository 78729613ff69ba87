# ruff: noqa: E501  (lines of vLLM are quoted whole)

import pytest

from backends.domain.startup.settings import global_rank, settings_of


def test_no_key_and_no_path_is_kept() -> None:
    args = (
        "{'model_tag': 'm', 'api_key': ['secret'], 'port': 8000, 'download_dir': '/home/me', "
        "'model': 'org/m', 'gpu_memory_utilization': 0.35, 'enforce_eager': True}"
    )
    assert settings_of(args, "") == {
        "port": "8000",
        "model": "org/m",
        "gpu_memory_utilization": "0.35",
        "enforce_eager": "True",
    }


def test_the_first_mention_of_a_name_counts() -> None:
    config = "model='m', dtype=torch.bfloat16, tensor_parallel_size=8, nested=C(dtype=x), quantization=None"
    assert settings_of("", config) == {
        "model": "m",
        "dtype": "bfloat16",
        "tensor_parallel_size": "8",
    }


@pytest.mark.parametrize(
    ("process", "rank"),
    [
        ("APIServer", None),
        ("EngineCore", None),
        ("EngineCore_DP0", None),
        ("EngineCore_DP1", 8),
        ("Worker", None),
        ("Worker_TP3", 3),
        ("Worker_PP1_TP2", 6),
        ("Worker_DP1_TP1_EP9", 9),
    ],
)
def test_ranks_count_over_all_gpus(process: str, rank: int | None) -> None:
    sizes = {"tensor_parallel_size": "4", "pipeline_parallel_size": "2"}
    assert global_rank(process, sizes) == rank
