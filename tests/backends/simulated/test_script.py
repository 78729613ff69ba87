"""A script of a start: what it may say, and how it is laid out in time."""

import pytest

from backends.simulated.script import (
    DEFAULT_START,
    UnreadableScript,
    find_script,
    parse_script,
    shipped_names,
)
from backends.simulated.timeline import before, lay_out

HEAD = """
title = "t"
vllm_version = "0.32.0"
model = "m"
architecture = "A"
max_model_len = 8
kv_cache_tokens = 16
"""
STEPS = """
[[step]]
after_s = 2.0
by = "api"
source = "a.py:1"
text = "banner"
[[step]]
after_s = 4.0
by = "engine"
bar = "shards"
items = 2
memory_gib = 1.0
[[step]]
after_s = 8.0
by = "engine"
text = "graphs"
when = "graphs"
[[step]]
after_s = 1.0
by = "api"
text = "ready"
"""


def moment(label: str, *, last: bool = False) -> float:
    cues = lay_out(find_script(DEFAULT_START), eager=False).all
    moments = [cue.at_s for cue in cues if label in cue.label]
    return moments[-1 if last else 0]


def test_the_published_start_takes_61_seconds_to_its_first_token() -> None:
    script = find_script(DEFAULT_START)
    ready_s = lay_out(script, eager=False).all[-1].at_s
    assert ready_s + script.speech.ttft_s == pytest.approx(61.0, abs=0.01)


@pytest.mark.parametrize(
    ("begins", "ends", "seconds"),
    [
        ("Starting to load model", "Model loading took", 24.0),
        ("Starting torch.compile", "torch.compile took", 4.0),
        ("Capturing CUDA graphs", "Graph capturing finished", 11.0),
        ("Model loading took", "init engine", 21.0),
    ],
)
def test_the_published_phases(begins: str, ends: str, seconds: float) -> None:
    assert moment(ends) - moment(begins) == pytest.approx(seconds, abs=0.01)


def test_a_bar_spreads_its_items_and_its_memory_over_its_time() -> None:
    timeline = lay_out(parse_script(HEAD + STEPS, "s"), eager=False)
    bars = [cue for cue in timeline.engine if cue.step.bar]
    assert [cue.at_s for cue in bars] == [2.0, 4.0, 6.0]
    assert [cue.memory_bytes for cue in bars] == [0, 1 << 29, 1 << 30]
    assert [cue.at_s for cue in timeline.closing] == [15.0]


def test_eager_leaves_graphs_out_and_their_time() -> None:
    timeline = lay_out(parse_script(HEAD + STEPS, "s"), eager=True)
    assert timeline.all[-1].at_s == 7.0
    assert "graphs" not in [cue.label for cue in timeline.all]


def test_before_stops_at_a_share_of_what_carries_the_label() -> None:
    cues = lay_out(parse_script(HEAD + STEPS, "s"), eager=False).all
    assert [cue.label for cue in before(cues, "shards", 0.5)] == ["banner", "shards"]
    assert before(cues, "no such line", 0) == cues


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (HEAD, "step"),
        (HEAD + '[[step]]\nafter_s = 1\nby = "api"\nafter = 2\n', "step 1: unknown key after"),
        (HEAD + '[[step]]\nafter_s = 1\nby = "api"\nbar = "x"\n', "needs its number of items"),
        ("title =", "s: "),
    ],
)
def test_a_wrong_script_is_refused_with_its_place(text: str, complaint: str) -> None:
    with pytest.raises(UnreadableScript, match=complaint):
        parse_script(text, "s")


def test_an_unknown_start_names_the_shipped_ones() -> None:
    with pytest.raises(UnreadableScript, match="h100-llama-8b"):
        find_script("/no/such/file.toml")


@pytest.mark.parametrize("name", shipped_names())
def test_shipped_starts_hold_less_than_their_device_has(name: str) -> None:
    script = find_script(name)
    held = [cue.memory_bytes or 0 for cue in lay_out(script, eager=False).all]
    assert 0 < max(held) + script.device.baseline_bytes < script.device.total_bytes
    assert lay_out(script, eager=False).all[-1].by == "api"
