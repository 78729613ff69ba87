import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from backends.discovery.models import find_models, hub_folder
from backends.discovery.surroundings import Surroundings


@pytest.fixture
def around(tmp_path: Path) -> Surroundings:
    return Surroundings(tmp_path / "home", tmp_path, {"HF_HOME": str(tmp_path / "hf")})


def cached(hub: Path, name: str, files: dict[str, bytes], used_at: float = 1e9) -> Path:
    """Lay a model out as the Hugging Face cache does: blobs, and a snapshot of links to them."""
    folder = hub / f"models--{name.replace('/', '--')}"
    snapshot = folder / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    (folder / "blobs").mkdir()
    for place, (file, content) in enumerate(files.items()):
        blob = folder / "blobs" / f"sha{place}"
        blob.write_bytes(content)
        os.utime(blob, (used_at, used_at))
        (snapshot / file).symlink_to(blob)
    return folder


def shards(total: int, present: int) -> dict[str, bytes]:
    return {f"model-{n:05}-of-{total:05}.safetensors": b"w" * 10 for n in range(1, present + 1)}


INDEX = json.dumps({"weight_map": {"a": "first.safetensors", "b": "extra.safetensors"}}).encode()
INDEXED = {"model.safetensors.index.json": INDEX, "first.safetensors": b"w"}


@pytest.mark.parametrize(
    ("files", "state", "reason"),
    [
        ({"config.json": b"{}", "model.safetensors": b"w"}, "complete", ""),
        ({"params.json": b"{}", "consolidated.safetensors": b"w"}, "complete", ""),
        ({"config.json": b"{}", **shards(3, 3)}, "complete", ""),
        ({"config.json": b"{}", **shards(3, 2)}, "partial", "missing weight files: 1"),
        ({"config.json": b"{}"}, "partial", "it has no weights"),
        ({"model.safetensors": b"w"}, "partial", "it has no config.json"),
        ({"config.json": b"{}", **INDEXED}, "partial", "1, first extra.safetensors"),
        ({"config.json": b"{}", **INDEXED, "extra.safetensors": b"w"}, "complete", ""),
        (
            {"config.json": b"{}", **INDEXED, "model.safetensors.index.json": b"["},
            "partial",
            "readable model.safetensors.index.json",
        ),
    ],
)
def test_a_cached_model_is_complete_or_lacks_something(
    around: Surroundings, files: dict[str, bytes], state: str, reason: str
) -> None:
    cached(hub_folder(around), "org/name", files)
    (model,) = find_models(around)
    assert (model.name, model.state) == ("org/name", state)
    assert reason in model.reason
    assert bool(model.reason) == (state == "partial")
    assert model.size_bytes == sum(map(len, files.values()))


def test_a_download_under_way_is_partial(around: Surroundings) -> None:
    folder = cached(hub_folder(around), "org/name", {"config.json": b"{}"})
    (folder / "blobs" / "sha9.incomplete").write_bytes(b"w" * 7)
    (model,) = find_models(around)
    assert model.state == "partial"
    assert model.reason == "its download has not ended (open files: 1)"
    assert model.size_bytes == 9


def test_a_link_to_a_lost_blob_is_no_weight(around: Surroundings) -> None:
    folder = cached(
        hub_folder(around), "org/name", {"config.json": b"{}", "model.safetensors": b"w"}
    )
    (folder / "blobs" / "sha1").unlink()
    assert find_models(around)[0].reason == "it has no weights"


def test_models_come_last_used_first_and_other_things_not_at_all(around: Surroundings) -> None:
    hub = hub_folder(around)
    good = {"config.json": b"{}", "model.safetensors": b"w"}
    cached(hub, "org/older", good, used_at=1e9)
    cached(hub, "org/newer", good, used_at=1.5e9)
    (hub / "datasets--org--data").mkdir()
    (hub / "models--org--empty").mkdir()
    (hub / "version.txt").write_text("1")
    models = find_models(around)
    assert [model.name for model in models] == ["org/newer", "org/older"]
    assert models[0].last_used_wall_s == 1.5e9


def test_a_plain_folder_is_a_model_if_it_has_a_configuration(
    around: Surroundings, tmp_path: Path
) -> None:
    plain, other = tmp_path / "tiny", tmp_path / "photos"
    plain.mkdir()
    other.mkdir()
    (plain / "config.json").write_text("{}")
    (plain / "model.safetensors").write_bytes(b"w" * 5)
    (model,) = find_models(around, [plain, other, tmp_path / "nowhere"])
    assert (model.name, model.state, model.size_bytes) == (str(plain), "complete", 7)


@pytest.mark.parametrize(
    ("environ", "hub"),
    [
        ({}, "home/.cache/huggingface/hub"),
        ({"XDG_CACHE_HOME": "/c"}, "/c/huggingface/hub"),
        ({"HF_HOME": "~/h", "XDG_CACHE_HOME": "/c"}, "home/h/hub"),
        ({"HF_HUB_CACHE": "/models", "HF_HOME": "/h"}, "/models"),
    ],
)
def test_the_cache_is_where_hugging_face_keeps_it(
    around: Surroundings, tmp_path: Path, environ: dict[str, str], hub: str
) -> None:
    assert hub_folder(replace(around, environ=environ)) == tmp_path / hub
