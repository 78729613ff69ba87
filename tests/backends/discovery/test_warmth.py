"""What a start would find ready: compilations where vLLM keeps them, weights in memory."""

from pathlib import Path

from backends.discovery.surroundings import Surroundings
from backends.discovery.warmth import warmth


def _around(tmp_path: Path, **environ: str) -> Surroundings:
    return Surroundings(tmp_path / "home", tmp_path, environ)


def _file(path: Path, content: bytes = b"x" * 8192) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_a_fresh_host_has_nothing_and_says_where_it_looked(tmp_path: Path) -> None:
    found = warmth("org/name", _around(tmp_path))
    assert found.compile_cache.entries == 0
    assert found.compile_cache.newest_wall_s is None
    assert found.compile_cache.folder == tmp_path / "home/.cache/vllm/torch_compile_cache"
    assert found.page_cache.resident_bytes is None
    assert "huggingface/hub" in found.page_cache.reason


def test_compilations_are_counted_under_the_root_that_vllm_is_given(tmp_path: Path) -> None:
    root = tmp_path / "disk"
    for name in ("a1b2", "c3d4", "torch_aot_compile/e5f6"):
        _file(root / "torch_compile_cache" / name / "graph")
    (root / "torch_compile_cache" / "empty").mkdir()
    found = warmth("org/name", _around(tmp_path, VLLM_CACHE_ROOT=str(root))).compile_cache
    assert found.entries == 3
    assert found.newest_wall_s is not None


def test_weights_of_the_hub_are_found_by_name(tmp_path: Path) -> None:
    hub = tmp_path / "hub"
    snapshot = hub / "models--org--name" / "snapshots" / "0123"
    weights = _file(snapshot / "model-00001-of-00001.safetensors")
    _file(snapshot / "tokenizer.json")
    pages = warmth("org/name", _around(tmp_path, HF_HUB_CACHE=str(hub))).page_cache
    assert pages.total_bytes == weights.stat().st_size
    assert pages.resident_bytes is not None


def test_weights_of_a_folder_are_found_by_path(tmp_path: Path) -> None:
    weights = _file(tmp_path / "tiny" / "model.safetensors")
    pages = warmth(str(tmp_path / "tiny"), _around(tmp_path)).page_cache
    assert pages.total_bytes == weights.stat().st_size
