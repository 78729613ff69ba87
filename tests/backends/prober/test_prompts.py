import pytest

from backends.prober.prompts import PROMPTS, Prompt


def test_names_are_unique_and_replies_grow() -> None:
    assert len({prompt.name for prompt in PROMPTS}) == len(PROMPTS)
    lengths = [prompt.max_tokens for prompt in PROMPTS]
    assert lengths == sorted(lengths) == [30, 220, 1200]


@pytest.mark.parametrize("prompt", PROMPTS, ids=lambda prompt: prompt.name)
def test_a_prompt_is_one_clean_text(prompt: Prompt) -> None:
    assert prompt.text == prompt.text.strip()
    assert "  " not in prompt.text
    assert 40 < len(prompt.text.split()) < 200
